// The network of the page: its forward pass, the sum behind each unit, and what each unit sees.
import { flatIndex, ofChannel, productOf, rangeOf, sumOf, unitAt } from "./arrays.js";
import {
  explainConvolution,
  explainDense,
  explainDistance,
  explainNormalised,
  explainPooling,
  explainResizing,
  explainSoftmax,
} from "./explain.js";
import { functionOf } from "./formula.js";
import { layerForward, mapsRead } from "./forward.js";

const PASSED_ON = new Set(["placement", "reshape", "dropout"]);
const COMPUTED = new Set(["activation", "normalisation"]);
const isAmongOthers = (layer) => Boolean(layer.standardises || layer.respond);
// Layers that make each number of one number.
const passesOn = (layer) =>
  PASSED_ON.has(layer.family) || (COMPUTED.has(layer.family) && !isAmongOthers(layer));

export function decodeBytes(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Little-endian float32, as it lies in the memory of all machines that browsers run on; or float16,
// of which every number is a float32 too.
export function decodeFloats(base64, bits = 32) {
  const { buffer } = decodeBytes(base64);
  if (bits === 32) return new Float32Array(buffer);
  const sizes = Float64Array.from({ length: 32 }, (_, power) => 2 ** (Math.max(power, 1) - 25));
  return Float32Array.from(new Uint16Array(buffer), (half) => {
    const power = (half >> 10) & 31;
    const size = ((half & 1023) + (power ? 1024 : 0)) * sizes[power];
    return half & 0x8000 ? -size : size;
  });
}

export class Network {
  constructor(description, weights) {
    this.description = description;
    this.weights = weights;
    const { input, classes, penalties } = description;
    this.inputShape = [input.channels, input.rows, input.columns];
    const virtual = {
      name: "probabilities",
      kind: "Probabilities",
      family: "softmax",
      words: "softmax",
      short: "softmax",
      sign: "positive",
      title: t`probabilities`,
      shape: [classes.length],
      input_shape: [classes.length],
      parameters: 0,
      multiply_adds: 0,
      connections: 0,
      formula: [penalties ? t`exp(−x) / sum of all exp(−x)` : t`exp(x) / sum of all exp(x)`],
      receptive_field: null,
      axis: 0,
      penalties,
      weights: {},
      fields: new Array(description.layers.length + 1).fill(null),
    };
    // Besides what the description says: values holds the weights by their names, sources the
    // layers that are read (-1: the input), readers those that read it.
    this.layers = [...description.layers, virtual].map((layer, index) => ({
      ...layer,
      index,
      sources: layer.sources ?? [index - 1],
      readers: [],
      maps: layer.shape.length === 3 ? layer.shape[0] : 0,
      size: productOf(layer.shape),
      applies: layer.computes ? layer.computes.map(functionOf) : [(x) => x],
      values: Object.fromEntries(Object.entries(layer.weights).map(
        ([name, [offset, length]]) => [name, weights.subarray(offset, offset + length)],
      )),
    }));
    for (const { index, sources } of this.layers) {
      for (const source of new Set(sources)) this.layers[source]?.readers.push(index);
    }
  }

  // The shape of a layer's output; -1 is the input.
  shape(layer) {
    return layer < 0 ? this.inputShape : this.layers[layer].shape;
  }

  // input: Float32Array (C, H, W), scaled; off: "layer:channel" of the maps that are zero.
  forward(input, off = new Set()) {
    const outputs = [];
    for (const layer of this.layers) {
      const read = layer.sources.map((source) => (source < 0 ? input : outputs[source]));
      const out = layerForward(layer, read);
      const channelSize = layer.size / layer.shape[0];
      for (const name of off) {
        const [index, channel] = name.split(":").map(Number);
        if (index === layer.index) out.fill(0, channel * channelSize, (channel + 1) * channelSize);
      }
      outputs.push(out);
    }
    const probabilities = outputs.at(-1);
    const answer = probabilities.reduce(
      (best, value, index) => (value > probabilities[best] ? index : best),
      0,
    );
    return { input, outputs, probabilities, answer, off: new Set(off) };
  }

  // The values of a layer, flat; -1 is the input.
  output(trace, layer) {
    return layer < 0 ? trace.input : trace.outputs[layer];
  }

  value(trace, layer, unit) {
    return this.output(trace, layer)[flatIndex(this.shape(layer), unit)];
  }

  // Where a number that a layer only passes on stands before it; null where it reads none.
  placeBefore(layer, unit) {
    const { shape, input_shape: before, places } = this.layers[layer];
    const index = flatIndex(shape, unit);
    const place = places ? places[index] : index;
    return place < 0 ? null : unitAt(before, place);
  }

  // The maps that a map, or a unit of a vector, reads: [layer, map] of each.
  feeds(layer, map) {
    const { sources, joined } = this.layers[layer];
    if (joined) return joined[map].map(([input, from]) => [sources[input], from]);
    return this.reads(layer, map).map((from) => [sources[0], from]);
  }

  // The channels of its input that a map, or a unit of a vector, reads; a join has several inputs.
  reads(layer, map) {
    const entry = this.layers[layer];
    if (entry.kernel && entry.groups) return mapsRead(entry, map);
    if (entry.family === "reshape") {
      return entry.maps ? [map] : this.placeBefore(layer, [map]).slice(0, 1);
    }
    if (entry.places) {
      const plane = entry.size / entry.shape[0];
      const read = entry.places.slice(map * plane, (map + 1) * plane).filter((place) => place >= 0);
      return [...new Set(read.map((place) => unitAt(entry.input_shape, place)[0]))];
    }
    if (entry.standardises) {
      const plane = entry.size / entry.shape[0];
      const { block } = entry.standardises;
      const first = Math.floor((map * plane) / block) * block;
      return rangeOf(Math.max(1, block / plane), Math.floor(first / plane));
    }
    if (entry.respond) {
      const first = map - Math.floor(entry.respond.size / 2);
      const inside = (at) => at >= 0 && at < entry.shape[0];
      return rangeOf(entry.respond.size, first).filter(inside);
    }
    if (entry.windows || entry.resizes || passesOn(entry)) return [map];
    return rangeOf(entry.input_shape[0]);
  }

  unitName(layer, unit) {
    const name = layer < 0 ? t`input` : this.layers[layer].title;
    if (unit.length === 3) {
      const [map, row, column] = unit;
      const one = layer < 0 && this.inputShape[0] === 1;
      if (one) return t`${name}, row ${row}, column ${column}`;
      return layer < 0
        ? t`${name}, channel ${map}, row ${row}, column ${column}`
        : t`${name}, map ${map}, row ${row}, column ${column}`;
    }
    const last = layer === this.layers.length - 1;
    return last ? t`${name}, class ${this.description.classes[unit[0]]}` : t`${name}, unit ${unit[0]}`;
  }

  // The numbers that are passed on to a unit or added up there, [layer, unit] of each; null where
  // its layer does more with what it reads.
  terms(layer, unit) {
    const entry = this.layers[layer];
    if (passesOn(entry)) {
      const place = this.placeBefore(layer, unit);
      return place ? [[entry.sources[0], place]] : [];
    }
    if (!entry.joined) return null;
    return this.feeds(layer, unit[0]).map(([source, map], turn) => {
      const [input] = entry.joined[unit[0]][turn];
      const at = unit.slice(1).map((place) => (entry.gates?.includes(input) ? 0 : place));
      return [source, [map, ...at]];
    });
  }

  // Where the terms of a unit, and their terms, come from: [layer, unit] of each, from `earlier` on.
  origins(layer, unit, earlier) {
    const found = [];
    const waiting = new Map([[layer, new Map([[0, unit]])]]);
    for (let at = layer; at >= earlier; at--) {
      for (const place of waiting.get(at)?.values() ?? []) {
        const terms = at > earlier ? this.terms(at, place) : null;
        if (!terms) found.push([at, place]);
        for (const [source, from] of terms ?? []) {
          if (!waiting.has(source)) waiting.set(source, new Map());
          waiting.get(source).set(flatIndex(this.shape(source), from), from); // each once
        }
      }
    }
    return found;
  }

  // What a unit sees of an earlier layer (-1: the input): rows and columns, half-open; what lies
  // outside the maps is padding.  all: it sees the whole of it.  unit: it sees this one alone.
  // null: no branch leads there, or what a unit sees is not the same all over a layer between.
  box(layer, unit, earlier) {
    const shape = this.shape(earlier);
    const maps = shape.length === 3;
    const whole = { top: 0, left: 0, bottom: maps ? shape[1] : 1, right: shape.at(-1), all: true };
    const boxes = [];
    for (const [at, place] of this.origins(layer, unit, earlier)) {
      const field = at === earlier ? null : this.layers[at].fields[earlier + 1];
      if (field === "nothing") continue;
      if (field === "varies") return null;
      if (at === earlier && !maps) boxes.push({ ...whole, all: shape[0] === 1, unit: place });
      else if (at === earlier) {
        const [, row, column] = place;
        boxes.push({ top: row, left: column, bottom: row + 1, right: column + 1, unit: place });
      } else if (!field || place.length !== 3) return whole;
      else {
        const [top, bottom] = spanOf(field.rows, place[1]);
        const [left, right] = spanOf(field.columns, place[2]);
        boxes.push({ top, left, bottom, right });
      }
    }
    if (boxes.length < 2) return boxes[0] ?? null;
    const hull = (side, most) => most(...boxes.map((box) => box[side]));
    return {
      top: hull("top", Math.min),
      left: hull("left", Math.min),
      bottom: hull("bottom", Math.max),
      right: hull("right", Math.max),
    };
  }

  // The sum behind a unit's value: every number that goes into it, added up in float64.
  explain(trace, layer, unit) {
    const entry = this.layers[layer];
    const [before] = entry.sources;
    const x = this.output(trace, before);
    const index = flatIndex(entry.shape, unit);
    const [next, another] = entry.readers;
    const following = another === undefined ? this.layers[next] : null;
    const after = following?.family === "activation"
      ? {
        layer: next,
        kind: following.kind,
        formula: ofChannel(following.computes, unit[0]),
        value: trace.outputs[next][index],
      }
      : null;
    const known = {
      layer,
      before,
      unit,
      value: trace.outputs[layer][index],
      off: trace.off.has(`${layer}:${unit[0]}`),
      after,
    };
    if (entry.kernel && entry.groups) return { ...known, ...explainConvolution(entry, x, unit) };
    if (entry.windows) return { ...known, ...explainPooling(entry, x, unit) };
    if (entry.resizes) return { ...known, ...explainResizing(entry, x, unit) };
    if (isAmongOthers(entry)) {
      const told = explainNormalised(entry, x, index);
      return { ...known, kind: "pointwise", ...told, input: x[index], from: before, place: unit };
    }
    if (entry.family === "dense") {
      return { ...known, ...explainDense(entry, x, unit[0]), ...this.sourceOf(layer) };
    }
    if (entry.family === "distance") {
      return { ...known, ...explainDistance(entry, x, unit[0]), ...this.sourceOf(layer) };
    }
    if ("axis" in entry) return { ...known, ...explainSoftmax(entry, x, index) };
    const terms = this.terms(layer, unit);
    const values = terms.map(([source, at]) => this.value(trace, source, at));
    if (!terms.length) return { ...known, kind: "nothing", total: 0 };
    if (terms.length > 1) {
      const { product = false } = entry;
      const total = product ? productOf(values) : sumOf(values);
      return { ...known, kind: "branches", terms, values, product, total };
    }
    const [[from, place]] = terms;
    const [input] = values;
    return {
      ...known,
      kind: "pointwise",
      formula: entry.computes ? ofChannel(entry.computes, unit[0]) : t`x, passed on`,
      input,
      total: ofChannel(entry.applies, unit[0])(input),
      from,
      place,
    };
  }

  // The layer in which the inputs of a dense layer have their places: the last one with maps,
  // where nothing but layers that pass numbers on lie between; else the one before.
  sourceOf(layer) {
    const [before] = this.layers[layer].sources;
    let at = before;
    while (at >= 0 && !this.layers[at].maps && passesOn(this.layers[at])) {
      [at] = this.layers[at].sources;
    }
    const shape = this.shape(at);
    if (shape.length !== 3) return { from: before, place: () => null };
    return { from: at, place: (input) => unitAt(shape, input) };
  }
}

// The cells that a unit sees along one axis: shapes.ReceptiveField's span.
export function spanOf({ size, stride, padding, period, shift }, unit) {
  if (!period.length) return [unit * stride - padding, unit * stride - padding + size];
  const turn = Math.floor(unit / period.length);
  const [start, end] = period[unit - turn * period.length];
  return [start + turn * shift, end + turn * shift];
}
