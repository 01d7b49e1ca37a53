// What if: filters off, the picture moved by pixels, parts of it covered.
import { borderColour, toFloats } from "./pictures.js";
import { listenToTheme, paint, paintRamp, themeName } from "./colours.js";
import { build, decimal, makeButton, showNumber, write } from "./words.js";
import { makeArrows, paintBytes, shiftWords } from "./drawing.js";
import { percent, points } from "./answer.js";
import { spanOf } from "./network.js";

const LEAST_REACH = 0.01; // of a probability: smaller changes have no full colour
const SLICE = 12; // milliseconds of work before the page may breathe

export function startWhatIf(store) {
  document
    .getElementById("whatif")
    .append(makeSwitches(store), makeShift(store), makeOcclusion(store));
}

// --- filters off -----------------------------------------------------------------------------

function makeSwitches(store) {
  const { network } = store.state;
  const list = build("ul", { class: "silent" });
  const all = makeButton(t`All on`, t`Switch all maps on again`, () => store.set({ off: new Set() }));
  const way = t`None: a layer’s name opens its filters, each with a switch.`;
  const none = build("p", { class: "quiet" }, way);
  const heading = build("h3", {}, t`Filters off`);
  const element = build("div", { class: "block off" }, heading, none, list, all);
  const show = () => {
    const { off } = store.state;
    none.hidden = off.size > 0;
    all.hidden = off.size === 0;
    const entries = [...off].map((key) => key.split(":").map(Number));
    entries.sort(([layer, map], [otherLayer, other]) => layer - otherLayer || map - other);
    list.replaceChildren(
      ...entries.map(([layer, map]) => {
        const entry = network.layers[layer];
        const name = entry.maps ? t`${entry.title}, map ${map}` : t`${entry.title}, unit ${map}`;
        const on = makeButton(`${name} ✕`, t`Switch ${name} on again`, () => {
          const rest = new Set(store.state.off);
          rest.delete(`${layer}:${map}`);
          store.set({ off: rest });
        });
        return build("li", {}, on);
      }),
    );
  };
  store.listen((keys) => {
    if (keys.has("off")) show();
  });
  show();
  return element;
}

// --- shifts ----------------------------------------------------------------------------------

function makeShift(store) {
  const { description } = store.state;
  const words = build("p", { role: "status" });
  const answer = build("p", { class: "quiet" });
  const body = build("tbody", {});
  const heads = [
    [t`layer`, t`Layers with maps`],
    [t`moves by`, t`By how many cells its maps should move`],
    [t`error`, t`Relative difference over all cells that are left`],
    [t`inside`, t`Over those cells alone that saw neither padding nor the new edge`],
  ].map(([name, title]) => build("th", { scope: "col", title }, name));
  const table = build("table", {}, build("thead", {}, build("tr", {}, ...heads)), body);
  const explained = build(
    "p",
    { class: "quiet" },
    t`error: how far the maps of the shifted picture are from the shifted maps, relative to these; inside: away from the border. 0 is exact; ≈: to the nearest whole cell.`,
  );
  const results = build("div", { class: "results" }, build("div", {}, table), explained);
  const element = build(
    "div",
    { class: "block shift" },
    build("h3", {}, t`Shift`),
    build("div", { class: "steer" }, makeArrows(store), words),
    answer,
    results,
  );
  store.listen((keys) => {
    if (!keys.has("trace") && !keys.has("shift")) return;
    const { shift, trace, off } = store.state;
    const moved = shift.some((pixels) => pixels !== 0);
    write(words, moved ? shiftWords(shift) : t`not shifted`);
    results.hidden = !moved || !trace;
    if (results.hidden) return write(answer, "");
    const plain = store.state.unshifted;
    const same = off.size ? t`, the same filters off` : "";
    write(answer, invariance(plain, trace, description.classes) + same);
    return body.replaceChildren(...equivarianceOf(store.state.network, plain, trace, shift).map(rowOf));
  });
  return element;
}

// What the shift does to the answer, in words.
function invariance(plain, moved, classes) {
  const change = points(moved.probabilities[plain.answer] - plain.probabilities[plain.answer]);
  const kept = plain.answer === moved.answer;
  const begin = kept
    ? t`the answer stays ${classes[plain.answer]}`
    : t`the answer turns from ${classes[plain.answer]} to ${classes[moved.answer]}`;
  return t`${begin}; the probability of ${classes[plain.answer]}: ${change} points`;
}

function rowOf({ name, cells, rounded, error, inner }) {
  const mark = rounded ? "≈ " : "";
  const text = (value) => (Number.isNaN(value) ? "–" : `${mark}${showNumber(value)}`);
  const row = build(
    "tr",
    {},
    build("th", { scope: "row" }, name),
    build("td", {}, cells[0] || cells[1] ? cellWords(cells) : "0"),
    build("td", {}, text(error)),
    build("td", { class: inner === 0 ? "exact" : "" }, text(inner)),
  );
  Object.assign(row.dataset, { layer: name, error, inner });
  return row;
}

