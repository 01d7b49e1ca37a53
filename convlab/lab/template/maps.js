// The network as a whole: every layer a column of maps, or folded with others into a block.
import { build } from "./words.js";
import { listenToTheme } from "./colours.js";
import { makeRail } from "./branches.js";
import { chooseIn } from "./choose.js";
import {
  emptyColumn,
  makeBlock,
  makeColumn,
  paintColumn,
  showMap,
  spokenUnit,
  tellScale,
} from "./columns.js";
import { layOutBelow, layOutBeside, leastWidth } from "./layout.js";
import { makeOverlay } from "./overlay.js";
import { askAtRest, askForJob, isHandAtWork, setDrawing } from "./slices.js";
import { closedOver, cutOf, keyOf, nodeName, openOver, treeOf } from "./tree.js";
import { unitOfIndex } from "./units.js";

const STACKED = "(max-width: 59.99rem)"; // as in style.css: layers below each other
const MOST_BELOW = 16; // layers and blocks that stand below each other
const SEEN_ALL = 20; // layers
const CLOSER = 1.2;
const KNOT_AT = 8; // pixels from a column's edge to its layer's knot

export function startMaps(store) {
  const { state } = store;
  const { network } = state;
  const section = document.getElementById("network");
  const stacked = matchMedia(STACKED);
  const visible = new Map(); // columns of layers by their layers
  const columnOf = (layer) => visible.get(layer);
  const overlay = makeOverlay(store, columnOf, stacked);
  const rail = makeRail();
  const field = build("div", { class: "layers" });
  const viewport = build("div", { class: "viewport" }, field);
  const spoken = build("p", { class: "unseen", role: "status", id: "spoken" });
  section.append(viewport, spoken);

  // --- what is seen: layers, and blocks of folded ones ---

  const root = treeOf(network);
  const made = new Map(); // columns that have been made, by their keys
  let columns = []; // those that are seen
  let opened = []; // nodes, the newest last
  const folded = new Set(); // keys of nodes that are not to be opened again

  function columnFor(node) {
    const key = node.children ? `block ${keyOf(node)}` : String(node.first);
    if (!made.has(key)) {
      const column = node.children
        ? makeBlock(state, node, keyOf(node))
        : makeColumn(state, node.first);
      made.set(key, column);
      column.reveal = (map) => column.canvases[column.strip ? 0 : column.numbers.indexOf(map)];
      if (!node.children) listenTo(column);
    }
    return made.get(key);
  }

  function listenTo({ button, layer }) {
    button.addEventListener("click", () => {
      const map = state.unit?.layer === layer ? state.unit.unit[0] : null;
      if (state.layer === layer) store.set({ layer: null, view: null, playing: false });
      else store.set({ layer, view: { layer, map }, playing: false });
    });
  }

  // A button on the first of the layers that folds them away again.
  function offerFolding(column) {
    column.heading.querySelector(".fold")?.remove();
    const node = column.node ? null : openOver(root, { first: column.layer, last: column.layer });
    if (!node || column.layer < 0) return;
    const label = t`Fold ${nodeName(network, node)}`;
    column.heading.prepend(
      build(
        "button",
        { type: "button", class: "fold", "data-fold": keyOf(node), "aria-label": label, title: label },
        "⟩⟨",
      ),
    );
  }

  function show(nodes) {
    const next = [{ first: -1, last: -1 }, ...nodes].map(columnFor);
    if (next.length === columns.length && next.every((each, at) => each === columns[at])) return;
    const focused = document.activeElement;
    columns = next;
    visible.clear();
    for (const column of columns) if (!column.node) visible.set(column.layer, column);
    const anyFolded = columns.some(({ node }) => node) || opened.length > 0;
    for (const column of columns) {
      if (anyFolded) offerFolding(column);
      column.button.setAttribute("aria-expanded", String(column.layer === state.layer));
    }
    field.replaceChildren(...columns.map(({ element }) => element), overlay.element);
    if (focused === document.activeElement) return;
    if (focused.isConnected) focused.focus();
    else {
      const { open, fold } = focused.dataset;
      const at = columns.find(({ first }) => first === Number((open ?? fold)?.split("-")[0]));
      at?.button.focus();
    }
  }

  // As many layers as there is room for.
  function choose() {
    const height = Math.max(viewport.clientHeight - 120, 160);
    const least = new Map();
    const widthOf = (node) => {
      const column = columnFor(node);
      if (!least.has(column)) {
        if (!column.element.isConnected) {
          field.append(column.element);
          columns = [];
        }
        least.set(column, leastWidth(column, height));
      }
      return least.get(column);
    };
    const fits = (nodes) => {
      if (stacked.matches) return nodes.length <= MOST_BELOW;
      const input = widthOf({ first: -1, last: -1 });
      return nodes.reduce((sum, node) => sum + widthOf(node), input) <= section.clientWidth;
    };
    const leaves = network.layers.map(({ index }) => ({ first: index, last: index }));
    // Few layers are seen all, if need be a little closer.
    const few = leaves.length <= SEEN_ALL && !folded.size && !stacked.matches;
    const width = few ? leaves.reduce((sum, leaf) => sum + widthOf(leaf), 0) : Infinity;
    const whole = width <= CLOSER * section.clientWidth;
    const cut = whole ? leaves : cutOf(root, { opened, folded, fits });
    show(cut);
    offerRail(cut);
  }

  // Lines above the layers where some read others than the one before.
  function offerRail(cut) {
    const at = (layer) => cut.findIndex(({ first, last }) => first <= layer && layer <= last);
    const items = cut.map(({ first, last }, index) => {
      const read = network.layers.slice(first, last + 1).flatMap(({ sources }) => sources);
      const sources = [...new Set(read.filter((source) => source < first).map(at))];
      return { index, sources };
    });
    rail.set(items, (index) => (index < 0 ? -1 : cut[index].last));
    if (rail.width) field.prepend(rail.element);
    else rail.element.remove();
    const lab = section.parentElement;
    lab.classList.toggle("branched", rail.width > 0);
    lab.style.setProperty("--rail", `${rail.width}px`);
  }

  section.addEventListener("click", (event) => {
    const { open, fold } = event.target.closest("[data-open], [data-fold]")?.dataset ?? {};
    const key = open ?? fold;
    if (!key) return;
    const [first, last] = key.split("-").map(Number);
    opened = opened.filter((node) => keyOf(node) !== key);
    if (open) {
      folded.delete(key);
      opened.push(columns.find(({ node }) => node && keyOf(node) === key).node);
    } else {
      folded.add(key);
      opened = opened.filter((node) => node.first < first || node.last > last);
    }
    soon(["layout"]);
  });

  // A layer that is pinned or shown large is not folded away.
  function reveal(layer) {
    if (columnOf(layer)) return;
    for (let turn = 0; turn < 6 && !columnOf(layer); turn++) {
      const node = closedOver(
        columns.filter((column) => column.node).map((column) => column.node),
        layer,
      );
      if (!node) return;
      folded.delete(keyOf(node));
      opened.push(node);
      layOut(true);
    }
  }

  // --- how large, and where ---

  function layOut(opening = false) {
    if (state.view && !stacked.matches && columns.length && !opening) return;
    choose();
    if (stacked.matches) layOutBelow(columns, section.clientWidth - rail.width);
    else layOutBeside(columns, section);
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
    rail.draw(knots, stacked.matches);
  }

  // --- following the store ---

  chooseIn(store, viewport, columnOf);

  // The first picture is already meaningful: the strongest unit of the last convolution.
  function firstUnit() {
    const layers = network.layers.filter(
      (layer) => /convolution/.test(layer.family) && layer.shape[1] * layer.shape[2] > 1,
    );
    const entry = layers.findLast(({ index }) => columnOf(index));
    if (!entry) return { layer: network.layers.length - 1, unit: [state.trace.answer] };
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
    if (!column) return;
    if (showMap(column, unit[0])) partial.add(layer);
    column.canvases.forEach((canvas, at) => {
      canvas.tabIndex = column.strip || column.numbers[at] === unit[0] ? 0 : -1;
    });
  }

  let announcing = 0;
  function announce() {
    clearTimeout(announcing);
    announcing = setTimeout(() => {
      if (state.unit && state.trace && !state.playing) spoken.textContent = spokenUnit(state);
    }, 150);
  }

  const waiting = new Set(["layout"]);
  const partial = new Set(); // layers that show only what was played
  function draw() {
    if (!section.clientWidth) return; // another tab is seen; this one is laid out when it is
    const every = ["trace", "theme", "layout"].some((key) => waiting.has(key));
    if (waiting.has("layout")) layOut();
    if (state.pinned && state.unit) reveal(state.unit.layer);
    if (state.view) reveal(state.view.layer);
    if (state.playing && state.unit) partial.add(state.unit.layer);
    const shown = !state.view || stacked.matches;
    for (const column of columns) {
      if (!shown || !(every || partial.has(column.layer))) continue;
      const paint = () => (state.trace ? paintColumn(column, state) : emptyColumn(column));
      if (isHandAtWork()) askForJob(`column ${column.key}`, paint);
      else paint();
    }
    if (shown && isHandAtWork()) askAtRest("scales", tellScales);
    else if (shown) tellScales();
    if (!state.playing) partial.clear();
    if (isHandAtWork()) askAtRest("overlay", overlay.draw);
    else overlay.draw();
    waiting.clear();
  }
  const tellScales = () => columns.forEach(tellScale);
  function soon(keys) {
    for (const key of keys) waiting.add(key);
    askForJob("maps", draw);
  }

  let met = false; // the first picture
  store.listen((keys) => {
    if (keys.has("trace") && state.trace && !met) {
      met = true;
      if (!columns.length && section.clientWidth) layOut();
      store.set({ unit: state.unit ?? firstUnit() });
    }
    if (keys.has("layer")) {
      for (const { layer, button, node } of columns)
        if (!node) button.setAttribute("aria-expanded", String(layer === state.layer));
    }
    if (keys.has("drawing")) setDrawing(state.drawing);
    if (keys.has("view")) soon(["layout", "trace"]);
    if (keys.has("unit") && state.unit) roveTo(state.unit);
    if (keys.has("unit") || keys.has("pinned")) announce();
    const heard = ["trace", "unit", "pinned", "playing", "drawing"];
    if (heard.some((key) => keys.has(key))) soon(keys);
  });
  listenToTheme(() => soon(["theme"]));
  new ResizeObserver(() => soon(["layout"])).observe(viewport);
  document.fonts?.ready.then(() => soon(["layout"]));
  return { columnOf };
}
