// The function of a layer that makes each number of one: its curve, and where a unit is on it.
import { ofChannel } from "./arrays.js";
import { extent } from "./colours.js";
import { build, buildShape, decimal, showMarked } from "./words.js";

const WIDE = 160;
const TALL = 120;
const CURVE_STEPS = 80;

export function makeCurve(entry, map, unit, network, trace) {
  const apply = ofChannel(entry.applies, map);
  const formula = ofChannel(entry.computes, map);
  const [low, high] = extent(network.output(trace, entry.sources[0]));
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const xs = Array.from({ length: CURVE_STEPS + 1 }, (_, step) => reach * ((2 * step) / CURVE_STEPS - 1));
  const ys = xs.map(apply);
  const [bottom, top] = extent(ys);
  const span = top - bottom || 1;
  const at = (x, y) =>
    `${(((x + reach) / (2 * reach)) * WIDE).toFixed(1)} ${(TALL - ((y - bottom) / span) * TALL).toFixed(1)}`;
  const line = (from, to) => buildShape("path", { class: "axis-line", d: `M${from}L${to}` });
  const shapes = [line(at(0, bottom), at(0, top))];
  if (bottom <= 0 && top >= 0) shapes.push(line(at(-reach, 0), at(reach, 0)));
  const points = xs.map((x, step) => at(x, ys[step]));
  shapes.push(buildShape("path", { class: "curve", d: `M${points.join("L")}` }));
  let words = t`from ${showMarked(-reach)} to ${showMarked(reach)}`;
  if (unit) {
    const place = network.placeBefore(entry.index, unit);
    const x = network.value(trace, entry.sources[0], place);
    const [cx, cy] = at(x, apply(x)).split(" ");
    shapes.push(buildShape("circle", { class: "here", cx, cy, r: 5 }));
    words = t`${showMarked(x)} becomes ${showMarked(apply(x))}`;
  }
  const picture = buildShape(
    "svg",
    { class: "function", viewBox: `-6 -6 ${WIDE + 12} ${TALL + 12}`, role: "img", "aria-label": t`the curve of ${formula}` },
    ...shapes,
  );
  return build("figure", {}, build("figcaption", {}, build("strong", {}, decimal(formula)), ` ${words}`), picture);
}
