// The ink of the one digit on a sheet.  The same, number by number, as data/handwriting.py, which
// says why; a test compares the two.

const SHEET_SIDE = 640;
const WINDOW = 0.12;
const DARKEST = 64;
const SMOOTHED = 200;
const FAINTEST = 22;
const SHORTEST = 8;
const PART = 0.15;
const SO_NEAR = 0.25;
const LIKE = 0.8;
const SHORTEST_STROKES = 3.5;
const BROADEST = 0.45;
const [EVEN, SHARP, BLANK] = [0.12, 0.18, 0.02];
const ON_PAPER = 0.4;
const BLUR = 0.25;

class NoDigit extends Error {}

// Grey bytes (rows * columns), reduced by a whole factor: each pixel is the mean of a square.
export function reducedSheet(grey, rows, columns) {
  const factor = Math.ceil(Math.max(rows, columns) / SHEET_SIDE);
  if (factor === 1) return { sheet: grey, rows, columns };
  const [height, width] = [Math.ceil(rows / factor), Math.ceil(columns / factor)];
  const sheet = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [bottom, right] = [Math.min(rows, (y + 1) * factor), Math.min(columns, (x + 1) * factor)];
      let sum = 0;
      for (let row = y * factor; row < bottom; row++) {
        for (let column = x * factor; column < right; column++) sum += grey[row * columns + column];
      }
      const count = (bottom - y * factor) * (right - x * factor);
      sheet[y * width + x] = Math.floor((sum + Math.floor(count / 2)) / count);
    }
  }
  return { sheet, rows: height, columns: width };
}

// {levels, rows, columns, light} of the digit's ink, cropped to it, or {missing}: why there is none.
export function findInk(sheet, rows, columns) {
  const found = [null, null]; // dark ink and light ink
  const reasons = [];
  for (const light of [false, true]) {
    try {
      const dark = light ? sheet.map((value) => 255 - value) : sheet;
      found[Number(light)] = { ...writtenOn(dark, rows, columns), light };
    } catch (error) {
      if (!(error instanceof NoDigit)) throw error;
      reasons.push(error.message);
    }
  }
  if (reasons.length === 2) return { missing: reasons[lowerMedian(sheet) < 128 ? 1 : 0] };
  const [dark, light] = found;
  if (!dark || !light) return dark ?? light;
  return isLight(sheet, rows, columns, dark, light) ? light : dark;
}

function isLight(sheet, rows, columns, dark, light) {
  const [short, long] = light.length < dark.length ? [light, dark] : [dark, light];
  const reach = Math.floor(short.length / 2);
  const [top, left] = [Math.max(0, short.box.top - reach), Math.max(0, short.box.left - reach)];
  const bottom = Math.min(rows, short.box.bottom + reach);
  const right = Math.min(columns, short.box.right + reach);
  let like = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const isDark = 2 * sheet[row * columns + column] < dark.grey + 255 - light.grey;
      like += isDark === (short === dark);
    }
  }
  const share = like / ((bottom - top) * (right - left));
  const onPaper = short.thinness > long.thinness && share < ON_PAPER;
  return (onPaper ? short : long) === light;
}

function writtenOn(sheet, rows, columns) {
  const smoothed = Math.max(rows, columns) >= SMOOTHED;
  const plane = { grey: Int32Array.from(sheet), rows, columns, smoothed };
  Object.assign(plane, contrastOf(plane));
  const nine = smoothed
    ? sumsOfNine(plane.contrast, rows, columns)
    : plane.contrast.map((value) => 9 * value);
  const { labels, marks } = marksOf(nine, rows, columns);
  let reason = new NoDigit(t`nothing but lines`);
  for (const cut of [false, true]) {
    const candidates = marks.filter((mark) => mark.cut === cut);
    if (!candidates.length) continue;
    try {
      const strokes = new Set(strokesOf(candidates, Math.max(rows, columns)));
      return levelsOf(plane, Uint8Array.from(labels, (label) => strokes.has(label)));
    } catch (error) {
      if (!(error instanceof NoDigit)) throw error;
      reason = error;
    }
  }
  throw reason;
}

