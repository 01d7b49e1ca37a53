// From the whole network to one layer and to one unit and back: by clicks, keys, the browser's
// back button and the address's fragment.
import { unitOfIndex } from "./units.js";

const MILLISECONDS = 260; // of the way from one view to the next

// {layer, map, row, col} as a fragment says them, by the layers' names.
function fragmentOf({ network, view, unit, pinned }) {
  const named = (layer) => (layer < 0 ? "input" : network.layers[layer].name);
  const parts = [];
  const shown = pinned ? unit : view;
  if (!shown) return "";
  parts.push(["layer", named(shown.layer)]);
  const [map, row, column] = pinned ? unit.unit : [view.map];
  if (map !== null && map !== undefined) parts.push(["map", map]);
  if (row !== undefined) parts.push(["row", row], ["col", column]);
  else if (pinned) parts.push(["row", 0]);
  if (pinned && !view) parts.push(["in", "network"]);
  return `#${new URLSearchParams(parts)}`;
}

// The state that a fragment asks for; null where it names nothing of this network.
function stateOf(network, fragment) {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const name = said.get("layer");
  const nothing = { view: null, layer: null, pinned: false };
  if (name === null) return nothing;
  const layer = name === "input" ? -1 : network.layers.findIndex((each) => each.name === name);
  if (layer < 0 && name !== "input") return null;
  const shape = network.shape(layer);
  const read = (key, length) => {
    if (!said.has(key)) return null;
    const value = Number(said.get(key));
    return Number.isInteger(value) && value >= 0 && value < length ? value : undefined;
  };
  const map = read("map", shape[0]);
  const row = read("row", shape[1] ?? 1);
  const column = read("col", shape[2] ?? 1);
  if ([map, row, column].includes(undefined)) return null;
  const view = said.get("in") === "network" ? null : { layer, map };
  if (map === null || row === null) return { ...nothing, view, layer: view ? layer : null };
  const unit = shape.length === 3 ? [map, row, column ?? 0] : unitOfIndex(shape, 0, map);
  return { view, layer: null, pinned: true, unit: { layer, unit } };
}

export function startViews(store, { columnOf }, lens) {
  const { state } = store;
  const { network } = state;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let written = null; // what the address says by us; null: it has not been read

  // A new entry of the history for another view or unit; a unit beside replaces the last one.
  function write() {
    const fragment = fragmentOf(state);
    if (written === null || fragment === written || /^#(playground|training)/.test(location.hash)) return;
    const beside = state.pinned && /row=/.test(written) && /row=/.test(fragment);
    written = fragment;
    const address = fragment || location.pathname + location.search;
    try {
      if (beside) history.replaceState(null, "", address);
      else history.pushState(null, "", address);
    } catch {
      location.hash = fragment; // a page from the disk may not be allowed the other
    }
  }

  function read() {
    if (location.hash === written || /^#(playground|training)/.test(location.hash)) return;
    written = location.hash;
    const wanted = stateOf(network, written);
    if (wanted) store.set({ ...wanted, playing: false });
  }
  addEventListener("popstate", read);
  addEventListener("hashchange", read);

  // --- transitions: the map flies from where it was to where it is ---

  const boxOf = (element) => {
    const box = element?.getBoundingClientRect();
    return box?.width ? box : null;
  };
  const overviewCanvas = ({ layer, map }) => {
    const column = columnOf(layer);
    return column && (column.strip ? column.canvases[0] : column.reveal(map ?? column.numbers[0]));
  };

  function fly(element, from) {
    const to = boxOf(element);
    if (!to || !from || still.matches) return;
    const move = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
    const size = `scale(${from.width / to.width}, ${from.height / to.height})`;
    element.animate(
      [{ transform: `${move} ${size}`, transformOrigin: "0 0" }, { transform: "none", transformOrigin: "0 0" }],
      { duration: MILLISECONDS, easing: "cubic-bezier(0.2, 0, 0.1, 1)" },
    );
  }

  let last = null; // the view before
  function change() {
    const { view } = state;
    const was = last;
    last = view ? { ...view } : null;
    if (was?.layer === view?.layer) return;
    const from = was ? boxOf(lens.main()) : boxOf(overviewCanvas(view));
    const focused = document.activeElement;
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (view) {
          fly(lens.main(), from);
          const hidden = focused === document.body || !focused?.checkVisibility();
          if (hidden) lens.title.focus({ preventScroll: true });
          const { top, bottom } = lens.title.getBoundingClientRect();
          if (top < 0 || bottom > innerHeight / 2) lens.title.scrollIntoView({ block: "start" });
        } else if (was) fly(overviewCanvas(was), from);
      }),
    );
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (state.playing) store.set({ playing: false });
    else if (state.view && state.layer === null) {
      store.set({ layer: state.view.layer, pinned: false });
    } else if (state.view || state.layer !== null) {
      const layer = state.view?.layer ?? state.layer;
      store.set({ layer: null, view: null });
      columnOf(layer)?.button.focus();
    } else if (state.pinned) store.set({ pinned: false });
    else if (state.unit) store.set({ unit: null });
  });

  store.listen((keys) => {
    if (keys.has("view")) change();
    if (["view", "unit", "pinned"].some((key) => keys.has(key))) write();
  });
  // What the address asks for, once there is a picture.
  return {
    begin() {
      written = location.hash;
      const wanted = written ? stateOf(network, written) : null;
      if (wanted && !/^#(playground|training)/.test(written)) store.set(wanted);
    },
  };
}
