// Maps in cells that can be aimed at: as many as there is room for, around a place.

const LEAST_CELL = 6; // pixels
export const MOST_CELL = 22;

// What is seen of a map of rows and columns: all of it in cells that can be aimed at, or as many
// as there is room for, around a place.
export function cropOf([rows, columns], side, [row, column]) {
  const most = Math.floor(side / LEAST_CELL);
  const along = (length, at) => {
    const count = Math.min(length, most);
    return [Math.max(0, Math.min(length - count, at - Math.floor(count / 2))), count];
  };
  const [top, tall] = along(rows, row);
  const [left, wide] = along(columns, column);
  const cell = Math.min(MOST_CELL, Math.floor(side / Math.max(tall, wide)));
  return { top, left, tall, wide, cell, whole: tall === rows && wide === columns };
}

export function cropped(values, columns, { top, left, tall, wide, whole }) {
  if (whole) return values;
  const lines = Array.from({ length: tall }, (_, row) =>
    values.subarray((top + row) * columns + left, (top + row) * columns + left + wide),
  );
  const out = new Float64Array(tall * wide);
  lines.forEach((line, row) => out.set(line, row * wide));
  return out;
}

// A vector as lines of cells.
export function plateOf(count) {
  const columns = count <= 16 ? 1 : Math.ceil(Math.sqrt(count));
  return [Math.ceil(count / columns), columns];
}

// The middle of what a unit sees, within a map.
export const boxMiddle = (box, [rowCount, columnCount]) =>
  box
    ? [
        Math.min(Math.max(Math.floor((box.top + box.bottom) / 2), 0), rowCount - 1),
        Math.min(Math.max(Math.floor((box.left + box.right) / 2), 0), columnCount - 1),
      ]
    : [0, 0];

// A vector fills its plate, the rest of it is empty.
export const filled = (values, [tall, wide]) => {
  if (values.length === tall * wide) return values;
  const out = new Float64Array(tall * wide).fill(NaN);
  out.set(values);
  return out;
};
