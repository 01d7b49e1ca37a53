// The network: every layer a column of maps; what a unit sees, and the keys and pointers that
// choose one.
import { areRounded, build, buildShape, showMarked, showNumbers, showShape } from "./words.js";
import { extent, listenToTheme, paint, paintRamp, themeName } from "./colours.js";
import { makeRail } from "./branches.js";

const STACKED = "(max-width: 59.99rem)"; // as in style.css: layers below each other
const MAP_GAP = 5; // pixels between maps
const KNOT_AT = 8; // pixels from a column's edge to its layer's knot
const KEY_STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const KEY_TURNS = { PageUp: -1, "[": -1, PageDown: 1, "]": 1 };

// Vectors, and maps of one cell each, are drawn as one strip.
const isStrip = (shape) => shape.length !== 3 || shape[1] * shape[2] === 1;

// The units of one map, or of a strip: how many, the place of one of them, and back.
export const unitCount = (shape) => (isStrip(shape) ? shape[0] : shape[1] * shape[2]);

export function unitIndex(shape, unit) {
  return isStrip(shape) ? unit[0] : unit[1] * shape[2] + unit[2];
}

export function unitOfIndex(shape, map, index) {
  if (isStrip(shape)) return shape.length === 3 ? [index, 0, 0] : [index];
  return [map, Math.floor(index / shape[2]), index % shape[2]];
}

// Where a long name may be broken.
const breakable = (name) =>
  name.replace(/adaptive|scaled|avg|max(?=pool)|proba(?=bilities)/g, "$&\u00ad");

export function sameUnit(one, other) {
  return one?.layer === other?.layer && String(one?.unit) === String(other?.unit);
}

// The layers from which a layer's numbers have their signs: itself, or those before layers that
// keep signs and joins of them (-1: the input).
function signMakers(network, layer) {
  const met = new Set([layer]);
  const makers = [];
  for (const at of met) {
    const { sign, family, sources } = network.layers[at] ?? {};
    if (sign === "kept" || family === "join") for (const source of sources) met.add(source);
    else makers.push(at);
  }
  return makers;
}

// How a layer's numbers become colours: one scale for all of its maps.
export function layerScale(network, trace, layer) {
  const [low, high] = extent(network.output(trace, layer));
  if (layer < 0) return { map: "grey", low, high };
  const makers = signMakers(network, layer).map((at) => network.layers[at] ?? {});
  if (makers.length === 1 && makers[0].family === "softmax")
    return { map: "cividis", low: 0, high: 1 };
  if (makers.every(({ sign }) => sign === "positive"))
    return { map: "cividis", low: 0, high: high || 1 };
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return { map: "diverging", low: -reach, high: reach };
}

