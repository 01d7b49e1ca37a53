// What the network says: the probabilities of the classes, and how a change moved them.
import { askAtRest } from "./slices.js";
import { build, decimal, write } from "./words.js";

const MOST_BARS = 10;
const LEAST_MOVE = 0.005; // of a bar's end, that one can see

// 0.98765: "98.77 %", with as many places as tell it from 0 and 1.
// alone: no other share is above 0; a float of 32 bits may be rounded to 1 all the same.
export function percent(share, alone = false) {
  const text = (100 * share).toFixed(share > 0.1 && share < 0.9 ? 1 : 2);
  const shown = decimal(text);
  if (share > 0 && Number(text) === 0) return decimal("< 0.01 %");
  if (Number(text) === 100 && !alone) return decimal("> 99.99 %");
  return `${shown} %`;
}

// A difference of two shares in percentage points: "+3.2", "−0.4"; "±0" where it rounds to none.
export function points(difference) {
  const text = (100 * Math.abs(difference)).toFixed(1);
  if (Number(text) === 0) return "±0";
  return `${difference > 0 ? "+" : "−"}${decimal(text)}`;
}

export function startAnswer(store) {
  const { description } = store.state;
  const { classes, penalties } = description;
  const section = document.getElementById("answer");
  const said = build("strong", {});
  const sure = build("span", { class: "sure" });
  const truth = build("p", { class: "truth" });
  const count = Math.min(classes.length, MOST_BARS);
  const bars = Array.from({ length: count }, makeBar);
  const list = build("ol", { "aria-label": t`Probabilities` }, ...bars.map((bar) => bar.element));
  const least = build("p", { class: "quiet" });
  const time = build("p", { class: "quiet" });
  const says = build("p", { class: "says" }, t`says `, said, " ", sure);
  const verdict = build("div", { class: "verdict", role: "status" }, says, truth);
  section.append(verdict, list, least, time);
  section.classList.add("empty");

  store.listen((keys) => {
    if (!keys.has("trace")) return;
    const { trace, baseline, label, milliseconds } = store.state;
    section.classList.toggle("empty", !trace);
    if (!trace) {
      delete section.dataset.answer;
      return;
    }
    const { probabilities, answer } = trace;
    section.dataset.answer = answer;
    const alone = probabilities.every((share, number) => number === answer || share === 0);
    write(said, classes[answer]);
    write(sure, percent(probabilities[answer], alone).startsWith(">") ? t`with over ${percent(probabilities[answer], alone).slice(2)}` : t`with ${percent(probabilities[answer], alone)}`);
    const changed = trace !== baseline;
    tell(truth, { answer, label, before: changed ? baseline.answer : answer }, classes);
    const shown = largest(probabilities, count);
    bars.forEach((bar, index) => {
      const number = shown[index];
      const before = changed ? baseline.probabilities[number] : null;
      bar.show(number, classes[number], percent(probabilities[number], alone), {
        probability: probabilities[number],
        before,
        first: number === answer,
      });
    });
    const all = classes.length;
    const others = all > count ? t`the ${count} most probable of ${all} classes` : "";
    const kinds = penalties ? t`softmax of the negative distances` : "";
    const change = changed ? t`change in percentage points` : "";
    write(least, [others, kinds, change].filter(Boolean).join("; "));
    least.hidden = !least.textContent;
    askAtRest("time", () => write(time, t`forward pass: ${decimal(milliseconds.toFixed(1))} ms`));
  });
}

// "is 1" where the class is known, "said 3" where the change has turned the answer.
function tell(truth, { answer, label, before }, classes) {
  const parts = [];
  if (label !== null) parts.push(t`is ${classes[label]}`);
  if (before !== answer) parts.push(t`said ${classes[before]} before the change`);
  truth.textContent = parts.join(", ");
  truth.classList.toggle("wrong", label !== null && label !== answer);
  if (label !== null && label !== answer) truth.prepend("✗ ");
  if (label === answer) truth.prepend("✓ ");
}

// The classes to show: all of them in their order, or the most probable ones, falling.
function largest(probabilities, count) {
  const order = Array.from(probabilities.keys());
  if (order.length <= count) return order;
  return order.sort((one, two) => probabilities[two] - probabilities[one]).slice(0, count);
}

function makeBar() {
  const name = build("span", { class: "name" });
  const fill = build("span", { class: "fill" });
  const mark = build("span", { class: "mark" }); // where the bar ended before the change
  const share = build("span", { class: "chance" });
  const change = build("span", { class: "change" });
  const track = build("span", { class: "track", "aria-hidden": "true" }, fill, mark);
  const element = build("li", {}, name, track, share, change);
  return {
    element,
    show(number, text, words, { probability, before, first }) {
      element.dataset.class = number;
      element.dataset.probability = probability;
      element.classList.toggle("first", first);
      if (name.textContent !== text) name.textContent = name.title = text;
      write(share, words);
      fill.style.backgroundSize = `${(100 * probability).toFixed(1)}% 100%`; // which moves nothing
      mark.hidden = before === null || Math.abs(probability - before) < LEAST_MOVE;
      write(change, before === null ? "" : points(probability - before));
      change.classList.toggle("none", change.textContent === "±0");
      if (before !== null) mark.style.left = `${100 * before}%`;
    },
  };
}