// [1, −2]: "↓ 1 ← 2".
const cellWords = ([rows, columns]) =>
  [
    rows ? `${rows > 0 ? "↓" : "↑"} ${Math.abs(rows)}` : "",
    columns ? `${columns > 0 ? "→" : "←"} ${Math.abs(columns)}` : "",
  ]
    .filter(Boolean)
    .join(" ");

// For each layer with maps that have an effective stride: ||f(T x) − T' f(x)|| / ||T' f(x)||, as
// convlab.insight.commuting with border "zeros" defines it.  T' moves the maps by the shift over
// the stride, to the nearest whole cell (a half: up).  `error` is over the cells that T' takes
// from inside the maps, `inner` over those whose fields lie within the image, before and after.
function equivarianceOf(network, plain, moved, shift) {
  const results = [];
  for (const layer of network.layers) {
    if (!layer.maps || !layer.receptive_field) continue;
    const { stride } = layer.receptive_field;
    const cells = shift.map((by, axis) => Math.floor(by / stride[axis] + 0.5));
    const rounded = cells.some((cell, axis) => cell * stride[axis] !== shift[axis]);
    const [left, inside] = [0, 1].map((only) =>
      [0, 1].map((axis) =>
        rangeAfter(layer.shape[axis + 1], cells[axis]).filter(
          (unit) => !only || seesOnlyImage(network, layer, axis, unit, shift[axis], cells[axis]),
        ),
      ),
    );
    const pair = [plain.outputs[layer.index], moved.outputs[layer.index]];
    results.push({
      name: layer.title,
      cells,
      rounded,
      error: relativeDifference(...pair, layer.shape, cells, left),
      inner: relativeDifference(...pair, layer.shape, cells, inside),
    });
  }
  return results;
}

// The cells of an axis that a shift without coming back leaves something of the maps in.
function rangeAfter(length, cells) {
  const all = Array.from({ length }, (_, unit) => unit);
  return all.filter((unit) => unit - cells >= 0 && unit - cells < length);
}

// Whether what a cell sees lies within the image before the shift, and after it off what came in.
function seesOnlyImage(network, layer, axis, unit, by, cells) {
  const pixels = network.inputShape[axis + 1];
  const field = layer.fields[0][axis ? "columns" : "rows"];
  const span = (at) => spanOf(field, at);
  const [start, end] = span(unit);
  const [startBefore, endBefore] = span(unit - cells);
  const after = start >= Math.max(by, 0) && end <= pixels + Math.min(by, 0);
  return after && startBefore >= 0 && endBefore <= pixels;
}

function relativeDifference(plain, moved, [maps, rows, columns], cells, [rowsLeft, columnsLeft]) {
  if (!rowsLeft.length || !columnsLeft.length) return NaN;
  let [difference, norm] = [0, 0];
  for (let map = 0; map < maps; map++) {
    for (const row of rowsLeft) {
      for (const column of columnsLeft) {
        const after = plain[(map * rows + row - cells[0]) * columns + column - cells[1]];
        difference += (moved[(map * rows + row) * columns + column] - after) ** 2;
        norm += after ** 2;
      }
    }
  }
  return difference === 0 ? 0 : Math.sqrt(difference) / Math.sqrt(norm);
}

// --- occlusion -------------------------------------------------------------------------------

