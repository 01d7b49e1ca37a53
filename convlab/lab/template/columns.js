// One layer of the overview as a column of maps, and several folded into a block.
import { areRounded, build, showMarked, showNumbers, showShape, write } from "./words.js";
import { clearMap, paint, paintRamp } from "./colours.js";
import { breakable, isStrip, layerScale, unitIndex } from "./units.js";
import { nodeName } from "./tree.js";

const MOST_MAPS = 48; // in a column; all are in the layer's own view
const MOST_OF_MANY = 16; // where there are many layers
const MANY = 24; // layers
const FACES = 3; // maps on a block

// What a layer reads, where that is not just the one beside it.
function readsWords(network, layer) {
  const sources = network.layers[layer]?.sources ?? [];
  if (sources.every((source) => source === layer - 1) && sources.length < 2) return null;
  return t`reads ${sources.map((at) => network.layers[at]?.title ?? t`input`).join(", ")}`;
}

// 28 × 28 × 6, which may be broken before its channels.
function sizeParts(shape) {
  const [plane, channels] = showShape(shape).split(/ (?=× \d+$)/);
  return channels ? [build("span", {}, plane), " ", build("span", {}, channels)] : [plane];
}

const labelsOf = ({ kind, shape }, classes) =>
  kind === "Probabilities" && shape[0] <= 16
    ? build(
        "ul",
        { class: "labels", "aria-hidden": "true" },
        classes.map((text) => build("li", {}, text)),
      )
    : null;

function makeScale() {
  const bar = build("canvas", { class: "bar", role: "img", "aria-label": t`scale` });
  const range = build("span", { class: "range" });
  return { bar, range, scale: build("div", { class: "scale" }, bar, range) };
}

export function makeColumn({ network, description }, layer) {
  const shape = network.shape(layer);
  const entry = layer < 0 ? null : network.layers[layer];
  const name = entry ? entry.title : t`input`;
  const strip = isStrip(shape);
  const maps = strip ? 1 : shape[0];
  const shownCount = Math.min(maps, network.layers.length > MANY ? MOST_OF_MANY : MOST_MAPS);
  const reads = readsWords(network, layer);
  const size = strip ? t`${shape[0]} units` : t`${maps} maps of ${shape[1]} × ${shape[2]}`;
  const what = [name, size, reads].filter(Boolean).join(", ");
  const button = build(
    "button",
    {
      type: "button",
      class: "name",
      "data-heading": layer,
      "aria-expanded": "false",
      "aria-controls": "layer",
    },
    breakable(name),
  );
  const brief = entry?.short ?? name;
  const said = name.toLowerCase().includes(brief.toLowerCase());
  const heading = build(
    "div",
    { class: "heading" },
    button,
    said ? null : build("span", { class: "kind" }, brief),
    build("span", { class: "size" }, ...sizeParts(shape)),
    reads ? build("span", { class: "reads" }, reads) : null,
    maps > shownCount ? build("span", { class: "kind" }, t`${shownCount} shown`) : null,
  );
  const numbers = Array.from({ length: shownCount }, (_, map) => map);
  const canvases = numbers.map((map) =>
    build("canvas", {
      role: "img",
      "data-layer": layer,
      "data-map": strip ? null : map,
      tabindex: map ? -1 : 0,
      "aria-label": strip ? what : t`${name}, map ${map}`,
    }),
  );
  const body = build(
    "div",
    { class: strip ? "maps strip" : "maps", role: "application", "aria-label": what },
    canvases,
  );
  const labels = labelsOf(entry ?? { shape }, description.classes);
  if (labels) body.append(labels);
  const { bar, range, scale } = makeScale();
  return {
    key: String(layer),
    layer,
    first: layer,
    name,
    shape,
    strip,
    maps: numbers.length,
    numbers, // of the maps that have a canvas
    rows: strip ? shape[0] : shape[1],
    columns: strip ? 1 : shape[2],
    element: build("div", { class: layer < 0 ? "column first" : "column" }, heading, body, scale),
    heading,
    button,
    canvases,
    body,
    labels,
    bar,
    range,
    scale: null, // of what was painted last
    last: null,
    order: null,
    places: [],
  };
}

