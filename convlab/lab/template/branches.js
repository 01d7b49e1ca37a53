// Where a network has branches: its layers once more as knots on a line, above or beside them,
// with a line from each layer to those that read it.
import { buildShape } from "./words.js";

const LANES = { apart: 12, least: 6, together: 72 }; // pixels: closer where there are many
const KNOT = { long: 16, wide: 8 };
const CORNER = 4;
const MARGIN = 6; // between the knots and the layers
const ARROW = { long: 6, wide: 3 };
const NEAR = KNOT.wide / 2; // from the knots' line to their edge
const FIRST = NEAR + ARROW.long + CORNER; // and to lane 0

// The lines that lead past other layers, one from each layer that is read further on: {from, to,
// lane}.  Lane 0 lies next to the layers; short lines come first.
function detoursOf(layers) {
  const found = [];
  for (let from = -1; from < layers.length; from++) {
    const readers = layers.filter(({ index, sources }) => index > from + 1 && sources.includes(from));
    if (readers.length) found.push({ from, to: readers.map(({ index }) => index) });
  }
  found.sort((one, other) => one.to.at(-1) - one.from - (other.to.at(-1) - other.from));
  found.forEach((line, number) => {
    const taken = found
      .slice(0, number)
      .filter((other) => line.from < other.to.at(-1) && other.from < line.to.at(-1))
      .map(({ lane }) => lane);
    line.lane = 0;
    while (taken.includes(line.lane)) line.lane++;
  });
  return found;
}

// The line of what is seen, {element, width, set, draw}: nothing where each reads the one before.
export function makeRail() {
  const element = buildShape("svg", { class: "rail", "aria-hidden": "true" });
  let [layers, detours, nameOf] = [[], [], null];
  let [apart, base] = [0, 0];

  // items: {index, sources} of each, like layers; name gives the layer that one stands for.
  function set(items, name) {
    [layers, detours, nameOf] = [items, detoursOf(items), name];
    const lanes = 1 + Math.max(0, ...detours.map(({ lane }) => lane));
    apart = Math.max(LANES.least, Math.min(LANES.apart, LANES.together / lanes));
    base = FIRST + (lanes - 1) * apart + 2; // from the outer edge to the knots
    made.width = detours.length ? base + NEAR + MARGIN : 0;
  }

  // knots: where each layer's lies along the line, the input's first; below: the layers stand
  // below each other.
  function draw(knots, below) {
    if (!detours.length) return element.replaceChildren();
    const at = (along, out) => (below ? `${base - out} ${along}` : `${along} ${base - out}`);
    const knotOf = (layer) => knots[layer + 1];
    const arrow = (along, out, [stepAlong, stepOut]) => {
      const back = [along - stepAlong * ARROW.long, out - stepOut * ARROW.long];
      const [one, other] = [1, -1].map((side) =>
        at(back[0] + side * stepOut * ARROW.wide, back[1] + side * stepAlong * ARROW.wide),
      );
      return buildShape("path", { class: "arrow", d: `M${at(along, out)}L${one}L${other}Z` });
    };
    const shapes = [];
    const lines = (ways) => {
      for (const name of ["halo", "line"]) {
        for (const { d, from, to } of ways) {
          shapes.push(buildShape("path", { class: name, d, "data-from": nameOf(from), "data-to": nameOf(to) }));
        }
      }
    };
    for (const { index, sources } of layers) {
      if (!sources.includes(index - 1)) continue;
      const [start, end] = [knotOf(index - 1) + KNOT.long / 2, knotOf(index) - KNOT.long / 2];
      lines([{ d: `M${at(start, 0)}L${at(end - ARROW.long, 0)}`, from: index - 1, to: index }]);
      shapes.push(arrow(end, 0, [1, 0]));
    }
    for (const { from, to, lane } of detours.toReversed()) {
      const start = knotOf(from) + KNOT.long / 4;
      const far = FIRST + lane * apart;
      const ends = to.map((layer) => knotOf(layer) - KNOT.long / 4);
      const away = `M${at(start, NEAR)}L${at(start, far - CORNER)}Q${at(start, far)} ${at(start + CORNER, far)}L`;
      lines(
        ends.map((end, number) => ({
          // The way to the last reader; the others' ways leave it.
          d:
            `${number === ends.length - 1 ? away : "M"}${at(end - CORNER, far)}` +
            `Q${at(end, far)} ${at(end, far - CORNER)}L${at(end, NEAR + ARROW.long)}`,
          from,
          to: to[number],
        })),
      );
      shapes.push(...ends.map((end) => arrow(end, NEAR, [0, -1])));
    }
    knots.forEach((along, number) => {
      const [long, wide] = below ? [KNOT.wide, KNOT.long] : [KNOT.long, KNOT.wide];
      const [x, y] = below ? [base, along] : [along, base];
      shapes.push(
        buildShape("rect", {
          class: number ? "knot" : "knot first",
          x: x - long / 2,
          y: y - wide / 2,
          width: long,
          height: wide,
          rx: KNOT.wide / 2,
        }),
      );
    });
    return element.replaceChildren(...shapes);
  }

  const made = { element, width: 0, set, draw };
  return made;
}