function makeOcclusion(store) {
  const { input, classes } = store.state.description;
  const patch = [input.rows, input.columns].map((length) => Math.max(1, halfToEven(length / 7)));
  const size = `${patch[0]} × ${patch[1]}`;
  const start = makeButton(t`Cover patches`, t`Cover the picture patch by patch`, run);
  const stop = makeButton(t`Cancel`, t`Stop covering`, cancel);
  const progress = build("progress", { max: "1", "aria-label": t`Patches that have been tried` });
  const base = build("canvas", { class: "pixels under" });
  const over = build("canvas", { class: "pixels over", role: "img" });
  const bar = build("canvas", { class: "ramp" });
  const low = build("span", {});
  const high = build("span", {});
  const told = build("p", { class: "quiet", role: "status" });
  const scale = Math.max(1, Math.floor(224 / Math.max(input.rows, input.columns)));
  const stack = build("div", {}, base, over);
  stack.style.width = `${input.columns * scale}px`;
  stack.style.height = `${input.rows * scale}px`;
  const picture = build(
    "div",
    { class: "covered" },
    stack,
    build("div", { class: "legend" }, bar, build("div", { class: "ends" }, low, high), told),
  );
  const about = build(
    "p",
    { class: "quiet" },
    t`How much the answer loses when ${size} pixels are covered with the border’s colour.`,
  );
  const element = build(
    "div",
    { class: "block occlusion" },
    build("h3", {}, t`Occlusion`),
    about,
    build("div", { class: "tools" }, start, stop, progress),
    picture,
  );
  let running = null; // the work under way: an object of its own for each
  let found = null;

  function cancel() {
    running = null;
    show();
  }

  async function run() {
    const { network, trace, input: x, shown, off } = store.state;
    if (!trace) return;
    const mine = {};
    running = mine;
    progress.value = 0;
    show();
    stop.focus();
    const pixel = { ...input, rows: 1, columns: 1 };
    const cover = toFloats(borderColour(shown, input), pixel, store.state.description.scaling);
    const asking = (covered) => store.probabilities(covered, off);
    const steps = occlusionSteps(network, x, trace, { patch, cover, asking });
    let end = performance.now() + SLICE;
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) {
      if (running !== mine) return;
      if (performance.now() < end) continue;
      progress.value = next.value;
      await new Promise((resolve) => setTimeout(resolve));
      end = performance.now() + SLICE;
    }
    if (running !== mine) return;
    const hadFocus = document.activeElement === stop;
    running = null;
    found = next.value;
    store.set({ occlusion: found.map });
    if (hadFocus) start.focus();
  }

  function show() {
    const { occlusion, shown, trace } = store.state;
    start.hidden = running !== null;
    start.disabled = !trace;
    stop.hidden = progress.hidden = running === null;
    picture.hidden = !occlusion;
    about.hidden = Boolean(occlusion);
    if (!occlusion) return;
    const largest = occlusion.reduce((reach, drop) => Math.max(reach, Math.abs(drop)), 0);
    const most = Math.max(largest, LEAST_REACH);
    const drawing = store.state.description.dark_background ? " drawing" : "";
    stack.className = `stack ${themeName()}${drawing}`;
    paintBytes(base, shown, input);
    paint(over, occlusion, input.rows, input.columns, { map: "diverging", low: -most, high: most });
    paintRamp(bar, "diverging");
    const reach = decimal(String(Number((100 * most).toPrecision(3))));
    low.textContent = t`rises by ${reach}`;
    high.textContent = t`drops by ${reach} points`;
    const name = classes[trace.answer];
    told.textContent =
      t`the probability of ${name}, ${percent(found.probability)}: a pixel shows the mean over its patches; one patch alone takes it to ${percent(found.probability - found.largest)}` +
      (largest < LEAST_REACH ? t`; no pixel changes it by a whole point, so all is pale` : "");
    over.setAttribute("aria-label", t`Occlusion map for ${name}; ${told.textContent}`);
  }

  store.listen((keys) => {
    if (keys.has("trace")) running = null; // its picture is gone
    if (keys.has("trace") || keys.has("occlusion")) show();
  });
  listenToTheme(show);
  show();
  return element;
}

function halfToEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

// Zeiler & Fergus 2014, section 4.2, as convlab.insight.occlusion: for each pixel the mean drop of
// the answer's probability over the patches that cover it.  Patches are half a patch apart, the
// last ones end at the border.  Yields the share that is done after each patch and returns {map,
// probability, largest: the largest change by one patch}.
async function* occlusionSteps(network, x, trace, { patch, cover, asking }) {
  const [channels, rows, columns] = network.inputShape;
  const target = trace.answer;
  const starts = [rows, columns].map((length, axis) => {
    const step = Math.max(1, Math.floor(patch[axis] / 2));
    const last = length - patch[axis];
    const all = [];
    for (let at = 0; at < last; at += step) all.push(at);
    return [...all, last];
  });
  const total = new Float64Array(rows * columns);
  const count = new Float64Array(rows * columns);
  const probability = trace.probabilities[target];
  let [largest, done] = [0, 0];
  for (const top of starts[0]) {
    for (const left of starts[1]) {
      const covered = x.slice();
      const eachPixel = (visit) => {
        for (let row = top; row < top + patch[0]; row++) {
          for (let column = left; column < left + patch[1]; column++) visit(row * columns + column);
        }
      };
      for (let channel = 0; channel < channels; channel++) {
        eachPixel((pixel) => {
          covered[channel * rows * columns + pixel] = cover[channel];
        });
      }
      const drop = probability - (await asking(covered))[target];
      eachPixel((pixel) => {
        total[pixel] += drop;
        count[pixel] += 1;
      });
      if (Math.abs(drop) > Math.abs(largest)) largest = drop;
      done += 1;
      yield done / (starts[0].length * starts[1].length);
    }
  }
  const map = Float32Array.from(total, (sum, pixel) => sum / count[pixel]);
  return { map, probability, largest };
}
