// Numbers as tables of cells, or as shades where there are too many.
import { areRounded, build, isRounded, showNumber, showNumbers } from "./words.js";
import { paint } from "./colours.js";

const LARGE_KERNEL = 3; // cells; up to this there is room for large numbers
const WIDEST_KERNEL = 7; // cells; a larger one is shown as shades
const SHADES = 9; // rem, of their longer side

const caption = (name, role, more) =>
  build("caption", {}, build("strong", { class: role }, name), more ? ` ${more}` : "");

function numberTable(role, name, more, cells, marks) {
  const texts = showNumbers(cells.flat());
  const width = cells[0].length;
  const table = build(
    "table",
    { class: `cells ${role}${width <= LARGE_KERNEL ? " large" : ""}` },
    caption(areRounded(cells.flat()) ? `≈ ${name}` : name, role, more),
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
  const [rows, columns] = [cells.length, cells[0].length];
  paint(canvas, cells.flat(), rows, columns, scale);
  const cell = SHADES / Math.max(rows, columns);
  canvas.style.width = `${cell * columns}rem`;
  canvas.style.height = `${cell * rows}rem`;
  return build(
    "figure",
    { class: `shades ${role}` },
    build("figcaption", {}, build("strong", { class: role }, name), more ? ` ${more}` : ""),
    canvas,
  );
}

export function cellsOf(role, name, more, cells, marks) {
  if (Math.max(cells.length, cells[0].length) <= WIDEST_KERNEL) {
    return numberTable(role, name, more, cells, marks);
  }
  const reach = Math.max(...cells.flat().map(Math.abs)) || 1;
  const scale = { map: "diverging", low: -reach, high: reach };
  const range = `${isRounded(reach) ? "≈" : ""}±${showNumber(reach)}`;
  return shadeTable(role, name, more ? `${more}, ${range}` : range, cells, scale);
}
