// Numbers to colours, in the maps of the figures (convlab/viz/style.py).

// Cividis (Nuñez, Anderton and Renslow 2018), every fifth of its 256 entries.
const CIVIDIS =
  "00224e002656002a5f002d68003070083370163770203a6f273e6e2e416d34456c3a486c3f4c6c444f6c49536c4e566c535a6d" +
  "575d6d5c616e60646f656870696b716d6f727272747676767a7a787e7d788381798885788d8878928c789690779b9476a09875" +
  "a59c74aaa073afa471b5a86fbaac6dbfb06bc4b468c9b965cfbd62d4c15fdac65bdfca57e5cf52ead34cf0d846f6dd3ffce236fee838";

// Signed numbers: the far and the near colour below zero, the ground at zero, near and far above.
export const DIVERGING = {
  light: ["7F3B08", "E59B3F", "FFFFFF", "9389C2", "2D004B"],
  dark: ["FFC680", "A15A12", "12171D", "6757B5", "CBC0FF"],
};

const RAMPS = {
  cividis: CIVIDIS.match(/.{6}/g),
  grey: ["000000", "FFFFFF"],
  red: ["000000", "FF4C4C"],
  green: ["000000", "4CE04C"],
  blue: ["000000", "5C8CFF"],
};

const STEPS = 257; // odd: zero under symmetric limits is the middle entry
const tables = new Map();

const prefersDark = globalThis.matchMedia?.("(prefers-color-scheme: dark)"); // a worker has none

export function themeName() {
  return document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light");
}

export function listenToTheme(listener) {
  prefersDark.addEventListener("change", listener);
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

// 257 pixels of a map ("cividis", "diverging", "grey", "red", "green", "blue"), as canvases
// keep them: red, green, blue and alpha in one little-endian word.
export function colourTable(map) {
  const key = map === "diverging" ? `${map} ${themeName()}` : map;
  if (!tables.has(key)) {
    const stops = (map === "diverging" ? DIVERGING[themeName()] : RAMPS[map]).map((hex) =>
      [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16)),
    );
    const table = new Uint32Array(STEPS);
    for (let step = 0; step < STEPS; step++) {
      const position = (step / (STEPS - 1)) * (stops.length - 1);
      const below = Math.min(Math.floor(position), stops.length - 2);
      const [red, green, blue] = stops[below].map((part, channel) =>
        Math.round(part + (stops[below + 1][channel] - part) * (position - below)),
      );
      table[step] = (255 << 24) | (blue << 16) | (green << 8) | red;
    }
    tables.set(key, table);
  }
  return tables.get(key);
}

// The smallest and the largest of many numbers.
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Paints a colour map itself, from its low end to its high end.
const RAMP = Array.from({ length: STEPS }, (_, step) => step / (STEPS - 1));
export function paintRamp(canvas, map) {
  paint(canvas, RAMP, 1, STEPS, { map, low: 0, high: 1 });
}

const painted = new WeakMap(); // what a canvas shows: {image, pixels}

// An empty canvas of one pixel a number.
export function clearMap(canvas, rows, columns) {
  Object.assign(canvas, { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  const shown = { image, pixels: new Uint32Array(image.data.buffer) };
  painted.set(canvas, shown);
  return shown;
}

// Paints a map of numbers, one pixel each. Numbers from `count` on are not yet computed:
// their pixels stay empty. `order` names, for every pixel, its number (-1: none).  A canvas that
// shows all of it already is left alone.
export function paint(
  canvas,
  values,
  rows,
  columns,
  { map, low, high, count = values.length, order = null },
) {
  let shown = painted.get(canvas);
  if (shown?.image.width !== columns || shown.image.height !== rows) {
    shown = clearMap(canvas, rows, columns);
  }
  const { image, pixels } = shown;
  const table = colourTable(map);
  const steps = STEPS / (high - low || 1);
  let changed = false;
  for (let pixel = 0; pixel < pixels.length; pixel++) {
    const index = order ? order[pixel] : pixel;
    let colour = 0;
    if (index >= 0 && index < count) {
      const step = Math.floor((values[index] - low) * steps);
      colour = table[step < 0 ? 0 : step >= STEPS ? STEPS - 1 : step || 0];
    }
    if (pixels[pixel] === colour) continue;
    pixels[pixel] = colour;
    changed = true;
  }
  if (changed) canvas.getContext("2d").putImageData(image, 0, 0);
}
