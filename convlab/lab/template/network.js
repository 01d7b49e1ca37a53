// The network of the page: its forward pass, the sum behind each unit, and what each unit sees.
// Arrays are flat and in the order (channel, row, column); weights are the engine's, bit by bit.
// Sums are added up in float64 and stored as float32, which is as close to the engine's float32
// sums as those are to the exact ones.
import { functionOf } from "./formula.js";

const PASSED_ON = new Set(["placement", "reshape", "dropout"]);

export function decodeBytes(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Little-endian float32, as it lies in the memory of all machines that browsers run on.
export function decodeFloats(base64) {
  return new Float32Array(decodeBytes(base64).buffer);
}

const productOf = (numbers) => numbers.reduce((product, number) => product * number, 1);
const rangeOf = (count, start = 0) => Array.from({ length: count }, (_, i) => start + i);
// Layers that make each number of one number.
const passesOn = ({ family }) => family === "activation" || PASSED_ON.has(family);

function flatIndex(shape, unit) {
  return unit.reduce((index, at, axis) => index * shape[axis] + at, 0);
}

function unitAt(shape, index) {
  const unit = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    unit[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return unit;
}

// --- layers, forward -------------------------------------------------------------------------

// The input with its padding around it; rows and columns tell the input's cell, -1 for a zero.
function padded(x, channels, inputRows, inputColumns, { rows, columns }) {
  if (rows.length === inputRows && columns.length === inputColumns) return x;
  const out = new Float32Array(channels * rows.length * columns.length);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (const row of rows) {
      const start = (channel * inputRows + row) * inputColumns;
      for (const column of columns) {
        if (row >= 0 && column >= 0) out[at] = x[start + column];
        at++;
      }
    }
  }
  return out;
}

// The maps of the input that an output map reads: its group's, or those of the table.
function mapsRead(layer, map) {
  if (layer.table) return layer.table[map];
  const inGroup = layer.input_shape[0] / layer.groups;
  return rangeOf(inGroup, Math.floor(map / (layer.shape[0] / layer.groups)) * inGroup);
}

// For each output map its weights and where, from a window's corner, it reads: made once.  Maps
// that read the same maps share their offsets.
function convolutionPlan(layer) {
  const [kernelRows, kernelColumns] = layer.kernel;
  const { rows, columns } = layer.padded;
  const [, inKernel] = layer.weights.weight[2];
  const area = kernelRows * kernelColumns;
  const known = new Map();
  const offsetsOf = (maps) => {
    const key = maps.join();
    if (!known.has(key)) {
      known.set(key, Int32Array.from({ length: maps.length * area }, (_, at) => {
        const tap = at % area;
        const row = Math.floor(tap / kernelColumns) * layer.dilation[0];
        const column = (tap % kernelColumns) * layer.dilation[1];
        return (maps[Math.floor(at / area)] * rows.length + row) * columns.length + column;
      }));
    }
    return known.get(key);
  };
  return rangeOf(layer.shape[0]).map((map) => {
    const maps = mapsRead(layer, map);
    const kernels = layer.values.weight.subarray(map * inKernel * area, (map + 1) * inKernel * area);
    const weights = layer.table
      ? Float32Array.from({ length: maps.length * area },
        (_, at) => kernels[maps[Math.floor(at / area)] * area + (at % area)])
      : kernels;
    return { weights, offsets: offsetsOf(maps) };
  });
}

function convolve(layer, x) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const [maps, rows, columns] = layer.shape;
  const source = padded(x, channels, inputRows, inputColumns, layer.padded);
  const out = new Float32Array(maps * rows * columns);
  layer.plan ??= convolutionPlan(layer);
  for (let map = 0; map < maps; map++) {
    if (columns < 4) {
      convolveNarrow(layer, source, map, out);
    } else {
      // Two maps at once where they read the same: what is loaded serves both.
      const paired = layer.plan[map + 1]?.offsets === layer.plan[map].offsets;
      convolvePair(layer, source, map, paired ? map + 1 : map, out);
      if (paired) map++;
    }
  }
  return out;
}

