// One layer of the reader's own: its sizes, its numbers, and the sum behind each of them.
import { rangeOf } from "./arrays.js";
import { explainConvolution, explainPooling } from "./explain.js";
import { layerForward } from "./forward.js";

export const OPERATIONS = {
  convolution: t`Convolution`,
  "transposed convolution": t`Transposed convolution`,
  maximum: t`Max pooling`,
  mean: t`Average pooling`,
};

export const isPooling = (operation) => operation === "maximum" || operation === "mean";

// {size, line} of the output along an axis, or {wrong}: what stands in the way.
export function outputSize({ operation, size, kernel, stride, padding, dilation }) {
  const reach = dilation * (kernel - 1) + 1;
  const spread = dilation > 1 ? `${dilation}·(${kernel} − 1) + 1` : `${kernel}`;
  const around = padding ? ` + 2·${padding}` : "";
  if (operation === "transposed convolution") {
    const made = (size - 1) * stride - 2 * padding + reach;
    const line = `(${size} − 1)·${stride}${padding ? ` − 2·${padding}` : ""} + ${spread} = ${made}`;
    return made < 1 ? { wrong: t`the padding takes all away: ${line}` } : { size: made, line };
  }
  if (isPooling(operation) && 2 * padding > kernel) {
    return { wrong: t`expected a padding of at most half the window of ${kernel}, got ${padding}` };
  }
  if (reach > size + 2 * padding) {
    return { wrong: t`expected a kernel that fits into ${size}${around}, got one that reaches over ${reach}` };
  }
  const made = Math.floor((size + 2 * padding - reach) / stride) + 1;
  const spreadOf = dilation > 1 ? `(${spread})` : spread;
  const inner = `${size}${around} − ${spreadOf}`;
  const line = stride > 1 ? `⌊(${inner}) / ${stride}⌋ + 1 = ${made}` : `(${inner}) + 1 = ${made}`;
  return { size: made, line };
}

// The first and the last input that each window reads, without the padding.
function windowsOf({ size, kernel, stride, padding, dilation }, count) {
  return rangeOf(count).map((at) => {
    const taps = rangeOf(kernel).map((tap) => at * stride - padding + tap * dilation);
    const inside = taps.filter((cell) => cell >= 0 && cell < size);
    return [inside[0], inside.at(-1) + 1];
  });
}

// A layer as the network of a page has them, of one map.
export function layerOf(settings, weights) {
  const { operation, size, kernel, stride, padding, dilation, bias } = settings;
  const { size: made } = outputSize(settings);
  const layer = {
    family: isPooling(operation) ? "pooling" : operation,
    input_shape: [1, size, size],
    shape: [1, made, made],
    size: made * made,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
    values: {},
    weights: {},
  };
  if (isPooling(operation)) {
    const lines = windowsOf(settings, made);
    const windows = { rows: lines, columns: lines, dilation: [dilation, dilation] };
    return { ...layer, reduction: operation, windows: { ...windows, divisor: kernel * kernel } };
  }
  const cells = rangeOf(size + 2 * padding, -padding);
  const padded = cells.map((cell) => (cell >= 0 && cell < size ? cell : -1));
  return {
    ...layer,
    groups: 1,
    padded: { rows: padded, columns: padded },
    values: { weight: Float32Array.from(weights), bias: bias ? Float32Array.of(bias) : null },
    weights: { weight: [0, kernel * kernel, [1, 1, kernel, kernel]] },
  };
}

export const computed = (layer, input) => layerForward(layer, [Float32Array.from(input)]);

export function explained(layer, input, row, column) {
  const explain = layer.windows ? explainPooling : explainConvolution;
  return explain(layer, Float32Array.from(input), [0, row, column]);
}

// --- what one starts from ---

// A pattern as whole numbers from 0 to 9, of any size.
const PATTERNS = {
  corner: (y, x) => (y > 0.3 && x > 0.3 ? 9 : 0),
  edge: (y, x) => (x >= 0.5 ? 9 : 0),
  line: (y, x) => (Math.abs(x - y) < 0.11 ? 9 : 0),
  ring: (y, x) => {
    const radius = Math.hypot(y - 0.5, x - 0.5);
    return radius > 0.22 && radius < 0.42 ? 9 : 0;
  },
  slope: (y, x) => Math.round(9 * x),
  point: (y, x) => (Math.hypot(y - 0.5, x - 0.5) < 0.1 ? 9 : 0),
};

export const PATTERN_WORDS = { corner: t`corner`, edge: t`edge`, line: t`line`, ring: t`ring`, slope: t`slope`, point: t`point` };
export const patternNames = Object.keys(PATTERNS);

export function patternOf(name, size) {
  const middle = (at) => (at + 0.5) / size;
  return rangeOf(size * size).map((i) =>
    PATTERNS[name](middle(Math.floor(i / size)), middle(i % size)),
  );
}

const centred = (kernel, cell) => {
  const half = (kernel - 1) / 2;
  return rangeOf(kernel * kernel).map((i) => cell(Math.floor(i / kernel) - half, (i % kernel) - half));
};
const binomial = (kernel) => {
  let line = [1];
  while (line.length < kernel) line = [...line, 0].map((one, at) => one + (line[at - 1] ?? 0));
  return line;
};

// Classic kernels of any width; weights that must add up are divided by their sum.
const KERNELS = {
  "left edges": (kernel) => centred(kernel, (y, x) => Math.sign(x) * (kernel === 3 && y === 0 ? 2 : 1)),
  "upper edges": (kernel) => centred(kernel, (y, x) => Math.sign(y) * (kernel === 3 && x === 0 ? 2 : 1)),
  outline: (kernel) => centred(kernel, (y, x) => (y || x ? -1 : kernel * kernel - 1)),
  blur: (kernel) => centred(kernel, () => 1 / kernel ** 2),
  "soft blur": (kernel) => {
    const line = binomial(kernel);
    const sum = line.reduce((total, one) => total + one, 0);
    return line.flatMap((one) => line.map((other) => (one * other) / sum ** 2));
  },
  sharpen: (kernel) =>
    centred(kernel, (y, x) => (y || x ? (Math.abs(y) + Math.abs(x) === 1 ? -1 : 0) : 5)),
  identity: (kernel) => centred(kernel, (y, x) => (Math.abs(y) < 1 && Math.abs(x) < 1 && y <= 0 && x <= 0 ? 1 : 0)),
  ones: (kernel) => centred(kernel, () => 1),
};

export const KERNEL_WORDS = {
  "left edges": t`left edges`,
  "upper edges": t`upper edges`,
  outline: t`outline`,
  blur: t`blur`,
  "soft blur": t`soft blur`,
  sharpen: t`sharpen`,
  identity: t`identity`,
  ones: t`ones`,
};
export const kernelNames = Object.keys(KERNELS);
export const kernelOf = (name, kernel) => KERNELS[name](kernel);
