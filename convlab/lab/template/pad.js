// The drawing pad: strokes by mouse, finger, pen or keys.
import { cutOut } from "./ink.js";
import { listenToTheme } from "./colours.js";
import { build, makeButton } from "./words.js";

const PAD = 336; // pixels of the pad, in both directions
const BRUSH = 26; // about MNIST's line width when a digit takes three quarters of the pad
const STEP = PAD / 28; // of the pen, by keys
const MOST_UNDONE = 100; // strokes
const STEPS_OF_KEYS = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

// A stroke is a list of points {x, y, width}.  Returns the pad's element, its buttons, and
// putAway, which empties it for another input; undo brings the drawing back.
export function makePad(store, choose, say) {
  const canvas = build("canvas", { width: PAD, height: PAD });
  const pen = build("div", { class: "pen", hidden: true });
  const hint = build("span", { class: "hint", "aria-hidden": "true" }, t`draw here`);
  const element = build(
    "div",
    {
      class: "pad",
      tabindex: "0",
      role: "application",
      "aria-label": t`Drawing pad: arrow keys move the pen, space puts it down and lifts it`,
    },
    canvas,
    hint,
    pen,
  );
  const undoButton = makeButton(t`Undo`, t`Undo the last stroke`, undo);
  const clearButton = makeButton(t`Clear`, t`Clear the drawing`, clear);

  // Ink is kept by itself: what the reader sees has the colours of the theme.
  const ink = new OffscreenCanvas(PAD, PAD).getContext("2d", { willReadFrequently: true });
  const shown = canvas.getContext("2d");
  let strokes = [];
  let before = []; // the strokes as they were, newest last
  let current = null; // the stroke that is being drawn
  let drawn = 0; // of its points
  const levels = new Uint8Array(PAD * PAD); // the ink as it is read
  let asking = false; // what it is as bytes
  let again = false; // since it has changed
  let kept = {}; // another one once the drawing has been put away
  let planned = 0; // the animation frame that will show it
  const cursor = { x: PAD / 2, y: PAD / 2 };
  let down = false; // the pen of the keys

  function draw() {
    for (const context of [ink, shown]) {
      context.clearRect(0, 0, PAD, PAD);
      strokes.forEach((stroke) => drawStroke(context, stroke));
    }
    levels.fill(0);
    readInk(boxOf(strokes.flat()));
    drawn = current?.length ?? 0;
    hint.hidden = strokes.length > 0;
    undoButton.disabled = before.length === 0;
    clearButton.disabled = strokes.length === 0;
  }

  // What is new of the stroke that is being drawn; its last point was no more than a guess of
  // where the line goes, which the whole drawing at its end does away with.
  function drawOn() {
    if (drawn === 0 || drawn >= current.length) return draw();
    for (const context of [ink, shown]) drawLine(context, current, drawn - 1);
    readInk(boxOf(current.slice(Math.max(drawn - 3, 0))));
    drawn = current.length;
    return undefined;
  }

  function readInk({ left, top, right, bottom }) {
    if (right <= left || bottom <= top) return;
    const { data, width } = ink.getImageData(left, top, right - left, bottom - top);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        levels[row * PAD + column] = data[4 * ((row - top) * width + column - left) + 3];
      }
    }
  }

  function show() {
    cancelAnimationFrame(planned);
    planned = 0;
    if (current) drawOn();
    else draw();
    again = asking;
    if (!asking) tell();
  }

  // What is drawn, as the network takes it.  A newer drawing waits for the answer to an older one.
  function tell() {
    again = false;
    const mine = kept;
    const { levels: drawing, rows, columns } = cutOut(levels, PAD, boxOf(strokes.flat()));
    const made = store.drawing(drawing, rows, columns);
    asking = made instanceof Promise;
    if (!asking) return chosen(made);
    return made.then((answer) => {
      asking = false;
      if (mine === kept) chosen(answer);
      if (again) tell();
    });
  }
  function chosen(made) {
    const { channels, rows, columns } = store.state.description.image;
    const bytes = made?.bytes ?? new Uint8Array(channels * rows * columns);
    choose(bytes, { kind: "drawing", name: t`your drawing` }, null, made?.notes ?? [t`still empty`]);
  }
  const plan = () => {
    planned ||= requestAnimationFrame(show);
  };

  function keep() {
    before.push(strokes);
    if (before.length > MOST_UNDONE) before.shift();
  }
  function begin(point) {
    keep();
    current = [point];
    drawn = 0;
    strokes = [...strokes, current];
    say("");
  }
  function finish() {
    const changed = current !== null;
    current = null;
    if (changed) show();
  }
  function undo() {
    if (!before.length) return;
    strokes = before.pop();
    current = null;
    lift();
    show();
    keepFocus(undoButton);
  }
  function clear() {
    if (!strokes.length) return;
    putAway();
    show();
    keepFocus(clearButton);
  }
  function putAway() {
    cancelAnimationFrame(planned);
    planned = 0;
    current = null;
    again = false;
    kept = {};
    lift();
    if (!strokes.length) return;
    keep();
    strokes = [];
    draw();
  }
  // A button that has just been disabled would leave the focus nowhere.
  const keepFocus = (used) => {
    if (used.disabled && document.activeElement === document.body) element.focus();
  };

  // --- mouse, finger and pen
  let padBox = null; // where the pad is, asked for once a stroke
  for (const moving of ["scroll", "resize"]) {
    addEventListener(moving, () => (padBox = null), { passive: true, capture: true });
  }
  const pointOf = (event) => {
    padBox ??= canvas.getBoundingClientRect();
    const box = padBox;
    const pressed = event.pointerType === "pen" && event.pressure > 0;
    return {
      x: ((event.clientX - box.left) / box.width) * PAD,
      y: ((event.clientY - box.top) / box.height) * PAD,
      width: pressed ? BRUSH * (0.5 + event.pressure) : BRUSH,
    };
  };
  let pointer = null; // the id of the one that draws
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    padBox = null;
    canvas.setPointerCapture(pointer);
    lift();
    pen.hidden = true;
    begin(pointOf(event));
    store.set({ drawing: true });
    plan();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !current) return;
    const events = event.getCoalescedEvents?.(); // what came since the last frame
    for (const each of events?.length ? events : [event]) current.push(pointOf(each));
    plan();
  });
  for (const ending of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(ending, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      store.set({ drawing: false });
      finish();
    });
  }

  // --- keys
  function lift() {
    down = false;
    pen.classList.remove("down");
  }
  function place() {
    pen.hidden = false;
    pen.style.left = `${(100 * cursor.x) / PAD}%`;
    pen.style.top = `${(100 * cursor.y) / PAD}%`;
  }
  const inkHere = () => ({ ...cursor, width: BRUSH });
  element.addEventListener("focus", () => {
    if (!element.matches(":focus-visible")) return;
    place();
    say(t`Arrow keys move the pen, space puts it down and lifts it.`);
  });
  element.addEventListener("blur", () => {
    pen.hidden = true;
    if (down) finish();
    lift();
  });
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in STEPS_OF_KEYS) {
      const [right, lower] = STEPS_OF_KEYS[event.key];
      const step = STEP * (event.shiftKey ? 4 : 1);
      cursor.x = Math.min(PAD, Math.max(0, cursor.x + right * step));
      cursor.y = Math.min(PAD, Math.max(0, cursor.y + lower * step));
      place();
      if (down) {
        current.push(inkHere());
        plan();
      }
    } else if (event.key === " ") {
      place();
      if (down) {
        finish();
        lift();
        say(t`Pen lifted.`);
      } else {
        begin(inkHere());
        down = true;
        pen.classList.add("down");
        say(t`Pen down.`);
        plan();
      }
    } else if (event.key === "Escape") {
      if (down) finish();
      lift();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("keydown", (event) => {
    const combined = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!combined || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    undo();
  });

  const colour = () => {
    shown.fillStyle = shown.strokeStyle = getComputedStyle(canvas).color;
    draw();
  };
  listenToTheme(colour);
  requestAnimationFrame(colour); // once it is in the page
  return { element, buttons: [undoButton, clearButton], putAway };
}