// Four columns of two maps at once, each with a sum of its own; the last four may overlap others.
function convolvePair(layer, source, map, other, out) {
  const [, rows, columns] = layer.shape;
  const [strideRows, stride] = layer.stride;
  const width = layer.padded.columns.length;
  const { bias } = layer.values;
  const { weights, offsets } = layer.plan[map];
  const others = layer.plan[other].weights;
  const start = bias ? bias[map] : 0;
  const otherStart = bias ? bias[other] : 0;
  const taps = weights.length;
  for (let row = 0; row < rows; row++) {
    for (let next = 0; next < columns; next += 4) {
      const column = Math.min(next, columns - 4);
      const base = row * strideRows * width + column * stride;
      let a0 = start, a1 = start, a2 = start, a3 = start;
      let b0 = otherStart, b1 = otherStart, b2 = otherStart, b3 = otherStart;
      for (let tap = 0; tap < taps; tap++) {
        const a = weights[tap];
        const b = others[tap];
        const at = base + offsets[tap];
        const x0 = source[at];
        const x1 = source[at + stride];
        const x2 = source[at + 2 * stride];
        const x3 = source[at + 3 * stride];
        a0 += a * x0;
        a1 += a * x1;
        a2 += a * x2;
        a3 += a * x3;
        b0 += b * x0;
        b1 += b * x1;
        b2 += b * x2;
        b3 += b * x3;
      }
      const to = (map * rows + row) * columns + column;
      out[to] = a0;
      out[to + 1] = a1;
      out[to + 2] = a2;
      out[to + 3] = a3;
      const otherTo = (other * rows + row) * columns + column;
      out[otherTo] = b0;
      out[otherTo + 1] = b1;
      out[otherTo + 2] = b2;
      out[otherTo + 3] = b3;
    }
  }
}

function convolveNarrow(layer, source, map, out) {
  const [, rows, columns] = layer.shape;
  const { weights, offsets } = layer.plan[map];
  const start = layer.values.bias ? layer.values.bias[map] : 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const base = row * layer.stride[0] * layer.padded.columns.length + column * layer.stride[1];
      let sum = start;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * source[base + offsets[tap]];
      out[(map * rows + row) * columns + column] = sum;
    }
  }
}

// Each input cell is laid down as a kernel, stride apart; what they give together is added up.
function convolveTransposed(layer, x) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const [maps, rows, columns] = layer.shape;
  const [kernelRows, kernelColumns] = layer.kernel;
  const inGroup = channels / layer.groups;
  const outGroup = maps / layer.groups;
  const sums = new Float64Array(maps * rows * columns);
  for (let map = 0; map < maps; map++) {
    const plane = map * rows * columns;
    if (layer.values.bias) sums.fill(layer.values.bias[map], plane, plane + rows * columns);
    const group = Math.floor(map / outGroup);
    for (let channel = group * inGroup; channel < (group + 1) * inGroup; channel++) {
      const kernel = (channel * outGroup + (map % outGroup)) * kernelRows * kernelColumns;
      for (let tap = 0; tap < kernelRows * kernelColumns; tap++) {
        const weight = layer.values.weight[kernel + tap];
        const top = Math.floor(tap / kernelColumns) * layer.dilation[0] - layer.padding[0];
        const left = (tap % kernelColumns) * layer.dilation[1] - layer.padding[2];
        for (let row = 0; row < inputRows; row++) {
          const outRow = top + row * layer.stride[0];
          if (outRow < 0 || outRow >= rows) continue;
          for (let column = 0; column < inputColumns; column++) {
            const outColumn = left + column * layer.stride[1];
            if (outColumn < 0 || outColumn >= columns) continue;
            sums[plane + outRow * columns + outColumn]
              += weight * x[(channel * inputRows + row) * inputColumns + column];
          }
        }
      }
    }
  }
  return Float32Array.from(sums);
}


