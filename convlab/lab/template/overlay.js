// What a unit sees, over the overview: boxes on the layers before, and lines from what it reads.
import { buildShape } from "./words.js";

// {element, draw}: columnOf gives a layer's column, if it is there; stacked: the layers stand below
// each other.
export function makeOverlay(store, columnOf, stacked) {
  const { network } = store.state;
  const overlay = buildShape("svg", { class: "overlay", "aria-hidden": "true" });

  // A cell of a map, in pixels of the field; cells outside the map have places too.
  function placeOfCells(column, map, top, left, bottom, right) {
    const place = column?.places[column.strip ? 0 : column.numbers.indexOf(map)];
    if (!place) return null; // folded, or not among the maps that are shown
    const tall = place.height / column.rows;
    const wide = place.width / column.columns;
    return {
      x: place.x + left * wide,
      y: place.y + top * tall,
      width: (right - left) * wide,
      height: (bottom - top) * tall,
    };
  }

  function placeOfUnit(layer, unit) {
    const column = columnOf(layer);
    if (!column) return null;
    if (!column.strip)
      return placeOfCells(column, unit[0], unit[1], unit[2], unit[1] + 1, unit[2] + 1);
    const row = unit[0] % column.rows;
    const across = Math.floor(unit[0] / column.rows);
    return placeOfCells(column, 0, row, across, row + 1, across + 1);
  }

  function placeOfMaps(column) {
    const right = Math.max(...column.places.map((place) => place.x + place.width));
    const bottom = Math.max(...column.places.map((place) => place.y + place.height));
    const [{ x, y }] = column.places;
    return { x, y, width: right - x, height: bottom - y };
  }

  function rectangle(place, attributes, grow = 0) {
    if (!place) return "";
    return buildShape("rect", {
      x: place.x - grow,
      y: place.y - grow,
      width: place.width + 2 * grow,
      height: place.height + 2 * grow,
      ...attributes,
    });
  }

  // The maps of the layers before, by their layers, that take part in a unit.
  function takingPart(layer, unit) {
    const parts = new Map([[layer, new Set([unit[0]])]]);
    for (let at = layer; at >= 0; at--) {
      for (const map of parts.get(at) ?? []) {
        for (const [source, read] of network.feeds(at, map)) {
          if (!parts.has(source)) parts.set(source, new Set());
          parts.get(source).add(read);
        }
      }
    }
    return parts;
  }

  function drawBoxes(layer, unit) {
    const parts = takingPart(layer, unit);
    const shapes = [];
    for (let earlier = layer - 1; earlier >= -1; earlier--) {
      const column = columnOf(earlier);
      const box = column && parts.has(earlier) ? network.box(layer, unit, earlier) : null;
      if (!box) continue;
      const near = network.layers[layer].sources.includes(earlier) ? "box near" : "box";
      const data = {
        "data-layer": earlier,
        "data-box": [box.top, box.left, box.bottom, box.right].join(","),
      };
      if (box.unit) {
        shapes.push(
          ...outlined(
            placeOfUnit(earlier, box.unit),
            near,
            { ...data, "data-unit": box.unit.join(",") },
            1.5,
          ),
        );
        continue;
      }
      if (box.all || column.strip) {
        shapes.push(
          rectangle(placeOfMaps(column), { class: "box all", ...data, "data-all": "" }, 2.5),
        );
        continue;
      }
      for (const map of parts.get(earlier)) {
        const [rows, wide] = [column.rows, column.columns];
        const inside = [
          Math.max(box.top, 0),
          Math.max(box.left, 0),
          Math.min(box.bottom, rows),
          Math.min(box.right, wide),
        ];
        const leaves = box.top < 0 || box.left < 0 || box.bottom > rows || box.right > wide;
        if (leaves) {
          shapes.push(
            rectangle(placeOfCells(column, map, box.top, box.left, box.bottom, box.right), {
              class: "padding",
            }),
          );
        }
        if (inside[2] > inside[0] && inside[3] > inside[1]) {
          shapes.push(
            ...outlined(placeOfCells(column, map, ...inside), near, { ...data, "data-map": map }),
          );
        }
      }
    }
    return shapes;
  }

  // Two strokes: the lower one, of the page's colour, keeps the outline visible on any map.
  function outlined(place, name, data, grow = 0) {
    if (!place) return [];
    return [
      rectangle(place, { class: "halo" }, grow),
      rectangle(place, { class: name, ...data }, grow),
    ];
  }

  function connection(from, to, weight) {
    if (!from || !to) return "";
    const width = (1 + 2.5 * weight).toFixed(2);
    if (stacked.matches) {
      const [x, y] = [from.x + from.width / 2, from.y + from.height];
      const [endX, endY] = [to.x + to.width / 2, to.y];
      const bend = (endY - y) / 2;
      return buildShape("path", {
        class: "connection",
        "stroke-width": width,
        d: `M${x} ${y}C${x} ${y + bend} ${endX} ${endY - bend} ${endX} ${endY}`,
      });
    }
    const [x, y] = [from.x + from.width, from.y + from.height / 2];
    const [endX, endY] = [to.x, to.y + to.height / 2];
    const bend = (endX - x) / 2;
    return buildShape("path", {
      class: "connection",
      "stroke-width": width,
      d: `M${x} ${y}C${x + bend} ${y} ${endX - bend} ${endY} ${endX} ${endY}`,
    });
  }

  function drawConnections(layer, unit) {
    const told = network.explain(store.state.trace, layer, unit);
    const end = placeOfUnit(layer, unit);
    const source = told.before;
    const before = columnOf(source);
    const share = (terms) => {
      const most = terms.reduce((reach, term) => Math.max(reach, Math.abs(term)), 0) || 1;
      return (index) => Math.abs(terms[index]) / most;
    };
    if (told.kind === "convolution") {
      const part = share(told.mapSums);
      const box = network.box(layer, unit, source);
      if (!before || !box) return [];
      return told.maps.map((map, index) =>
        connection(
          before.strip
            ? placeOfUnit(source, [map, 0, 0])
            : placeOfCells(
                before,
                map,
                Math.max(box.top, 0),
                Math.max(box.left, 0),
                Math.min(box.bottom, before.rows),
                Math.min(box.right, before.columns),
              ),
          end,
          part(index),
        ),
      );
    }
    if (told.kind === "pooling") {
      const { winner, map } = told;
      const box = network.box(layer, unit, source);
      if (!box) return [];
      const from = winner
        ? placeOfUnit(source, [map, told.rows[winner[0]], told.columns[winner[1]]])
        : placeOfCells(before, map, box.top, box.left, box.bottom, box.right);
      return [connection(from, end, 0.5)];
    }
    if (told.kind === "nothing") return [];
    if (told.kind === "pointwise")
      return [connection(placeOfUnit(told.from, told.place), end, 0.5)];
    if (told.kind === "branches") {
      const part = share(told.values);
      return told.terms.map(([at, term], index) =>
        connection(placeOfUnit(at, term), end, part(index)),
      );
    }
    if (network.shape(source).length === 3) return [];
    const from = (index) => placeOfUnit(source, [index]);
    if (told.kind === "softmax") {
      const part = share(told.exponentials);
      return told.logits.map((_, index) => connection(from(index), end, part(index)));
    }
    const terms = told.products ?? told.squares;
    const part = share(terms);
    return told.order
      .slice(0, 12)
      .filter((index) => terms[index] !== 0)
      .map((index) => connection(from(index), end, part(index)));
  }

  function drawOverlay() {
    const shapes = [];
    if (store.state.unit && store.state.trace) {
      const { layer, unit } = store.state.unit;
      if (layer >= 0) shapes.push(...drawConnections(layer, unit), ...drawBoxes(layer, unit));
      const place = placeOfUnit(layer, unit);
      const grow = Math.max(1, (7 - (place?.width ?? 7)) / 2);
      shapes.push(...outlined(place, store.state.pinned ? "unit pinned" : "unit", {}, grow));
    }
    overlay.replaceChildren(...shapes);
  }

  return { element: overlay, draw: drawOverlay };
}
