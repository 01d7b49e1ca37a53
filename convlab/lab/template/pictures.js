// Pictures as bytes: drawings and files brought to the size of the data, bytes to floats.

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

// An opaque picture, rgba (rows * columns * 4 bytes), as bytes (C, H, W) of the data's size, in
// the way of `convlab predict`, with what was done to it in words.
export function pictureOf(description, rgba, rows, columns) {
  const { image } = description;
  const planes = image.channels === 1 ? [lumaOf(rgba)] : [0, 1, 2].map((c) => channelOf(rgba, c));
  const { bytes, inner } = fitted(planes, rows, columns, image);
  const notes = [];
  if (inner.rows !== rows || inner.columns !== columns) {
    notes.push(`scaled from ${rows} × ${columns}`);
  }
  if (inner.rows !== image.rows || inner.columns !== image.columns) {
    notes.push("filled up with the colour of its border");
  }
  const inverted =
    description.dark_background && borderMedian(bytes, 0, image.rows, image.columns) > LIGHT;
  if (inverted) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = 255 - bytes[i];
    notes.push("dark on light: inverted");
  }
  return { bytes, notes, inverted };
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

// For each of `to` pixels the pixels that it covers of `from` ones from `start` on, each
// weighted with the covered part: the mean over the area.
function areaWeights(start, from, to) {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * step, (i + 1) * step];
    const first = Math.floor(begin);
    const last = Math.min(from, Math.ceil(end));
    const weights = [];
    for (let x = first; x < last; x++) {
      weights.push((Math.min(end, x + 1) - Math.max(begin, x)) / step);
    }
    return { first: start + first, weights };
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

// Ink (rows * columns bytes, 0 to 255) of the pad as bytes of the data's size, prepared as the
// data were, with that in words.  Null where there is no ink.
export function drawingOf(description, ink, rows, columns) {
  const { image, samples } = description;
  if (!inkBox(ink, rows, columns, 0)) return null;
  if (description.optical_digits) {
    const bytes = asOpticalDigit(ink, rows, columns);
    return {
      bytes: fitted([bytes], 28, 28, image).bytes,
      notes: ["set upright, its ink counted in 8 × 8 cells and smoothed, as the data’s was"],
    };
  }
  const side = usualSide(samples, image);
  return {
    bytes: asMnistDigit(ink, rows, columns, side, image.rows, image.columns),
    notes: [`longer side ${side} pixels, centred by its mass, as the data are`],
  };
}

// The longer side of the drawings of a data set, in pixels: MNIST's is 20.
function usualSide(samples, { rows, columns }) {
  const sides = [];
  for (const { bytes } of samples) {
    const box = inkBox(bytes, rows, columns, NO_INK);
    if (box) sides.push(Math.max(box.bottom - box.top, box.right - box.left));
  }
  sides.sort((one, two) => one - two);
  return sides[Math.floor(sides.length / 2)] ?? Math.round((Math.min(rows, columns) * 20) / 28);
}

// The half-open box of all that is above a level; null where nothing is.
function inkBox(ink, rows, columns, level) {
  let [top, left, bottom, right] = [rows, columns, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (ink[row * columns + column] <= level) continue;
      top = Math.min(top, row);
      bottom = row + 1;
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
    }
  }
  return bottom ? { top, left, bottom, right } : null;
}

// The ink of a box, scaled to (toRows, toColumns): each pixel is the mean over its area.
function areaScaled(ink, columns, { top, left, bottom, right }, toRows, toColumns) {
  const along = areaWeights(top, bottom - top, toRows);
  return resampled(ink, columns, along, areaWeights(left, right - left, toColumns), (sum) => sum);
}

// LeCun et al. 1998, section III.A: scaled to fit a square of `side` pixels, the aspect kept and
// anti-aliased, then moved by whole pixels so that the centre of mass comes to the centre of
// the field.  What would leave the field stays at its edge.
export function asMnistDigit(ink, rows, columns, side, toRows, toColumns) {
  const out = new Uint8Array(toRows * toColumns);
  const box = inkBox(ink, rows, columns, 0);
  if (!box) return out;
  const [height, width] = [box.bottom - box.top, box.right - box.left];
  const factor = side / Math.max(height, width);
  const size = [height, width].map((length) => Math.max(1, Math.round(length * factor)));
  const small = areaScaled(ink, columns, box, ...size);
  let [mass, down, across] = [0, 0, 0];
  small.forEach((value, i) => {
    mass += value;
    down += value * Math.floor(i / size[1]);
    across += value * (i % size[1]);
  });
  const place = (field, moment, length) =>
    Math.min(Math.max(0, Math.round(field / 2 - moment / mass)), field - length);
  const top = place(toRows, down, size[0]);
  const left = place(toColumns, across, size[1]);
  small.forEach((value, i) => {
    const [row, column] = [top + Math.floor(i / size[1]), left + (i % size[1])];
    out[row * toColumns + column] = Math.round(value);
  });
  return out;
}