function divisorAt({ divisor }, row, column) {
  return typeof divisor === "number" ? divisor : divisor[row][column];
}

function pool(layer, x) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const [, rows, columns] = layer.shape;
  const { windows, values } = layer;
  const [stepRows, stepColumns] = windows.dilation;
  const { reduction } = layer;
  const out = new Float32Array(channels * rows * columns);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * inputRows * inputColumns;
    for (let row = 0; row < rows; row++) {
      const [top, bottom] = windows.rows[row];
      for (let column = 0; column < columns; column++) {
        const [left, right] = windows.columns[column];
        let largest = -Infinity;
        let sum = 0;
        for (let r = top; r < bottom; r += stepRows) {
          for (let c = left; c < right; c += stepColumns) {
            const value = x[plane + r * inputColumns + c];
            sum += value;
            if (value > largest) largest = value;
          }
        }
        if (reduction === "maximum") out[at++] = largest;
        else if (reduction === "mean") out[at++] = sum / divisorAt(windows, row, column);
        else out[at++] = values.weight ? sum * values.weight[channel] + values.bias[channel] : sum;
      }
    }
  }
  return out;
}

function dense(layer, x) {
  const { weight, bias } = layer.values;
  return Float32Array.from({ length: layer.size }, (_, unit) => {
    let sum = bias ? bias[unit] : 0;
    const start = unit * x.length;
    for (let i = 0; i < x.length; i++) sum += weight[start + i] * x[i];
    return sum;
  });
}

function squaredDistances(layer, x) {
  const { centres } = layer.values;
  return Float32Array.from({ length: layer.size }, (_, unit) => {
    let sum = 0;
    const start = unit * x.length;
    for (let i = 0; i < x.length; i++) sum += (x[i] - centres[start + i]) ** 2;
    return sum;
  });
}

function exponentialsOf(logits) {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  return Float64Array.from(logits, (logit) => Math.exp(logit - largest));
}

// The line of logits that a unit of a softmax shares with others: their places in the array.
function softmaxLine(layer, index) {
  const { shape, axis } = layer;
  const step = productOf(shape.slice(axis + 1));
  const position = Math.floor(index / step) % shape[axis];
  const places = rangeOf(shape[axis]).map((k) => index + (k - position) * step);
  return { places, position };
}

function softmax(layer, x) {
  const out = new Float32Array(x.length);
  const sign = layer.penalties ? -1 : 1;
  for (let index = 0; index < x.length; index++) {
    const { places, position } = softmaxLine(layer, index);
    if (position > 0) continue;
    const exponentials = exponentialsOf(places.map((place) => sign * x[place]));
    const sum = exponentials.reduce((total, term) => total + term, 0);
    places.forEach((place, k) => {
      out[place] = exponentials[k] / sum;
    });
  }
  return out;
}

// Each map is the sum of maps of the inputs, or one of them.
function join(layer, ...inputs) {
  const out = new Float32Array(layer.size);
  const plane = layer.size / layer.shape[0];
  layer.joined.forEach((terms, map) => {
    for (const [input, from] of terms) {
      for (let i = 0; i < plane; i++) out[map * plane + i] += inputs[input][from * plane + i];
    }
  });
  return out;
}

const FORWARD = {
  convolution: convolve,
  "transposed convolution": convolveTransposed,
  pooling: pool,
  dense,
  distance: squaredDistances,
  softmax,
  activation: (layer, x) => x.map(layer.apply),
  placement: ({ places }, x) => Float32Array.from(places, (place) => (place < 0 ? 0 : x[place])),
  reshape: (layer, x) => x.slice(),
  dropout: (layer, x) => x.slice(),
  join,
};

// An output of its own for every layer: what is switched off in one is not in those before it.
const layerForward = (layer, inputs) => FORWARD[layer.family](layer, ...inputs);

