// The playground: one layer of the reader's own, from its sizes to each of its products.
import { build, buildShape, makeButton, showAdded, showMarked, showNumber } from "./words.js";
import { listenToTheme, paint } from "./colours.js";
import { cellUnder } from "./choose.js";
import {
  OPERATIONS,
  computed,
  explained,
  isPooling,
  kernelNames,
  kernelOf,
  layerOf,
  outputSize,
  patternNames,
  patternOf,
  KERNEL_WORDS,
  PATTERN_WORDS,
} from "./operation.js";
import { cellsOf } from "./tables.js";

const WIDEST = 384; // pixels of a map
const LARGEST_CELL = 44;
const NUMBERED = 24; // pixels of a cell that has room for its number
const STEP_MILLISECONDS = 350;
const LIMITS = { size: [3, 32], kernel: [1, 7], stride: [1, 4], padding: [0, 6], dilation: [1, 3] };
const BEGIN = {
  operation: "convolution",
  input: "corner",
  weights: "left edges",
  size: 8,
  kernel: 3,
  stride: 1,
  padding: 1,
  dilation: 1,
};
const FIGURE = "the figure's"; // numbers that the page was made for
const OWN_WORDS = { [FIGURE]: t`the figure's`, own: t`own numbers` };
const LESSONS_OF = {
  convolution:
    t`The kernel is laid on a patch of the input: number times number, all added up. Then it moves on by the stride.`,
  "transposed convolution":
    t`Each input lays down the whole kernel, a stride apart. What reaches one output from all of them is added up, so the map grows.`,
  maximum: t`The largest number of the window is kept. There are no weights.`,
  mean: t`The numbers of the window are added up and divided by the cells of the window, those of the padding among them.`,
};

// A square of numbers, with as many rows and columns as asked for, each its nearest.
const resized = (values, from, to) =>
  Array.from({ length: to * to }, (_, i) => {
    const [y, x] = [Math.floor(((Math.floor(i / to) + 0.5) * from) / to), Math.floor((((i % to) + 0.5) * from) / to)];
    return values[y * from + x];
  });