const BITMAP = 32;
const BOX = 20; // columns of the bitmap that a digit takes
const WIDEST = 1.4; // a narrow digit is stretched no more than this
const LEAST_INK = 0.24; // of the bitmap

// Alpaydin & Kaynak 1998: NIST's programs (Garris et al. 1994, NISTIR 5469) set a digit upright
// and bring it to 32 × 20 pixels of a bitmap of 32 × 32, with strokes that are not too thin;
// what is on is counted in blocks of 4 × 4.  These 8 × 8 counts become 28 × 28 bytes as in
// convlab's data set "digits": a margin of one cell, bicubic, more contrast.
export function asOpticalDigit(ink, rows, columns) {
  const upright = uprightBitmap(ink, rows, columns);
  const box = inkBox(upright.ink, rows, upright.columns, 0);
  if (!box) return new Uint8Array(28 * 28);
  const natural = ((box.right - box.left) * BITMAP) / (box.bottom - box.top);
  const width = Math.max(1, Math.round(Math.min(BOX, natural * WIDEST)));
  const scaled = areaScaled(upright.ink, upright.columns, box, BITMAP, width);
  let bitmap = new Uint8Array(BITMAP * BITMAP);
  const left = Math.floor((BITMAP - width) / 2);
  scaled.forEach((value, i) => {
    bitmap[Math.floor(i / width) * BITMAP + left + (i % width)] = value > 0.5 ? 1 : 0;
  });
  const inked = (bits) => bits.reduce((sum, bit) => sum + bit, 0);
  for (let time = 0; time < 4 && inked(bitmap) < LEAST_INK * BITMAP * BITMAP; time++) {
    bitmap = thickened(bitmap);
  }
  const cells = new Float64Array(10 * 10);
  bitmap.forEach((bit, i) => {
    const [row, column] = [Math.floor(i / BITMAP), i % BITMAP];
    cells[(1 + Math.floor(row / 4)) * 10 + 1 + Math.floor(column / 4)] += bit / 16;
  });
  const weights = bicubicWeights(10, 28);
  const smooth = resampled(cells, 10, weights, weights, Math.fround);
  return Uint8Array.from(smooth, (value) =>
    roundEven(Math.min(1, Math.max(0, (value - 0.5) * 1.6 + 0.5)) * 255),
  );
}

// The ink as ones and zeros with each row moved sideways, so that the digit's axis (its moments
// of second order) stands upright.
function uprightBitmap(ink, rows, columns) {
  let [mass, down, across] = [0, 0, 0];
  const on = (row, column) => ink[row * columns + column] > LIGHT;
  const eachOn = (visit) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) if (on(row, column)) visit(row, column);
    }
  };
  eachOn((row, column) => {
    mass += 1;
    down += row;
    across += column;
  });
  let [tall, slanted] = [0, 0];
  eachOn((row, column) => {
    tall += (row - down / mass) ** 2;
    slanted += (row - down / mass) * (column - across / mass);
  });
  // No more than the diagonal: a lying line has no upright.
  const slant = tall ? Math.min(1, Math.max(-1, slanted / tall)) : 0;
  const wide = 3 * columns;
  const moved = new Uint8Array(rows * wide);
  eachOn((row, column) => {
    moved[row * wide + columns + column - Math.round(slant * (row - down / mass))] = 1;
  });
  return { ink: moved, columns: wide };
}

// A bitmap of BITMAP × BITMAP with the four neighbours of all that is on.
function thickened(bitmap) {
  return bitmap.map((bit, i) => {
    const column = i % BITMAP;
    return (
      bit ||
      bitmap[i - BITMAP] ||
      bitmap[i + BITMAP] ||
      (column > 0 && bitmap[i - 1]) ||
      (column < BITMAP - 1 && bitmap[i + 1]) ||
      0
    );
  });
}
