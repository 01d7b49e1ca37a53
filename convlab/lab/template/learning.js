// Learning: forward, backward, a step along the gradient.  Cross-entropy of a softmax, stochastic
// gradient descent with momentum: velocity = momentum velocity + gradient; weight −= rate velocity.
import { ofChannel, rangeOf } from "./arrays.js";
import { showCount } from "./words.js";
import { canLearn, layerBackward } from "./backward.js";

const MOST_WEIGHTS = 150_000; // to be trained in a browser
const MOST_COSTS = 3_000_000; // multiply-adds of an image

export function whyNotTrained({ layers, description }) {
  const [last] = layers.slice(-1);
  if (last.penalties) return t`its outputs are distances, not logits`;
  const other = layers.slice(0, -1).find((layer) => !canLearn(layer));
  if (other) return t`${other.title}, ${other.words}, is not among the layers that learn here`;
  if (description.parameters > MOST_WEIGHTS) return t`it has more than ${showCount(MOST_WEIGHTS)} weights`;
  const costs = layers.reduce((sum, layer) => sum + layer.multiply_adds, 0);
  return costs > MOST_COSTS ? t`an image costs too many multiply-adds` : null;
}

// Random numbers that a seed repeats (mulberry32).
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Weights drawn anew: within ±√(6 / inputs), as He et al. 2015 for uniform numbers; no biases.
function drawWeights(network, seed) {
  const random = randomOf(seed);
  for (const { values, weights, family } of network.layers) {
    if (family === "pooling" || !values.weight) continue;
    const [, , shape] = weights.weight;
    const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
    const reach = Math.sqrt(6 / inputs);
    for (let i = 0; i < values.weight.length; i++) values.weight[i] = (2 * random() - 1) * reach;
    values.bias?.fill(0);
  }
}

const gradientsLike = ({ layers }) =>
  layers.map(({ values }) =>
    Object.fromEntries(Object.entries(values).map(([name, list]) => [name, new Float64Array(list.length)])),
  );

// The gradient of one image's loss with respect to the layers' outputs, and its loss.  What the
// weights get is added to `grads`.
function backward(network, trace, label, grads) {
  const { layers } = network;
  const outputs = layers.map(({ size }) => new Float64Array(size));
  const { probabilities } = trace;
  const last = layers.length - 2;
  probabilities.forEach((share, number) => {
    outputs[last][number] = share - (number === label ? 1 : 0);
  });
  for (let at = last; at >= 0; at--) {
    const { sources } = layers[at];
    const inputs = sources.map((source) => network.output(trace, source));
    const backs = layerBackward(layers[at], inputs, outputs[at], grads[at]);
    sources.forEach((source, turn) => {
      if (source < 0) return;
      for (let i = 0; i < backs[turn].length; i++) outputs[source][i] += backs[turn][i];
    });
  }
  return { outputs, loss: -Math.log(Math.max(probabilities[label], 1e-30)) };
}

// One step on a batch [{input, label}]: the mean loss, how many were right, and the gradients.
export function learn(network, batch, { rate, momentum = 0 }, velocities) {
  const grads = gradientsLike(network);
  let [loss, right] = [0, 0];
  for (const { input, label } of batch) {
    const trace = network.forward(input);
    loss += backward(network, trace, label, grads).loss / batch.length;
    right += trace.answer === label;
  }
  network.layers.forEach((layer, at) => {
    const { values } = layer;
    layer.plan = null; // its weights are others now
    for (const [name, list] of Object.entries(values)) {
      const [gradient, velocity] = [grads[at][name], velocities[at][name]];
      for (let i = 0; i < list.length; i++) {
        gradient[i] /= batch.length;
        velocity[i] = momentum * velocity[i] + gradient[i];
        list[i] -= rate * velocity[i];
      }
    }
  });
  return { loss, right, grads };
}

