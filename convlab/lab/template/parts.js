// One map of a layer taken apart: for each map that it reads what that one gives, as a map of its
// own; together, with the bias, they are the map.
import { productOf, rangeOf } from "./arrays.js";
import { mapsRead, padded } from "./forward.js";

// What one input map gives to an output map of a convolution.
function convolved(layer, plane, kernel) {
  const [, inputRows, inputColumns] = layer.input_shape;
  const [, rows, columns] = layer.shape;
  const [kernelRows, kernelColumns] = layer.kernel;
  const source = padded(plane, 1, inputRows, inputColumns, layer.padded);
  const width = layer.padded.columns.length;
  const out = new Float64Array(rows * columns);
  for (let at = 0; at < out.length; at++) {
    const row = Math.floor(at / columns) * layer.stride[0];
    const column = (at % columns) * layer.stride[1];
    for (let tap = 0; tap < kernelRows * kernelColumns; tap++) {
      const y = row + Math.floor(tap / kernelColumns) * layer.dilation[0];
      const x = column + (tap % kernelColumns) * layer.dilation[1];
      out[at] += kernel[tap] * source[y * width + x];
    }
  }
  return out;
}

// The same of a transposed one: each cell lays down a kernel.
function laidDown(layer, plane, kernel) {
  const [, inputRows, inputColumns] = layer.input_shape;
  const [, rows, columns] = layer.shape;
  const [kernelRows, kernelColumns] = layer.kernel;
  const out = new Float64Array(rows * columns);
  for (let at = 0; at < inputRows * inputColumns; at++) {
    const top = Math.floor(at / inputColumns) * layer.stride[0] - layer.padding[0];
    const left = (at % inputColumns) * layer.stride[1] - layer.padding[2];
    for (let tap = 0; tap < kernelRows * kernelColumns; tap++) {
      const y = top + Math.floor(tap / kernelColumns) * layer.dilation[0];
      const x = left + (tap % kernelColumns) * layer.dilation[1];
      if (y >= 0 && x >= 0 && y < rows && x < columns) out[y * columns + x] += kernel[tap] * plane[at];
    }
  }
  return out;
}

function convolutionParts(network, trace, layer, map) {
  const transposed = layer.family === "transposed convolution";
  const [source] = layer.sources;
  const [, rows, columns] = layer.input_shape;
  const area = layer.kernel[0] * layer.kernel[1];
  const outGroup = layer.shape[0] / layer.groups;
  const inKernel = layer.weights.weight[2][1];
  const x = network.output(trace, source);
  return mapsRead(layer, map).map((channel, index) => {
    const start = transposed
      ? channel * outGroup + (map % outGroup)
      : map * inKernel + (layer.table ? channel : index);
    const kernel = layer.values.weight.subarray(start * area, (start + 1) * area);
    const values = x.subarray(channel * rows * columns, (channel + 1) * rows * columns);
    const made = (transposed ? laidDown : convolved)(layer, values, kernel);
    return { source, map: channel, values, kernel, made };
  });
}

// The inputs of a dense unit, map by map where they have places in maps, each with its weights.
function denseParts(network, trace, layer, unit) {
  const { from, place } = network.sourceOf(layer.index);
  const size = productOf(layer.input_shape);
  const weights = layer.values.weight ?? layer.values.centres;
  const own = weights.subarray(unit * size, (unit + 1) * size);
  const x = network.output(trace, layer.sources[0]);
  const shape = place(0) ? network.shape(from) : [1, 1, size];
  const plane = shape[1] * shape[2];
  const give = layer.family === "dense" ? (a, b) => a * b : (a, b) => (a - b) ** 2;
  return rangeOf(shape[0]).map((map) => {
    const values = x.subarray(map * plane, (map + 1) * plane);
    const kernel = own.subarray(map * plane, (map + 1) * plane);
    const made = Float64Array.from(values, (value, i) => give(value, kernel[i]));
    return { source: place(0) ? from : layer.sources[0], map, values, kernel, made };
  });
}

// A map of one number counts for each of its cells.
function joinedParts(network, trace, layer, map) {
  const plane = layer.size / layer.shape[0];
  return network.feeds(layer.index, map).map(([source, from]) => {
    const shape = network.shape(source);
    const size = productOf(shape) / shape[0];
    const values = network.output(trace, source).subarray(from * size, (from + 1) * size);
    const made = Float64Array.from({ length: plane }, (_, i) => values[size === 1 ? 0 : i]);
    return { source, map: from, values, kernel: null, made };
  });
}

const WEIGHED = { dense: denseParts, distance: denseParts };

// {rows: [{source, map, values, kernel, made}], sign, bias, weighed}.  sign: what stands between
// the rows, null where there is no more than the maps that are read.
export function partsOf(network, trace, index, map) {
  const layer = network.layers[index];
  const bias = layer.values.bias && !layer.standardises ? layer.values.bias[map] : null;
  if (layer.kernel && layer.groups) {
    return { rows: convolutionParts(network, trace, layer, map), sign: "+", bias, weighed: true };
  }
  if (layer.family in WEIGHED) {
    return { rows: denseParts(network, trace, layer, map), sign: "+", bias, weighed: true };
  }
  if (layer.joined) {
    const rows = joinedParts(network, trace, layer, map);
    return { rows, sign: layer.product ? "×" : "+", bias: null, weighed: false };
  }
  const [source] = layer.sources;
  const shape = network.shape(source);
  const plane = productOf(shape.slice(1));
  const x = network.output(trace, source);
  const maps = shape.length === 3 ? network.reads(index, map) : [0];
  const rows = maps.map((from) => ({
    source,
    map: from,
    values: shape.length === 3 ? x.subarray(from * plane, (from + 1) * plane) : x,
    kernel: null,
    made: null,
  }));
  return { rows, sign: null, bias: null, weighed: false };
}

// How strong each map of a layer is: the mean size of its numbers.
export function strengths(values, count) {
  const plane = values.length / count;
  return rangeOf(count).map((map) => {
    let sum = 0;
    for (let i = map * plane; i < (map + 1) * plane; i++) sum += Math.abs(values[i]);
    return sum / plane;
  });
}

export const fallingBy = (sizes) => rangeOf(sizes.length).sort((a, b) => sizes[b] - sizes[a]);