function contrastOf({ grey, rows, columns, smoothed }) {
  const half = Math.round(WINDOW * Math.max(rows, columns));
  const even = smoothed
    ? sumsOfNine(grey, rows, columns).map((sum) => Math.floor((sum + 4) / 9))
    : grey;
  const highest = extremes(even, rows, columns, half, half, Math.max);
  const ground = extremes(highest, rows, columns, half, half, Math.min);
  const contrast = grey.map((value, i) => {
    const bright = Math.max(ground[i], DARKEST);
    return Math.max(0, Math.floor((510 * (ground[i] - value) + bright) / (2 * bright)));
  });
  return { contrast, ground };
}

function sumsOfNine(values, rows, columns) {
  const sums = new Int32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let down = -1; down <= 1; down++) {
        const y = Math.min(rows - 1, Math.max(0, row + down));
        for (let right = -1; right <= 1; right++) {
          const x = Math.min(columns - 1, Math.max(0, column + right));
          sum += values[y * columns + x];
        }
      }
      sums[row * columns + column] = sum;
    }
  }
  return sums;
}

// The extreme, Math.max or Math.min, of all that is so near, as far as there is any.
function extremes(values, rows, columns, down, across, extreme) {
  const out = values.slice();
  for (let row = 0; row < rows; row++) {
    slide(out, row * columns, 1, columns, across, extreme);
  }
  for (let column = 0; column < columns; column++) {
    slide(out, column, columns, rows, down, extreme);
  }
  return out;
}

// The same along one line of `count` values from `start`, `step` apart, in place.
function slide(values, start, step, count, half, extreme) {
  if (half < 1) return;
  const line = Array.from({ length: count }, (_, i) => values[start + i * step]);
  const queue = []; // places whose value no later one beats, the best first
  let head = 0;
  for (let i = 0; i < count + half; i++) {
    if (i < count) {
      while (queue.length > head && extreme(line[queue.at(-1)], line[i]) === line[i]) queue.pop();
      queue.push(i);
    }
    if (i < half) continue;
    if (queue[head] < i - 2 * half) head += 1;
    values[start + (i - half) * step] = line[queue[head]];
  }
}

// What hangs together, by nine times its contrast: the number of each pixel's mark, and the marks.
function marksOf(nine, rows, columns) {
  const peak = nine.reduce((most, value) => Math.max(most, value), 0);
  if (peak < 9 * FAINTEST) throw new NoDigit(t`nothing stands out from the ground`);
  const isInk = (i) => nine[i] >= 9 * FAINTEST && 5 * nine[i] >= 2 * peak;
  const labels = new Int32Array(nine.length);
  const marks = [];
  for (let first = 0; first < nine.length; first++) {
    if (labels[first] || !isInk(first)) continue;
    const mark = { number: marks.length + 1, top: rows, left: columns, bottom: 0, right: 0 };
    const waiting = [first];
    labels[first] = mark.number;
    while (waiting.length) {
      const i = waiting.pop();
      const [row, column] = [Math.floor(i / columns), i % columns];
      mark.top = Math.min(mark.top, row);
      mark.left = Math.min(mark.left, column);
      mark.bottom = Math.max(mark.bottom, row + 1);
      mark.right = Math.max(mark.right, column + 1);
      for (let y = Math.max(0, row - 1); y < Math.min(rows, row + 2); y++) {
        for (let x = Math.max(0, column - 1); x < Math.min(columns, column + 2); x++) {
          const beside = y * columns + x;
          if (labels[beside] || !isInk(beside)) continue;
          labels[beside] = mark.number;
          waiting.push(beside);
        }
      }
    }
    mark.length = Math.max(mark.bottom - mark.top, mark.right - mark.left);
    mark.cut =
      mark.top === 0 || mark.left === 0 || mark.bottom === rows || mark.right === columns;
    marks.push(mark);
  }
  return { labels, marks: marks.filter((mark) => !isFrame(mark, labels, rows, columns)) };
}

