// One store: parts read it, change it with set, and hear of changes.
import { inputOf } from "./pictures.js";

export function createStore(network, description) {
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
    off: new Set(), // "layer:channel"
    unit: null, // {layer, unit} that the panels show; layer -1 is the input
    pinned: false,
    layer: null, // the layer whose panel is open
    occlusion: null, // Float32Array rows * columns
    playing: false,
  };
  const listeners = [];

  // Sets what follows from the picture, its shift and what is off; returns the names.
  function infer() {
    const made = { shown: null, input: null, trace: null, baseline: null, occlusion: null };
    if (state.bytes) {
      const changed = state.off.size > 0 || state.shift.some((pixels) => pixels !== 0);
      Object.assign(made, inputOf(description, state.bytes, state.shift));
      const begin = performance.now();
      made.trace = network.forward(made.input, state.off);
      made.milliseconds = performance.now() - begin;
      made.baseline = changed
        ? network.forward(inputOf(description, state.bytes, [0, 0]).input)
        : made.trace;
    }
    Object.assign(state, made);
    return Object.keys(made);
  }

  return {
    state,
    // Merges the changes, computes anew what depends on them, then calls every listener once
    // with the set of all keys that have changed.
    set(changes) {
      Object.assign(state, changes);
      const keys = new Set(Object.keys(changes));
      if (keys.has("bytes") || keys.has("shift") || keys.has("off")) {
        for (const key of infer()) keys.add(key);
      }
      for (const listener of listeners) listener(keys);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}
