// Every kind of layer, forward.  Arrays are flat and in the order (channel, row, column); weights
// are the engine's, bit by bit.  Sums are added up in float64 and stored as float32, which is as
// close to the engine's float32 sums as those are to the exact ones.
import { ofChannel, productOf, rangeOf } from "./arrays.js";

// The input with its padding around it; rows and columns tell the input's cell, -1 for a zero.
export function padded(x, channels, inputRows, inputColumns, { rows, columns }) {
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
export function mapsRead(layer, map) {
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
      if (paired) convolvePair(layer, source, map, map + 1, out);
      else convolveOne(layer, source, map, out);
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

// Four columns of one map, where others read other maps.
function convolveOne(layer, source, map, out) {
  const [, rows, columns] = layer.shape;
  const [strideRows, stride] = layer.stride;
  const width = layer.padded.columns.length;
  const { weights, offsets } = layer.plan[map];
  const start = layer.values.bias ? layer.values.bias[map] : 0;
  const taps = weights.length;
  for (let row = 0; row < rows; row++) {
    for (let next = 0; next < columns; next += 4) {
      const column = Math.min(next, columns - 4);
      const base = row * strideRows * width + column * stride;
      let a0 = start, a1 = start, a2 = start, a3 = start;
      for (let tap = 0; tap < taps; tap++) {
        const weight = weights[tap];
        const at = base + offsets[tap];
        a0 += weight * source[at];
        a1 += weight * source[at + stride];
        a2 += weight * source[at + 2 * stride];
        a3 += weight * source[at + 3 * stride];
      }
      const to = (map * rows + row) * columns + column;
      out[to] = a0;
      out[to + 1] = a1;
      out[to + 2] = a2;
      out[to + 3] = a3;
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

export function divisorAt({ divisor }, row, column) {
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

export function exponentialsOf(logits) {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  return Float64Array.from(logits, (logit) => Math.exp(logit - largest));
}

// The line of logits that a unit of a softmax shares with others: their places in the array.
export function softmaxLine(layer, index) {
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

// Each map is the sum of maps of the inputs, their product, or one of them.  A map of one number is
// as large as the others.
function join(layer, ...inputs) {
  const out = new Float32Array(layer.size);
  const plane = layer.size / layer.shape[0];
  const { product } = layer;
  layer.joined.forEach((terms, map) => {
    const made = out.subarray(map * plane, (map + 1) * plane);
    terms.forEach(([input, from], turn) => {
      const one = layer.gates?.includes(input);
      const x = one ? inputs[input].subarray(from, from + 1) : inputs[input].subarray(from * plane);
      const step = one ? 0 : 1;
      if (turn === 0) for (let i = 0; i < plane; i++) made[i] = x[i * step];
      else if (product) for (let i = 0; i < plane; i++) made[i] *= x[i * step];
      else for (let i = 0; i < plane; i++) made[i] += x[i * step];
    });
  });
  return out;
}

// Mean and variance of the `block` numbers among which one stands: of a group of maps, or of a
// layer (Wu & He 2018; Ba, Kiros & Hinton 2016).
export function momentsOf(x, { block }, index) {
  const start = Math.floor(index / block) * block;
  let mean = 0;
  for (let i = start; i < start + block; i++) mean += x[i] / block;
  let variance = 0;
  for (let i = start; i < start + block; i++) variance += (x[i] - mean) ** 2 / block;
  return { mean, variance };
}

// What one number of a block is multiplied with after that, and what is added.
export function affineOf({ values, standardises, size, shape }, index) {
  const plane = size / shape[0];
  const at = standardises.each === "channel" ? Math.floor(index / plane) : index % standardises.block;
  return { weight: values.weight?.[at] ?? 1, bias: values.bias?.[at] ?? 0 };
}

function standardise(layer, x) {
  const { block, eps } = layer.standardises;
  const out = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += block) {
    const { mean, variance } = momentsOf(x, layer.standardises, start);
    const root = Math.sqrt(variance + eps);
    for (let i = start; i < start + block; i++) {
      const { weight, bias } = affineOf(layer, i);
      out[i] = ((x[i] - mean) / root) * weight + bias;
    }
  }
  return out;
}

// The mean of the squares in neighbouring maps, those that are missing 0 (Krizhevsky et al. 2012).
export function neighboursOf({ respond, shape, size }, x, index) {
  const plane = size / shape[0];
  const map = Math.floor(index / plane);
  const first = map - Math.floor(respond.size / 2);
  let sum = 0;
  for (let at = Math.max(0, first); at < Math.min(shape[0], first + respond.size); at++) {
    sum += x[index + (at - map) * plane] ** 2;
  }
  return sum / respond.size;
}

function respond(layer, x) {
  const { alpha, beta, k } = layer.respond;
  return x.map((value, i) => value / (k + alpha * neighboursOf(layer, x, i)) ** beta);
}

// Each number is a mean of four neighbours, weighted by how near they are.
function resize(layer, x) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const { rows, columns } = layer.resizes;
  const out = new Float32Array(layer.size);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * inputRows * inputColumns;
    for (const [low, high, down] of rows) {
      const [upper, lower] = [plane + low * inputColumns, plane + high * inputColumns];
      for (const [left, right, across] of columns) {
        const above = x[upper + left] * (1 - across) + x[upper + right] * across;
        const below = x[lower + left] * (1 - across) + x[lower + right] * across;
        out[at++] = above * (1 - down) + below * down;
      }
    }
  }
  return out;
}

// Each number by itself, by the formula of its channel.
function compute(layer, x) {
  if (layer.standardises) return standardise(layer, x);
  if (layer.respond) return respond(layer, x);
  const plane = layer.size / layer.shape[0];
  const out = new Float32Array(x.length);
  for (let map = 0; map < layer.shape[0]; map++) {
    const from = x.subarray(map * plane, (map + 1) * plane);
    applyTo(from, out.subarray(map * plane, (map + 1) * plane), ofChannel(layer.applies, map));
  }
  return out;
}

function applyTo(x, out, apply) {
  if (apply.clamp) {
    const [low, high] = apply.clamp;
    for (let i = 0; i < x.length; i++) {
      const value = x[i];
      out[i] = value < low ? low : value > high ? high : value;
    }
  } else if (apply.linear) {
    const [a, b] = apply.linear;
    for (let i = 0; i < x.length; i++) out[i] = a * x[i] + b;
  } else for (let i = 0; i < x.length; i++) out[i] = apply(x[i]);
}

const FORWARD = {
  convolution: convolve,
  "transposed convolution": convolveTransposed,
  pooling: pool,
  resizing: resize,
  dense,
  distance: squaredDistances,
  softmax,
  activation: compute,
  normalisation: compute,
  placement: ({ places }, x) => Float32Array.from(places, (place) => (place < 0 ? 0 : x[place])),
  reshape: (layer, x) => x.slice(),
  dropout: (layer, x) => x.slice(),
  join,
};

// An output of its own for every layer: what is switched off in one is not in those before it.
export const layerForward = (layer, inputs) => FORWARD[layer.family](layer, ...inputs);
