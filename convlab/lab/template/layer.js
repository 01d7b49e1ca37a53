// The panel of a layer: its size worked out, its costs, its filters and its values.
import { build, buildShape, showAdded, showCount, showMarked, showShape } from "./words.js";
import { extent, listenToTheme, paint, paintRamp } from "./colours.js";
import { layerScale } from "./units.js";

const BINS = 32;
const MOST_KERNELS = 600; // small pictures; beyond, the first so many filters

export function startLayer(store) {
  const { state } = store;
  const { network, description } = state;
  const section = document.getElementById("layer");
  const heading = section.querySelector("h2");
  const close = build("button", { type: "button", class: "close" }, t`Close`);
  const subtitle = build("p", { class: "quiet" });
  const facts = build("div", { class: "facts" });
  const filters = build("div", { class: "filters" });
  const values = build("div", { class: "values" });
  section.hidden = true;
  section.append(
    build("div", { class: "bar-of-sums" }, heading, close),
    subtitle,
    build("div", { class: "told" }, facts, filters, values),
  );
  close.addEventListener("click", () => {
    const { layer } = state;
    store.set({ layer: null, view: null });
    document.querySelector(`[data-heading="${layer}"]`)?.focus();
  });

  function fact(name, value, data) {
    return build(
      "div",
      { "data-fact": data },
      build("dt", {}, name),
      build("dd", { "data-value": value }, typeof value === "number" ? showCount(value) : value),
    );
  }

  function tellFacts(layer) {
    const entry = layer < 0 ? null : network.layers[layer];
    const list = [];
    if (entry) {
      const { receptive_field: field } = entry;
      const seen = entry.fields[0] === "varies" ? t`differs between units` : t`all of the input`;
      list.push(
        fact(t`Parameters`, entry.parameters, "parameters"),
        fact(t`Multiply-adds`, entry.multiply_adds, "multiply-adds"),
      );
      if (entry.connections) list.push(fact(t`Connections`, entry.connections, "connections"));
      list.push(
        fact(
          t`Receptive field`,
          field ? `${field.rows} × ${field.columns}` : seen,
          "receptive-field",
        ),
      );
      if (field?.stride) {
        const [down, across] = field.stride;
        list.push(
          fact(t`Stride at the input`, down === across ? down : `${down} × ${across}`, "stride"),
        );
      }
    } else {
      const { factor, offset } = description.scaling;
      list.push(
        ...factor.map((one, channel) =>
          fact(
            factor.length > 1 ? t`Scaling, channel ${channel}` : t`Scaling`,
            t`pixel × ${showMarked(one)} ${showAdded(offset[channel])}`,
            "scaling",
          ),
        ),
      );
    }
    facts.replaceChildren(
      ...(entry?.formula ?? []).map((line) => build("p", { class: "formula" }, line)),
      build("dl", {}, list),
    );
  }

  // --- filters and switches ---

  // The filters of a table have as many kernels as they read maps.
  function filterWords({ table }, [count, depth, rows, columns]) {
    const [least, most] = table ? extent(table.map((reads) => reads.length)) : [depth, depth];
    return t`${count} filters of ${rows} × ${columns} × ${least < most ? t`${least} to ${most}` : most}`;
  }

  function kernelPictures(entry, map, scale) {
    const [, inKernel, rows, columns] = entry.weights.weight[2];
    const weight = entry.values.weight;
    const area = rows * columns;
    const reads = entry.table
      ? entry.table[map]
      : Array.from({ length: inKernel }, (_, index) => index);
    return reads.map((index) => {
      const start = (map * inKernel + index) * area;
      const canvas = build("canvas", {
        class: "kernel-picture",
        role: "img",
        "aria-label": t`filter ${map}, kernel ${index}`,
      });
      paint(canvas, weight.subarray(start, start + area), rows, columns, scale);
      const cell = Math.max(4, Math.min(9, Math.floor((270 / inKernel - 3) / columns)));
      canvas.style.width = `${cell * columns}px`;
      canvas.style.height = `${cell * rows}px`;
      return canvas;
    });
  }

  function scaleBar(scale, words) {
    const canvas = build("canvas", { class: "bar", role: "img", "aria-label": words });
    paintRamp(canvas, scale.map);
    return build(
      "div",
      { class: "scale" },
      build("span", { class: "range" }, showMarked(scale.low)),
      canvas,
      build("span", { class: "range" }, showMarked(scale.high)),
    );
  }

  function tellFilters(layer) {
    const entry = layer < 0 ? null : network.layers[layer];
    const made = [];
    const weight = entry?.values.weight;
    const shape = entry?.weights.weight?.[2];
    const pictures =
      weight &&
      shape.length === 4 &&
      entry.family !== "transposed convolution" &&
      shape[0] * shape[1] <= MOST_KERNELS;
    let scale = null;
    if (weight && shape.length !== 1) {
      const reach = weight.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
      scale = { map: "diverging", low: -reach, high: reach };
    }
    if (pictures)
      made.push(
        build("h3", {}, filterWords(entry, shape)),
        scaleBar(scale, t`scale of the weights`),
      );
    else if (scale) {
      const [rows, columns] = [shape[0], weight.length / shape[0]];
      const canvas = build("canvas", {
        class: "matrix",
        role: "img",
        "aria-label": t`weights, ${rows} × ${columns}`,
      });
      paint(canvas, weight, rows, columns, scale);
      made.push(
        build("h3", {}, t`${showCount(rows)} × ${showCount(columns)} weights`),
        scaleBar(scale, t`scale of the weights`),
        canvas,
      );
    }
    if (entry && entry.maps > 0) {
      if (!pictures) made.push(build("h3", {}, t`Maps`));
      const list = build(
        "ul",
        { class: "switches" },
        Array.from({ length: entry.maps }, (_, map) => {
          const name = `${layer}:${map}`;
          const box = build("input", {
            type: "checkbox",
            "data-switch": name,
            "aria-label": t`map ${map} of ${entry.title} is on`,
          });
          box.checked = !state.off.has(name);
          return build(
            "li",
            {},
            build("label", {}, box, t`map ${map}`),
            pictures
              ? build("span", { class: "kernels" }, kernelPictures(entry, map, scale))
              : null,
          );
        }),
      );
      list.classList.toggle("brief", !pictures || shape[1] === 1);
      made.push(list);
    }
    filters.hidden = made.length === 0;
    filters.replaceChildren(...made);
  }

  filters.addEventListener("change", (event) => {
    const name = event.target.dataset.switch;
    if (!name) return;
    const off = new Set(state.off);
    if (event.target.checked) off.delete(name);
    else off.add(name);
    store.set({ off });
  });

  function updateSwitches() {
    for (const box of filters.querySelectorAll("[data-switch]"))
      box.checked = !state.off.has(box.dataset.switch);
  }

  // --- values ---

  function tellValues(layer) {
    if (!state.trace) return values.replaceChildren();
    const all = network.output(state.trace, layer);
    const [low, high] = extent(all);
    const counts = new Array(BINS).fill(0);
    const width = (high - low || 1) / BINS;
    for (const value of all) counts[Math.min(BINS - 1, Math.floor((value - low) / width))]++;
    const most = Math.max(...counts);
    const zeros = all.reduce((count, value) => count + (value === 0), 0);
    const picture = buildShape(
      "svg",
      {
        viewBox: `0 0 ${BINS * 10} 100`,
        preserveAspectRatio: "none",
        role: "img",
        class: "histogram",
        "aria-label": t`histogram from ${showMarked(low)} to ${showMarked(high)}`,
      },
      ...counts.map((count, bin) =>
        buildShape("rect", {
          "data-count": count,
          x: bin * 10 + 0.5,
          y: 100 - (98 * count) / most,
          width: 9,
          height: (98 * count) / most,
        }),
      ),
    );
    const scale = layerScale(network, state.trace, layer);
    return values.replaceChildren(
      build("h3", {}, t`${showCount(all.length)} values`),
      picture,
      build(
        "div",
        { class: "axis" },
        build("span", {}, showMarked(low)),
        build("span", {}, showMarked(high)),
      ),
      build(
        "p",
        { class: "quiet" },
        `${zeros > 1 ? t`${showCount(zeros)} of them are 0` : zeros ? t`1 of them is 0` : t`none of them is 0`}; ` +
          t`the highest bar has ${showCount(most)}, each is ${showMarked(width)} wide`,
      ),
      build("h3", {}, t`Colours of the values`),
      scaleBar(scale, t`scale of the maps`),
    );
  }

  function show() {
    const { layer } = state;
    section.hidden = layer === null;
    if (layer === null) return;
    const entry = layer < 0 ? null : network.layers[layer];
    heading.textContent = entry ? entry.title : t`input`;
    section.dataset.layer = layer;
    const what = entry?.words ?? t`what the network gets`;
    subtitle.textContent = `${what}, ${showShape(network.shape(layer))}`;
    tellFacts(layer);
    tellFilters(layer);
    tellValues(layer);
  }

  store.listen((keys) => {
    if (keys.has("layer")) {
      show();
      section.scrollTop = 0;
    } else if (state.layer !== null) {
      if (keys.has("off")) updateSwitches();
      if (keys.has("trace")) tellValues(state.layer);
    }
  });
  listenToTheme(() => state.layer !== null && show());
}
