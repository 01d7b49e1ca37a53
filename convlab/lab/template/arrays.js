// Shapes and places of flat arrays in the order (channel, row, column).

export const productOf = (numbers) => numbers.reduce((product, number) => product * number, 1);
export const sumOf = (numbers) => numbers.reduce((total, number) => total + number, 0);
export const rangeOf = (count, start = 0) => Array.from({ length: count }, (_, i) => start + i);
export const crossed = (rows, columns, cell) =>
  rows.map((row) => columns.map((column) => cell(row, column)));
// What a layer has one of for all its channels, or one for each.
export const ofChannel = (list, channel) => list[list.length > 1 ? channel : 0];

export function flatIndex(shape, unit) {
  return unit.reduce((index, at, axis) => index * shape[axis] + at, 0);
}

export function unitAt(shape, index) {
  const unit = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    unit[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return unit;
}
