// A few sentences about each kind of layer, for who meets it for the first time.
import { build } from "./words.js";

const LESSONS = {
  input: [
    t`The network does not see a picture but numbers: one for each pixel and colour, scaled to the range that it was trained on.`,
  ],
  convolution: [
    t`A small kernel of weights slides over the maps before. At each place it is laid on a patch, number on weight; the products are added up, over all maps that are read, and the bias is added.`,
    t`The same weights serve at every place, so what is found in one corner is found in all.`,
  ],
  "transposed convolution": [
    t`Each number of the maps before lays down the whole kernel, multiplied by it, a stride apart; where kernels overlap, what they give is added up. The map grows.`,
  ],
  pooling: [
    t`A window slides over each map by itself and keeps one number of it: the largest, or the mean. The map shrinks, and a small shift of the picture changes it little. There is nothing to learn here.`,
  ],
  dense: [
    t`Each unit reads all numbers before it, each with a weight of its own, adds up the products and its bias. Where they were maps, so are its weights: what fits their pattern makes the unit strong.`,
  ],
  distance: [
    t`Each unit has a pattern drawn by hand and measures how far its inputs are from it: the squares of the differences, added up. The class with the smallest distance wins.`,
  ],
  softmax: [
    t`The exponential makes every number positive, the division makes them add up to 1: probabilities. A lead of 1 before becomes a factor of e after.`,
  ],
  activation: [
    t`Each number goes through the same curve by itself. Without such a bend, layer upon layer would still be one linear map.`,
  ],
  normalisation: [
    t`Numbers are shifted and scaled to a mean of 0 and a variance of 1, then by a weight and a bias that are learnt. It keeps the size of numbers steady from layer to layer.`,
  ],
  placement: [t`Numbers are only put elsewhere: repeated, cropped or with zeros around them.`],
  resizing: [t`The map is enlarged: each new number is a mean of its neighbours, weighted by how near they are.`],
  reshape: [t`The same numbers in another order: maps are laid out in one row for the layers that read vectors.`],
  dropout: [t`In training some numbers are set to 0 by chance, so that no unit relies on one other alone. Here, after training, all pass.`],
  join: [
    t`Branches meet: their numbers at the same place are added up or multiplied, or their maps stand side by side.`,
    t`A sum with a shortcut lets a block learn only the difference to what it was given.`,
  ],
};

export const lessonOf = ({ family, formula = [] }) => [
  ...(LESSONS[family] ?? []).map((text) => build("p", {}, text)),
  ...formula.map((line) => build("p", { class: "formula" }, line)),
];
