// One layer large: the maps that one of its maps reads, its kernels, what each gives, their sum.
import { productOf } from "./arrays.js";
import { build, buildShape, showAdded, showMarked, showShape } from "./words.js";
import { listenToTheme, paint } from "./colours.js";
import { cellUnder, unitBeyond } from "./choose.js";
import { MOST_CELL, boxMiddle, cropOf, cropped, filled, plateOf } from "./crop.js";
import { lessonOf } from "./lessons.js";
import { makeCurve } from "./curve.js";
import { fallingBy, partsOf, strengths } from "./parts.js";
import { askForJob } from "./slices.js";
import { isStrip, layerScale, sameUnit, unitOfIndex } from "./units.js";

const SIDE = 192; // pixels of a map: 32 cells of 6
const NEXT_SIDE = 150; // of the activation that follows
const LARGE_SIDE = 224; // of the layer's own map
const MOST_ROWS = 6; // input maps at first
const MOST_THUMBS = 64;
const MOST_NAMED = 16; // units of a vector, each with its name and value

// What a map is of.
const KINDS = { reads: t`reads`, gives: t`gives`, is: t`is`, after: t`after`, };

export function startLens(store) {
  const { state } = store;
  const { network } = state;
  const section = document.getElementById("network");
  const known = new WeakMap(); // what a canvas shows
  const back = build("button", { type: "button", class: "back" }, `◀ ${t`Network`}`);
  const title = build("h3", { tabindex: -1 });
  const before = build("button", { type: "button", "aria-label": t`The map before` }, "◀");
  const after = build("button", { type: "button", "aria-label": t`The next map` }, "▶");
  const number = build("input", { type: "number", min: 0, step: 1, id: "map-number" });
  const which = build("label", { for: "map-number" }, t`Map`);
  const chooser = build("div", { class: "tools" }, which, before, number, after);
  const lesson = build("details", { class: "lesson" });
  const rows = build("div", { class: "rows" });
  const outcome = build("div", { class: "outcome" });
  const all = build("div", { class: "all" });
  const body = build("div", { class: "lens-body" }, rows, outcome, all);
  const element = build(
    "div",
    { class: "lens", hidden: true },
    build("div", { class: "bar-of-sums" }, back, title, chooser),
    lesson,
    body,
  );
  section.append(element);
  let everyRow = false;
  let order = null; // of the rows, kept while one draws
  let tapped = { kind: "is", turn: 0 }; // where the unit was chosen

  const titleOf = (layer) => (layer < 0 ? t`input` : network.layers[layer].title);
  const shapeOf = (layer) => {
    const shape = network.shape(layer);
    return shape.length === 3 ? shape.slice(1) : plateOf(shape[0]);
  };

  // A map with its caption.  kind: what it is of; unit: the place in its middle.
  function mapFigure(kind, { layer, map, values, shape, scale, side = SIDE, at = [0, 0] }, ...words) {
    const crop = cropOf(shape, side, at);
    const canvas = build("canvas", {
      class: "cells-of-map",
      role: kind === "is" ? "application" : "img",
      tabindex: kind === "is" ? 0 : null,
      "data-kind": kind,
      "aria-label": t`${titleOf(layer)}, ${KINDS[kind]}, map ${map}`,
    });
    const marks = buildShape("svg", {
      class: "overlay",
      viewBox: `${crop.left} ${crop.top} ${crop.wide} ${crop.tall}`,
      "aria-hidden": "true",
    });
    const frame = build("div", { class: "framed" }, canvas, marks);
    frame.style.width = `${crop.wide * crop.cell}px`;
    frame.style.height = `${crop.tall * crop.cell}px`;
    known.set(canvas, { kind, layer, map, shape, crop, marks });
    paint(canvas, cropped(values, shape[1], crop), crop.tall, crop.wide, scale);
    const part = crop.whole
      ? null
      : build(
          "span",
          { class: "quiet" },
          t` ${crop.tall} × ${crop.wide} of ${shape[0]} × ${shape[1]} cells`,
        );
    return build("figure", {}, build("figcaption", {}, ...words, part), frame);
  }

  const sign = (text) => build("span", { class: "sign" }, text);
  const reachOf = (lists) => {
    let reach = 0;
    for (const list of lists)
      for (const value of list) if (Math.abs(value) > reach) reach = Math.abs(value);
    return reach || 1;
  };
  const signed = (reach) => ({ map: "diverging", low: -reach, high: reach });

  // --- what the map is made of ---

  function rowsOf(layer, map, parts) {
    const entry = network.layers[layer];
    const unit = placeHere();
    const energies = parts.rows.map(({ made, values }) => reachSum(made ?? values));
    if (!order || order.length !== energies.length || !state.drawing) order = fallingBy(energies);
    const shown = everyRow ? order : order.slice(0, MOST_ROWS);
    const kernelScale = parts.weighed ? signed(reachOf(parts.rows.map(({ kernel }) => kernel))) : null;
    const madeScale = signed(reachOf(parts.rows.map(({ made }) => made ?? [])));
    const made = shown.map((index, turn) => {
      const { source, map: from, values, kernel, made: given } = parts.rows[index];
      const vector = isStrip(network.shape(source)) && values.length > 1;
      const shape = vector ? plateOf(values.length) : shapeOf(source);
      const fitting = values.length === 1 ? [1, 1] : shape;
      const seen = unit ? boxMiddle(network.box(layer, unit, source), fitting) : [0, 0];
      const name = vector ? titleOf(source) : t`${titleOf(source)}, map ${from}`;
      const goes = build("button", { type: "button", class: "link", "data-goes": `${source}:${from}` }, name);
      const input = { layer: source, map: from, shape: fitting, at: seen };
      const line = [mapFigure("reads", { ...input, values: filled(values, fitting), scale: layerScale(network, state.trace, source) }, source < 0 ? name : goes)];
      if (kernel) line.push(sign(entry.family === "distance" ? "−" : "×"), kernelFigure(entry, kernel, fitting, kernelScale, seen));
      if (given && (kernel || parts.sign === null)) {
        const own = entry.maps ? shapeOf(layer) : fitting;
        const output = { layer, map, values: filled(given, own), shape: own, scale: madeScale };
        const at = entry.maps && unit ? unit.slice(1) : seen;
        const words = entry.maps ? partWords(given, unit, own) : t`adds up to ${showMarked(sumAll(given))}`;
        line.push(sign(entry.family === "distance" ? t`squared` : "="), mapFigure("gives", { ...output, at }, words));
      }
      const between = parts.sign ? sign(turn > 0 ? parts.sign : "") : null; // maps below each other
      return build("div", { class: "row" }, between, ...line);
    });
    const left = order.length - shown.length;
    if (left > 0 || everyRow) {
      const text = left > 0 ? t`${left} weaker ones` : t`only the strongest`;
      made.push(build("button", { type: "button", "data-rows": "" }, text));
    }
    return made;
  }

  const reachSum = (values) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  const sumAll = (values) => values.reduce((sum, value) => sum + value, 0);
  const partWords = (given, unit, [, columns]) =>
    build(
      "span",
      { class: "one-line" },
      unit ? t`gives ${showMarked(given[unit[1] * columns + unit[2]])} here` : t`gives`,
    );
  function kernelFigure(entry, kernel, shape, scale, at) {
    const own = entry.kernel ?? shape;
    const crop = cropOf(own, entry.kernel ? 90 : SIDE, at);
    const canvas = build("canvas", { role: "img", "aria-label": t`weights` });
    paint(canvas, cropped(filled(kernel, own), own[1], crop), crop.tall, crop.wide, scale);
    const cell = entry.kernel ? Math.min(18, Math.floor(90 / Math.max(...own))) : crop.cell;
    canvas.style.width = `${crop.wide * cell}px`;
    canvas.style.height = `${crop.tall * cell}px`;
    const name = entry.family === "distance" ? t`pattern` : entry.kernel ? t`kernel` : t`weights`;
    return build("figure", { class: "of-weights" }, build("figcaption", {}, name), canvas);
  }

  // --- the map itself, and what follows ---

  function outcomeOf(layer, map, parts) {
    const entry = network.layers[layer];
    const unit = placeHere();
    const values = network.output(state.trace, layer);
    const scale = layerScale(network, state.trace, layer);
    const made = [];
    const bends = entry.family === "activation" || entry.family === "normalisation";
    if (entry.computes && bends) made.push(makeCurve(entry, map, unit, network, state.trace));
    else if (!parts.sign) made.push(sign("→"));
    const plane = entry.size / entry.shape[0];
    if (!entry.maps) return [...made, plateFigure(layer, scale, map)];
    const own = { layer, map, shape: shapeOf(layer), at: unit ? unit.slice(1) : [0, 0] };
    if (parts.bias !== null)
      made.push(build("p", { class: "bias-line" }, t`all added up, ${showAdded(parts.bias)} bias`));
    // As many lines with a unit as without: a map must not move under the pointer.
    const words = (name, at) => [
      build("strong", {}, name),
      build("br"),
      unit ? t`${showMarked(network.value(state.trace, at, unit))} here` : t`point at a cell`,
    ];
    const part = values.subarray(map * plane, (map + 1) * plane);
    made.push(
      mapFigure("is", { ...own, values: part, scale, side: LARGE_SIDE }, ...words(t`${entry.title}, map ${map}`, layer)),
    );
    const [next, another] = entry.readers;
    const following = another === undefined ? network.layers[next] : null;
    if (following?.family === "activation") {
      const passed = network.output(state.trace, next).subarray(map * plane, (map + 1) * plane);
      made.push(
        sign("→"),
        mapFigure(
          "after",
          { ...own, values: passed, scale: layerScale(network, state.trace, next), side: NEXT_SIDE },
          ...words(following.title, next),
        ),
      );
    }
    return made;
  }

  // A vector: each of its units a cell to choose.
  function plateFigure(layer, scale, unit) {
    const shape = shapeOf(layer);
    const values = network.output(state.trace, layer);
    const side = values.length <= 16 ? values.length * MOST_CELL : LARGE_SIDE;
    const words = [build("strong", {}, titleOf(layer)), t`, unit ${unit}: ${showMarked(values[unit])}`];
    const at = [Math.floor(unit / shape[1]), unit % shape[1]];
    const figure = mapFigure("is", { layer, map: unit, values: filled(values, shape), shape, scale, side, at }, ...words);
    if (values.length > MOST_NAMED) return figure;
    const classes = values.length === state.description.classes.length;
    const names = Array.from(values, (value, at_) => {
      const name = classes ? state.description.classes[at_] : String(at_);
      return build("li", {}, build("span", {}, name), build("b", {}, showMarked(value)));
    });
    figure.classList.add("named");
    figure.append(build("ol", { class: "of-units", "aria-hidden": "true" }, names));
    return figure;
  }

  function thumbsOf(layer, map) {
    const entry = network.layers[layer];
    if (!entry.maps || entry.maps < 2) return [];
    const values = network.output(state.trace, layer);
    const scale = layerScale(network, state.trace, layer);
    const plane = entry.size / entry.shape[0];
    const sorted = fallingBy(strengths(values, entry.maps)).slice(0, MOST_THUMBS);
    const many = entry.maps > MOST_THUMBS ? t`the ${MOST_THUMBS} strongest of ${entry.maps} maps` : t`${entry.maps} maps, the strongest first`;
    const thumbs = sorted.map((one) => {
      const canvas = build("canvas", { class: "thumb" });
      paint(canvas, values.subarray(one * plane, (one + 1) * plane), entry.shape[1], entry.shape[2], scale);
      const attributes = { type: "button", "data-thumb": one, "aria-pressed": String(one === map), "aria-label": t`map ${one}` };
      return build("button", attributes, canvas, build("span", {}, String(one)));
    });
    return [build("p", { class: "quiet" }, many), build("div", { class: "thumbs" }, thumbs)];
  }

  // --- boxes and places ---

  // The unit of the layer that is shown, if it is one of its map.
  function placeHere() {
    const { view, unit } = state;
    if (!view || unit?.layer !== view.layer) return null;
    return unit.unit.length === 3 && unit.unit[0] === view.map ? unit.unit : null;
  }

  function mark() {
    const { view } = state;
    const unit = view && state.unit?.layer === view.layer ? state.unit.unit : null;
    for (const canvas of element.querySelectorAll(".cells-of-map")) {
      const { kind, layer, shape, marks } = known.get(canvas);
      const boxes = [];
      if (unit && kind === "reads") {
        const box = network.box(view.layer, unit, layer);
        if (box && !box.all && network.shape(layer).length === 3) boxes.push(["box near", box]);
      } else if (unit && unit.length === 3) {
        if (network.layers[view.layer].maps)
          boxes.push(["unit", { top: unit[1], left: unit[2], bottom: unit[1] + 1, right: unit[2] + 1 }]);
      } else if (unit && kind === "is") {
        const [row, column] = [Math.floor(unit[0] / shape[1]), unit[0] % shape[1]];
        boxes.push(["unit", { top: row, left: column, bottom: row + 1, right: column + 1 }]);
      }
      marks.replaceChildren(
        ...boxes.flatMap(([name, { top, left, bottom, right }]) =>
          ["halo", name].map((kind_) =>
            buildShape("rect", { class: kind_, x: left, y: top, width: right - left, height: bottom - top }),
          ),
        ),
      );
    }
  }

  // --- showing ---

  function show() {
    const { view, trace } = state;
    element.hidden = !view || !trace;
    section.classList.toggle("viewing", !element.hidden);
    if (element.hidden) return;
    const { layer } = view;
    if (layer < 0) return showInput();
    const entry = network.layers[layer];
    const map = mapHere();
    title.textContent = `${entry.title}: ${entry.words}, ${showShape(entry.shape)}`;
    const count = entry.shape[0];
    chooser.hidden = count < 2;
    number.max = count - 1;
    if (document.activeElement !== number) number.value = map;
    which.textContent = entry.maps ? t`Map` : t`Unit`;
    before.disabled = map === 0;
    after.disabled = map === count - 1;
    if (lesson.dataset.layer !== String(layer)) {
      lesson.dataset.layer = layer;
      lesson.replaceChildren(build("summary", {}, t`What ${entry.words} does`), ...lessonOf(entry));
    }
    const parts = partsOf(network, trace, layer, map);
    body.classList.toggle("plain", !parts.weighed);
    keepingFocus(() => {
      rows.replaceChildren(...rowsOf(layer, map, parts));
      outcome.replaceChildren(...outcomeOf(layer, map, parts));
      if (!state.drawing) all.replaceChildren(...thumbsOf(layer, map));
    });
    mark();
  }

  function showInput() {
    const shape = network.inputShape;
    title.textContent = t`input: what the network gets, ${showShape(shape)}`;
    chooser.hidden = true;
    lesson.dataset.layer = -1;
    lesson.replaceChildren(build("summary", {}, t`What the input is`), ...lessonOf({ family: "input" }));
    const plane = shape[1] * shape[2];
    const { low, high } = layerScale(network, state.trace, -1);
    const unit = state.unit?.layer === -1 ? state.unit.unit.slice(1) : [shape[1] >> 1, shape[2] >> 1];
    const names = shape[0] === 3 ? ["red", "green", "blue"] : shape[0] === 1 ? ["grey"] : null;
    const called = { red: t`red`, green: t`green`, blue: t`blue`, grey: t`grey` };
    const figures = Array.from({ length: shape[0] }, (_, map) =>
      mapFigure(
        "is",
        {
          layer: -1,
          map,
          values: state.trace.input.subarray(map * plane, (map + 1) * plane),
          shape: shape.slice(1),
          scale: { map: names?.[map] ?? "grey", low, high },
          side: shape[0] > 1 ? SIDE : LARGE_SIDE,
          at: unit,
        },
        called[names?.[map]] ?? t`channel ${map}`,
      ),
    );
    rows.replaceChildren(build("div", { class: "row" }, figures));
    outcome.replaceChildren();
    all.replaceChildren();
    return mark();
  }

  // The map that is shown: the chosen one, or the strongest.
  function mapHere() {
    const { view } = state;
    if (view.map === null || view.map === undefined) {
      const entry = network.layers[view.layer];
      const values = network.output(state.trace, view.layer);
      view.map = fallingBy(strengths(values, entry.shape[0]))[0];
    }
    return view.map;
  }

  function keepingFocus(act) {
    const { thumb, rows: list, kind } = document.activeElement?.dataset ?? {};
    act();
    if (thumb !== undefined) element.querySelector(`[data-thumb="${thumb}"]`)?.focus();
    else if (list !== undefined) element.querySelector("[data-rows]")?.focus();
    else if (kind === "is") element.querySelector('[data-kind="is"]')?.focus();
  }

  // --- choosing ---

  function unitUnder(event) {
    const canvas = event.target.closest?.(".cells-of-map");
    if (!canvas) return null;
    const { kind, layer, map, shape, crop } = known.get(canvas);
    const [row, column] = cellUnder(event, canvas, crop.tall, crop.wide);
    const [y, x] = [row + crop.top, column + crop.left];
    const own = network.shape(layer);
    if (own.length === 3) {
      if (productOf(shape) !== own[1] * own[2]) return null;
      return { kind, layer, unit: [map, y, x] };
    }
    const index = kind === "gives" ? map : y * shape[1] + x;
    return index < own[0] ? { kind, layer, unit: unitOfIndex(own, 0, index) } : null;
  }

  element.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || state.pinned || state.playing) return;
    const under = unitUnder(event);
    if (!under || under.kind === "reads") return;
    const { layer, unit } = under;
    if (!sameUnit({ layer, unit }, state.unit)) store.set({ unit: { layer, unit } });
  });
  element.addEventListener("click", (event) => {
    const { thumb, rows: list, goes } = event.target.closest("button")?.dataset ?? {};
    if (thumb !== undefined) return turnTo(Number(thumb));
    if (list !== undefined) {
      everyRow = !everyRow;
      return show();
    }
    if (goes) {
      const [layer, map] = goes.split(":").map(Number);
      return store.set({ view: { layer, map }, layer, pinned: false, unit: null });
    }
    const under = unitUnder(event);
    if (!under) return undefined;
    const canvases = [...element.querySelectorAll(`[data-kind="${under.kind}"]`)];
    tapped = { kind: under.kind, turn: canvases.indexOf(event.target) };
    const { layer, unit } = under;
    // A number of a layer before leads to that layer.
    const release = state.pinned && sameUnit({ layer, unit }, state.unit);
    const view = { layer, map: unit[0] };
    return store.set({ unit: { layer, unit }, view, pinned: !release, layer: release ? layer : null, playing: false });
  });
  // The map that is shown, and the unit at the same place in it.
  function turnTo(map) {
    const { view, unit } = state;
    const count = network.shape(view.layer)[0];
    if (!Number.isInteger(map) || map < 0 || map >= count) return;
    const here = unit?.layer === view.layer ? [map, ...unit.unit.slice(1)] : null;
    store.set({ view: { ...view, map }, ...(here ? { unit: { layer: view.layer, unit: here } } : {}) });
  }
  number.addEventListener("input", () => number.value !== "" && turnTo(Number(number.value)));
  before.addEventListener("click", () => turnTo(mapHere() - 1));
  after.addEventListener("click", () => turnTo(mapHere() + 1));
  back.addEventListener("click", () => store.set({ view: null, layer: null, pinned: false }));
  element.addEventListener("keydown", (event) => {
    if (event.target.dataset.kind !== "is") return;
    if (!state.view || state.view.layer < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const { layer } = state.view;
    const shape = network.shape(layer);
    const first = unitOfIndex(shape, mapHere(), 0);
    const here = state.unit?.layer === layer ? state.unit.unit : first;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const pinned = !state.pinned;
      store.set({ unit: { layer, unit: here }, pinned, layer: pinned ? null : layer });
      return;
    }
    const to = unitBeyond({ strip: isStrip(shape), shape, rows: 1 }, here, event.key);
    if (to === undefined) return;
    event.preventDefault();
    if (to) store.set({ unit: { layer, unit: to }, view: { layer, map: to[0] } });
  });

  store.listen((keys) => {
    if (keys.has("view")) {
      everyRow = false;
      order = null;
      // Another unit of the layer that is shown leads its map along.
    }
    const { view, unit } = state;
    if (view && keys.has("unit") && !keys.has("view") && unit?.layer === view.layer)
      if (unit.unit[0] !== view.map) state.view = { ...view, map: unit.unit[0] };
    if (["view", "trace", "unit", "drawing"].some((key) => keys.has(key)) && (view || keys.has("view")))
      askForJob("lens", show);
  });
  listenToTheme(() => state.view && askForJob("lens", show));
  const main = () => element.querySelector('[data-kind="is"]');
  // The mark of the unit where it was chosen.
  const place = () => {
    const canvases = element.querySelectorAll(`[data-kind="${tapped.kind}"]`);
    return (canvases[tapped.turn] ?? main())?.parentElement.querySelector(".unit");
  };
  return { main, place, title };
}