// --- the network -----------------------------------------------------------------------------

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
      title: "probabilities",
      shape: [classes.length],
      input_shape: [classes.length],
      parameters: 0,
      multiply_adds: 0,
      connections: 0,
      formula: [penalties ? "exp(−x) / sum of all exp(−x)" : "exp(x) / sum of all exp(x)"],
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
      apply: layer.family === "activation" ? functionOf(layer.computes) : (x) => x,
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
    if (entry.windows || passesOn(entry)) return [map];
    return rangeOf(entry.input_shape[0]);
  }

  unitName(layer, unit) {
    const name = layer < 0 ? "input" : this.layers[layer].title;
    if (unit.length === 3) {
      const [map, row, column] = unit;
      const one = layer < 0 && this.inputShape[0] === 1;
      const channel = one ? "" : `, ${layer < 0 ? "channel" : "map"} ${map}`;
      return `${name}${channel}, row ${row}, column ${column}`;
    }
    const last = layer === this.layers.length - 1;
    return last ? `${name}, class ${this.description.classes[unit[0]]}` : `${name}, unit ${unit[0]}`;
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
    return this.feeds(layer, unit[0]).map(([source, map]) => [source, [map, ...unit.slice(1)]]);
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
        formula: following.computes,
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
    if (terms.length > 1) return { ...known, kind: "branches", terms, values, total: sumOf(values) };
    const [[from, place]] = terms;
    const [input] = values;
    return {
      ...known,
      kind: "pointwise",
      formula: entry.computes ?? "x, passed on",
      input,
      total: entry.apply(input),
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

// --- the sum behind one unit ------------------------------------------------------------------

const crossed = (rows, columns, cell) => rows.map((row) => columns.map((column) => cell(row, column)));
const sumOf = (numbers) => numbers.reduce((total, number) => total + number, 0);

// Which cells a window reads along one axis, -1 for none, and which of them are not of the map.
function convolutionTaps(layer, axis, at) {
  const size = layer.input_shape[1 + axis];
  const before = layer.padding[2 * axis];
  const taps = rangeOf(layer.kernel[axis]).map((tap) => tap * layer.dilation[axis]);
  if (layer.family === "transposed convolution") {
    // Input cell i reaches output cell s i + d k - p with tap k; turned, as it lies in the map.
    const cells = taps.map((tap) => (at + before - tap) / layer.stride[axis]).reverse();
    const read = cells.map((cell) => (Number.isInteger(cell) && cell >= 0 && cell < size ? cell : -1));
    return { read, outside: read.map((cell) => cell < 0) };
  }
  const read = taps.map((tap) => at * layer.stride[axis] + tap);
  const cells = axis ? layer.padded.columns : layer.padded.rows;
  return {
    read: read.map((cell) => cells[cell]),
    outside: read.map((cell) => cell < before || cell >= before + size),
  };
}

function explainConvolution(layer, x, [map, row, column]) {
  const transposed = layer.family === "transposed convolution";
  const [, inputRows, inputColumns] = layer.input_shape;
  const [kernelRows, kernelColumns] = layer.kernel;
  const area = kernelRows * kernelColumns;
  const rows = convolutionTaps(layer, 0, row);
  const columns = convolutionTaps(layer, 1, column);
  const maps = mapsRead(layer, map);
  const outGroup = layer.shape[0] / layer.groups;
  const kernelStart = (channel, index) => {
    if (transposed) return (channel * outGroup + (map % outGroup)) * area;
    return (map * layer.weights.weight[2][1] + (layer.table ? channel : index)) * area;
  };
  const patch = maps.map((channel) => crossed(rows.read, columns.read, (r, c) =>
    r < 0 || c < 0 ? 0 : x[(channel * inputRows + r) * inputColumns + c]));
  const kernel = maps.map((channel, index) => crossed(rangeOf(kernelRows), rangeOf(kernelColumns),
    (r, c) => {
      const tap = r * kernelColumns + c;
      return layer.values.weight[kernelStart(channel, index) + (transposed ? area - 1 - tap : tap)];
    }));
  const products = patch.map((cells, k) => cells.map((line, r) =>
    line.map((value, c) => value * kernel[k][r][c])));
  const mapSums = products.map((cells) => sumOf(cells.flat()));
  const bias = layer.values.bias ? layer.values.bias[map] : null;
  return {
    kind: "convolution",
    maps,
    patch,
    kernel,
    products,
    mapSums,
    outside: crossed(rows.outside, columns.outside, (r, c) => r || c),
    rows: rows.read,
    columns: columns.read,
    transposed,
    bias,
    total: sumOf(mapSums) + (bias ?? 0),
  };
}

// The whole window along one axis, -1 for what hangs over the input.
function poolingTaps(layer, axis, at) {
  const { windows, kernel, stride, padding } = layer;
  const [start, end] = (axis ? windows.columns : windows.rows)[at];
  const step = windows.dilation[axis];
  if (!kernel) return rangeOf(Math.ceil((end - start) / step)).map((tap) => start + tap * step);
  const first = at * stride[axis] - padding[2 * axis];
  return rangeOf(kernel[axis]).map((tap) => first + tap * step)
    .map((cell) => (cell >= start && cell < end ? cell : -1));
}

function explainPooling(layer, x, [map, row, column]) {
  const [, inputRows, inputColumns] = layer.input_shape;
  const rows = poolingTaps(layer, 0, row);
  const columns = poolingTaps(layer, 1, column);
  const outside = crossed(rows, columns, (r, c) => r < 0 || c < 0);
  const patch = crossed(rows, columns, (r, c) =>
    r < 0 || c < 0 ? 0 : x[(map * inputRows + r) * inputColumns + c]);
  const { reduction } = layer;
  let winner = null;
  patch.forEach((line, r) => line.forEach((value, c) => {
    if (!outside[r][c] && (!winner || value > patch[winner[0]][winner[1]])) winner = [r, c];
  }));
  const sum = sumOf(patch.flat());
  const divisor = reduction === "mean" ? divisorAt(layer.windows, row, column) : null;
  const { weight, bias: biases } = layer.values;
  const coefficient = weight ? weight[map] : null;
  const bias = weight ? biases[map] : null;
  const largest = winner ? patch[winner[0]][winner[1]] : -Infinity;
  const weighed = weight ? sum * coefficient + bias : sum;
  const totals = { maximum: largest, mean: sum / divisor, sum: weighed };
  return {
    kind: "pooling",
    reduction,
    map,
    patch,
    outside,
    rows,
    columns,
    winner: reduction === "maximum" ? winner : null,
    sum,
    divisor,
    coefficient,
    bias,
    total: totals[reduction],
  };
}

function fallingOrder(terms) {
  return rangeOf(terms.length).sort((a, b) => Math.abs(terms[b]) - Math.abs(terms[a]));
}

function explainDense(layer, x, unit) {
  const weights = layer.values.weight.subarray(unit * x.length, (unit + 1) * x.length);
  const products = Float64Array.from(x, (value, i) => value * weights[i]);
  const bias = layer.values.bias ? layer.values.bias[unit] : null;
  return {
    kind: "dense",
    inputs: x,
    weights,
    products,
    order: fallingOrder(products),
    bias,
    total: sumOf(products) + (bias ?? 0),
  };
}

function explainDistance(layer, x, unit) {
  const centre = layer.values.centres.subarray(unit * x.length, (unit + 1) * x.length);
  const squares = Float64Array.from(x, (value, i) => (value - centre[i]) ** 2);
  return {
    kind: "distance",
    inputs: x,
    centre,
    squares,
    order: fallingOrder(squares),
    total: sumOf(squares),
  };
}

function explainSoftmax(layer, x, index) {
  const { places, position } = softmaxLine(layer, index);
  const penalties = Boolean(layer.penalties);
  const logits = places.map((place) => (penalties ? -x[place] : x[place]));
  const exponentials = Array.from(exponentialsOf(logits));
  const sum = sumOf(exponentials);
  return {
    kind: "softmax",
    logits,
    exponentials,
    index: position,
    sum,
    penalties,
    total: exponentials[position] / sum,
  };
}
