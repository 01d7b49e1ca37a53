// The page's start: the network out of the page, its parts, and a first picture.
import { Network, decodeBytes, decodeFloats } from "./network.js";
import { createStore } from "./state.js";
import { startDrawing } from "./drawing.js";
import { startMaps } from "./maps.js";
import { startSums } from "./sums.js";
import { startLayer } from "./layer.js";
import { startAnswer } from "./answer.js";
import { startWhatIf } from "./whatif.js";

const embedded = (id) => document.getElementById(id).textContent;
const embeddedDescription = JSON.parse(embedded("description"));
const sampleBytes = decodeBytes(embedded("images"));
const { channels, rows, columns } = embeddedDescription.image;
const sampleSize = channels * rows * columns;
embeddedDescription.samples.forEach((sample, index) => {
  sample.bytes = sampleBytes.subarray(index * sampleSize, (index + 1) * sampleSize);
});

const network = new Network(embeddedDescription, decodeFloats(embedded("weights")));
const store = createStore(network, embeddedDescription);
globalThis.convlabLab = { store, network, Network };

startDrawing(store);
startMaps(store);
startSums(store);
startLayer(store);
startAnswer(store);
startWhatIf(store);

const [firstSample] = embeddedDescription.samples;
if (firstSample) {
  const { name, label, bytes } = firstSample;
  // The only one without a class is a picture of the user's own.
  store.set({ bytes, source: { kind: label === null ? "file" : "sample", name }, label });
}