export function startMaps(store) {
  const { state } = store;
  const { network, description } = state;
  const section = document.getElementById("network");
  const stacked = matchMedia(STACKED);
  const overlay = buildShape("svg", { class: "overlay", "aria-hidden": "true" });
  const field = build("div", { class: "layers" });
  const viewport = build("div", { class: "viewport" }, field);
  const spoken = build("p", { class: "unseen", role: "status", id: "spoken" });
  const columns = [];
  for (let layer = -1; layer < network.layers.length; layer++) columns.push(makeColumn(layer));
  field.append(...columns.map((column) => column.element), overlay);
  const rail = makeRail(network);
  if (rail) {
    const lab = section.parentElement;
    lab.classList.add("branched");
    lab.style.setProperty("--rail", `${rail.width}px`);
    field.prepend(rail.element);
  }
  section.append(viewport, spoken);

  const columnOf = (layer) => columns[layer + 1];

  function makeColumn(layer) {
    const shape = network.shape(layer);
    const entry = layer < 0 ? null : network.layers[layer];
    const name = entry ? entry.title : "input";
    const strip = isStrip(shape);
    const maps = strip ? 1 : shape[0];
    const rows = strip ? shape[0] : shape[1];
    const reads = readsWords(layer);
    const size = strip ? `${shape[0]} units` : `${maps} maps of ${shape[1]} × ${shape[2]}`;
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
    );
    const canvases = Array.from({ length: maps }, (_, map) =>
      build("canvas", {
        role: "img",
        "data-layer": layer,
        "data-map": strip ? null : map,
        tabindex: map ? -1 : 0,
        "aria-label": strip ? what : `${name}, map ${map}`,
      }),
    );
    const body = build(
      "div",
      { class: strip ? "maps strip" : "maps", role: "application", "aria-label": what },
      canvases,
    );
    const labels =
      entry?.kind === "Probabilities" && shape[0] <= 16
        ? build(
            "ul",
            { class: "labels", "aria-hidden": "true" },
            description.classes.map((text) => build("li", {}, text)),
          )
        : null;
    if (labels) body.append(labels);
    const bar = build("canvas", { class: "bar", role: "img", "aria-label": "scale" });
    const range = build("span", { class: "range" });
    const scale = build("div", { class: "scale" }, bar, range);
    const element = build(
      "div",
      { class: layer < 0 ? "column first" : "column" },
      heading,
      body,
      scale,
    );
    button.addEventListener("click", () => {
      store.set({ layer: state.layer === layer ? null : layer, playing: false });
    });
    return {
      layer,
      name,
      shape,
      strip,
      maps,
      rows,
      columns: strip ? 1 : shape[2],
      element,
      heading,
      button,
      canvases,
      body,
      labels,
      bar,
      range,
      last: null,
      order: null,
      places: [],
    };
  }

  // What a layer reads, where that is not just the one beside it.
  function readsWords(layer) {
    const sources = network.layers[layer]?.sources ?? [];
    if (sources.every((source) => source === layer - 1) && sources.length < 2) return null;
    return `reads ${sources.map((at) => network.layers[at]?.title ?? "input").join(", ")}`;
  }

  // 28 × 28 × 6, which may be broken before its channels.
  function sizeParts(shape) {
    const [plane, channels] = showShape(shape).split(/ (?=× \d+$)/);
    return channels ? [build("span", {}, plane), " ", build("span", {}, channels)] : [plane];
  }

  // --- how large, and where ---

  // The cells of a vector stand below each other, in as many columns as keep them visible.
  function foldVector(column, cells) {
    const count = column.shape[0];
    column.rows = Math.max(1, Math.min(count, cells));
    column.columns = Math.ceil(count / column.rows);
    column.order = new Int32Array(column.rows * column.columns).fill(-1);
    for (let index = 0; index < count; index++) {
      column.order[(index % column.rows) * column.columns + Math.floor(index / column.rows)] =
        index;
    }
  }

  function sizeMaps(column, across, height) {
    for (const canvas of column.canvases) {
      canvas.style.width = `${(height * column.columns) / column.rows}px`;
      canvas.style.height = `${height}px`;
    }
    const beside = column.labels ? 1 : 0;
    column.body.style.gridTemplateColumns = `repeat(${across + beside}, max-content)`;
    if (column.labels) column.labels.hidden = column.columns > 1;
  }

  // The height of one map where `across` stand side by side and all fill `height` pixels.
  function mapHeight(column, across, height) {
    const below = Math.ceil(column.maps / across);
    const most = column.maps === 1 ? 0.42 * height : 0.3 * height;
    return Math.min((height - (below - 1) * MAP_GAP) / below, most, 26 * column.rows);
  }

  function layOutBeside() {
    for (const { element, canvases, labels } of columns) {
      element.style.width = "";
      if (labels) labels.hidden = false;
      for (const canvas of canvases) canvas.style.width = canvas.style.height = "0";
    }
    const height = columns[0].body.getBoundingClientRect().height;
    const width = section.clientWidth;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const across = (column, count) => {
      const tall = mapHeight(column, count, height);
      return {
        across: count,
        height: tall,
        width: (count * tall * column.columns) / column.rows + (count - 1) * MAP_GAP,
      };
    };
    const plans = columns.map((column) => {
      const head = column.heading.getBoundingClientRect().width;
      if (column.strip) {
        const [count] = column.shape;
        const cell =
          count <= 16
            ? Math.min(height / count, 2 * rem)
            : Math.max(Math.sqrt((3 * rem * height) / count), 5);
        foldVector(column, count <= 16 ? count : Math.floor(height / cell));
        const beside = column.labels ? column.labels.getBoundingClientRect().width + MAP_GAP : 0;
        return {
          column,
          head,
          across: 1,
          height: column.rows * cell,
          width: column.columns * cell + beside,
          fixed: true,
        };
      }
      return { column, head, ...across(column, 1) };
    });
    const gaps = 1.25 * rem * (plans.length - 1);
    const taken = () => plans.reduce((sum, plan) => sum + Math.max(plan.head, plan.width), gaps);
    // Widen the layers with the smallest maps, those of as many maps together: until one can see
    // them, then as long as all fit.
    const families = Map.groupBy(
      plans.filter((plan) => !plan.fixed),
      ({ column }) => column.maps,
    );
    const smallest = (family) => Math.min(...family.map((plan) => plan.height));
    for (let open = [...families.values()]; open.length;) {
      const family = open.reduce((small, other) =>
        smallest(other) < smallest(small) ? other : small,
      );
      const before = family.map((plan) => ({ ...plan }));
      const [
        {
          across: now,
          column: { maps },
        },
      ] = family;
      for (let count = now + 1; count <= maps && smallest(family) <= smallest(before); count++) {
        for (const plan of family) Object.assign(plan, across(plan.column, count));
      }
      const larger = smallest(family) > smallest(before);
      if (!larger || (taken() > width && smallest(before) >= 1.5 * rem)) {
        family.forEach((plan, index) => Object.assign(plan, before[index]));
        open = open.filter((other) => other !== family);
      }
    }
    for (const { column, head, across: count, height: tall, width: wide } of plans) {
      sizeMaps(column, count, tall);
      column.element.style.width = `${Math.ceil(Math.max(head, wide))}px`;
    }
  }

  function layOutBelow() {
    const width = section.clientWidth - (rail?.width ?? 0);
    for (const column of columns) {
      column.element.style.width = "";
      if (column.strip) {
        const cell = column.shape[0] <= 16 ? Math.min(28, width / column.shape[0]) : 14;
        const across = Math.max(1, Math.min(column.shape[0], Math.floor(width / cell)));
        foldVector(column, Math.ceil(column.shape[0] / across));
        sizeMaps(column, 1, column.rows * cell);
        continue;
      }
      const target = Math.min(Math.max(6 * column.columns, 60), 84);
      const across = Math.min(
        column.maps,
        Math.max(1, Math.floor((width + MAP_GAP) / (target + MAP_GAP))),
      );
      const wide = Math.min(
        (width - (across - 1) * MAP_GAP) / across,
        column.maps === 1 ? 168 : 112,
      );
      sizeMaps(column, across, (wide * column.rows) / column.columns);
    }
  }

  function layOut() {
    if (stacked.matches) layOutBelow();
    else layOutBeside();
    const origin = field.getBoundingClientRect();
    for (const column of columns) {
      column.places = column.canvases.map((canvas) => {
        const box = canvas.getBoundingClientRect();
        return {
          x: box.left - origin.left,
          y: box.top - origin.top,
          width: box.width,
          height: box.height,
        };
      });
    }
    const knots = columns.map(({ heading, button }) => {
      const name = button.getBoundingClientRect();
      return stacked.matches
        ? (name.top + name.bottom) / 2 - origin.top
        : heading.getBoundingClientRect().left + KNOT_AT - origin.left;
    });
    rail?.draw(knots, stacked.matches);
  }

  // --- painting ---

  function paintColumn(column) {
    const { layer } = column;
    const values = network.output(state.trace, layer);
    const scale = layerScale(network, state.trace, layer);
    const plane = column.strip ? values.length : column.rows * column.columns;
    const coloured = layer < 0 && column.maps === 3;
    const playing = state.playing && state.unit?.layer === layer ? state.unit.unit : null;
    column.canvases.forEach((canvas, map) => {
      const shown = column.strip ? values : values.subarray(map * plane, (map + 1) * plane);
      const now = playing && (column.strip || playing[0] === map);
      paint(canvas, shown, column.rows, column.columns, {
        ...scale,
        map: coloured ? ["red", "green", "blue"][map] : scale.map,
        order: column.order,
        count: now ? unitIndex(column.shape, playing) + 1 : plane,
      });
      canvas.classList.toggle("off", state.off.has(`${layer}:${map}`) && !column.strip);
    });
    paintRamp(column.bar, scale.map);
    if (layer < 0) {
      column.range.textContent = "255";
      column.bar.setAttribute("aria-label", "scale: pixels from 0 to 255");
      return;
    }
    const mark = areRounded([scale.high]) ? "≈" : "";
    const [high] = showNumbers([scale.high]);
    column.range.textContent = `${mark}${scale.map === "diverging" ? "±" : ""}${high}`;
    column.bar.setAttribute(
      "aria-label",
      scale.map === "diverging"
        ? `scale: ${mark}−${high} to ${mark}${high}, 0 has the colour of the page`
        : `scale: 0 to ${mark}${high}`,
    );
  }

  // Before there is a picture.
  function emptyColumn({ canvases, rows, columns: wide, range }) {
    for (const canvas of canvases) Object.assign(canvas, { width: wide, height: rows });
    range.textContent = "";
  }

  // --- what a unit sees ---

  // A cell of a map, in pixels of the field; cells outside the map have places too.
  function placeOfCells(column, map, top, left, bottom, right) {
    const place = column.places[column.strip ? 0 : map];
    const tall = place.height / column.rows;
    const wide = place.width / column.columns;
    return {
      x: place.x + left * wide,
      y: place.y + top * tall,
      width: (right - left) * wide,
      height: (bottom - top) * tall,
    };
  }

  function placeOfUnit(layer, unit) {
    const column = columnOf(layer);
    if (!column.strip)
      return placeOfCells(column, unit[0], unit[1], unit[2], unit[1] + 1, unit[2] + 1);
    const row = unit[0] % column.rows;
    const across = Math.floor(unit[0] / column.rows);
    return placeOfCells(column, 0, row, across, row + 1, across + 1);
  }

  function placeOfMaps(column) {
    const right = Math.max(...column.places.map((place) => place.x + place.width));
    const bottom = Math.max(...column.places.map((place) => place.y + place.height));
    const [{ x, y }] = column.places;
    return { x, y, width: right - x, height: bottom - y };
  }

  function rectangle(place, attributes, grow = 0) {
    return buildShape("rect", {
      x: place.x - grow,
      y: place.y - grow,
      width: place.width + 2 * grow,
      height: place.height + 2 * grow,
      ...attributes,
    });
  }

  // The maps of the layers before, by their layers, that take part in a unit.
  function takingPart(layer, unit) {
    const parts = new Map([[layer, new Set([unit[0]])]]);
    for (let at = layer; at >= 0; at--) {
      for (const map of parts.get(at) ?? []) {
        for (const [source, read] of network.feeds(at, map)) {
          if (!parts.has(source)) parts.set(source, new Set());
          parts.get(source).add(read);
        }
      }
    }
    return parts;
  }

  function drawBoxes(layer, unit) {
    const parts = takingPart(layer, unit);
    const shapes = [];
    for (let earlier = layer - 1; earlier >= -1; earlier--) {
      const column = columnOf(earlier);
      const box = parts.has(earlier) ? network.box(layer, unit, earlier) : null;
      if (!box) continue;
      const near = network.layers[layer].sources.includes(earlier) ? "box near" : "box";
      const data = {
        "data-layer": earlier,
        "data-box": [box.top, box.left, box.bottom, box.right].join(","),
      };
      if (box.unit) {
        shapes.push(
          ...outlined(
            placeOfUnit(earlier, box.unit),
            near,
            { ...data, "data-unit": box.unit.join(",") },
            1.5,
          ),
        );
        continue;
      }
      if (box.all || column.strip) {
        shapes.push(
          rectangle(placeOfMaps(column), { class: "box all", ...data, "data-all": "" }, 2.5),
        );
        continue;
      }
      for (const map of parts.get(earlier)) {
        const [rows, wide] = [column.rows, column.columns];
        const inside = [
          Math.max(box.top, 0),
          Math.max(box.left, 0),
          Math.min(box.bottom, rows),
          Math.min(box.right, wide),
        ];
        const leaves = box.top < 0 || box.left < 0 || box.bottom > rows || box.right > wide;
        if (leaves) {
          shapes.push(
            rectangle(placeOfCells(column, map, box.top, box.left, box.bottom, box.right), {
              class: "padding",
            }),
          );
        }
        if (inside[2] > inside[0] && inside[3] > inside[1]) {
          shapes.push(
            ...outlined(placeOfCells(column, map, ...inside), near, { ...data, "data-map": map }),
          );
        }
      }
    }
    return shapes;
  }

  // Two strokes: the lower one, of the page's colour, keeps the outline visible on any map.
  function outlined(place, name, data, grow = 0) {
    return [
      rectangle(place, { class: "halo" }, grow),
      rectangle(place, { class: name, ...data }, grow),
    ];
  }

  function connection(from, to, weight) {
    const width = (1 + 2.5 * weight).toFixed(2);
    if (stacked.matches) {
      const [x, y] = [from.x + from.width / 2, from.y + from.height];
      const [endX, endY] = [to.x + to.width / 2, to.y];
      const bend = (endY - y) / 2;
      return buildShape("path", {
        class: "connection",
        "stroke-width": width,
        d: `M${x} ${y}C${x} ${y + bend} ${endX} ${endY - bend} ${endX} ${endY}`,
      });
    }
    const [x, y] = [from.x + from.width, from.y + from.height / 2];
    const [endX, endY] = [to.x, to.y + to.height / 2];
    const bend = (endX - x) / 2;
    return buildShape("path", {
      class: "connection",
      "stroke-width": width,
      d: `M${x} ${y}C${x + bend} ${y} ${endX - bend} ${endY} ${endX} ${endY}`,
    });
  }

  function drawConnections(layer, unit) {
    const told = network.explain(state.trace, layer, unit);
    const end = placeOfUnit(layer, unit);
    const source = told.before;
    const before = columnOf(source);
    const share = (terms) => {
      const most = terms.reduce((reach, term) => Math.max(reach, Math.abs(term)), 0) || 1;
      return (index) => Math.abs(terms[index]) / most;
    };
    if (told.kind === "convolution") {
      const part = share(told.mapSums);
      const box = network.box(layer, unit, source);
      return told.maps.map((map, index) =>
        connection(
          before.strip
            ? placeOfUnit(source, [map, 0, 0])
            : placeOfCells(
                before,
                map,
                Math.max(box.top, 0),
                Math.max(box.left, 0),
                Math.min(box.bottom, before.rows),
                Math.min(box.right, before.columns),
              ),
          end,
          part(index),
        ),
      );
    }
    if (told.kind === "pooling") {
      const { winner, map } = told;
      const box = network.box(layer, unit, source);
      const from = winner
        ? placeOfUnit(source, [map, told.rows[winner[0]], told.columns[winner[1]]])
        : placeOfCells(before, map, box.top, box.left, box.bottom, box.right);
      return [connection(from, end, 0.5)];
    }
    if (told.kind === "nothing") return [];
    if (told.kind === "pointwise")
      return [connection(placeOfUnit(told.from, told.place), end, 0.5)];
    if (told.kind === "branches") {
      const part = share(told.values);
      return told.terms.map(([at, term], index) =>
        connection(placeOfUnit(at, term), end, part(index)),
      );
    }
    if (network.shape(source).length === 3) return [];
    const from = (index) => placeOfUnit(source, [index]);
    if (told.kind === "softmax") {
      const part = share(told.exponentials);
      return told.logits.map((_, index) => connection(from(index), end, part(index)));
    }
    const terms = told.products ?? told.squares;
    const part = share(terms);
    return told.order
      .slice(0, 12)
      .filter((index) => terms[index] !== 0)
      .map((index) => connection(from(index), end, part(index)));
  }

  function drawOverlay() {
    const shapes = [];
    if (state.unit && state.trace) {
      const { layer, unit } = state.unit;
      if (layer >= 0) shapes.push(...drawConnections(layer, unit), ...drawBoxes(layer, unit));
      const place = placeOfUnit(layer, unit);
      const grow = Math.max(1, (7 - place.width) / 2);
      shapes.push(...outlined(place, state.pinned ? "unit pinned" : "unit", {}, grow));
    }
    overlay.replaceChildren(...shapes);
  }

  // --- choosing a unit ---

  function unitUnder(event) {
    const canvas = event.target.closest?.("canvas[data-layer]");
    if (!canvas) return null;
    const column = columnOf(Number(canvas.dataset.layer));
    const box = canvas.getBoundingClientRect();
    const within = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    const row = within((event.clientY - box.top) / box.height, column.rows);
    const across = within((event.clientX - box.left) / box.width, column.columns);
    const { layer } = column;
    if (!column.strip) return { layer, unit: [Number(canvas.dataset.map), row, across] };
    const index = column.order[row * column.columns + across];
    if (index < 0) return null;
    return { layer, unit: unitOfIndex(column.shape, 0, index) };
  }

  function choose(chosen, changes = {}) {
    columnOf(chosen.layer).last = chosen.unit;
    store.set({ unit: chosen, ...changes });
  }

  section.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || state.pinned || state.playing) return;
    const under = unitUnder(event);
    if (under && !sameUnit(under, state.unit)) choose(under);
  });
  section.addEventListener("click", (event) => {
    const under = unitUnder(event);
    if (!under) return;
    const release = state.pinned && sameUnit(under, state.unit);
    choose(under, { pinned: !release, playing: false, layer: null });
  });
  section.addEventListener("focusin", (event) => {
    const canvas = event.target.closest("canvas[data-layer]");
    if (!canvas || !canvas.matches(":focus-visible")) return;
    const column = columnOf(Number(canvas.dataset.layer));
    if (state.pinned || state.playing || state.unit?.layer === column.layer) return;
    const middle =
      column.shape.length === 3
        ? [
            Number(canvas.dataset.map ?? 0),
            Math.floor(column.shape[1] / 2),
            Math.floor(column.shape[2] / 2),
          ]
        : [0];
    choose({ layer: column.layer, unit: column.last ?? middle });
  });

  // Where a key leads from a unit; null: it leads nowhere, undefined: it is not for us.
  function unitBeyond(column, unit, key) {
    const step = KEY_STEPS[key];
    const turn = KEY_TURNS[key];
    if (column.strip) {
      const last = column.shape[0] - 1;
      const ends = { Home: 0, End: last };
      const to = step ? unit[0] + step[0] + step[1] * column.rows : ends[key];
      if (to === undefined) return undefined;
      return to < 0 || to > last ? null : unitOfIndex(column.shape, 0, to);
    }
    const [map, row, across] = unit;
    const ends = { Home: [map, row, 0], End: [map, row, column.columns - 1] };
    const to = step
      ? [map, row + step[0], across + step[1]]
      : turn
        ? [map + turn, row, across]
        : ends[key];
    const inside = (at, axis) => at >= 0 && at < column.shape[axis];
    return to && !to.every(inside) ? null : to;
  }

  section.addEventListener("keydown", (event) => {
    const canvas = event.target.closest("canvas[data-layer]");
    if (!canvas || event.ctrlKey || event.altKey || event.metaKey) return;
    const column = columnOf(Number(canvas.dataset.layer));
    const here =
      state.unit?.layer === column.layer
        ? state.unit.unit
        : (column.last ?? unitOfIndex(column.shape, 0, 0));
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const release = state.pinned && state.unit?.layer === column.layer;
      choose(
        { layer: column.layer, unit: here },
        { pinned: !release, playing: false, layer: null },
      );
      return;
    }
    const to = unitBeyond(column, here, event.key);
    if (to === undefined) return;
    event.preventDefault();
    if (!to) return;
    choose({ layer: column.layer, unit: to }, { playing: false });
    if (!column.strip) column.canvases[to[0]].focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (state.playing) store.set({ playing: false });
    else if (state.layer !== null) {
      const { button } = columnOf(state.layer);
      store.set({ layer: null });
      button.focus();
    } else if (state.pinned) store.set({ pinned: false });
    else if (state.unit) store.set({ unit: null });
  });

  // --- following the store ---

  // The first picture is already meaningful: the strongest unit of the last convolution.
  function firstUnit() {
    const layers = network.layers.filter(
      (layer) => /convolution/.test(layer.family) && layer.shape[1] * layer.shape[2] > 1,
    );
    const entry = layers.at(-1);
    if (!entry) return null;
    const values = network.output(state.trace, entry.index);
    const best = values.reduce((most, value, index) => (value > values[most] ? index : most), 0);
    const plane = entry.shape[1] * entry.shape[2];
    return {
      layer: entry.index,
      unit: unitOfIndex(entry.shape, Math.floor(best / plane), best % plane),
    };
  }

  function roveTo({ layer, unit }) {
    const column = columnOf(layer);
    column.canvases.forEach((canvas, map) => {
      canvas.tabIndex = column.strip || map === unit[0] ? 0 : -1;
    });
  }

  let announcing = 0;
  function announce() {
    clearTimeout(announcing);
    announcing = setTimeout(() => {
      if (!state.unit || !state.trace || state.playing) return;
      const { layer, unit } = state.unit;
      const value = showMarked(network.value(state.trace, layer, unit));
      const pinned = state.pinned ? ", pinned" : "";
      spoken.textContent = `${network.unitName(layer, unit)}: ${value}${pinned}`;
    }, 150);
  }

  const waiting = new Set(["layout"]);
  const partial = new Set(); // layers that show only what was played
  let frame = 0;
  function draw() {
    frame = 0;
    const every = waiting.has("trace") || waiting.has("theme") || waiting.has("layout");
    if (waiting.has("layout")) layOut();
    if (state.playing && state.unit) partial.add(state.unit.layer);
    for (const column of columns) {
      if (every || partial.has(column.layer)) (state.trace ? paintColumn : emptyColumn)(column);
    }
    if (!state.playing) partial.clear();
    drawOverlay();
    waiting.clear();
  }
  function soon(keys) {
    for (const key of keys) waiting.add(key);
    frame ||= requestAnimationFrame(draw);
  }

  let met = false; // the first picture
  store.listen((keys) => {
    if (keys.has("trace") && state.trace && !met) {
      met = true;
      store.set({ unit: state.unit ?? firstUnit() });
    }
    if (keys.has("layer")) {
      for (const { layer, button } of columns)
        button.setAttribute("aria-expanded", String(layer === state.layer));
    }
    if (keys.has("unit") && state.unit) roveTo(state.unit);
    if (keys.has("unit") || keys.has("pinned")) announce();
    if (["trace", "unit", "pinned", "playing"].some((key) => keys.has(key))) soon(keys);
  });
  listenToTheme(() => soon(["theme"]));
  new ResizeObserver(() => soon(["layout"])).observe(viewport);
  document.fonts?.ready.then(() => soon(["layout"]));
  startHeader();
  startPrint();
}

