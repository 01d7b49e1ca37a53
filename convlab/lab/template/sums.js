// The arithmetic of the current unit, written out; stepping and playing along its map.
import { build, showCount, showNumber, showNumbers } from "./words.js";
import { paint } from "./colours.js";
import { sameUnit, unitIndex, unitOfIndex } from "./maps.js";

const SHOWN_TERMS = 4; // of a sum over maps
const SHOWN_INPUTS = 6; // of a dense layer
const LARGE_KERNEL = 3; // cells; up to this there is room for large numbers
const WIDEST_KERNEL = 7; // cells; a larger one is shown as shades

export function startSums(store) {
  const { state } = store;
  const { network, description } = state;
  const section = document.getElementById("sums");
  const heading = section.querySelector("h2");
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const backward = build(
    "button",
    { type: "button", class: "step", "aria-label": "One unit back" },
    "◀",
  );
  const forward = build(
    "button",
    { type: "button", class: "step", "aria-label": "One unit on" },
    "▶",
  );
  const play = build("button", { type: "button", class: "play" }, "Play");
  const speed = build("input", { type: "range", min: 0, max: 7, step: 1, value: 3, id: "speed" });
  const speedLabel = build("label", { class: "speed", for: "speed" }, "Speed", speed);
  const pin = build("button", { type: "button", class: "pin", "aria-pressed": "false" }, "Pin");
  const controls = build(
    "div",
    { class: "controls", role: "group", "aria-label": "Step along the map" },
    backward,
    play,
    forward,
    speedLabel,
    pin,
  );
  const subtitle = build("p", { class: "quiet" });
  const body = build("div", { class: "told" });
  section.append(build("div", { class: "bar-of-sums" }, heading, controls), subtitle, body);

  let chosenMap = null; // of a convolution: the map whose products are shown; null: the strongest
  let opened = false; // all terms are listed

  const layerName = (layer) => (layer < 0 ? "the input" : network.layers[layer].title);
  const mapName = (layer, map) =>
    layer >= 0
      ? `map ${map}`
      : network.shape(-1)[0] === 3
        ? ["red", "green", "blue"][map]
        : network.shape(-1)[0] === 1
          ? "input"
          : `channel ${map}`;

  // --- pieces ---

  const caption = (name, role, more) =>
    build("caption", {}, build("strong", { class: role }, name), more ? ` ${more}` : "");

  function numberTable(role, name, more, cells, marks) {
    const texts = showNumbers(cells.flat());
    const width = cells[0].length;
    const table = build(
      "table",
      { class: `cells ${role}${width <= LARGE_KERNEL ? " large" : ""}` },
      caption(name, role, more),
      build(
        "tbody",
        {},
        cells.map((line, row) =>
          build(
            "tr",
            {},
            line.map((_, column) => {
              const kind = marks?.outside?.[row][column]
                ? "outside"
                : marks?.winner && marks.winner[0] === row && marks.winner[1] === column
                  ? "winner"
                  : null;
              return build("td", { class: kind }, texts[row * width + column]);
            }),
          ),
        ),
      ),
    );
    table.style.setProperty("--digits", Math.max(...texts.map((text) => text.length)));
    return table;
  }

  function shadeTable(role, name, more, cells, scale) {
    const canvas = build("canvas", {
      role: "img",
      "aria-label": `${name}, ${cells.length} × ${cells[0].length}`,
    });
    paint(canvas, cells.flat(), cells.length, cells[0].length, scale);
    return build(
      "figure",
      { class: `shades ${role}` },
      build("figcaption", {}, build("strong", { class: role }, name), more ? ` ${more}` : ""),
      canvas,
    );
  }

  function cellsOf(role, name, more, cells, marks) {
    if (Math.max(cells.length, cells[0].length) <= WIDEST_KERNEL)
      return numberTable(role, name, more, cells, marks);
    const reach = Math.max(...cells.flat().map(Math.abs)) || 1;
    return shadeTable(role, name, `${more ?? ""} ±${showNumber(reach)}`, cells, {
      map: "diverging",
      low: -reach,
      high: reach,
    });
  }

  const sign = (text) => build("span", { class: "sign" }, text);

  // One term of a written sum: its name above, its number below, a sign before it.
  function term(name, value, role, first, attributes = {}) {
    const text = showNumber(first ? value : Math.abs(value));
    return [
      first ? null : sign(value < 0 ? "−" : "+"),
      build(
        attributes.type ? "button" : "span",
        { ...attributes, class: `term ${role ?? ""}`.trim() },
        build("span", { class: "quiet" }, name),
        build("b", {}, text),
      ),
    ];
  }

  function outcome(told, name) {
    const value = build(
      "output",
      {
        class: "term result value",
        "data-value": told.value,
        "data-total": told.total,
      },
      build("span", { class: "quiet" }, name),
      build("b", {}, showNumber(told.off ? told.total : told.value)),
    );
    return [sign("="), value, ...afterwards(told)];
  }

  function afterwards(told) {
    const made = [];
    if (told.off)
      made.push(
        sign("→"),
        build(
          "span",
          { class: "term off" },
          build("span", { class: "quiet" }, "switched off"),
          build("b", {}, "0"),
        ),
      );
    if (told.after && !told.off) {
      const { layer, value } = told.after;
      made.push(
        sign("→"),
        build(
          "button",
          { type: "button", class: "term result", "data-goes": "" },
          build("span", { class: "quiet" }, layerName(layer)),
          build("b", {}, showNumber(value)),
        ),
      );
      made
        .at(-1)
        .addEventListener("click", () =>
          store.set({ unit: { layer, unit: told.unit }, playing: false }),
        );
    }
    return made;
  }

  const sumLine = (...parts) =>
    build("div", { class: "sum-line" }, ...parts.flat(2).filter(Boolean));

  const spanWords = (cells, name) => {
    const inside = cells.filter((cell) => cell >= 0);
    if (!inside.length) return `no ${name}s`;
    const [low, high] = [Math.min(...inside), Math.max(...inside)];
    return low === high ? `${name} ${low}` : `${name}s ${low} to ${high}`;
  };

  // --- one way of telling for each kind ---

  function tellConvolution(told) {
    const { layer, maps, mapSums } = told;
    const order = maps
      .map((_, index) => index)
      .sort((a, b) => Math.abs(mapSums[b]) - Math.abs(mapSums[a]));
    const chosen = maps.includes(chosenMap) ? maps.indexOf(chosenMap) : order[0];
    const many = maps.length > SHOWN_TERMS + 1;
    const shown = many && !opened ? order.slice(0, SHOWN_TERMS) : order;
    const rest = many && !opened ? order.slice(SHOWN_TERMS) : [];
    const [rows, columns] = [told.kernel[0].length, told.kernel[0][0].length];
    const before = network.shape(layer - 1);
    const where = maps.length > 1 ? mapName(layer - 1, maps[chosen]) : null;
    subtitle.textContent =
      `${rows} × ${columns} kernel over ${
        maps.length === 1
          ? `one map of ${layerName(layer - 1)}`
          : `${maps.length} maps of ${layerName(layer - 1)}`
      }: ${spanWords(told.rows, "row")}, ${spanWords(told.columns, "column")}` +
      (before[0] > maps.length && maps.length > 1 ? `; reads maps ${maps.join(", ")}` : "");
    const grids = build(
      "div",
      { class: "grids" },
      cellsOf("patch", layer ? "patch" : "pixels", where, told.patch[chosen], {
        outside: told.outside,
      }),
      sign("×"),
      cellsOf("kernel", "kernel", where, told.kernel[chosen]),
      sign("="),
      cellsOf(
        "products",
        "products",
        `add up to ${showNumber(mapSums[chosen])}`,
        told.products[chosen],
      ),
    );
    const parts = shown.map((index, place) =>
      term(
        mapName(layer - 1, maps[index]),
        mapSums[index],
        index === chosen && maps.length > 1 ? "chosen" : null,
        place === 0,
        maps.length > 1
          ? { type: "button", "data-shows": maps[index], "aria-pressed": String(index === chosen) }
          : {},
      ),
    );
    if (rest.length) {
      parts.push(
        term(
          `${rest.length} other maps`,
          rest.reduce((sum, index) => sum + mapSums[index], 0),
          "others",
          false,
          { type: "button", "data-opens": "", "aria-expanded": "false" },
        ),
      );
    }
    if (many && opened) {
      parts.push(
        build(
          "button",
          { type: "button", class: "term others", "data-opens": "", "aria-expanded": "true" },
          build("span", { class: "quiet" }, "fewer"),
          build("b", {}, "…"),
        ),
      );
    }
    if (told.bias !== null) parts.push(term("bias", told.bias, "bias", false));
    return [grids, sumLine(parts, outcome(told, layerName(layer)))];
  }

  function tellPooling(told) {
    const { layer, patch } = told;
    const words = { maximum: "the largest of", mean: "the mean of", sum: "the sum of" }[
      told.reduction
    ];
    subtitle.textContent =
      `${words} ${patch.length} × ${patch[0].length} values of ${layerName(layer - 1)}, ` +
      `map ${told.map}: ${spanWords(told.rows, "row")}, ${spanWords(told.columns, "column")}`;
    const window_ = cellsOf("patch", "window", null, patch, told);
    if (told.reduction === "maximum") {
      return [
        build(
          "div",
          { class: "grids" },
          window_,
          build(
            "div",
            { class: "beside" },
            sumLine(term("largest", told.total, null, true), outcome(told, layerName(layer))),
          ),
        ),
      ];
    }
    const parts = [term("sum of the window", told.sum, null, true)];
    if (told.reduction === "mean")
      parts.push(
        sign("/"),
        build(
          "span",
          { class: "term" },
          build("span", { class: "quiet" }, "cells"),
          build("b", {}, showCount(told.divisor)),
        ),
      );
    else {
      parts.push(
        sign("×"),
        build(
          "span",
          { class: "term kernel" },
          build("span", { class: "quiet" }, "coefficient"),
          build("b", {}, showNumber(told.coefficient)),
        ),
        term("bias", told.bias, "bias", false),
      );
    }
    return [
      build(
        "div",
        { class: "grids" },
        window_,
        build("div", { class: "beside" }, sumLine(parts, outcome(told, layerName(layer)))),
      ),
    ];
  }

  // The strongest contributions as signed bars; the rest in one line that opens.
  function contributions(told, terms, cells, headings) {
    const shown = opened ? told.order.length : Math.min(SHOWN_INPUTS, told.order.length);
    const most = Math.abs(terms[told.order[0]]) || 1;
    const signed = told.kind === "dense";
    const bar = (value) => {
      const fill = build("span", {
        class: signed ? (value < 0 ? "negative" : "positive") : "part",
      });
      fill.style.width = `${((signed ? 50 : 100) * Math.min(Math.abs(value) / most, 1)).toFixed(2)}%`;
      return build(
        "td",
        { class: "bar-cell" },
        build("span", { class: signed ? "signed" : "whole" }, fill),
      );
    };
    const place = (index) => {
      const at = told.place(index);
      if (!at) return `${layerName(told.from)}, unit ${index}`;
      const [map, row, column] = at;
      const [, tall, wide] = network.shape(told.from);
      return tall * wide === 1
        ? `${layerName(told.from)}, map ${map}`
        : `${layerName(told.from)}, map ${map}, row ${row}, column ${column}`;
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
              { type: "button", "data-opens": "", "aria-expanded": String(opened) },
              opened ? "show fewer" : `${others} others together`,
            ),
          ),
          build("td", { class: "number strong" }, opened ? "" : showNumber(rest)),
          opened ? build("td", {}) : bar(rest),
        ),
      );
    }
    return build(
      "div",
      { class: "listed" },
      build(
        "table",
        { class: "contributions" },
        build(
          "thead",
          {},
          build(
            "tr",
            {},
            build("th", { scope: "col" }, "input"),
            headings.map((text) => build("th", { scope: "col", class: "number" }, text)),
            build(
              "th",
              { scope: "col", class: "number" },
              told.kind === "dense" ? "= product" : "= square",
            ),
            build("td", {}),
          ),
        ),
        build("tbody", {}, lines),
      ),
    );
  }

  function tellDense(told) {
    const count = told.inputs.length;
    subtitle.textContent =
      `${showCount(count)} inputs from ${layerName(told.layer - 1)}, each times its weight; ` +
      "the strongest first";
    const table = contributions(
      told,
      told.products,
      (index) => [showNumber(told.inputs[index]), `× ${showNumber(told.weights[index])}`],
      ["value", "× weight"],
    );
    const sum = told.products.reduce((total, product) => total + product, 0);
    const parts = [term(`${showCount(count)} products`, sum, null, true)];
    if (told.bias !== null) parts.push(term("bias", told.bias, "bias", false));
    return [table, sumLine(parts, outcome(told, unitWord(told)))];
  }

  function tellDistance(told) {
    subtitle.textContent =
      `${told.inputs.length} values of ${layerName(told.layer - 1)}, each one's squared distance ` +
      "from the pattern of this class; the largest first";
    const table = contributions(
      told,
      told.squares,
      (index) => [showNumber(told.inputs[index]), showNumber(told.centre[index])],
      ["value", "pattern"],
    );
    return [
      table,
      sumLine(
        term(`${told.inputs.length} squares`, told.total, null, true),
        outcome(told, unitWord(told)),
      ),
    ];
  }

  const unitWord = ({ layer, unit }) => `${layerName(layer)}, unit ${unit[0]}`;

  function tellSoftmax(told) {
    const { logits, exponentials, index, sum, penalties } = told;
    const classes =
      description.classes.length === logits.length
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
    const top = penalties ? "−distance" : "x";
    const [power, smallest] = penalties
      ? ["exp(−distance)", `the smallest distance, ${showNumber(-largest)},`]
      : ["exp(x)", `the largest x, ${showNumber(largest)},`];
    subtitle.textContent = `${power} over the sum of all; ${smallest} is taken off first, which changes no share`;
    const lines = shown.map((place) => {
      const fill = build("span", { class: "part" });
      fill.style.width = `${(100 * exponentials[place]) / sum}%`;
      return build(
        "tr",
        { class: place === index ? "current" : null, "data-class": place },
        build("th", { scope: "row" }, classes[place]),
        build("td", { class: "number" }, showNumber(logits[place])),
        build("td", { class: "number" }, showNumber(exponentials[place])),
        build("td", { class: "number strong" }, showNumber(exponentials[place] / sum)),
        build("td", { class: "bar-cell" }, build("span", { class: "whole" }, fill)),
      );
    });
    const table = build(
      "div",
      { class: "listed" },
      build(
        "table",
        { class: "contributions" },
        build(
          "thead",
          {},
          build(
            "tr",
            {},
            build("th", { scope: "col" }, "class"),
            [top, "exp", "share"].map((text) =>
              build("th", { scope: "col", class: "number" }, text),
            ),
            build("td", {}),
          ),
        ),
        build(
          "tbody",
          {},
          lines,
          left
            ? build(
                "tr",
                {},
                build(
                  "th",
                  { scope: "row", colspan: 5 },
                  `${left} other classes take part in the sum`,
                ),
              )
            : null,
        ),
      ),
    );
    return [
      table,
      sumLine(
        term("exp", exponentials[index], null, true),
        sign("/"),
        build(
          "span",
          { class: "term" },
          build("span", { class: "quiet" }, "sum"),
          build("b", {}, showNumber(sum)),
        ),
        outcome(told, `class ${classes[index]}`),
      ),
    ];
  }

  function tellPointwise(told) {
    subtitle.textContent = `${told.formula}, for each value of ${layerName(told.from)} alone`;
    const back = build(
      "button",
      { type: "button", class: "term", "data-goes": "" },
      build("span", { class: "quiet" }, network.unitName(told.from, told.place)),
      build("b", {}, showNumber(told.input)),
    );
    back.addEventListener("click", () =>
      store.set({ unit: { layer: told.from, unit: told.place }, playing: false }),
    );
    return [
      sumLine(
        back,
        sign("→"),
        build(
          "span",
          { class: "term" },
          build("span", { class: "quiet" }, "function"),
          build("b", {}, told.formula),
        ),
        outcome(told, layerName(told.layer)),
      ),
      build(
        "p",
        { class: "quiet" },
        `Choose ${showNumber(told.input)} to see where it comes from.`,
      ),
    ];
  }

  function tellPixel(unit) {
    const [channel, row, column] = unit;
    const [, rows, columns] = network.shape(-1);
    const byte = state.shown[(channel * rows + row) * columns + column];
    const value = network.value(state.trace, -1, unit);
    const { factor, offset } = description.scaling;
    subtitle.textContent = "a pixel, scaled as the network was trained on";
    return [
      sumLine(
        term("pixel", byte, null, true),
        sign("×"),
        build(
          "span",
          { class: "term" },
          build("span", { class: "quiet" }, "factor"),
          build("b", {}, showNumber(factor[channel])),
        ),
        term("offset", offset[channel], "bias", false),
        outcome({ unit, layer: -1, value, total: value, off: false, after: null }, "input"),
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
  };

  // --- showing ---

  function show() {
    section.parentElement.classList.toggle("called", state.pinned || state.layer !== null);
    section.hidden = state.layer !== null;
    const { unit: chosen } = state;
    const known = Boolean(chosen && state.trace);
    controls.hidden = !known;
    section.classList.toggle("known", known);
    if (!known) {
      heading.textContent = "The sum behind a number";
      subtitle.textContent =
        "Point at any cell of the network, or move to it with Tab and the arrow keys.";
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
    body.replaceChildren(...(told ? TELL[told.kind](told) : tellPixel(unit)));
    const listed = body.querySelector(".listed");
    if (listed) listed.scrollTop = scrolled;
    if (focused) body.querySelector(focused)?.focus();
    play.textContent = state.playing ? "Pause" : "Play";
    pin.setAttribute("aria-pressed", String(state.pinned));
    pin.textContent = state.pinned ? "Release" : "Pin";
  }

  // What has the focus in the sum keeps it when the sum is written anew.
  function focusedControl() {
    const active = body.contains(document.activeElement) ? document.activeElement : null;
    if (!active) return null;
    if ("shows" in active.dataset) return `[data-shows="${active.dataset.shows}"]`;
    return "opens" in active.dataset ? "[data-opens]" : null;
  }

  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("shows" in button.dataset) chosenMap = Number(button.dataset.shows);
    else if ("opens" in button.dataset) opened = !opened;
    else return;
    show();
  });
  pin.addEventListener("click", () => store.set({ pinned: !state.pinned }));

  // --- stepping and playing ---

  const shapeHere = () => network.shape(state.unit.layer);
  const countHere = () =>
    shapeHere().length === 3 ? shapeHere()[1] * shapeHere()[2] : shapeHere()[0];

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
  const tellSpeed = () => speed.setAttribute("aria-valuetext", `${cellsASecond()} cells a second`);
  speed.addEventListener("input", tellSpeed);
  tellSpeed();
  // Who asked for no motion steps along the map instead.
  const allowMotion = () => {
    play.hidden = speedLabel.hidden = still.matches;
    if (still.matches && state.playing) store.set({ playing: false });
  };
  still.addEventListener("change", allowMotion);
  allowMotion();

  let frame = 0;
  store.listen((keys) => {
    if (!["trace", "unit", "pinned", "playing", "layer"].some((key) => keys.has(key))) return;
    if (keys.has("unit") && state.unit && Number(section.dataset.layer) !== state.unit.layer) {
      chosenMap = null;
      opened = false;
    }
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      show();
    });
  });
  show();
}
