// Pictures as bytes: drawings and files brought to the size of the data, bytes to floats.
import { broadened, cutOut, findInk, inkBox, reducedSheet } from "./ink.js";

const LIGHT = 127; // a border brighter than this is paper
const NO_INK = 31; // the faintest byte that counts as ink when samples are measured

// --- bytes of a picture as the network takes them -------------------------------------------

// bytes: (C, H, W) of the data's size.  In the middle of the network's field of background,
// byte 0, moved by shift = [rows down, columns right]: `shown`, and in floats `input`.
export function inputOf(description, bytes, shift) {
  const { image, input, scaling } = description;
  const shown = new Uint8Array(input.channels * input.rows * input.columns);
  const top = Math.floor((input.rows - image.rows) / 2) + shift[0];
  const left = Math.floor((input.columns - image.columns) / 2) + shift[1];
  for (let channel = 0; channel < image.channels; channel++) {
    for (let row = 0; row < image.rows; row++) {
      for (let column = 0; column < image.columns; column++) {
        const y = row + top;
        const x = column + left;
        if (y < 0 || x < 0 || y >= input.rows || x >= input.columns) continue;
        shown[(channel * input.rows + y) * input.columns + x] =
          bytes[(channel * image.rows + row) * image.columns + column];
      }
    }
  }
  return { shown, input: toFloats(shown, input, scaling) };
}

// byte * factor + offset, each step rounded to a float of 32 bits as the engine does.
export function toFloats(bytes, { channels, rows, columns }, { factor, offset }) {
  const floats = new Float32Array(bytes.length);
  const plane = rows * columns;
  for (let channel = 0; channel < channels; channel++) {
    const scale = Math.fround(factor[channel]);
    const start = Math.fround(offset[channel]);
    for (let i = channel * plane; i < (channel + 1) * plane; i++) {
      floats[i] = Math.fround(Math.fround(bytes[i] * scale) + start);
    }
  }
  return floats;
}

// The median colour of the border, one byte a channel, rounded half to even.
export function borderColour(bytes, { channels, rows, columns }) {
  const colour = new Uint8Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    colour[channel] = roundEven(borderMedian(bytes, channel * rows * columns, rows, columns));
  }
  return colour;
}

function borderMedian(bytes, start, rows, columns) {
  const border = [];
  for (let column = 0; column < columns; column++) {
    border.push(bytes[start + column], bytes[start + (rows - 1) * columns + column]);
  }
  for (let row = 0; row < rows; row++) {
    border.push(bytes[start + row * columns], bytes[start + row * columns + columns - 1]);
  }
  border.sort((one, two) => one - two);
  const middle = border.length / 2; // their number is even
  return (border[middle - 1] + border[middle]) / 2;
}

function roundEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

// --- files ------------------------------------------------------------------------------------

// A picture, rgba (rows * columns * 4 bytes), as bytes (C, H, W) of the data's size, in the way of
// `convlab predict`, with what was done to it in words.
export function pictureOf(description, rgba, rows, columns) {
  const { image } = description;
  const part = description.crop ? central([rows, columns], image) : null;
  const opaque = part ? cropped4(onPaper(rgba), columns, part) : onPaper(rgba);
  if (part) [rows, columns] = [part.rows, part.columns];
  const grey = lumaOf(opaque);
  const planes = image.channels === 1 ? [grey] : [0, 1, 2].map((c) => channelOf(opaque, c));
  const { bytes, inner } = fitted(planes, rows, columns, image);
  const notes = part ? [t`its middle, ${rows} × ${columns}`] : [];
  if (inner.rows !== rows || inner.columns !== columns) {
    notes.push(t`scaled from ${rows} × ${columns}`);
  }
  if (inner.rows !== image.rows || inner.columns !== image.columns) {
    notes.push(t`filled up with the colour of its border`);
  }
  const inverted =
    description.dark_background && borderMedian(bytes, 0, image.rows, image.columns) > LIGHT;
  if (inverted) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = 255 - bytes[i];
    notes.push(t`dark on light: inverted`);
  }
  const whole = { bytes, notes, inverted };
  const ofSize = rows === image.rows && columns === image.columns;
  if (!description.form || (ofSize && isInForm(bytes, rows, columns))) return whole;
  const small = reducedSheet(grey, rows, columns);
  const found = findInk(small.sheet, small.rows, small.columns);
  if (found.missing) {
    notes.unshift(t`no digit found: ${found.missing}`);
    return whole;
  }
  return {
    bytes: inForm(description.form.name, found),
    notes: [t`digit found: ${description.form.words}`],
    inverted: !found.light,
  };
}

