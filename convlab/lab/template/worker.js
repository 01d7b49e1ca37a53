// The page's script once more, in a worker: it computes while the page stays free to be used.
import { Network } from "./network.js";
import { Learner } from "./learning.js";
import { drawingOf } from "./pictures.js";

// A worker made of the page's own script, or null where the browser refuses one.
export function startWorker(description, weights) {
  const source = document.querySelector("script[type=module]").textContent;
  // No module: a page from the disk may not start one.
  const parts = ['"use strict";', source];
  const address = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  let worker;
  try {
    worker = new Worker(address);
  } catch {
    return null;
  }
  const waiting = new Map(); // {question, resolve} by their numbers
  let number = 0;
  let answers = null; // the page's own, where the worker has failed
  worker.addEventListener("message", ({ data }) => {
    waiting.get(data.number)?.resolve(data.answer);
    waiting.delete(data.number);
  });
  worker.addEventListener("error", () => {
    answers = answersOf();
    answers.begin({ description, weights });
    for (const { question, resolve } of waiting.values()) resolve(answers[question.kind](question.given));
    waiting.clear();
  });
  const ask = (kind, given) =>
    new Promise((resolve) => {
      number += 1;
      const question = { number, kind, given };
      if (answers) return resolve(answers[kind](given));
      waiting.set(number, { question, resolve });
      return worker.postMessage(question);
    });
  ask("begin", { description, weights });
  return { ask };
}

// What is asked, and how it is answered.
function answersOf() {
  let [network, learner, known] = [null, null, null];
  return {
    begin({ description, weights }) {
      known = description;
      network = new Network(description, weights);
      return {};
    },
    forward(list) {
      const begin = performance.now();
      const traces = [];
      let milliseconds = 0;
      for (const pass of list) {
        traces.push(network.forward(...pass));
        milliseconds ||= performance.now() - begin;
      }
      return { traces, milliseconds };
    },
    drawing: (ink) => ({ made: drawingOf(known, ...ink) }),
    probabilities: ([input, off]) => ({ probabilities: network.forward(input, off).probabilities }),
    // A copy of the network learns: the one of the page stays as it is.
    learner({ description, weights, ...given }) {
      learner = new Learner(new Network(description, weights.slice()), given);
      return learner.state();
    },
    train: (given) => ({ ...learner.train(given), ...learner.state() }),
    gradient: (given) => learner.gradientOf(given),
  };
}

// The worker's side.
export function answerPage() {
  const answers = answersOf();
  globalThis.addEventListener("message", ({ data }) => {
    const answer = answers[data.kind](data.given);
    const moved = (answer.traces ?? []).flatMap(({ outputs }) => outputs.map(({ buffer }) => buffer));
    globalThis.postMessage({ number: data.number, answer }, moved);
  });
}