// On paper the page stands as on the screen, for which the maps are laid out: a sheet has the
// window's size, the queries of the width keep their answers, and so do the colours.
function startPrint() {
  const root = document.documentElement;
  const [style] = document.styleSheets;
  let theme; // as it was chosen
  let asked = []; // the rules of these queries, with what they ask
  addEventListener("beforeprint", () => {
    asked = [...style.cssRules]
      .filter((rule) => rule.media?.mediaText.includes("width"))
      .map((rule) => [rule, rule.media.mediaText]);
    for (const [rule, query] of asked)
      rule.media.mediaText = matchMedia(query).matches ? "all" : "not all";
    theme = root.dataset.theme;
    root.dataset.theme = themeName();
    const { fontSize } = getComputedStyle(root);
    style.insertRule(`@page { size: ${root.clientWidth}px ${innerHeight}px; margin: 0; }`);
    style.insertRule(`@media print { html:root { font-size: ${fontSize}; } }`);
  });
  addEventListener("afterprint", () => {
    style.deleteRule(0);
    style.deleteRule(0);
    for (const [rule, query] of asked) rule.media.mediaText = query;
    if (!theme) delete root.dataset.theme;
  });
}

// The theme's button, and the help, which closes as a menu does.
function startHeader() {
  const button = document.getElementById("theme");
  const keep = (value) => {
    try {
      if (value) localStorage.setItem("convlab-theme", value);
      return localStorage.getItem("convlab-theme");
    } catch {
      return value ?? null; // a page from the disk may not be allowed to keep anything
    }
  };
  const root = document.documentElement;
  const other = () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    return dark ? "light" : "dark";
  };
  const label = () => {
    button.textContent = `${other() === "dark" ? "Dark" : "Light"} colours`;
  };
  const kept = keep();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  button.addEventListener("click", () => {
    root.dataset.theme = keep(other()) ?? other();
    label();
  });
  listenToTheme(label);
  label();

  const help = document.getElementById("help");
  document.addEventListener("pointerdown", (event) => {
    if (!help.contains(event.target)) help.open = false;
  });
  help.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !help.open) return;
    event.preventDefault(); // of no other meaning now
    help.open = false;
    help.querySelector("summary").focus();
  });
}