// The largest part in the middle of a picture that has the shape of the data.
function central([rows, columns], image) {
  const wide = Math.min(columns, Math.max(1, roundEven((rows * image.columns) / image.rows)));
  const high = Math.min(rows, Math.max(1, roundEven((columns * image.rows) / image.columns)));
  const [top, left] = [Math.floor((rows - high) / 2), Math.floor((columns - wide) / 2)];
  return { top, left, rows: high, columns: wide };
}

// A part of a picture of four bytes a pixel.
function cropped4(rgba, columns, part) {
  const out = new Uint8Array(4 * part.rows * part.columns);
  for (let row = 0; row < part.rows; row++) {
    const start = 4 * ((part.top + row) * columns + part.left);
    out.set(rgba.subarray(start, start + 4 * part.columns), 4 * row * part.columns);
  }
  return out;
}

const SEEN_LIGHT = 192;
const FEW = 0.01;

// A picture with paper behind its transparent parts: white, or black if all that is seen, but for
// a little, is light, as white ink is.
function onPaper(rgba) {
  const luma = lumaOf(rgba);
  let [seen, dark] = [0, 0];
  let clear = false;
  luma.forEach((value, i) => {
    const alpha = rgba[4 * i + 3];
    if (alpha < 255) clear = true;
    if (alpha <= 127) return;
    seen += 1;
    dark += value < SEEN_LIGHT;
  });
  if (!clear) return rgba;
  const paper = seen > 0 && dark <= FEW * seen ? 0 : 255;
  return rgba.map((value, i) => {
    const alpha = rgba[i | 3];
    return (i & 3) === 3 ? 255 : Math.round((value * alpha + paper * (255 - alpha)) / 255);
  });
}

// Whether a picture, light on dark, lies as the digits of the data do.
function isInForm(bytes, rows, columns) {
  const box = inkBox(bytes, rows, columns, NO_INK);
  if (!box) return false;
  const margins = [box.top, rows - box.bottom, box.left, columns - box.right];
  const offCentre = Math.max(
    Math.abs(margins[0] - margins[1]),
    Math.abs(margins[2] - margins[3]),
  );
  const length = Math.max(box.bottom - box.top, box.right - box.left);
  return length >= MNIST_SIDE - 2 && offCentre < 6 && Math.min(...margins) > 0;
}

function channelOf(rgba, channel) {
  const plane = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < plane.length; i++) plane[i] = rgba[4 * i + channel];
  return plane;
}

// Rec. ITU-R BT.601, section 2.5.1, in whole numbers.
function lumaOf(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < grey.length; i++) {
    grey[i] =
      (19595 * rgba[4 * i] + 38470 * rgba[4 * i + 1] + 7471 * rgba[4 * i + 2] + 32768) >> 16;
  }
  return grey;
}

// Planes of bytes as large as they fit into the image with their aspect kept, in the middle of
// the colour of their border.
function fitted(planes, rows, columns, image) {
  const factor = Math.min(image.rows / rows, image.columns / columns);
  const inner = {
    rows: Math.max(1, roundEven(rows * factor)),
    columns: Math.max(1, roundEven(columns * factor)),
  };
  const bytes = new Uint8Array(planes.length * image.rows * image.columns);
  const top = Math.floor((image.rows - inner.rows) / 2);
  const left = Math.floor((image.columns - inner.columns) / 2);
  planes.forEach((plane, channel) => {
    const small = bicubicBytes(plane, rows, columns, inner.rows, inner.columns);
    const start = channel * image.rows * image.columns;
    const colour = roundEven(borderMedian(plane, 0, rows, columns));
    bytes.fill(colour, start, start + image.rows * image.columns);
    for (let row = 0; row < inner.rows; row++) {
      const line = small.subarray(row * inner.columns, (row + 1) * inner.columns);
      bytes.set(line, start + (top + row) * image.columns + left);
    }
  });
  return { bytes, inner };
}

// --- resampling -------------------------------------------------------------------------------

// Keys 1981, with a = -1/2.
function cubic(x) {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

// For each of `to` pixels the first of `from` pixels that it reads, and their weights.  Where
// pixels become fewer the cubic is as much wider, so that every one of them counts.
function bicubicWeights(from, to) {
  const step = from / to;
  const wide = Math.max(1, step);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - 2 * wide + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * wide + 0.5));
    const weights = [];
    for (let x = first; x < end; x++) weights.push(cubic((x - centre + 0.5) / wide));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

