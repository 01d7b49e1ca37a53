// A guided tour in eight steps, which the keyboard can follow.
import { build, makeButton } from "./words.js";

export function startTour(store) {
  const { state } = store;
  const { network } = state;
  const weighed = network.layers.filter(({ family }) => family === "convolution");
  const layer = (weighed.find(({ sources }) => sources[0] >= 0) ?? weighed[0] ?? network.layers[0]).index;
  const strongest = () => {
    const { shape, size } = network.layers[layer];
    const values = network.output(state.trace, layer);
    const best = values.reduce((most, value, at) => (value > values[most] ? at : most), 0);
    const plane = size / shape[0];
    const map = Math.floor(best / plane);
    const at = best % plane;
    return shape.length === 3 ? [map, Math.floor(at / shape[2]), at % shape[2]] : [map];
  };
  const whole = () => store.set({ view: null, layer: null, pinned: false });
  const large = () => store.set({ view: { layer, map: strongest()[0] }, layer, pinned: false });
  const one = () => {
    const unit = strongest();
    store.set({ unit: { layer, unit }, view: { layer, map: unit[0] }, layer: null, pinned: true });
  };
  const { title } = network.layers[layer];
  const STEPS_OF_TOUR = [
    ["#input", t`What goes in`, t`A picture is numbers, one for each pixel. Draw one, choose a sample or drop a file: everything on this page follows.`, whole],
    ["#answer", t`What comes out`, t`The network gives each class a probability. The longest bar is its answer; a tick or a cross says whether it is right, where that is known.`, whole],
    ["#network", t`The whole network`, t`From left to right: what each layer makes of the one before. Deep networks are folded into blocks; a block opens when it is clicked.`, whole],
    ["#network", t`One layer large: ${title}`, t`The maps that it reads, each with its kernel and with what the two give. All of these added up, with the bias, are the layer’s own map.`, large],
    ["#sums", t`One number`, t`The patch under the window, the kernel, their products, and the sum. No number is left out: the sum is the one that the network computed.`, one],
    ["#network", t`What it sees`, t`The frames are what this one number sees of the layers before, back to the picture: its receptive field.`, one],
    ["#whatif", t`What if`, t`Switch a filter off, move the picture by a pixel, cover a part of it: the page tells what changes, and by how much.`, whole],
    ["#tabs", t`Further`, t`The playground has one layer of your own. Training starts the network from random weights and shows how it learns, down to the gradient of one weight.`, whole],
  ];

  const heading = build("h2", { tabindex: -1 });
  const text = build("p", {});
  const count = build("p", { class: "quiet" });
  const back = makeButton(t`Back`, t`The step before`, () => show(at - 1));
  const next = makeButton(t`Next`, t`The next step`, () => (at === STEPS_OF_TOUR.length - 1 ? close() : show(at + 1)));
  const end = makeButton(t`End`, t`End the tour`, close);
  const box = build(
    "div",
    { class: "tour", role: "dialog", "aria-label": t`Tour`, hidden: true },
    heading,
    text,
    build("div", { class: "tools" }, back, next, end, count),
  );
  document.body.append(box);
  const button = document.getElementById("tour");
  let at = 0;

  function mark(selector) {
    document.querySelector(".toured")?.classList.remove("toured");
    if (selector) document.querySelector(selector).classList.add("toured");
  }

  function show(step) {
    at = step;
    const [selector, name, words, act] = STEPS_OF_TOUR[at];
    act();
    box.hidden = false;
    heading.textContent = name;
    text.textContent = words;
    count.textContent = t`${at + 1} of ${STEPS_OF_TOUR.length}`;
    back.disabled = at === 0;
    next.textContent = at === STEPS_OF_TOUR.length - 1 ? t`Done` : t`Next`;
    mark(selector);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        document.querySelector(selector).scrollIntoView({ block: "nearest" });
        heading.focus({ preventScroll: true });
      }),
    );
  }

  function close() {
    if (box.hidden) return;
    box.hidden = true;
    mark(null);
    button.focus();
  }

  button.addEventListener("click", () => {
    if (!state.trace) return;
    if (location.hash.startsWith("#playground") || location.hash.startsWith("#training"))
      document.querySelector("[data-tab=lab]").click();
    show(0);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowRight") next.click();
    else if (event.key === "ArrowLeft" && at > 0) show(at - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
