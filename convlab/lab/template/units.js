// Units by their numbers, and the colours of a layer's values.
import { extent } from "./colours.js";

// Vectors, and maps of one cell each, are drawn as one strip.
export const isStrip = (shape) => shape.length !== 3 || shape[1] * shape[2] === 1;

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
export const breakable = (name) =>
  name
    .replace(/adaptive|scaled|avg|max(?=pool)|proba(?=bilities)/g, "$&\u00ad")
    .replace(/[_./]/g, "$&\u200b");

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
