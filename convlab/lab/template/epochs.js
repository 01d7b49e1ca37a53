// The run's own training, epoch by epoch: its first filters as its snapshots have kept them.
import { build, decimal, makeButton, showMarked } from "./words.js";
import { listenToTheme, paint } from "./colours.js";
import { decodeBytes } from "./network.js";

const MOST_PLAYED = 24;
const LARGE_FILTER = 88; // pixels of a filter
const EPOCH_SHOWN = 400; // milliseconds of an epoch

// An element to play them with, or an empty text where the run has kept none.
export function makeEpochs(kept, network) {
  if (!kept) return "";
  const { numbers, accuracies, losses, reach } = kept;
  const entry = network.layers.find(({ name }) => name === kept.layer);
  const [maps, depth, rows = 1, columns = 1] = entry.weights.weight[2];
  const all = new Int8Array(decodeBytes(kept.weights).buffer);
  const size = all.length / numbers.length;
  const area = rows * columns;
  const last = numbers.length - 1;
  const slider = build("input", { type: "range", min: 0, max: last, step: 1, value: last, id: "epoch" });
  const label = build("label", { class: "speed", for: "epoch" }, t`Epoch`, slider);
  const play = makeButton(t`Play`, t`Play the epochs of the run`, () => (timer ? stop() : run()));
  const told = build("p", { role: "status" });
  const canvases = Array.from({ length: Math.min(maps * depth, MOST_PLAYED) }, (_, at) => {
    const words = t`filter ${Math.floor(at / depth)}, kernel ${at % depth}`;
    const canvas = build("canvas", { role: "img", "aria-label": words });
    canvas.style.width = `${LARGE_FILTER}px`;
    return canvas;
  });
  let timer = 0;

  function show() {
    const at = Number(slider.value);
    const weights = all.subarray(at * size, (at + 1) * size);
    canvases.forEach((canvas, filter) => {
      const scale = { map: "diverging", low: -127, high: 127 };
      paint(canvas, weights.subarray(filter * area, (filter + 1) * area), rows, columns, scale);
    });
    const words = accuracies[at] === null
      ? t`before training: as they were drawn`
      : t`after epoch ${numbers[at]} of ${numbers[last]}: validation accuracy ${decimal((100 * accuracies[at]).toFixed(1))} %, loss ${showMarked(losses[at])}`;
    told.textContent = words;
    slider.setAttribute("aria-valuetext", words);
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = t`Play`;
  }
  function run() {
    slider.value = Number(slider.value) === last ? 0 : slider.value;
    play.textContent = t`Pause`;
    show();
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) === last) stop();
    }, EPOCH_SHOWN);
  }
  slider.addEventListener("input", () => {
    stop();
    show();
  });
  listenToTheme(show);
  show();
  return build(
    "div",
    { class: "epochs" },
    build("h3", {}, t`How this run came to its filters of ${entry.title}`),
    build("div", { class: "tools" }, play, label),
    told,
    build("div", { class: "filters-learning" }, canvases),
    build("p", { class: "quiet" }, t`one scale for all epochs, from ${showMarked(-reach)} to ${showMarked(reach)}`),
  );
}
