// The arithmetic behind one number, written out: one way of telling for each kind.
import {
  areRounded,
  build,
  decimal,
  isRounded,
  showCount,
  showMarked,
  showNumber,
} from "./words.js";
import { cellsOf } from "./tables.js";

const SHOWN_TERMS = 4; // of a sum over maps
const SHOWN_INPUTS = 6; // of a dense layer
// What a softmax of maps shares out, by its axis.
const SOFTMAX_OVER = [
  [t`map`, t`maps`],
  [t`row`, t`rows`],
  [t`column`, t`columns`],
];

// subtitle: the element for a line about the whole; choice: {map, opened}, the map whose products are
// shown (null: the strongest) and whether all terms are listed.
export function makeTelling(store, subtitle, choice) {
  const { state } = store;
  const { network, description } = state;

  const layerName = (layer) => (layer < 0 ? t`the input` : network.layers[layer].title);
  const channelNames = { 1: [t`input`], 3: [t`red`, t`green`, t`blue`] }[network.shape(-1)[0]];
  const mapName = (layer, map) =>
    layer >= 0 ? t`map ${map}` : (channelNames?.[map] ?? t`channel ${map}`);

  // --- pieces ---

  // The parts of a written sum: signs, and numbers with their names above.
  const sign = (text) => build("span", { class: "sign" }, text);
  const part = (tag, name, text, attributes = {}) =>
    build(
      tag,
      { ...attributes, class: `term ${attributes.class ?? ""}`.trim() },
      build("span", { class: "quiet" }, name),
      build("b", {}, text),
    );
  const plain = (name, text, role = "") => part("span", name, text, { class: role });
  const press = (name, text, attributes) =>
    part("button", name, text, { ...attributes, type: "button" });
  // What is not parted at the end of a line.
  const together = (...parts) => build("span", { class: "together" }, parts);
  // A term that is added: its sign stands before it.
  const added = (value, write) =>
    together(sign(value < 0 ? "−" : "+"), write(showNumber(Math.abs(value))));
  const bias = (value, name = t`bias`) => added(value, (text) => plain(name, text, "bias"));

  // A number of another unit, which it leads to.
  function leading(name, layer, unit, text, role = "") {
    const button = press(name, text, { class: role, "data-goes": `${layer}:${unit}` });
    button.addEventListener("click", () => store.set({ unit: { layer, unit }, playing: false }));
    return button;
  }

  // "=" where all numbers are exact as they are shown, "≈" where one is rounded.
  const equals = (values) => sign(values.some(isRounded) ? "≈" : "=");

  // shown: the numbers that make it.
  function outcome(told, name, shown) {
    const value = part("output", name, showNumber(told.off ? told.total : told.value), {
      class: "result value",
      "data-value": told.value,
      "data-total": told.total,
    });
    const made = [together(equals([...shown, told.off ? told.total : told.value]), value)];
    if (told.off) made.push(together(sign("→"), plain(t`switched off`, "0", "off")));
    else if (told.after) {
      const { layer, value: next } = told.after;
      const button = leading(layerName(layer), layer, told.unit, showNumber(next), "result");
      made.push(together(sign("→"), button));
    }
    return made;
  }

  const sumLine = (...parts) => build("div", { class: "sum-line" }, ...parts.flat(2));

  const rowsWords = (cells) => {
    const inside = cells.filter((cell) => cell >= 0);
    if (!inside.length) return t`no rows`;
    const [low, high] = [Math.min(...inside), Math.max(...inside)];
    return low === high ? t`row ${low}` : t`rows ${low} to ${high}`;
  };
  const columnsWords = (cells) => {
    const inside = cells.filter((cell) => cell >= 0);
    if (!inside.length) return t`no columns`;
    const [low, high] = [Math.min(...inside), Math.max(...inside)];
    return low === high ? t`column ${low}` : t`columns ${low} to ${high}`;
  };
  const spanWords = ({ rows, columns }) => `${rowsWords(rows)}, ${columnsWords(columns)}`;

  // --- one way of telling for each kind ---

  function tellConvolution(told) {
    const { layer, before, maps, mapSums } = told;
    const order = maps
      .map((_, index) => index)
      .sort((a, b) => Math.abs(mapSums[b]) - Math.abs(mapSums[a]));
    const chosen = maps.includes(choice.map) ? maps.indexOf(choice.map) : order[0];
    const many = maps.length > SHOWN_TERMS + 1;
    const shown = many && !choice.opened ? order.slice(0, SHOWN_TERMS) : order;
    const rest = many && !choice.opened ? order.slice(SHOWN_TERMS) : [];
    const [rows, columns] = [told.kernel[0].length, told.kernel[0][0].length];
    const [channels] = network.shape(before);
    const { family, dilation = [1, 1] } = network.layers[layer];
    const [down, across] = dilation;
    const dilated = family !== "transposed convolution" && (down > 1 || across > 1);
    const where = maps.length > 1 ? mapName(before, maps[chosen]) : null;
    subtitle.textContent =
      (maps.length === 1
        ? t`${rows} × ${columns} kernel over one map of ${layerName(before)}: ${spanWords(told)}`
        : t`${rows} × ${columns} kernel over ${maps.length} maps of ${layerName(before)}: ${spanWords(told)}`) +
      (dilated ? t`, ${down === across ? down : `${down} / ${across}`} apart` : "") +
      (channels > maps.length && maps.length > 1 ? t`; reads maps ${maps.join(", ")}` : "");
    const joined = (mark, cells) => build("div", { class: "joined" }, sign(mark), cells);
    const grids = build(
      "div",
      { class: "grids" },
      cellsOf("patch", before < 0 ? t`pixels` : t`patch`, where, told.patch[chosen], {
        outside: told.outside,
      }),
      joined("×", cellsOf("kernel", t`kernel`, where, told.kernel[chosen])),
      joined(
        [told.patch, told.kernel, told.products].some((cells) => areRounded(cells[chosen].flat()))
          ? "≈"
          : "=",
        cellsOf(
          "products",
          t`products`,
          t`add up to ${showMarked(mapSums[chosen])}`,
          told.products[chosen],
        ),
      ),
    );
    const parts = shown.map((index, place) => {
      const name = mapName(before, maps[index]);
      if (maps.length === 1) return plain(name, showNumber(mapSums[index]));
      const attributes = {
        class: index === chosen ? "chosen" : "",
        "data-shows": maps[index],
        "aria-pressed": String(index === chosen),
      };
      if (place === 0) return press(name, showNumber(mapSums[index]), attributes);
      return added(mapSums[index], (text) => press(name, text, attributes));
    });
    if (rest.length) {
      const sum = rest.reduce((total, index) => total + mapSums[index], 0);
      const attributes = { "data-opens": "", "aria-expanded": "false" };
      parts.push(added(sum, (text) => press(t`${rest.length} other maps`, text, attributes)));
    } else if (many) {
      parts.push(press(t`fewer`, "…", { "data-opens": "", "aria-expanded": "true" }));
    }
    if (told.bias !== null) parts.push(bias(told.bias));
    const others = rest.reduce((total, index) => total + mapSums[index], 0);
    const numbers = [...shown.map((index) => mapSums[index]), others, told.bias ?? 0];
    return [grids, sumLine(parts, outcome(told, layerName(layer), numbers))];
  }

  function tellPooling(told) {
    const { layer, before, patch } = told;
    const size = `${patch.length} × ${patch[0].length}`;
    const place = t`${layerName(before)}, map ${told.map}: ${spanWords(told)}`;
    subtitle.textContent = {
      maximum: t`the largest of ${size} values of ${place}`,
      mean: t`the mean of ${size} values of ${place}`,
      sum: t`the sum of ${size} values of ${place}`,
    }[told.reduction];
    const parts = {
      maximum: () => [plain(t`largest`, showNumber(told.total))],
      mean: () => [
        plain(t`sum of the window`, showNumber(told.sum)),
        sign("/"),
        plain(t`cells`, showCount(told.divisor)),
      ],
      sum: () => [
        plain(t`sum of the window`, showNumber(told.sum)),
        ...(told.coefficient === null
          ? []
          : [
            sign("×"),
            plain(t`coefficient`, showNumber(told.coefficient), "kernel"),
            bias(told.bias),
          ]),
      ],
    }[told.reduction]();
    const cells = cellsOf("patch", t`window`, null, patch, told);
    const numbers = {
      maximum: [told.total],
      mean: [told.sum],
      sum: [told.sum, told.coefficient ?? 1, told.bias ?? 0],
    }[told.reduction];
    const result = outcome(told, layerName(layer), numbers);
    return [build("div", { class: "grids" }, cells, sumLine(parts, result))];
  }

  // The strongest contributions as signed bars; the rest in one line that opens.
  function contributions(told, terms, cells, headings) {
    const shown = choice.opened ? told.order.length : Math.min(SHOWN_INPUTS, told.order.length);
    const most = Math.abs(terms[told.order[0]]) || 1;
    const twoSided = told.kind === "dense";
    const bar = (value) => {
      const fill = build("span", {
        class: twoSided ? (value < 0 ? "negative" : "positive") : "part",
      });
      const share = Math.min(Math.abs(value) / most, 1);
      fill.style.width = `${((twoSided ? 50 : 100) * share).toFixed(2)}%`;
      return build(
        "td",
        { class: "bar-cell" },
        build("span", { class: twoSided ? "signed" : "whole" }, fill),
      );
    };
    const place = (index) => {
      const at = told.place(index);
      const [, tall, wide] = network.shape(told.from);
      return at && tall * wide === 1
        ? t`${layerName(told.from)}, map ${at[0]}`
        : network.unitName(told.from, at ?? [index]);
    };
    const lines = told.order
      .slice(0, shown)
      .map((index) =>
        build(
          "tr",
          { "data-input": index },
          build("th", { scope: "row" }, place(index)),
          ...cells(index).map((cell) => build("td", { class: "number" }, cell)),
          build("td", { class: "number strong" }, showNumber(terms[index])),
          bar(terms[index]),
        ),
      );
    const rest = told.order.slice(shown).reduce((sum, index) => sum + terms[index], 0);
    const others = told.order.length - SHOWN_INPUTS;
    if (others > 0) {
      lines.push(
        build(
          "tr",
          { class: "rest" },
          build(
            "th",
            { scope: "row", colspan: 1 + headings.length },
            build(
              "button",
              { type: "button", "data-opens": "", "aria-expanded": String(choice.opened) },
              choice.opened ? t`show fewer` : t`${others} others together`,
            ),
          ),
          build("td", { class: "number strong" }, choice.opened ? "" : showNumber(rest)),
          choice.opened ? build("td", {}) : bar(rest),
        ),
      );
    }
    const product = told.kind === "dense" ? t`product` : t`square`;
    return listed(t`input`, [...headings, `≈ ${product}`], lines);
  }

  // Rows under their headings: the first in words, then numbers, then a bar.
  function listed(first, headings, lines) {
    const names = headings.map((text) => build("th", { scope: "col", class: "number" }, text));
    const head = build("tr", {}, build("th", { scope: "col" }, first), names, build("td"));
    const table = build("table", { class: "contributions" }, build("thead", {}, head));
    table.append(build("tbody", {}, lines));
    return build("div", { class: "listed" }, table);
  }

  function tellDense(told) {
    const count = told.inputs.length;
    subtitle.textContent =
      t`${showCount(count)} inputs from ${layerName(told.before)}, each times its weight; the strongest first`;
    const table = contributions(
      told,
      told.products,
      (index) => [showNumber(told.inputs[index]), `× ${showNumber(told.weights[index])}`],
      [t`≈ value`, t`× ≈ weight`],
    );
    const sum = told.products.reduce((total, product) => total + product, 0);
    const parts = [plain(t`${showCount(count)} products`, showNumber(sum))];
    if (told.bias !== null) parts.push(bias(told.bias));
    return [table, sumLine(parts, outcome(told, unitWord(told), [sum, told.bias ?? 0]))];
  }

  function tellDistance(told) {
    subtitle.textContent =
      t`${told.inputs.length} values of ${layerName(told.before)}, each one’s squared distance from the pattern of this class; the largest first`;
    const table = contributions(
      told,
      told.squares,
      (index) => [showNumber(told.inputs[index]), showNumber(told.centre[index])],
      [t`≈ value`, t`≈ pattern`],
    );
    const sum = plain(t`${told.inputs.length} squares`, showNumber(told.total));
    return [table, sumLine(sum, outcome(told, unitWord(told), [told.total]))];
  }

  const unitWord = ({ layer, unit }) => t`${layerName(layer)}, unit ${unit[0]}`;

  function tellSoftmax(told) {
    const { logits, exponentials, index, sum, penalties } = told;
    const { shape, axis } = network.layers[told.layer];
    const [one, several] =
      shape.length === 3 ? SOFTMAX_OVER[axis] : [t`class`, t`classes`];
    const names =
      shape.length !== 3 && description.classes.length === logits.length
        ? description.classes
        : logits.map((_, place) => String(place));
    const order = logits.map((_, place) => place);
    let shown = order;
    if (logits.length > 10) {
      const strongest = [...order].sort((a, b) => logits[b] - logits[a]).slice(0, 10);
      shown = strongest.includes(index) ? strongest : [...strongest.slice(0, 9), index];
    }
    const left = logits.length - shown.length;
    const largest = Math.max(...logits);
    const top = penalties ? t`−distance` : "x";
    subtitle.textContent = penalties
      ? t`exp(−distance) over the sum of all; the smallest distance, ${showMarked(-largest)}, is taken off first: no share changes`
      : t`exp(x) over the sum of all; the largest x, ${showMarked(largest)}, is taken off first: no share changes`;
    const lines = shown.map((place) => {
      const fill = build("span", { class: "part" });
      fill.style.width = `${(100 * exponentials[place]) / sum}%`;
      return build(
        "tr",
        { class: place === index ? "current" : null, "data-class": place },
        build("th", { scope: "row" }, names[place]),
        build("td", { class: "number" }, showNumber(logits[place])),
        build("td", { class: "number" }, showNumber(exponentials[place])),
        build("td", { class: "number strong" }, showNumber(exponentials[place] / sum)),
        build("td", { class: "bar-cell" }, build("span", { class: "whole" }, fill)),
      );
    });
    if (left) {
      const words = t`${left} other ${several} take part in the sum`;
      lines.push(build("tr", {}, build("th", { scope: "row", colspan: 5 }, words)));
    }
    return [
      listed(one, [`≈ ${top}`, "≈ exp", t`≈ share`], lines),
      sumLine(
        plain("exp", showNumber(exponentials[index])),
        sign("/"),
        plain(t`sum`, showNumber(sum)),
        outcome(told, `${one} ${names[index]}`, [exponentials[index], sum]),
      ),
    ];
  }

  function tellPointwise(told) {
    subtitle.textContent = t`${decimal(told.formula)}: for each value of ${layerName(told.from)} alone`;
    const name = network.unitName(told.from, told.place);
    return [
      sumLine(
        leading(name, told.from, told.place, showNumber(told.input)),
        sign("→"),
        plain(t`function`, decimal(told.formula)),
        outcome(told, layerName(told.layer), [told.input]),
      ),
      told.among ? build("p", {}, told.among) : null,
      build("p", { class: "quiet" }, t`Choose ${showMarked(told.input)} to see its own sum.`),
    ];
  }

  function tellNothing(told) {
    subtitle.textContent = t`nothing of what is before it stands here`;
    return [sumLine(outcome(told, layerName(told.layer), []))];
  }

  function tellBranches(told) {
    const { terms, values } = told;
    subtitle.textContent = told.product
      ? t`the product of ${terms.length} branches: one number of each`
      : t`the sum of ${terms.length} branches: one number of each`;
    const parts = terms.map(([layer, unit], index) => {
      const name = network.unitName(layer, unit);
      const write = (text) => leading(name, layer, unit, text);
      if (index && told.product) return together(sign("×"), write(showNumber(values[index])));
      return index ? added(values[index], write) : write(showNumber(values[index]));
    });
    return [
      sumLine(parts, outcome(told, layerName(told.layer), values)),
      build("p", { class: "quiet" }, t`Choose a number to see its own sum.`),
    ];
  }

  function tellPixel(unit) {
    const [channel, row, column] = unit;
    const [, rows, columns] = network.shape(-1);
    const byte = state.shown[(channel * rows + row) * columns + column];
    const value = network.value(state.trace, -1, unit);
    const { factor, offset } = description.scaling;
    subtitle.textContent = t`a pixel, scaled as the network was trained on`;
    return [
      sumLine(
        plain(t`pixel`, String(byte)),
        sign("×"),
        plain(t`factor`, showNumber(factor[channel])),
        bias(offset[channel], t`offset`),
        outcome({ unit, layer: -1, value, total: value, off: false, after: null }, t`input`, [
          factor[channel],
          offset[channel],
        ]),
      ),
    ];
  }

  const TELL = {
    convolution: tellConvolution,
    pooling: tellPooling,
    dense: tellDense,
    distance: tellDistance,
    softmax: tellSoftmax,
    pointwise: tellPointwise,
    nothing: tellNothing,
    branches: tellBranches,
  };

  // What stands below a unit's name.
  return (unit, told) => (told ? TELL[told.kind](told) : tellPixel(unit)).filter(Boolean);
}
