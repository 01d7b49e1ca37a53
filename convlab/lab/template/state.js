// One store: parts read it, change it with set, and hear of changes.
import { drawingOf, inputOf } from "./pictures.js";

// Up to so many multiply-adds a forward pass takes less time than a message to a worker and back.
const AT_ONCE = 1_500_000;

export function createStore(network, description, worker) {
  const state = {
    network,
    description,
    bytes: null, // Uint8Array (C, H, W) of the data set's size: what is chosen or drawn, not shifted
    source: null, // {kind: "drawing" | "sample" | "file", name}
    label: null, // the number of the class, where known
    shift: [0, 0], // rows, columns
    input: null, // Float32Array: what the network gets
    shown: null, // Uint8Array: the same as bytes
    trace: null,
    milliseconds: 0, // of the last forward pass
    baseline: null, // the trace with nothing off and no shift
    unshifted: null, // the trace with the same maps off and no shift
    off: new Set(), // "layer:channel"
    unit: null, // {layer, unit} that the panels show; layer -1 is the input
    pinned: false,
    layer: null, // the layer whose panel is open
    view: null, // {layer, map} of the one layer that is shown large
    occlusion: null, // Float32Array rows * columns
    playing: false,
    drawing: false, // a stroke is being drawn
  };
  const listeners = [];
  const costs = network.layers.reduce((sum, layer) => sum + layer.multiply_adds, 0);
  const remote = costs > AT_ONCE ? worker : null;
  let asked = 0; // the number of the last question to the worker
  let told = 0; // and that of the one whose answer is shown
  let waiting = null; // what to ask next
  let busy = Promise.resolve();

  // The inputs of the forward passes that the state asks for: [input, maps off] of each.
  function passes() {
    const made = inputOf(description, state.bytes, state.shift);
    const moved = state.shift.some((pixels) => pixels !== 0);
    const plain = moved ? inputOf(description, state.bytes, [0, 0]).input : made.input;
    const list = [[made.input, state.off]];
    if (state.off.size || moved) list.push([plain, new Set()]);
    if (state.off.size && moved) list.push([plain, state.off]);
    return { ...made, moved, list };
  }

  // What follows from the passes, by its names in the state.
  function resultOf({ shown, input, moved, list }, traces, milliseconds) {
    const [trace, baseline = trace, unshifted = moved ? baseline : trace] = traces;
    const known = list.length ? { trace, baseline, unshifted } : {};
    return { shown, input, occlusion: null, milliseconds, ...known };
  }

  const NOTHING = {
    shown: null,
    input: null,
    trace: null,
    baseline: null,
    unshifted: null,
    occlusion: null,
  };

  // Sets what follows from the picture, its shift and what is off; returns the names.
  // away: the worker computes it in any case.
  function infer(away) {
    asked += 1;
    if (!state.bytes) return Object.keys(Object.assign(state, NOTHING) && NOTHING);
    const wanted = passes();
    if (away || remote) {
      waiting = { wanted, number: asked };
      busy = busy.then(askWorker);
      return [];
    }
    const begin = performance.now();
    const traces = [network.forward(...wanted.list[0])];
    const milliseconds = performance.now() - begin;
    for (const pass of wanted.list.slice(1)) traces.push(network.forward(...pass));
    const made = resultOf(wanted, traces, milliseconds);
    Object.assign(state, made);
    told = asked;
    return Object.keys(made);
  }

  // The newest question alone; an answer that has been overtaken is dropped, but while the hand
  // draws each is the picture of a moment.
  async function askWorker() {
    if (!waiting) return;
    const { wanted, number } = waiting;
    waiting = null;
    const { traces, milliseconds } = await worker.ask("forward", wanted.list);
    if (number < told || (waiting && !state.drawing)) return;
    told = number;
    if (state.bytes) tell(resultOf(wanted, traces, milliseconds));
  }

  function tell(changes) {
    Object.assign(state, changes);
    const keys = new Set(Object.keys(changes));
    for (const listener of listeners) listener(keys);
  }

  return {
    state,
    // Merges the changes, computes anew what depends on them, then calls every listener once
    // with the set of all keys that have changed.
    set(changes) {
      Object.assign(state, changes);
      const keys = new Set(Object.keys(changes));
      if (keys.has("bytes") || keys.has("shift") || keys.has("off")) {
        // The hand that draws must not wait.
        const drawn = changes.source?.kind === "drawing";
        for (const key of infer(drawn ? worker : null)) keys.add(key);
      }
      for (const listener of listeners) listener(keys);
    },
    listen(listener) {
      listeners.push(listener);
    },
    // The probabilities for another input, computed where they leave the page free.
    async probabilities(input, off) {
      if (!remote) return network.forward(input, off).probabilities;
      return (await remote.ask("probabilities", [input, off])).probabilities;
    },
    // A drawing as bytes with notes, null without ink (see drawingOf), or a promise of it.
    drawing(...ink) {
      if (!worker) return drawingOf(description, ...ink);
      const answer = worker.ask("drawing", ink).then(({ made }) => made);
      busy = busy.then(() => answer);
      return answer;
    },
    // When all that was asked for has been answered.
    async settled() {
      for (let seen = null; seen !== busy; await seen) seen = busy;
    },
  };
}
