// The page's start: the network out of the page, its parts, and a first picture.
import { Network, decodeBytes, decodeFloats } from "./network.js";
import { createStore } from "./state.js";
import { startDrawing } from "./drawing.js";
import { startHeader, startPrint } from "./header.js";
import { partsOf } from "./parts.js";
import { startLive } from "./live.js";
import { startMaps } from "./maps.js";
import { startLens } from "./lens.js";
import { startViews } from "./views.js";
import { startSums } from "./sums.js";
import { startLayer } from "./layer.js";
import { startAnswer } from "./answer.js";
import { startWhatIf } from "./whatif.js";
import { startPanel } from "./panel.js";
import { startPlayground } from "./playground.js";
import { startTabs } from "./tabs.js";
import { startTour } from "./tour.js";
import { startTraining } from "./training.js";
import { learn } from "./learning.js";
import { usualSide } from "./pictures.js";
import { answerPage, startWorker } from "./worker.js";

const embedded = (id) => document.getElementById(id).textContent;

function startLab() {
  const description = JSON.parse(embedded("description"));
  const bytes = decodeBytes(embedded("images"));
  const { channels, rows, columns } = description.image;
  const size = channels * rows * columns;
  description.samples.forEach((sample, index) => {
    sample.bytes = bytes.subarray(index * size, (index + 1) * size);
  });
  const weights = decodeFloats(embedded("weights"), description.bits);
  const network = new Network(description, weights);
  description.side = usualSide(description.samples, description.image);
  const plain = { ...description, samples: [] };
  const worker = startWorker(plain, weights);
  const store = createStore(network, description, worker);
  Object.assign(globalThis.convlabLab, { store, network, Network, learn, partsOf });

  startDrawing(store);
  const maps = startMaps(store);
  const lens = startLens(store);
  startSums(store);
  startLayer(store);
  startAnswer(store);
  startWhatIf(store);
  startPanel(store, maps, lens);
  const views = startViews(store, maps, lens);

  const [first] = description.samples;
  if (first) {
    const { name, label, bytes: picture } = first;
    // The only one without a class is a picture of the user's own.
    const source = { kind: label === null ? "file" : "sample", name };
    store.set({ bytes: picture, source, label });
  }
  views.begin();
  startTour(store);
  return { lab: {}, training: startTraining(store, worker) };
}

function startPage() {
  startHeader();
  startPrint();
  const playground = startPlayground();
  globalThis.convlabLab = { playground };
  const parts = document.getElementById("lab") ? startLab() : {};
  startTabs({ ...parts, playground });
  startLive();
}

if (globalThis.document) startPage();
else answerPage();