function isFrame({ number, top, left, bottom, right }, labels, rows, columns) {
  const [height, width] = [bottom - top, right - left];
  const edge = Math.max(1, Math.round(0.04 * Math.max(height, width)));
  const shares = [height / rows, width / columns];
  if (Math.min(height, width) <= edge) return Math.max(...shares) > 0.9;
  if (Math.min(...shares) <= 0.5) return false;
  // Whether more than nine tenths of a side have ink within its edge.
  const covered = (length, at) => {
    let count = 0;
    for (let i = 0; i < length; i++) {
      for (let depth = 0; depth < edge; depth++) {
        if (labels[at(i, depth)] !== number) continue;
        count += 1;
        break;
      }
    }
    return 10 * count > 9 * length;
  };
  return (
    covered(width, (i, depth) => (top + depth) * columns + left + i) &&
    covered(width, (i, depth) => (bottom - 1 - depth) * columns + left + i) &&
    covered(height, (i, depth) => (top + i) * columns + left + depth) &&
    covered(height, (i, depth) => (top + i) * columns + right - 1 - depth)
  );
}

// The numbers of the marks that make the longest one a digit.
function strokesOf(marks, side) {
  const longest = marks.reduce((one, two) => (two.length > one.length ? two : one));
  if (longest.length < Math.max(SHORTEST, Math.floor(side / 50))) {
    throw new NoDigit(t`nothing but specks`);
  }
  const strokes = [longest.number];
  let others = 0;
  for (const mark of marks) {
    if (mark === longest || mark.length < PART * longest.length) continue;
    const like = mark.length >= LIKE * longest.length;
    const near = distance(mark, longest) <= SO_NEAR * longest.length;
    if (near && (!like || isAboveOrBelow(mark, longest))) strokes.push(mark.number);
    else if (like) others += 1;
  }
  if (others) throw new NoDigit(t`${1 + others} marks of like size`);
  return strokes;
}

function distance(one, two) {
  return Math.max(
    0,
    one.top - two.bottom,
    two.top - one.bottom,
    one.left - two.right,
    two.left - one.right,
  );
}

function isAboveOrBelow(one, two) {
  const shared = Math.min(one.right, two.right) - Math.max(one.left, two.left);
  return 2 * shared > Math.min(one.right - one.left, two.right - two.left);
}

function levelsOf({ grey, contrast, ground, rows, columns, smoothed }, ink) {
  const inked = [];
  for (let i = 0; i < ink.length; i++) if (ink[i]) inked.push(i);
  const box = inkBox(ink, rows, columns, 0);
  const length = Math.max(box.bottom - box.top, box.right - box.left);
  const inks = Int32Array.from(inked, (i) => contrast[i]);
  const level = lowerMedian(inks.filter((value) => value >= FAINTEST));
  const margin = Math.max(3, Math.floor(length / 4));
  const around = {
    top: Math.max(0, box.top - margin),
    left: Math.max(0, box.left - margin),
    bottom: Math.min(rows, box.bottom + margin),
    right: Math.min(columns, box.right + margin),
  };
  const [height, width] = [around.bottom - around.top, around.right - around.left];
  const cropped = (values) => {
    const lines = [];
    for (let row = around.top; row < around.bottom; row++) {
      lines.push(...values.subarray(row * columns + around.left, row * columns + around.right));
    }
    return Int32Array.from(lines);
  };
  const [here, there] = [cropped(ink), cropped(contrast)];
  const grown = (plane, by) => extremes(plane, height, width, by, by, Math.max);
  const stroke = strokeWidth(ink, rows, columns);
  const sharp = grown(here, Number(smoothed));
  const edge = grown(sharp, 1);
  const near = grown(grown(here, Math.max(Number(smoothed), Math.round(BLUR * stroke))), 1);
  const atEdge = meanWhere(there, (i) => edge[i] && !sharp[i]) / level;
  const beside = meanWhere(there, (i) => !near[i]) / level;
  const usual = lowerMedian(cropped(grey));
  const meanOf = (values) => inked.reduce((sum, i) => sum + values[i], 0) / inked.length;
  if (
    length < SHORTEST_STROKES * stroke ||
    beside > EVEN ||
    (atEdge > SHARP && beside > BLANK) ||
    Math.abs(usual - meanOf(ground)) >= Math.abs(usual - meanOf(grey)) ||
    holdsSquare(here, height, width, 2 * Math.round((BROADEST * length) / 2) + 1)
  ) {
    throw new NoDigit(t`no strokes on an even ground, as in a photograph`);
  }
  const levels = there.map((value, i) => {
    const byte = Math.floor(((10 * value - 2 * level) * 255) / (6 * level));
    return near[i] ? Math.min(255, Math.max(0, byte)) : 0;
  });
  const digit = cutOut(levels, width, inkBox(levels, height, width, 0));
  return { ...digit, box, length, grey: meanOf(grey), thinness: length / stroke };
}