// The order of an epoch, by a seed.
function shuffled(count, random) {
  const order = rangeOf(count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// A network that learns: the worker keeps it between questions.
export class Learner {
  constructor(network, { images, labels, seed, test }) {
    this.network = network;
    this.images = images;
    this.labels = labels;
    this.test = test;
    this.random = randomOf(seed + 1);
    this.velocities = gradientsLike(network);
    this.waiting = [];
    this.steps = 0;
    drawWeights(network, seed);
  }

  batch(size) {
    while (this.waiting.length < size) this.waiting.push(...shuffled(this.images.length, this.random));
    return this.waiting.splice(0, size).map((index) => ({ input: this.images[index], label: this.labels[index], index }));
  }

  // How good it is on the pictures that it has not learnt from.
  accuracy() {
    const { images, labels } = this.test;
    const right = images.filter((input, i) => this.network.forward(input).answer === labels[i]);
    return right.length / images.length;
  }

  // As many steps as there is time for, at least one.
  train({ milliseconds, size, ...settings }) {
    const end = performance.now() + milliseconds;
    const records = [];
    do {
      const batch = this.batch(size);
      const { loss, right, grads } = learn(this.network, batch, settings, this.velocities);
      this.steps += 1;
      records.push({ step: this.steps, loss, accuracy: right / size });
      this.last = { batch, grads };
    } while (performance.now() < end);
    return { records, steps: this.steps, tested: this.accuracy() };
  }

  // What is shown of it: its weights by their layers.
  state() {
    return { weights: this.network.layers.map(({ values }) => values.weight?.slice() ?? null) };
  }

  // The gradient of one weight, as the products that it is the sum of: for the first image of the
  // next batch, before a step is made.
  gradientOf({ layer, name, index, size }) {
    const batch = this.batch(size);
    this.waiting.unshift(...batch.map((one) => one.index));
    const grads = gradientsLike(this.network);
    const each = batch.map(({ input, label }) => {
      const before = grads[layer][name][index];
      backward(this.network, this.network.forward(input), label, grads);
      return grads[layer][name][index] - before;
    });
    const [{ input, label }] = batch;
    const trace = this.network.forward(input);
    const { outputs } = backward(this.network, trace, label, gradientsLike(this.network));
    return {
      value: this.network.layers[layer].values[name][index],
      gradient: grads[layer][name][index] / batch.length,
      each,
      label,
      input,
      terms: termsOf(this.network, trace, outputs, { layer, index }),
      probabilities: Array.from(trace.probabilities),
    };
  }
}

// For one image: what a weight's gradient is the sum of, [{unit, x, delta}] with x the number that
// the weight is multiplied with and delta the gradient of what it makes.
function termsOf(network, trace, outputs, { layer, index }) {
  const entry = network.layers[layer];
  const x = network.output(trace, entry.sources[0]);
  const plane = entry.size / entry.shape[0];
  const after = followingOf(network, trace, outputs, entry);
  if (entry.family === "dense") {
    const unit = Math.floor(index / x.length);
    return [{ unit, x: x[index % x.length], ...after(unit) }];
  }
  const area = entry.kernel[0] * entry.kernel[1];
  const map = Math.floor(index / (area * entry.weights.weight[2][1]));
  const [, rows, columns] = entry.shape;
  return rangeOf(rows * columns).map((at) => {
    const unit = [map, Math.floor(at / columns), at % columns];
    const { patch, maps } = network.explain(trace, layer, unit);
    const channel = Math.floor(index / area) % entry.weights.weight[2][1];
    const place = entry.table ? maps.indexOf(channel) : channel;
    const tap = index % area;
    const value = patch[place]?.[Math.floor(tap / entry.kernel[1])][tap % entry.kernel[1]] ?? 0;
    return { unit: map * plane + at, x: value, ...after(map * plane + at) };
  });
}

// The gradient at one of a layer's outputs, and where an activation follows what it is the product
// of: the slope of its curve there and the gradient behind it.
function followingOf(network, trace, outputs, { index, readers, shape, size }) {
  const [next, another] = readers;
  const following = another === undefined ? network.layers[next] : null;
  const plane = size / shape[0];
  return (at) => {
    const delta = outputs[index][at];
    if (following?.family !== "activation") return { delta };
    const apply = ofChannel(following.applies, Math.floor(at / plane));
    return { delta, slope: apply.slope(trace.outputs[index][at]), behind: outputs[next][at] };
  };
}
