// How a deep network folds: layers into blocks, blocks into stages.  A node is {first, last,
// children}: the layers from first to last; a leaf is one layer.

const MOST = 7; // parts of a node: more are put together
const BEGINS = new Set(["convolution", "transposed convolution", "dense", "distance"]);

// The layers before which the network can be cut: no branch leads past them.
function cutsOf(layers) {
  let furthest = layers.length; // back, of all that is read from here on
  const cuts = new Set();
  for (let index = layers.length - 1; index >= 0; index--) {
    furthest = Math.min(furthest, ...layers[index].sources);
    if (furthest >= index - 1) cuts.add(index);
  }
  return cuts;
}

const nodeOf = (children) =>
  children.length === 1
    ? children[0]
    : { first: children[0].first, last: children.at(-1).last, children };

// Lists of neighbours, a new one where `begins` says so.
function parted(nodes, begins) {
  const parts = [];
  nodes.forEach((node, at) => {
    if (at === 0 || begins(node, nodes[at - 1])) parts.push([]);
    parts.at(-1).push(node);
  });
  return parts;
}

// A node whose parts are few: neighbours are put together until they are.
function gathered(nodes) {
  if (nodes.length <= MOST) return nodeOf(nodes);
  const size = Math.ceil(nodes.length / Math.ceil(nodes.length / MOST));
  return nodeOf(
    parted(
      nodes.map((node, at) => ({ node, at })),
      ({ at }) => at % size === 0,
    ).map((part) => gathered(part.map(({ node }) => node))),
  );
}

// The root of a network's tree; the last layer, the probabilities, is a part of its own.
export function treeOf(network) {
  const { layers } = network;
  const cuts = cutsOf(layers);
  const leaves = layers.slice(0, -1).map(({ index }) => ({ first: index, last: index }));
  const place = ({ last }) => layers[last].shape.slice(1).join();
  const blocks = parted(
    leaves,
    ({ first }) =>
      cuts.has(first) && (BEGINS.has(layers[first].family) || layers[first - 1]?.readers.length > 1),
  ).map((part) => gathered(part));
  const stages = parted(blocks, (block, before) => place(block) !== place(before));
  const end = { first: layers.length - 1, last: layers.length - 1 };
  return { first: 0, last: end.last, children: [...stages.map((part) => gathered(part)), end] };
}

export const keyOf = ({ first, last }) => `${first}-${last}`;

const holds = (node, other) => node.first <= other.first && other.last <= node.last;

// The way from the root to a node, the root first.
function wayTo(root, node) {
  const way = [root];
  while (keyOf(way.at(-1)) !== keyOf(node)) {
    const next = way.at(-1).children?.find((child) => holds(child, node));
    if (!next) break;
    way.push(next);
  }
  return way;
}

function expanded(cut, node) {
  return cut.flatMap((each) => (each === node ? node.children : [each]));
}

// The nodes to be seen: `opened` ones are open, the newest first where not all fit, those in
// `folded` stay folded, and what room is left opens the others from the left.
export function cutOf(root, { opened, folded, fits }) {
  let cut = root.children;
  for (const node of opened.toReversed()) {
    const open = wayTo(root, node)
      .slice(1)
      .filter((each) => each.children);
    const wider = open.reduce(expanded, cut);
    if (node === opened.at(-1) || fits(wider)) cut = wider;
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const node of cut) {
      if (!node.children || folded.has(keyOf(node))) continue;
      const wider = expanded(cut, node);
      if (!fits(wider)) continue;
      cut = wider;
      changed = true;
    }
  }
  return cut;
}

// The smallest node with children that holds a layer and is not yet open in a cut.
export function closedOver(cut, layer) {
  const node = cut.find(({ first, last, children }) => children && first <= layer && layer <= last);
  return node ?? null;
}

// The open node that begins with a leaf of the cut: the one that folds it away; null: none does.
export function openOver(root, leaf) {
  const way = wayTo(root, leaf).slice(1, -1);
  return way.find((node) => node.first === leaf.first) ?? null;
}

// The name of several layers: what their names have in common, or the first and the last.
export function nodeName(network, { first, last }) {
  const titles = network.layers.slice(first, last + 1).map(({ title }) => title);
  const [one] = titles;
  let length = 0;
  while (length < one.length && titles.every((title) => title[length] === one[length])) length++;
  const inToken = titles.some((title) => /\w/.test(title[length] ?? "") && title[length] !== "_");
  const begun = one.slice(0, length);
  const common = (inToken ? begun.replace(/[^\W_]+$/, "") : begun).replace(/[\W_]+$/, "");
  return length >= 4 && common.length >= 4 ? common : `${one} … ${titles.at(-1)}`;
}