function meanWhere(values, chosen) {
  let [sum, count] = [0, 0];
  values.forEach((value, i) => {
    if (!chosen(i)) return;
    sum += value;
    count += 1;
  });
  return sum / Math.max(1, count);
}

// Whether a square of so many pixels fits into the ink.
function holdsSquare(ink, rows, columns, side) {
  const largest = new Int32Array(ink.length); // of the squares whose last corner is a pixel
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      if (!ink[i]) continue;
      const inner = row && column;
      largest[i] = inner
        ? 1 + Math.min(largest[i - 1], largest[i - columns], largest[i - columns - 1])
        : 1;
      if (largest[i] >= side) return true;
    }
  }
  return false;
}

// What is in a box, with its size.
export function cutOut(levels, columns, { top, left, bottom, right }) {
  const out = new Uint8Array((bottom - top) * (right - left));
  for (let row = top; row < bottom; row++) {
    const line = levels.subarray(row * columns + left, row * columns + right);
    out.set(line, (row - top) * (right - left));
  }
  return { levels: out, rows: bottom - top, columns: right - left };
}

function lowerMedian(values) {
  return values.slice().sort((one, two) => one - two)[Math.floor((values.length - 1) / 2)];
}

// The half-open box of all that is above a level; null where nothing is.
export function inkBox(ink, rows, columns, level) {
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

// The mean width of strokes: their area over half of their outline.
function strokeWidth(ink, rows, columns) {
  let [area, sides] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const on = ink[at] > 0;
      area += on;
      sides += on !== (row > 0 && ink[at - columns] > 0);
      sides += on !== (column > 0 && ink[at - 1] > 0);
      sides += (on && row === rows - 1) + (on && column === columns - 1);
    }
  }
  return (2 * area) / ((sides * Math.PI) / 4);
}

// Ink {levels, rows, columns} with strokes no thinner than `pen`, a share of its longer side: each
// pixel becomes a disc.  Of its disc a pixel fills only what no neighbour of at least its level has
// nearer to itself, which is all that is left over once every pixel has done so.
export function broadened({ levels, rows, columns }, pen) {
  const on = levels.map((level) => level > 127);
  const missing = pen * Math.max(rows, columns) - strokeWidth(on, rows, columns);
  const radius = Math.round(missing / 2);
  if (radius < 1) return { levels, rows, columns };
  const [height, width] = [rows + 2 * radius, columns + 2 * radius];
  const reach = Array.from({ length: radius + 1 }, (_, down) =>
    Math.floor(Math.sqrt(radius * (radius + 1) - down * down)),
  );
  const out = new Uint8Array(height * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const level = levels[at];
      if (!level) continue;
      const up = row > 0 && levels[at - columns] >= level;
      const down = row < rows - 1 && levels[at + columns] >= level;
      const left = column > 0 && levels[at - 1] >= level;
      const right = column < columns - 1 && levels[at + 1] >= level;
      const here = (row + radius) * width + column + radius;
      for (let y = up ? 0 : -radius; y <= (down ? 0 : radius); y++) {
        const wide = reach[Math.abs(y)];
        const last = here + y * width + (right ? 0 : wide);
        for (let to = here + y * width - (left ? 0 : wide); to <= last; to++) {
          if (out[to] < level) out[to] = level;
        }
      }
    }
  }
  return { levels: out, rows: height, columns: width };
}
