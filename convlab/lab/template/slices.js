// Work that may wait: all of it in one frame, or, while a stroke is drawn, a slice a frame.

const FRAME_SLICE = 2; // milliseconds of a frame, while the pen must follow the hand
const REST = 250; // milliseconds without a change until what waits for the hand is done

const jobs = new Map(); // by their names: a job that is asked for again runs once
const resting = new Map(); // those that wait until the hand rests
let sliced = false;
let [jobFrame, restTimer, lastAsked] = [0, 0, 0];

function runJobs() {
  jobFrame = 0;
  const end = performance.now() + FRAME_SLICE;
  for (const [name, job] of jobs) {
    jobs.delete(name);
    job();
    if (sliced && performance.now() > end) break;
  }
  if (jobs.size) jobFrame = requestAnimationFrame(runJobs);
}

// A job for the next frame; one that still waits keeps its turn.
export function askForJob(name, job) {
  jobs.set(name, job);
  jobFrame ||= requestAnimationFrame(runJobs);
}

// A job that waits, while a stroke is drawn, until the hand rests.
export function askAtRest(name, job) {
  if (!sliced) return askForJob(name, job);
  document.documentElement.classList.add("behind"); // what is seen of it is of a moment ago
  resting.set(name, job);
  lastAsked = performance.now();
  restTimer ||= setTimeout(lookWhetherRested, REST);
  return undefined;
}

function lookWhetherRested() {
  const left = lastAsked + REST - performance.now();
  if (left > 0) restTimer = setTimeout(lookWhetherRested, left);
  else runResting();
}

function runResting() {
  clearTimeout(restTimer);
  restTimer = 0;
  document.documentElement.classList.remove("behind");
  for (const [name, job] of resting) askForJob(name, job);
  resting.clear();
}

// Whether a stroke is being drawn.
export function setSliced(value) {
  sliced = value;
  if (!sliced) runResting();
}