// Layers that are folded into one: the first maps of the last of them, and what opens it.
export function makeBlock({ network }, node, key) {
  const { first, last } = node;
  const shape = network.shape(last);
  const strip = isStrip(shape);
  const name = nodeName(network, node);
  const count = last - first + 1;
  const before = showShape(network.shape(Math.min(...network.layers[first].sources)));
  const label = t`Open ${name}: ${count} layers, from ${before} to ${showShape(shape)}`;
  const button = build(
    "button",
    { type: "button", class: "name", "data-open": key, "aria-label": label, title: label },
    breakable(name),
  );
  const joins = network.layers.slice(first, last + 1).some(({ family }) => family === "join");
  const heading = build(
    "div",
    { class: "heading" },
    button,
    build("span", { class: "kind" }, joins ? t`${count} layers, branches` : t`${count} layers`),
    build("span", { class: "size" }, ...sizeParts(shape)),
  );
  const numbers = Array.from({ length: strip ? 1 : Math.min(FACES, shape[0]) }, (_, map) => map);
  const canvases = numbers.map((map) =>
    build("canvas", { class: "face", role: "img", "aria-label": t`${name}, its map ${map}` }),
  );
  const body = build("div", { class: "maps faces", "data-open": key }, canvases);
  return {
    key,
    node,
    layer: last,
    first,
    shape,
    strip,
    maps: numbers.length,
    numbers,
    rows: strip ? shape[0] : shape[1],
    columns: strip ? 1 : shape[2],
    element: build("div", { class: "column block-of-layers" }, heading, body),
    heading,
    button,
    canvases,
    body,
    labels: null,
    order: null,
    places: [],
  };
}

// --- painting ---

export function paintColumn(column, { network, trace, playing, unit, off }) {
  const { layer } = column;
  const values = network.output(trace, layer);
  const scale = layerScale(network, trace, layer);
  const plane = column.strip ? values.length : column.rows * column.columns;
  const coloured = layer < 0 && column.shape[0] === 3;
  const played = playing && unit?.layer === layer && !column.node ? unit.unit : null;
  column.canvases.forEach((canvas, at) => {
    const map = column.numbers[at];
    const shown = column.strip ? values : values.subarray(map * plane, (map + 1) * plane);
    const now = played && (column.strip || played[0] === map);
    paint(canvas, shown, column.rows, column.columns, {
      ...scale,
      map: coloured ? ["red", "green", "blue"][map] : scale.map,
      order: column.order,
      count: now ? unitIndex(column.shape, played) + 1 : plane,
    });
    canvas.classList.toggle("off", !column.strip && off.has(`${layer}:${map}`));
  });
  column.scale = scale;
}

// The bar is painted anew where its colours change, its words where they do.
export function tellScale({ layer, bar, range, scale }) {
  if (!bar || !scale) return undefined; // a block, or nothing is painted yet
  paintRamp(bar, scale.map);
  const say = (text, label) => {
    write(range, text);
    if (bar.getAttribute("aria-label") !== label) bar.setAttribute("aria-label", label);
  };
  if (layer < 0) return say("255", t`scale: pixels from 0 to 255`);
  const mark = areRounded([scale.high]) ? "≈" : "";
  const [high] = showNumbers([scale.high]);
  const signed = scale.map === "diverging";
  return say(
    `${mark}${signed ? "±" : ""}${high}`,
    signed
      ? t`scale: ${mark}−${high} to ${mark}${high}, 0 has the colour of the page`
      : t`scale: 0 to ${mark}${high}`,
  );
}

// Before there is a picture.
export function emptyColumn({ canvases, rows, columns: wide, range }) {
  for (const canvas of canvases) clearMap(canvas, rows, wide);
  if (range) write(range, "");
}

// A map that has no canvas yet takes the place of the last one.
export function showMap(column, map) {
  if (column.strip || column.node || column.numbers.includes(map)) return false;
  const at = column.numbers.length - 1;
  column.numbers[at] = map;
  column.canvases[at].dataset.map = map;
  column.canvases[at].setAttribute("aria-label", t`${column.name}, map ${map}`);
  return true;
}

// A unit's value in words, as it is spoken.
export const spokenUnit = ({ network, trace, pinned, unit: { layer, unit } }) =>
  `${network.unitName(layer, unit)}: ${showMarked(network.value(trace, layer, unit))}` +
  (pinned ? t`, pinned` : "");