// For each of `to` pixels the pixels that it covers of `from` ones, each weighted with the covered
// part: the mean over the area.
function areaWeights(from, to) {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * step, (i + 1) * step];
    const first = Math.floor(begin);
    const last = Math.min(from, Math.ceil(end));
    const weights = [];
    for (let x = first; x < last; x++) {
      weights.push((Math.min(end, x + 1) - Math.max(begin, x)) / step);
    }
    return { first, weights };
  });
}

// A plane (rows, columns), along its rows and then along its columns; `kept` makes of each sum
// what is stored.
function resampled(plane, columns, rowWeights, columnWeights, kept) {
  // Only the rows that are read below.
  const first = Math.min(...rowWeights.map((weight) => weight.first));
  const end = Math.max(...rowWeights.map(({ first: begin, weights }) => begin + weights.length));
  const width = columnWeights.length;
  const across = new Float64Array((end - first) * width);
  for (let row = first; row < end; row++) {
    for (let column = 0; column < width; column++) {
      const { first: begin, weights } = columnWeights[column];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += plane[row * columns + begin + k] * weights[k];
      across[(row - first) * width + column] = kept(sum);
    }
  }
  const out = new Float64Array(rowWeights.length * width);
  rowWeights.forEach(({ first: begin, weights }, row) => {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += across[(begin - first + k) * width + column] * weights[k];
      }
      out[row * width + column] = kept(sum);
    }
  });
  return out;
}

// Bytes, bicubic: weights of 22 binary places and a byte after either direction, as Pillow does.
function bicubicBytes(plane, rows, columns, toRows, toColumns) {
  const weights = (from, to) =>
    bicubicWeights(from, to).map((pixel) => ({
      first: pixel.first,
      weights: pixel.weights.map((weight) => Math.round(weight * 2 ** 22) / 2 ** 22),
    }));
  const byte = (sum) => Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
  return Uint8Array.from(
    resampled(plane, columns, weights(rows, toRows), weights(columns, toColumns), byte),
  );
}

// --- drawings ---------------------------------------------------------------------------------

const MNIST_SIDE = 20;
const MNIST_PEN = 0.1;
const OPTICAL_SIDE = 24;
const OPTICAL_PEN = 0.14;
const OPTICAL_WIDTH = 16;
const LEAST_INK = 90;
const UPRIGHT = 0.6;

// Ink (rows * columns bytes, 0 to 255) of the pad as bytes of the data's size, prepared as the
// data were, with that in words.  Null where there is no ink.
export function drawingOf(description, ink, rows, columns) {
  const { image, samples, form } = description;
  const box = inkBox(ink, rows, columns, 0);
  if (!box) return null;
  const drawn = cutOut(ink, columns, box);
  if (form) return { bytes: inForm(form.name, drawn), notes: [form.words] };
  const side = description.side ?? usualSide(samples, image);
  return {
    bytes: asMnistDigit(drawn, side, image.rows, image.columns),
    notes: [t`longer side ${side} pixels, centred by its mass, as the data are`],
  };
}

// Ink {levels, rows, columns}, cropped, as the digits of a data set whose form is known, 28 × 28.
export function inForm(name, ink) {
  return name === "digits" ? asOpticalDigit(ink) : asMnistDigit(ink, MNIST_SIDE, 28, 28);
}

// The longer side of the drawings of a data set, in pixels.
export function usualSide(samples, { rows, columns }) {
  const sides = [];
  for (const { bytes } of samples) {
    const box = inkBox(bytes, rows, columns, NO_INK);
    if (box) sides.push(Math.max(box.bottom - box.top, box.right - box.left));
  }
  sides.sort((one, two) => one - two);
  const mnist = Math.round((Math.min(rows, columns) * MNIST_SIDE) / 28);
  return sides[Math.floor(sides.length / 2)] ?? mnist;
}

// Ink with a longer side of `side` pixels, the aspect kept unless it would be wider than `widest`:
// the means of equal parts of it, rounded where it is placed.
function scaledInk({ levels, rows, columns }, side, widest = side) {
  const longer = Math.max(rows, columns);
  const size = [rows, columns].map((length) => Math.max(1, Math.round((length * side) / longer)));
  size[1] = Math.min(size[1], widest);
  const [along, across] = [areaWeights(rows, size[0]), areaWeights(columns, size[1])];
  return { means: resampled(levels, columns, along, across, (sum) => sum), size };
}

function placedInk(means, [, width], top, left, toRows, toColumns) {
  const out = new Uint8Array(toRows * toColumns);
  means.forEach((value, i) => {
    out[(top + Math.floor(i / width)) * toColumns + left + (i % width)] = Math.round(value);
  });
  return out;
}

