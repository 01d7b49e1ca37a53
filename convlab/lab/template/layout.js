// Where the columns of the overview stand and how large their maps are.

const MAP_GAP = 5; // pixels between maps
const FACE = 3.25; // rem, of a block's maps
const FRAME = 10; // pixels around a block's maps
const LEAST = 24; // pixels, of a map that is to be seen
const GAP = 1.25; // rem between columns
const LEAST_GAP = 0.625;

const remOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

// The cells of a vector stand below each other, in as many columns as keep them visible.
function foldVector(column, cells) {
  const count = column.shape[0];
  column.rows = Math.max(1, Math.min(count, cells));
  column.columns = Math.ceil(count / column.rows);
  column.order = new Int32Array(column.rows * column.columns).fill(-1);
  for (let index = 0; index < count; index++) {
    column.order[(index % column.rows) * column.columns + Math.floor(index / column.rows)] = index;
  }
}

function sizeMaps(column, across, height) {
  for (const canvas of column.canvases) {
    canvas.style.width = `${(height * column.columns) / column.rows}px`;
    canvas.style.height = `${height}px`;
  }
  const beside = column.labels ? 1 : 0;
  column.body.style.gridTemplateColumns = `repeat(${across + beside}, max-content)`;
  if (column.labels) column.labels.hidden = column.columns > 1;
}

function sizeFaces(column, rem) {
  if (column.strip) foldVector(column, Math.min(column.shape[0], 16));
  const side = FACE * rem;
  const tall = Math.min(side, (side * column.rows) / column.columns);
  sizeMaps(column, 1, tall);
  return side + FRAME;
}

// The height of one map where `across` stand side by side and all fill `height` pixels.
function mapHeight(column, across, height) {
  const below = Math.ceil(column.maps / across);
  const most = column.maps === 1 ? 0.42 * height : 0.3 * height;
  return Math.min((height - (below - 1) * MAP_GAP) / below, most, 26 * column.rows);
}

function acrossPlan(column, count, height) {
  const tall = mapHeight(column, count, height);
  return {
    across: count,
    height: tall,
    width: (count * tall * column.columns) / column.rows + (count - 1) * MAP_GAP,
  };
}

function stripPlan(column, height, rem) {
  const [count] = column.shape;
  const cell =
    count <= 16
      ? Math.min(height / count, 2 * rem)
      : Math.max(Math.sqrt((3 * rem * height) / count), 5);
  foldVector(column, count <= 16 ? count : Math.floor(height / cell));
  const beside = column.labels ? column.labels.getBoundingClientRect().width + MAP_GAP : 0;
  return {
    across: 1,
    height: column.rows * cell,
    width: column.columns * cell + beside,
    fixed: true,
  };
}

// The least width of a column, its gap with it: that of its name, or of maps that can be seen.
export function leastWidth(column, height) {
  const rem = remOf();
  const head = column.heading.getBoundingClientRect().width;
  if (column.node) return Math.max(head, FACE * rem + FRAME) + LEAST_GAP * rem;
  let wide;
  if (column.strip) ({ width: wide } = stripPlan(column, height, rem));
  else {
    const below = Math.max(1, Math.floor((height + MAP_GAP) / (LEAST + MAP_GAP)));
    wide = acrossPlan(column, Math.ceil(column.maps / below), height).width;
  }
  return Math.max(head, wide) + LEAST_GAP * rem;
}

export function layOutBeside(columns, section) {
  for (const { element, canvases, labels } of columns) {
    element.style.width = "";
    if (labels) labels.hidden = false;
    for (const canvas of canvases) canvas.style.width = canvas.style.height = "0";
  }
  const height = columns[0].body.getBoundingClientRect().height;
  const width = section.clientWidth;
  const rem = remOf();
  const plans = columns.map((column) => {
    const head = column.heading.getBoundingClientRect().width;
    if (column.node) return { column, head, width: sizeFaces(column, rem), fixed: true };
    if (column.strip) return { column, head, ...stripPlan(column, height, rem) };
    return { column, head, ...acrossPlan(column, 1, height) };
  });
  const gaps = GAP * rem * (plans.length - 1);
  const taken = () => plans.reduce((sum, plan) => sum + Math.max(plan.head, plan.width), gaps);
  // Widen the layers with the smallest maps, those of as many maps together: until one can see
  // them, then as long as all fit.
  const families = Map.groupBy(
    plans.filter((plan) => !plan.fixed),
    ({ column }) => column.maps,
  );
  const smallest = (family) => Math.min(...family.map((plan) => plan.height));
  for (let open = [...families.values()]; open.length;) {
    const family = open.reduce((small, other) =>
      smallest(other) < smallest(small) ? other : small,
    );
    const before = family.map((plan) => ({ ...plan }));
    const { across: now, column } = family[0];
    for (
      let count = now + 1;
      count <= column.maps && smallest(family) <= smallest(before);
      count++
    ) {
      for (const plan of family) Object.assign(plan, acrossPlan(plan.column, count, height));
    }
    const larger = smallest(family) > smallest(before);
    if (!larger || (taken() > width && smallest(before) >= LEAST)) {
      family.forEach((plan, index) => Object.assign(plan, before[index]));
      open = open.filter((other) => other !== family);
    }
  }
  for (const { column, head, across: count, height: tall, width: wide } of plans) {
    if (!column.node) sizeMaps(column, count, tall);
    column.element.style.width = `${Math.ceil(Math.max(head, wide))}px`;
  }
}

export function layOutBelow(columns, width) {
  const rem = remOf();
  for (const column of columns) {
    column.element.style.width = "";
    if (column.node) {
      sizeFaces(column, rem);
      column.body.style.gridTemplateColumns = `repeat(${column.maps}, max-content)`;
      continue;
    }
    if (column.strip) {
      const cell = column.shape[0] <= 16 ? Math.min(28, width / column.shape[0]) : 14;
      const across = Math.max(1, Math.min(column.shape[0], Math.floor(width / cell)));
      foldVector(column, Math.ceil(column.shape[0] / across));
      sizeMaps(column, 1, column.rows * cell);
      continue;
    }
    const target = Math.min(Math.max(6 * column.columns, 60), 84);
    const most = Math.max(1, Math.floor((width + MAP_GAP) / (target + MAP_GAP)));
    const across = Math.min(column.maps, most);
    const room = (width - (across - 1) * MAP_GAP) / across;
    const wide = Math.min(room, column.maps === 1 ? 168 : 112);
    sizeMaps(column, across, (wide * column.rows) / column.columns);
  }
}
