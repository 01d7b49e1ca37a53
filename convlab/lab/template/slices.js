// Work that may wait: all of it in one frame, or, while a stroke is drawn, a slice a frame.

const FRAME_SLICE = 2; // milliseconds of a frame, while the pen must follow the hand
const REST = 250; // milliseconds without a change until what waits for the hand is done

const jobs = new Map(); // by their names: a job that is asked for again runs once
const resting = new Map(); // those that wait until the hand rests
let drawing = false;
let [jobFrame, restTimer, lastAsked] = [0, 0, 0];

function runJobs() {
  jobFrame = 0;
  const end = performance.now() + FRAME_SLICE;
  for (const [name, job] of jobs) {
    jobs.delete(name);
    job();
    if (isHandAtWork() && performance.now() > end) break;
  }
  if (jobs.size) jobFrame = requestAnimationFrame(runJobs);
}

// A job for the next frame; one that still waits keeps its turn.
export function askForJob(name, job) {
  jobs.set(name, job);
  jobFrame ||= requestAnimationFrame(runJobs);
}

// From a stroke's begin until the hand has rested a moment.
export const isHandAtWork = () => drawing || restTimer !== 0;

// A job that waits until the hand rests.
export function askAtRest(name, job) {
  if (!isHandAtWork()) return askForJob(name, job);
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
  restTimer = 0;
  document.documentElement.classList.remove("behind");
  for (const [name, job] of resting) askForJob(name, job);
  resting.clear();
}

// Whether a stroke is being drawn.
export function setDrawing(value) {
  drawing = value;
}
