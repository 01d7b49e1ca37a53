// Choosing a unit of the overview, by pointer or by keys.
import { sameUnit, unitOfIndex } from "./units.js";

const KEY_STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const KEY_TURNS = { PageUp: -1, "[": -1, PageDown: 1, "]": 1 };

// The cell of a canvas of rows and columns that an event is on.
export function cellUnder(event, canvas, rows, columns) {
  const box = canvas.getBoundingClientRect();
  const within = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
  return [
    within((event.clientY - box.top) / box.height, rows),
    within((event.clientX - box.left) / box.width, columns),
  ];
}

// Where a key leads from a unit; null: it leads nowhere, undefined: it is not for us.
export function unitBeyond({ strip, shape, rows }, unit, key) {
  const step = KEY_STEPS[key];
  const turn = KEY_TURNS[key];
  if (strip) {
    const last = shape[0] - 1;
    const ends = { Home: 0, End: last };
    const to = step ? unit[0] + step[0] + step[1] * rows : ends[key];
    if (to === undefined) return undefined;
    return to < 0 || to > last ? null : unitOfIndex(shape, 0, to);
  }
  const [map, row, across] = unit;
  const ends = { Home: [map, row, 0], End: [map, row, shape[2] - 1] };
  const to = step
    ? [map, row + step[0], across + step[1]]
    : turn
      ? [map + turn, row, across]
      : ends[key];
  const inside = (at, axis) => at >= 0 && at < shape[axis];
  return to && !to.every(inside) ? null : to;
}

// section: where the canvases of columns are; columnOf gives a layer's column.
export function chooseIn(store, section, columnOf) {
  const { state } = store;

  function unitUnder(event) {
    const canvas = event.target.closest?.("canvas[data-layer]");
    if (!canvas) return null;
    const column = columnOf(Number(canvas.dataset.layer));
    const [row, across] = cellUnder(event, canvas, column.rows, column.columns);
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
      const changes = { pinned: !release, playing: false, layer: null };
      choose({ layer: column.layer, unit: here }, changes);
      return;
    }
    const to = unitBeyond(column, here, event.key);
    if (to === undefined) return;
    event.preventDefault();
    if (!to) return;
    choose({ layer: column.layer, unit: to }, { playing: false });
    column.reveal(to[0])?.focus();
  });
}
