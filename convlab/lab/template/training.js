// Training inside the page: the network learns from the pictures in the file, step by step.
import { build, decimal, makeButton, showAdded, showMarked, showNumber } from "./words.js";
import { makeChart } from "./chart.js";
import { listenToTheme, paint } from "./colours.js";
import { cellUnder } from "./choose.js";
import { makeEpochs } from "./epochs.js";
import { whyNotTrained } from "./learning.js";
import { decodeBytes } from "./network.js";
import { inputOf } from "./pictures.js";

const SLICE_OF_TRAINING = 120; // milliseconds of the worker between two pictures of the page
const SHOWN_PRODUCTS = 6;
const LARGEST_FILTER = 88; // pixels
const ACTIVATIONS = {
  own: t`as it is`,
  "max(0, x)": "ReLU",
  "tanh(x)": "tanh",
  "1 / (1 + exp(−x))": "sigmoid",
};
const CHOICES = {
  rate: ["0.003", "0.01", "0.03", "0.1", "0.3"],
  momentum: ["0", "0.5", "0.9"],
  size: ["1", "8", "16", "32", "64"],
};

async function unpacked(base64) {
  const stream = new Blob([decodeBytes(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function startTraining(store, worker) {
  const { network, description } = store.state;
  const section = document.getElementById("training");
  section.append(build("h2", {}, t`Training`));
  const epochs = makeEpochs(description.epochs, network);
  const labels = description.learning ?? [];
  const why = !worker
    ? t`this browser lets no page compute beside itself`
    : labels.length
      ? whyNotTrained(network)
      : t`its file holds no pictures to learn from`;
  if (why) {
    section.append(build("p", {}, t`This network is not trained here: ${why}.`), epochs);
    return {};
  }

  const settings = { rate: 0.01, momentum: 0.9, size: 16, activation: "own", seed: 1 };
  let records = [];
  let tested = [];
  let weights = null; // of each layer
  let asked = null; // the weight that is looked at: {layer, name, index}
  let running = false;
  let turn = 0; // of what was begun: answers to what was before it are dropped

  const layers = network.layers.filter(({ family, values }) => values.weight && family !== "pooling");
  const [first] = layers;

  // --- what can be set ---

  const select = (name, label, options) => {
    const field = build(
      "select",
      { id: `train-${name}` },
      options.map(([value, text]) => build("option", { value }, text)),
    );
    field.value = String(settings[name]);
    field.addEventListener("change", () => {
      settings[name] = name === "activation" ? field.value : Number(field.value);
      if (name === "activation") begin();
      else look();
    });
    return build("label", { for: `train-${name}` }, label, field);
  };
  const numbers = (name, label) => select(name, label, CHOICES[name].map((value) => [value, decimal(value)]));
  const train = makeButton(t`Train`, t`Train until it is paused`, () => (running ? pause() : run()));
  const step = makeButton(t`One step`, t`One step along the gradient of a batch`, () => {
    pause();
    makeStep(0);
  });
  const anew = makeButton(t`Start again`, t`Draw all weights anew`, begin);
  const state = build("p", { role: "status" });
  const loss = makeChart(t`Loss of the batch`, [{ name: t`loss`, role: "loss" }]);
  const accuracy = makeChart(
    t`Right answers`,
    [
      { name: t`in the batch`, role: "of-batch" },
      { name: t`of ${description.samples.length} test pictures`, role: "of-test" },
    ],
    1,
  );
  const filters = build("div", { class: "filters-learning" });
  const gradient = build("div", { class: "told" });
  section.append(
    build(
      "div",
      { class: "controls-of-layer" },
      build("div", { class: "tools" }, train, step, anew),
      numbers("rate", t`Learning rate`),
      numbers("momentum", t`Momentum`),
      numbers("size", t`Images a step`),
      select("activation", t`Activation`, Object.entries(ACTIVATIONS)),
      build(
        "p",
        { class: "quiet" },
        t`It begins with random weights and learns from ${labels.length} training pictures in this file. A step: forward, the loss, backward to the gradient of every weight, and each weight a little against it.`,
      ),
      state,
      epochs,
    ),
    build(
      "div",
      { class: "training-at-work" },
      build("div", { class: "charts" }, loss.element, accuracy.element),
      build("div", {}, build("h3", {}, t`Filters of ${first.title}: click a weight to see its gradient`), filters),
      gradient,
    ),
  );

  // --- the learner in the worker ---

  let pictures = null;
  async function picturesOf() {
    if (pictures) return pictures;
    const { channels, rows, columns } = description.image;
    const size = channels * rows * columns;
    const bytes = await unpacked(document.getElementById("lessons").textContent);
    const inputs = labels.map((_, i) => inputOf(description, bytes.subarray(i * size, (i + 1) * size), [0, 0]).input);
    const known = description.samples.filter(({ label }) => label !== null);
    pictures = {
      images: inputs,
      labels,
      test: {
        images: known.map((sample) => inputOf(description, sample.bytes, [0, 0]).input),
        labels: known.map(({ label }) => label),
      },
    };
    return pictures;
  }

  // The network with other activations, where they are asked for.
  const describedWith = (formula) => ({
    ...description,
    samples: [],
    layers: description.layers.map((layer) =>
      formula !== "own" && layer.family === "activation" ? { ...layer, computes: [formula] } : layer,
    ),
  });

  async function begin() {
    pause();
    const mine = ++turn;
    [records, tested] = [[], []];
    asked ??= { layer: first.index, name: "weight", index: 0 };
    const given = { description: describedWith(settings.activation), weights: network.weights, seed: settings.seed };
    const made = await worker.ask("learner", { ...given, ...(await picturesOf()) });
    if (mine !== turn) return;
    ({ weights } = made);
    show();
    await look();
  }

  async function makeStep(milliseconds) {
    const mine = turn;
    if (!weights) await begin();
    const made = await worker.ask("train", { ...settings, milliseconds });
    if (mine !== turn && records.length) return;
    records.push(...made.records);
    tested.push([made.steps, made.tested]);
    ({ weights } = made);
    show();
    if (!running) await look();
  }

  async function run() {
    running = true;
    train.textContent = t`Pause`;
    gradient.replaceChildren(build("p", { class: "quiet" }, t`Pause to see a weight’s gradient.`));
    while (running) {
      await makeStep(SLICE_OF_TRAINING);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    await look();
  }

  function pause() {
    running = false;
    train.textContent = t`Train`;
  }

  // --- what is seen ---

  function show() {
    loss.show([records.map(({ step: at, loss: value }) => [at, value])]);
    accuracy.show([records.map(({ step: at, accuracy: value }) => [at, value]), tested]);
    const last = records.at(-1);
    state.textContent = last ? t`step ${last.step}: loss ${showMarked(last.loss)}, ${(100 * tested.at(-1)[1]).toFixed(0)} % of the test pictures right` : t`random weights, no step yet`;
    showFilters();
  }

  function showFilters() {
    if (!weights) return;
    const [maps, depth, rows = 1, columns = 1] = first.weights.weight[2];
    const values = weights[first.index];
    const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const scale = { map: "diverging", low: -reach, high: reach };
    const shown = Math.min(maps * depth, 24);
    while (filters.children.length < shown) {
      const canvas = build("canvas", { role: "img", "data-filter": filters.children.length });
      canvas.style.width = `${LARGEST_FILTER}px`;
      filters.append(canvas);
    }
    [...filters.children].forEach((canvas, at) => {
      const area = rows * columns;
      paint(canvas, values.subarray(at * area, (at + 1) * area), rows, columns, scale);
      const here = asked.layer === first.index && Math.floor(asked.index / area) === at;
      canvas.classList.toggle("chosen", here);
      canvas.setAttribute("aria-label", t`filter ${Math.floor(at / depth)}, kernel ${at % depth}`);
    });
  }

  filters.addEventListener("click", (event) => {
    const { filter } = event.target.dataset;
    if (filter === undefined) return;
    const [, , rows = 1, columns = 1] = first.weights.weight[2];
    const [row, column] = cellUnder(event, event.target, rows, columns);
    asked = { layer: first.index, name: "weight", index: Number(filter) * rows * columns + row * columns + column };
    pause();
    showFilters();
    look();
  });

  // The weight's own choice by numbers, for any layer.
  const layerField = build("select", { id: "train-layer" }, layers.map(({ index, title }) => build("option", { value: index }, title)));
  const weightField = build("input", { type: "number", min: 0, step: 1, id: "train-weight" });
  layerField.addEventListener("change", () => {
    asked = { layer: Number(layerField.value), name: "weight", index: 0 };
    look();
  });
  weightField.addEventListener("input", () => {
    const index = Number(weightField.value);
    if (!Number.isInteger(index) || index < 0 || index > Number(weightField.max)) return;
    asked = { ...asked, index };
    look();
  });

  const nameOf = ({ layer, index }) => {
    const entry = network.layers[layer];
    const [, , rows, columns] = entry.weights.weight[2];
    if (!rows) {
      const [, inputs] = entry.weights.weight[2];
      return t`${entry.title}, weight of unit ${Math.floor(index / inputs)} for input ${index % inputs}`;
    }
    const kernel = Math.floor(index / (rows * columns));
    const depth = entry.weights.weight[2][1];
    const at = index % (rows * columns);
    return t`${entry.title}, filter ${Math.floor(kernel / depth)}, kernel ${kernel % depth}, row ${Math.floor(at / columns)}, column ${at % columns}`;
  };

  async function look() {
    if (running || !weights || !asked) return;
    const mine = turn;
    const told = await worker.ask("gradient", { ...asked, size: settings.size });
    if (mine !== turn || running) return;
    layerField.value = asked.layer;
    weightField.max = weights[asked.layer].length - 1;
    if (document.activeElement !== weightField) weightField.value = asked.index;
    gradient.replaceChildren(...tell(told));
  }

  const table = (heads, lines) =>
    build(
      "div",
      { class: "listed", tabindex: 0, role: "region", "aria-label": t`Products` },
      build(
        "table",
        { class: "contributions" },
        build("thead", {}, build("tr", {}, heads.map((head, at) => build("th", { scope: "col", class: at ? "number" : null }, head)))),
        build("tbody", {}, lines.map(([first, ...cells]) =>
            build("tr", {}, build("th", { scope: "row" }, first), cells.map((cell) => build("td", { class: "number" }, cell))),
          )),
      ),
    );

  // The chain: the loss, what it says to the layer's outputs, times what the weight is multiplied with.
  function tell({ value, gradient: mean, each, label, terms, probabilities }) {
    const entry = network.layers[asked.layer];
    const { classes } = description;
    const strongest = terms
      .map((term) => ({ ...term, product: term.x * term.delta }))
      .sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const shown = strongest.slice(0, SHOWN_PRODUCTS);
    const rest = strongest.slice(SHOWN_PRODUCTS).reduce((sum, { product }) => sum + product, 0);
    const place = (unit) =>
      entry.maps
        ? t`row ${Math.floor((unit % (entry.size / entry.shape[0])) / entry.shape[2])}, column ${unit % entry.shape[2]}`
        : t`unit ${unit}`;
    const chained = shown[0].slope !== undefined;
    const [reader] = entry.readers;
    const isLast = reader === network.layers.length - 1;
    const lines = shown.map(({ unit, x, delta, slope, behind, product }) => [
      place(unit),
      showNumber(x),
      ...(chained ? [`× ${showNumber(slope)}`, `× ${showNumber(behind)}`] : [`× ${showNumber(delta)}`]),
      showNumber(product),
    ]);
    const empty = chained ? ["", "", ""] : ["", ""];
    if (strongest.length > SHOWN_PRODUCTS)
      lines.push([t`${strongest.length - SHOWN_PRODUCTS} other places`, ...empty, showNumber(rest)]);
    const after = chained
      ? [t`≈ slope of ${network.layers[reader].title}`, t`≈ gradient behind it`]
      : [isLast ? t`≈ probability − target` : t`≈ gradient at the output`];
    const { rate, momentum, size } = settings;
    const next = value - rate * mean;
    return [
      build("h3", {}, t`One weight: ${nameOf(asked)}`),
      build("div", { class: "tools" }, build("label", { for: "train-layer" }, t`Layer`), layerField, build("label", { for: "train-weight" }, t`weight`), weightField),
      build(
        "p",
        {},
        t`Of the first image of the next batch, a ${classes[label]}: the network gives ${classes[label]} the probability ${showMarked(probabilities[label])}. The loss, −log of it, is ${showMarked(-Math.log(Math.max(probabilities[label], 1e-30)))}. Its gradient at each output of ${entry.title} comes back layer by layer; times the number that the weight met there, and added up over all places, it is what this image asks of the weight:`,
      ),
      table([t`place`, t`≈ input`, ...after, t`≈ product`], lines),
      build(
        "p",
        { class: "formula" },
        t`sum for this image ${showMarked(each[0])}; mean over ${size} images ${showMarked(mean)}`,
      ),
      build(
        "p",
        { class: "formula" },
        momentum
          ? t`velocity = ${decimal(momentum)} · velocity ${showAdded(mean)}; weight = ${showMarked(value)} − ${decimal(rate)} · velocity`
          : t`weight = ${showMarked(value)} − ${decimal(rate)} · (${showMarked(mean)}) ≈ ${showNumber(next)}`,
      ),
    ];
  }

  listenToTheme(showFilters);
  loss.show([[]]);
  accuracy.show([[], []]);
  return {
    open() {
      if (!weights) begin();
    },
    close: pause,
  };
}