export function startPlayground() {
  const section = document.getElementById("playground");
  const given = document.getElementById("figure");
  const figure = given ? JSON.parse(given.textContent) : null;
  const start = figure ? { ...figure.settings, input: FIGURE, weights: FIGURE } : BEGIN;
  const own = figure ? [FIGURE] : [];
  const bias = figure?.bias ?? 0;
  const [darkest, brightest] = figure?.range ?? [0, 9];
  const inputOf = (name, size) =>
    name === FIGURE ? resized(figure.values, start.size, size) : patternOf(name, size);
  const weightsOf = (name, kernel) =>
    name === FIGURE ? resized(figure.weights, start.kernel, kernel) : kernelOf(name, kernel);
  const settings = { ...start };
  let input = inputOf(settings.input, settings.size);
  let weights = weightsOf(settings.weights, settings.kernel);
  let place = [0, 0]; // of the output that is explained
  let [layer, output] = [null, null];
  let timer = 0;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  // --- what can be set ---

  const selects = {};
  function choice(name, label, names, words) {
    const options = names.map((value) => build("option", { value }, words[value] ?? OWN_WORDS[value]));
    const select = build("select", { id: `play-${name}` }, options);
    select.value = settings[name];
    selects[name] = select;
    select.addEventListener("change", () => change({ [name]: select.value }));
    return build("label", { for: `play-${name}` }, label, select);
  }
  const ranges = {};
  function range(name, label) {
    const [min, max] = LIMITS[name];
    const slider = build("input", { type: "range", id: `play-${name}`, min, max, step: 1 });
    const shown = build("output", { for: `play-${name}` });
    ranges[name] = { slider, shown };
    slider.addEventListener("input", () => change({ [name]: Number(slider.value) }));
    return build("label", { for: `play-${name}` }, build("span", {}, label), slider, shown);
  }
  const file = build("input", { type: "file", accept: "image/*" });
  file.addEventListener("change", () => readPicture(file.files[0]));
  const picture = build("label", { class: "file button" }, file, build("span", {}, t`Picture file…`));
  const kernelCells = build("div", { class: "own-kernel", role: "group", "aria-label": t`Kernel` });
  const message = build("p", { class: "message", role: "status" });
  const play = makeButton(t`Slide`, t`Slide the window over the input`, () => (timer ? stop() : begin()));
  const controls = build(
    "div",
    { class: "controls-of-layer" },
    choice("operation", t`Layer`, Object.keys(OPERATIONS), OPERATIONS),
    choice("input", t`Input`, [...own, ...patternNames, "own"], PATTERN_WORDS),
    picture,
    range("size", t`Input size`),
    range("kernel", t`Kernel`),
    range("stride", t`Stride`),
    range("padding", t`Padding`),
    range("dilation", t`Dilation`),
    choice("weights", t`Weights`, [...own, ...kernelNames, "own"], KERNEL_WORDS),
    kernelCells,
    build("div", { class: "tools" }, play, makeButton(t`Reset`, t`Begin again`, () => change({ ...start }))),
    message,
  );

  // --- what is seen ---

  const formula = build("p", { class: "formula large" });
  const lesson = build("p", { class: "lesson-line" });
  const before = mapBox(t`Input`, t`click to change a number`);
  const after = mapBox(t`Output`, t`point at a number to see its sum`);
  const sum = build("div", { class: "told" });
  section.append(
    build("h2", {}, t`Playground`),
    controls,
    build(
      "div",
      { class: "layer-at-work" },
      lesson,
      formula,
      build("div", { class: "maps-at-work" }, before.element, build("span", { class: "sign" }, "→"), after.element),
      sum,
    ),
  );

  function mapBox(name, words) {
    const canvas = build("canvas", { tabindex: 0, role: "application", "aria-label": name });
    const numbers = buildShape("svg", { class: "overlay numbers", "aria-hidden": "true" });
    const frame = build("div", { class: "framed" }, canvas, numbers);
    const caption = build("figcaption", {}, build("strong", {}, name), build("span", {}), ` ${words}`);
    return { canvas, numbers, frame, caption, element: build("figure", {}, caption, frame) };
  }

  // A map in its colours, with its numbers where there is room, and boxes: [class, top, left, rows,
  // columns] of each.  ring: cells of padding around it.
  function drawMap(box, values, size, { ring, scale, boxes }) {
    const whole = size + 2 * ring;
    const room = Math.min(WIDEST, section.clientWidth - 32);
    const cell = Math.max(6, Math.min(LARGEST_CELL, Math.floor(room / whole)));
    const shown = new Float64Array(whole * whole).fill(NaN);
    for (let i = 0; i < size * size; i++) {
      shown[(Math.floor(i / size) + ring) * whole + (i % size) + ring] = values[i];
    }
    paintKnown(box.canvas, shown, whole, scale);
    box.frame.style.width = box.frame.style.height = `${whole * cell}px`;
    box.numbers.setAttribute("viewBox", `0 0 ${whole * cell} ${whole * cell}`);
    const texts = [];
    if (cell >= NUMBERED) {
      for (let i = 0; i < shown.length; i++) {
        const outside = Number.isNaN(shown[i]);
        const [x, y] = [((i % whole) + 0.5) * cell, (Math.floor(i / whole) + 0.5) * cell];
        const strength = outside ? 0 : (shown[i] - scale.low) / (scale.high - scale.low || 1);
        const far = Math.abs(2 * strength - 1) > 0.6 ? "far" : "near";
        const kind = scale.map !== "grey" ? far : strength < 0.55 ? "on-dark" : "on-light";
        const text = buildShape("text", { x, y, class: outside ? "outside" : kind }, outside ? "0" : brief(shown[i]));
        text.setAttribute("font-size", Math.min(16, cell * 0.38).toFixed(1));
        texts.push(text);
      }
    }
    const shapes = boxes.flatMap(([name, top, left, rows, columns]) =>
      ["halo", name].map((kind) =>
        buildShape("rect", {
          class: kind,
          x: (left + ring) * cell,
          y: (top + ring) * cell,
          width: columns * cell,
          height: rows * cell,
        }),
      ),
    );
    box.numbers.replaceChildren(...texts, ...shapes);
  }

  const brief = (value) => (Number.isInteger(value) ? showNumber(value) : showNumber(Number(value.toPrecision(2))));

  // What is no number, the padding, stays empty.
  function paintKnown(canvas, shown, whole, scale) {
    const order = Int32Array.from(shown, (value, i) => (Number.isNaN(value) ? -1 : i));
    paint(canvas, shown, whole, whole, { ...scale, order });
  }

  const signedScale = (values) => {
    const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    return { map: "diverging", low: -reach, high: reach };
  };

  function showMaps() {
    const { size, padding, operation, kernel, dilation } = settings;
    const transposed = operation === "transposed convolution";
    const [, made] = layer.shape;
    place = place.map((at) => Math.min(at, made - 1));
    const told = explained(layer, input, ...place);
    const reach = dilation * (kernel - 1) + 1;
    const first = place.map((at) => at * settings.stride - padding);
    const seen = transposed
      ? told.rows.flatMap((row) => told.columns.map((column) => [row, column]))
          .filter(([row, column]) => row >= 0 && column >= 0)
          .map(([row, column]) => ["box", row, column, 1, 1])
      : [["box near", ...first, reach, reach]];
    const ring = transposed ? 0 : padding;
    drawMap(before, input, size, { ring, scale: { map: "grey", low: darkest, high: brightest }, boxes: seen });
    const negative = output.some((value) => value < 0);
    const top = output.reduce((most, value) => Math.max(most, value), 0) || 1;
    const scale = negative ? signedScale(output) : { map: "grey", low: 0, high: top };
    drawMap(after, output, made, { ring: 0, scale, boxes: [["unit", ...place, 1, 1]] });
    before.caption.children[1].textContent = ` ${size} × ${size}${ring ? t`, ${ring} of padding around it` : ""}:`;
    after.caption.children[1].textContent = ` ${made} × ${made}:`;
    sum.replaceChildren(...tell(told));
    after.canvas.setAttribute(
      "aria-label",
      t`Output, row ${place[0]}, column ${place[1]}: ${showMarked(told.total)}`,
    );
  }

  function tell(told) {
    const heading = build("h3", {}, t`Output at row ${place[0]}, column ${place[1]}: ${showMarked(told.total)}`);
    if (told.kind === "pooling") {
      const words =
        told.reduction === "mean"
          ? `${showNumber(told.sum)} / ${told.divisor} = ${showMarked(told.total)}`
          : t`the largest is ${showMarked(told.total)}`;
      return [heading, build("div", { class: "grids" }, cellsOf("patch", t`window`, null, told.patch, told), build("p", {}, words))];
    }
    const { patch, kernel, products, outside, mapSums } = told;
    const added = bias
      ? t`add up to ${showMarked(mapSums[0])}, ${showAdded(bias)} of bias: ${showMarked(told.total)}`
      : t`add up to ${showMarked(told.total)}`;
    const parts = build(
      "div",
      { class: "grids" },
      cellsOf("patch", t`patch`, null, patch[0], { outside }),
      build("span", { class: "sign" }, "×"),
      cellsOf("kernel", told.transposed ? t`kernel, turned` : t`kernel`, null, kernel[0]),
      build("span", { class: "sign" }, "="),
      cellsOf("products", t`products`, added, products[0]),
    );
    return [heading, parts];
  }

  function showKernel() {
    const { kernel, operation } = settings;
    const pooling = isPooling(operation);
    kernelCells.hidden = selects.weights.parentElement.hidden = pooling;
    if (pooling) return;
    kernelCells.style.gridTemplateColumns = `repeat(${kernel}, minmax(0, 3.5rem))`;
    const kept = kernelCells.querySelectorAll("input");
    if (kept.length === kernel * kernel && kernelCells.contains(document.activeElement)) return;
    kernelCells.replaceChildren(
      ...weights.map((weight, at) => {
        const label = t`Weight, row ${Math.floor(at / kernel)}, column ${at % kernel}`;
        const cell = build("input", { type: "number", step: "any", "aria-label": label });
        cell.value = Number(weight.toPrecision(4));
        cell.addEventListener("input", () => {
          const value = Number(cell.value);
          if (cell.value === "" || !Number.isFinite(value)) return;
          weights[at] = value;
          change({ weights: "own" });
        });
        return cell;
      }),
    );
  }

  // --- changes ---

  function change(changes) {
    stop();
    const was = { ...settings };
    Object.assign(settings, changes);
    const { input: pattern, weights: name, size, kernel } = settings;
    if (size !== was.size && pattern === "own") input = resized(input, was.size, size);
    if (pattern !== "own") input = inputOf(pattern, size);
    if (kernel !== was.kernel && name === "own") settings.weights = "ones";
    if (settings.weights !== "own") weights = [...weightsOf(settings.weights, kernel)];
    show();
    write();
  }

  function show() {
    for (const [name, { slider, shown }] of Object.entries(ranges)) {
      slider.value = settings[name];
      shown.textContent = settings[name];
    }
    for (const [name, select] of Object.entries(selects)) select.value = settings[name];
    const mean = settings.operation === "mean";
    ranges.dilation.slider.disabled = mean;
    if (mean) settings.dilation = 1;
    lesson.textContent = LESSONS_OF[settings.operation];
    showKernel();
    const { wrong, line } = outputSize(settings);
    message.textContent = wrong ?? "";
    message.classList.toggle("wrong", Boolean(wrong));
    formula.textContent = wrong ? "" : t`rows and columns: ${line}`;
    sum.hidden = before.element.hidden = after.element.hidden = Boolean(wrong);
    if (wrong) return;
    layer = layerOf({ ...settings, bias }, weights);
    output = computed(layer, input);
    showMaps();
  }

  async function readPicture(picture) {
    file.value = "";
    if (!picture) return;
    const { size } = settings;
    try {
      const bitmap = await createImageBitmap(picture);
      const context = new OffscreenCanvas(size, size).getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, size, size);
      const { data } = context.getImageData(0, 0, size, size);
      input = Array.from({ length: size * size }, (_, i) =>
        Math.round((9 * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])) / 255),
      );
      change({ input: "own" });
    } catch {
      message.textContent = t`${picture.name}: expected a picture that the browser can read, got something else`;
      message.classList.add("wrong");
    }
  }

  // A pixel of the input: one more, from 9 back to 0.
  before.canvas.addEventListener("click", (event) => {
    const ring = settings.operation === "transposed convolution" ? 0 : settings.padding;
    const whole = settings.size + 2 * ring;
    const [row, column] = cellUnder(event, before.canvas, whole, whole).map((at) => at - ring);
    if (row < 0 || column < 0 || row >= settings.size || column >= settings.size) return;
    const at = row * settings.size + column;
    input = [...input];
    input[at] = input[at] >= 9 ? 0 : Math.min(9, input[at] + 3);
    change({ input: "own" });
  });
  const pointAt = (event) => {
    const [, made] = layer.shape;
    place = cellUnder(event, after.canvas, made, made);
    showMaps();
  };
  after.canvas.addEventListener("pointermove", (event) => timer || pointAt(event));
  after.canvas.addEventListener("click", (event) => {
    stop();
    pointAt(event);
  });
  after.canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    stop();
    const [, made] = layer.shape;
    place = place.map((at, axis) => Math.min(made - 1, Math.max(0, at + step[axis])));
    showMaps();
  });

  // --- the window slides ---

  function begin() {
    if (still.matches) return;
    play.textContent = t`Stop`;
    timer = setInterval(() => {
      const [, made] = layer.shape;
      const next = (place[0] * made + place[1] + 1) % (made * made);
      place = [Math.floor(next / made), next % made];
      showMaps();
    }, STEP_MILLISECONDS);
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = t`Slide`;
  }
  play.hidden = still.matches;

  // --- its address, so that it can be linked to ---

  function write() {
    const said = new URLSearchParams(Object.entries(settings).filter(([name, value]) => value !== start[name]));
    const fragment = `#playground${said.size ? `&${said}` : ""}`;
    try {
      history.replaceState(history.state, "", fragment);
    } catch {
      // a page from the disk may not be allowed to: then there is no link
    }
  }
  function read() {
    const said = new URLSearchParams(location.hash.slice("#playground".length));
    const wanted = {};
    for (const [name, [low, high]] of Object.entries(LIMITS)) {
      const value = Number(said.get(name));
      if (said.has(name) && Number.isInteger(value) && value >= low && value <= high) wanted[name] = value;
    }
    for (const [name, select] of Object.entries(selects)) {
      const known = [...select.options].some(({ value }) => value === said.get(name) && value !== "own");
      if (known) wanted[name] = said.get(name);
    }
    change({ ...start, ...wanted });
  }

  listenToTheme(show);
  return {
    open() {
      if (/^#playground/.test(location.hash)) read();
      else change({});
    },
    close: stop,
    settings,
    compute: (asked, values, kernel) => Array.from(computed(layerOf(asked, kernel), values)),
    sizeOf: outputSize,
  };
}
