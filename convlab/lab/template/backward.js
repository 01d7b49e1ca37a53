// The way back through the layers: from the gradient of a layer's output to those of its input and
// its weights.  Each stands for the forward pass of the same name in forward.js.
import { ofChannel } from "./arrays.js";
import { divisorAt, mapsRead, padded } from "./forward.js";

// x[p] of the patch, times the gradient there: summed up, it is a weight's gradient.
function convolutionBack(layer, [x], gradient, grads) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const [maps, rows, columns] = layer.shape;
  const [kernelRows, kernelColumns] = layer.kernel;
  const area = kernelRows * kernelColumns;
  const { rows: rowsOf, columns: columnsOf } = layer.padded;
  const [tall, wide] = [rowsOf.length, columnsOf.length];
  const source = padded(x, channels, inputRows, inputColumns, layer.padded);
  const back = new Float64Array(channels * tall * wide);
  const { weight } = layer.values;
  const inKernel = layer.weights.weight[2][1];
  for (let map = 0; map < maps; map++) {
    const plane = gradient.subarray(map * rows * columns, (map + 1) * rows * columns);
    if (grads.bias) for (const value of plane) grads.bias[map] += value;
    mapsRead(layer, map).forEach((channel, index) => {
      const kernel = (map * inKernel + (layer.table ? channel : index)) * area;
      for (let tap = 0; tap < area; tap++) {
        const down = Math.floor(tap / kernelColumns) * layer.dilation[0];
        const across = (tap % kernelColumns) * layer.dilation[1];
        const w = weight[kernel + tap];
        let sum = 0;
        for (let row = 0; row < rows; row++) {
          let at = (channel * tall + row * layer.stride[0] + down) * wide + across;
          for (let column = 0; column < columns; column++, at += layer.stride[1]) {
            const value = plane[row * columns + column];
            sum += value * source[at];
            back[at] += value * w;
          }
        }
        grads.weight[kernel + tap] += sum;
      }
    });
  }
  return [unpadded(back, layer, tall, wide)];
}

// What padding repeats of a cell comes back to it.
function unpadded(back, { input_shape: [channels, inputRows, inputColumns], padded: places }, tall, wide) {
  const out = new Float64Array(channels * inputRows * inputColumns);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < tall; row++) {
      const from = places.rows[row];
      if (from < 0) continue;
      for (let column = 0; column < wide; column++) {
        const to = places.columns[column];
        if (to < 0) continue;
        out[(channel * inputRows + from) * inputColumns + to] += back[(channel * tall + row) * wide + column];
      }
    }
  }
  return out;
}

// To the winner alone, or to all cells of the window alike.
function poolingBack(layer, [x], gradient, grads) {
  const [channels, inputRows, inputColumns] = layer.input_shape;
  const [, rows, columns] = layer.shape;
  const { windows, reduction, values } = layer;
  const back = new Float64Array(x.length);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * inputRows * inputColumns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        const cells = [];
        for (let r = windows.rows[row][0]; r < windows.rows[row][1]; r += windows.dilation[0]) {
          for (let c = windows.columns[column][0]; c < windows.columns[column][1]; c += windows.dilation[1]) {
            cells.push(plane + r * inputColumns + c);
          }
        }
        if (reduction === "maximum") {
          back[cells.reduce((best, cell) => (x[cell] > x[best] ? cell : best))] += gradient[at];
          continue;
        }
        const share = reduction === "mean" ? 1 / divisorAt(windows, row, column) : (values.weight?.[channel] ?? 1);
        let sum = 0;
        for (const cell of cells) {
          back[cell] += gradient[at] * share;
          sum += x[cell];
        }
        if (grads.weight) grads.weight[channel] += gradient[at] * sum;
        if (grads.bias) grads.bias[channel] += gradient[at];
      }
    }
  }
  return [back];
}

function denseBack(layer, [x], gradient, grads) {
  const { weight } = layer.values;
  const back = new Float64Array(x.length);
  gradient.forEach((value, unit) => {
    const start = unit * x.length;
    for (let i = 0; i < x.length; i++) {
      grads.weight[start + i] += value * x[i];
      back[i] += value * weight[start + i];
    }
    if (grads.bias) grads.bias[unit] += value;
  });
  return [back];
}

function activationBack({ applies, size, shape }, [x], gradient) {
  const plane = size / shape[0];
  return [Float64Array.from(gradient, (value, i) => value * ofChannel(applies, Math.floor(i / plane)).slope(x[i]))];
}

const passedBack = (layer, inputs, gradient) => [gradient];

function joinBack(layer, inputs, gradient) {
  const backs = inputs.map((x) => new Float64Array(x.length));
  const plane = layer.size / layer.shape[0];
  layer.joined.forEach((terms, map) => {
    for (const [input, from] of terms) {
      for (let i = 0; i < plane; i++) backs[input][from * plane + i] += gradient[map * plane + i];
    }
  });
  return backs;
}

const BACKWARD = {
  convolution: convolutionBack,
  pooling: poolingBack,
  dense: denseBack,
  activation: activationBack,
  reshape: passedBack,
  dropout: passedBack,
  join: joinBack,
};

// The layers that can be trained here; those of a product of branches cannot.
export const canLearn = (layer) => layer.family in BACKWARD && !layer.product;

// Gradients of the inputs; those of the weights are added to `grads`.
export const layerBackward = (layer, inputs, gradient, grads) =>
  BACKWARD[layer.family](layer, inputs, gradient, grads);
