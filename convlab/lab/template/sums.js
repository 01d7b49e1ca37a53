// The sum behind the current unit; stepping and playing along its map.
import { build } from "./words.js";
import { askAtRest } from "./slices.js";
import { makeTelling } from "./telling.js";
import { sameUnit, unitCount, unitIndex, unitOfIndex } from "./units.js";

export function startSums(store) {
  const { state } = store;
  const { network } = state;
  const section = document.getElementById("sums");
  const heading = section.querySelector("h2");
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const backward = build(
    "button",
    { type: "button", class: "step", "aria-label": t`One unit back` },
    "◀",
  );
  const forward = build(
    "button",
    { type: "button", class: "step", "aria-label": t`One unit on` },
    "▶",
  );
  const play = build("button", { type: "button", class: "play" }, t`Play`);
  const speed = build("input", { type: "range", min: 0, max: 7, step: 1, value: 3, id: "speed" });
  const speedLabel = build("label", { class: "speed", for: "speed" }, t`Speed`, speed);
  const pin = build("button", { type: "button", class: "pin", "aria-pressed": "false" }, t`Pin`);
  const controls = build(
    "div",
    { class: "controls", role: "group", "aria-label": t`Step along the map` },
    backward,
    play,
    forward,
    speedLabel,
    pin,
  );
  const subtitle = build("p", { class: "quiet" });
  const body = build("div", { class: "told" });
  section.append(build("div", { class: "bar-of-sums" }, heading, controls), subtitle, body);

  const choice = { map: null, opened: false };
  const tell = makeTelling(store, subtitle, choice);

  // --- showing ---

  function show() {
    section.parentElement.classList.toggle(
      "called",
      state.pinned || (state.layer !== null && !state.view),
    );
    section.hidden = state.layer !== null;
    const { unit: chosen } = state;
    const known = Boolean(chosen && state.trace);
    controls.hidden = !known;
    section.classList.toggle("known", known);
    if (!known) {
      heading.textContent = t`The sum behind a number`;
      subtitle.textContent = state.trace
        ? t`Point at any cell of the network, or move to it with Tab and the arrow keys.`
        : state.bytes
          ? t`The network is computing.`
          : t`Draw or choose a picture, then point at any cell of the network.`;
      body.replaceChildren();
      delete section.dataset.layer;
      delete section.dataset.unit;
      return;
    }
    const { layer, unit } = chosen;
    const told = layer < 0 ? null : network.explain(state.trace, layer, unit);
    const scrolled = body.querySelector(".listed")?.scrollTop ?? 0;
    heading.textContent = network.unitName(layer, unit);
    section.dataset.layer = layer;
    section.dataset.unit = unit.join(",");
    const focused = focusedControl();
    body.replaceChildren(...tell(unit, told));
    const listed = body.querySelector(".listed");
    if (listed) listed.scrollTop = scrolled;
    focused.map((selector) => body.querySelector(selector)).find(Boolean)?.focus();
    play.textContent = state.playing ? t`Pause` : t`Play`;
    pin.setAttribute("aria-pressed", String(state.pinned));
    pin.textContent = state.pinned ? t`Release` : t`Pin`;
  }

  // What has the focus in the sum keeps it when the sum is written anew.
  function focusedControl() {
    const active = body.contains(document.activeElement) ? document.activeElement : null;
    if (!active) return [];
    if ("shows" in active.dataset) return [`[data-shows="${active.dataset.shows}"]`];
    if ("opens" in active.dataset) return ["[data-opens]"];
    return "goes" in active.dataset
      ? [`[data-goes="${active.dataset.goes}"]`, "[data-goes]"]
      : [];
  }

  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("shows" in button.dataset) choice.map = Number(button.dataset.shows);
    else if ("opens" in button.dataset) choice.opened = !choice.opened;
    else return;
    show();
  });
  pin.addEventListener("click", () => store.set({ pinned: !state.pinned }));

  // --- stepping and playing ---

  const shapeHere = () => network.shape(state.unit.layer);
  const countHere = () => unitCount(shapeHere());

  function moveTo(index, changes = {}) {
    const { layer, unit } = state.unit;
    store.set({ unit: { layer, unit: unitOfIndex(shapeHere(), unit[0], index) }, ...changes });
  }

  function stepBy(step) {
    const index = unitIndex(shapeHere(), state.unit.unit) + step;
    if (index >= 0 && index < countHere()) moveTo(index, { playing: false, pinned: true });
  }
  backward.addEventListener("click", () => stepBy(-1));
  forward.addEventListener("click", () => stepBy(1));

  let timer = 0;
  let paused = null; // where playing was stopped
  const cellsASecond = () => 2 ** Number(speed.value);

  function run() {
    timer = setTimeout(() => {
      if (!state.playing) return;
      const next = unitIndex(shapeHere(), state.unit.unit) + 1;
      if (next >= countHere()) store.set({ playing: false });
      else {
        moveTo(next);
        run();
      }
    }, 1000 / cellsASecond());
  }

  play.addEventListener("click", () => {
    if (state.playing) {
      paused = state.unit;
      store.set({ playing: false });
      return;
    }
    const index = unitIndex(shapeHere(), state.unit.unit);
    const goesOn = paused && sameUnit(paused, state.unit) && index < countHere() - 1;
    moveTo(goesOn ? index : 0, { playing: true, pinned: true });
    clearTimeout(timer);
    run();
  });
  const tellSpeed = () => speed.setAttribute("aria-valuetext", t`${cellsASecond()} cells a second`);
  speed.addEventListener("input", tellSpeed);
  tellSpeed();
  // Who asked for no motion steps along the map instead.
  const allowMotion = () => {
    play.hidden = speedLabel.hidden = still.matches;
    if (still.matches && state.playing) store.set({ playing: false });
  };
  still.addEventListener("change", allowMotion);
  allowMotion();

  store.listen((keys) => {
    if (!["trace", "bytes", "unit", "pinned", "playing", "layer", "view"].some((key) => keys.has(key))) return;
    if (keys.has("unit") && state.unit && Number(section.dataset.layer) !== state.unit.layer) {
      Object.assign(choice, { map: null, opened: false });
    }
    askAtRest("sums", show);
  });
  show();
}