// LeCun et al. 1998, section III.A: scaled to fit a square of `side` pixels, the aspect kept and
// anti-aliased, then moved by whole pixels so that the centre of mass comes to the centre of
// the field.  What would leave the field stays at its edge.
function asMnistDigit(ink, side, toRows, toColumns) {
  const { means, size } = scaledInk(broadened(ink, MNIST_PEN), side);
  let [mass, down, across] = [0, 0, 0];
  means.forEach((value, i) => {
    mass += value;
    down += value * Math.floor(i / size[1]);
    across += value * (i % size[1]);
  });
  const place = (field, moment, length) =>
    Math.min(Math.max(0, Math.round(field / 2 - moment / mass)), field - length);
  const top = place(toRows, down, size[0]);
  return placedInk(means, size, top, place(toColumns, across, size[1]), toRows, toColumns);
}

// As the built-in digits lie (data/handwriting.py says why): nearly upright, their longer side 24
// pixels, at most 16 across, in the middle of 28 × 28, blurred.
function asOpticalDigit(ink) {
  const drawn = upright(broadened(enlarged(ink), OPTICAL_PEN));
  const { means, size } = scaledInk(drawn, OPTICAL_SIDE, OPTICAL_WIDTH);
  const [top, left] = size.map((length) => Math.floor((28 - length) / 2));
  const placed = placedInk(means, size, top, left, 28, 28);
  const at = (row, column) =>
    row < 0 || column < 0 || row > 27 || column > 27 ? 0 : placed[row * 28 + column];
  return placed.map((_, i) => {
    const [row, column] = [Math.floor(i / 28), i % 28];
    const [above, here, below] = [-1, 0, 1].map(
      (by) => at(row + by, column - 1) + 2 * at(row + by, column) + at(row + by, column + 1),
    );
    return Math.floor((above + 2 * here + below + 8) / 16);
  });
}

// Ink of few pixels, larger by a whole factor, bilinearly, and cropped to its middle.
function enlarged(ink) {
  const { levels, rows, columns } = ink;
  const factor = Math.ceil(LEAST_INK / Math.max(rows, columns));
  if (factor < 2) return ink;
  const padded = new Uint8Array((rows + 2) * (columns + 2));
  for (let row = 0; row < rows; row++) {
    const line = levels.subarray(row * columns, (row + 1) * columns);
    padded.set(line, (row + 1) * (columns + 2) + 1);
  }
  // In halves of a pixel of the larger one, from the middle of the first pixel on.
  const weights = (length) =>
    Array.from({ length: factor * (length + 2) }, (_, i) => {
      const place = Math.min(2 * factor * (length + 1), Math.max(0, 2 * i + 1 - factor));
      const first = Math.min(length, Math.floor(place / (2 * factor)));
      const after = place - 2 * factor * first;
      return { first, weights: [2 * factor - after, after] };
    });
  const sums = resampled(padded, columns + 2, weights(rows), weights(columns), (sum) => sum);
  const [height, width] = [factor * (rows + 2), factor * (columns + 2)];
  const large = Uint8Array.from(sums, (sum) =>
    Math.floor((sum + 2 * factor ** 2) / (4 * factor ** 2)),
  );
  return cutOut(large, width, inkBox(large, height, width, LIGHT));
}

// The ink as black and white, each row moved sideways until the digit's axis (its moments of
// second order) is nearly upright; cropped.
function upright({ levels, rows, columns }) {
  const on = new Int32Array(levels.length);
  let [count, down, across] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (levels[row * columns + column] <= LIGHT) continue;
      on[count++] = row * columns + column;
      down += row;
      across += column;
    }
  }
  [down, across] = [down / count, across / count];
  let [tall, slanted] = [0, 0];
  for (let i = 0; i < count; i++) {
    const below = Math.floor(on[i] / columns) - down;
    tall += below ** 2;
    slanted += below * ((on[i] % columns) - across);
  }
  // No more than the diagonal: a lying line has no upright.
  const slant = tall ? UPRIGHT * Math.min(1, Math.max(-1, slanted / tall)) : 0;
  const wide = 3 * columns;
  const moved = new Uint8Array(rows * wide);
  for (let i = 0; i < count; i++) {
    const row = Math.floor(on[i] / columns);
    moved[row * wide + columns + (on[i] % columns) - Math.floor(slant * (row - down) + 0.5)] = 255;
  }
  return cutOut(moved, wide, inkBox(moved, rows, wide, 0));
}