// Round strokes, smooth: a parabola from the middle between two points to the next middle.
function drawStroke(context, stroke) {
  const [{ x, y, width }] = stroke;
  context.beginPath();
  context.arc(x, y, width / 2, 0, 2 * Math.PI);
  context.fill();
  drawLine(context, stroke, 1);
}

// A stroke's line from one of its points on.
function drawLine(context, stroke, first) {
  context.lineCap = "round";
  context.lineJoin = "round";
  const between = (one, two) => ({ x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 });
  for (let i = Math.max(first, 1); i < stroke.length; i++) {
    const [before, point, next] = [stroke[i - 1], stroke[i], stroke[i + 1]];
    const from = i > 1 ? between(before, point) : before;
    const to = next ? between(point, next) : point;
    context.lineWidth = point.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(point.x, point.y, to.x, to.y);
    context.stroke();
  }
}

// Whole pixels of the pad that hold lines through these points.
function boxOf(points) {
  const box = { left: PAD, top: PAD, right: 0, bottom: 0 };
  for (const { x, y, width } of points) {
    const reach = width / 2 + 1;
    box.left = Math.min(box.left, Math.floor(x - reach));
    box.top = Math.min(box.top, Math.floor(y - reach));
    box.right = Math.max(box.right, Math.ceil(x + reach));
    box.bottom = Math.max(box.bottom, Math.ceil(y + reach));
  }
  const [left, top] = [Math.max(0, box.left), Math.max(0, box.top)];
  const [right, bottom] = [Math.min(PAD, box.right), Math.min(PAD, box.bottom)];
  return { left, top, right: Math.max(left, right), bottom: Math.max(top, bottom) };
}
