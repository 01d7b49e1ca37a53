// The sum behind one unit: every number that goes into it, added up in float64.
import { crossed, rangeOf, sumOf } from "./arrays.js";
import {
  affineOf,
  divisorAt,
  exponentialsOf,
  mapsRead,
  momentsOf,
  neighboursOf,
  softmaxLine,
} from "./forward.js";
import { showAdded, showNumber } from "./words.js";

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

export function explainConvolution(layer, x, [map, row, column]) {
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

export function explainPooling(layer, x, [map, row, column]) {
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

export function explainDense(layer, x, unit) {
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

export function explainDistance(layer, x, unit) {
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

export function explainSoftmax(layer, x, index) {
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

// A mean of four neighbours is a sum of products like that of a convolution.
export function explainResizing({ resizes, input_shape: [, , inputColumns], input_shape }, x, unit) {
  const [map, row, column] = unit;
  const [[low, high, down], [left, right, across]] = [resizes.rows[row], resizes.columns[column]];
  const [rows, columns] = [[low, high], [left, right]];
  const plane = map * input_shape[1] * inputColumns;
  const patch = crossed(rows, columns, (r, c) => x[plane + r * inputColumns + c]);
  const kernel = crossed([1 - down, down], [1 - across, across], (one, other) => one * other);
  const products = patch.map((line, r) => line.map((value, c) => value * kernel[r][c]));
  const total = sumOf(products.flat());
  return {
    kind: "convolution",
    maps: [map],
    patch: [patch],
    kernel: [kernel],
    products: [products],
    mapSums: [total],
    outside: crossed(rows, columns, () => false),
    rows,
    columns,
    transposed: false,
    bias: null,
    total,
  };
}

// A number that is made of itself and of what many others have in common.
export function explainNormalised(layer, x, index) {
  if (layer.respond) {
    const { size, alpha, beta, k } = layer.respond;
    const mean = neighboursOf(layer, x, index);
    return {
      formula: `x / (${showNumber(k)} + ${showNumber(alpha)} · ${showNumber(mean)})^${showNumber(beta)}`,
      among: t`${showNumber(mean)} is the mean square of ${size} neighbouring maps here`,
      total: x[index] / (k + alpha * mean) ** beta,
    };
  }
  const { block, eps } = layer.standardises;
  const { mean, variance } = momentsOf(x, layer.standardises, index);
  const { weight, bias } = affineOf(layer, index);
  const root = `√(${showNumber(variance)} + ${showNumber(eps)})`;
  return {
    formula: `${showNumber(weight)} · (x ${showAdded(-mean)}) / ${root} ${showAdded(bias)}`,
    among: t`mean and variance are those of ${block} values of this image`,
    total: ((x[index] - mean) / Math.sqrt(variance + eps)) * weight + bias,
  };
}
