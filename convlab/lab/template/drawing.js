// What goes into the network: a drawing, a sample of the test set or a file, and its shift.
import { drawingOf, pictureOf } from "./pictures.js";
import { listenToTheme, paint } from "./colours.js";
import { build, buildShape } from "./words.js";

const PAD = 336; // pixels of the pad, in both directions
const BRUSH = 26; // about MNIST's line width when a digit takes three quarters of the pad
const STEP = PAD / 28; // of the pen, by keys
const MOST_PIXELS = 100_000_000; // of a file, as for the command line
const FURTHEST = 4; // pixels of a shift
const STEPS_OF_KEYS = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

export function startDrawing(store) {
  const { description } = store.state;
  const section = document.getElementById("input");
  const message = build("p", { class: "message", role: "status" });
  const say = (text, wrong = false) => {
    message.textContent = text;
    message.classList.toggle("wrong", wrong);
  };
  const notes = new WeakMap(); // what was done to a picture, by its bytes
  let turn = 0; // of the last input that was asked for: a slow file must not come after it

  const choose = (bytes, source, label, done = []) => {
    turn += 1;
    notes.set(bytes, done);
    store.set({ bytes, source, label });
  };
  const pad = description.dark_background ? makePad(store, choose, say) : null;
  const samples = makeSamples(store, (sample) => {
    pad?.putAway();
    say("");
    choose(sample.bytes, { kind: "sample", name: sample.name }, sample.label);
  });

  async function open([file, ...others]) {
    if (!file) return;
    const mine = ++turn;
    const name = file.name || "the picture";
    say(`${name}: being read`);
    let picture;
    try {
      picture = await pixelsOf(file);
    } catch (error) {
      if (mine === turn) say(`${name}: ${error.message}`, true);
      return;
    }
    if (mine !== turn) return;
    const { data, height, width } = picture;
    const { bytes, notes: done } = pictureOf(description, data, height, width);
    if (others.length) done.unshift(`the first of ${1 + others.length} files`);
    pad?.putAway();
    say("");
    choose(bytes, { kind: "file", name }, null, done);
  }

  const chooser = build("input", { type: "file", accept: "image/*" });
  chooser.addEventListener("change", () => {
    open([...chooser.files]);
    chooser.value = ""; // the same file may be chosen again
  });
  const face = build("span", {}, "Picture file…");
  const file = build("label", { class: "file button" }, chooser, face);
  acceptFiles(section, open);

  const got = makeGot(store, notes);
  section.append(
    ...(pad ? [pad.element] : []),
    build("div", { class: "tools" }, ...(pad ? pad.buttons : []), file),
    message,
    got,
    build("div", { class: "steer" }, build("span", {}, "Shift"), makeArrows(store)),
    samples,
  );
}

export function makeButton(text, label, act) {
  const made = build("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", act);
  return made;
}

// Files that are dropped anywhere on the page or pasted.
function acceptFiles(section, open) {
  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    section.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) section.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    section.classList.remove("dropping");
    open([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => open([...(event.clipboardData?.files ?? [])]));
}

// The pixels of a picture file on white paper, as ImageData.  Throws an Error that says what was
// expected and what came.
async function pixelsOf(file) {
  let bitmap;
  try {
    // The numbers as they stand in the file, as the command line reads them.
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error("expected a picture that the browser can read, got something else");
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MOST_PIXELS) throw new RangeError();
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch {
    const most = MOST_PIXELS.toLocaleString("en-GB");
    throw new Error(`expected at most ${most} pixels, got ${height} × ${width}`);
  } finally {
    bitmap.close();
  }
}

// --- the pad ------------------------------------------------------------------------------------

// A stroke is a list of points {x, y, width}.  Returns the pad's element, its buttons, and
// putAway, which empties it for another input; undo brings the drawing back.
function makePad(store, choose, say) {
  const canvas = build("canvas", { width: PAD, height: PAD });
  const pen = build("div", { class: "pen", hidden: true });
  const hint = build("span", { class: "hint", "aria-hidden": "true" }, "draw here");
  const element = build(
    "div",
    {
      class: "pad",
      tabindex: "0",
      role: "application",
      "aria-label": "Drawing pad: arrow keys move the pen, space puts it down and lifts it",
    },
    canvas,
    hint,
    pen,
  );
  const undoButton = makeButton("Undo", "Undo the last stroke", undo);
  const clearButton = makeButton("Clear", "Clear the drawing", clear);

  // Ink is kept by itself: what the reader sees has the colours of the theme.
  const ink = new OffscreenCanvas(PAD, PAD).getContext("2d", { willReadFrequently: true });
  let strokes = [];
  let before = []; // the strokes as they were, newest last
  let current = null; // the stroke that is being drawn
  let planned = 0; // the animation frame that will show it
  const cursor = { x: PAD / 2, y: PAD / 2 };
  let down = false; // the pen of the keys

  function draw() {
    ink.clearRect(0, 0, PAD, PAD);
    strokes.forEach((stroke) => drawStroke(ink, stroke));
    const shown = canvas.getContext("2d");
    shown.globalCompositeOperation = "copy";
    shown.drawImage(ink.canvas, 0, 0);
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = getComputedStyle(canvas).color;
    shown.fillRect(0, 0, PAD, PAD);
    hint.hidden = strokes.length > 0;
    undoButton.disabled = before.length === 0;
    clearButton.disabled = strokes.length === 0;
  }

  function show() {
    cancelAnimationFrame(planned);
    planned = 0;
    draw();
    const { image } = store.state.description;
    const { data } = ink.getImageData(0, 0, PAD, PAD);
    const levels = new Uint8Array(PAD * PAD);
    for (let i = 0; i < levels.length; i++) levels[i] = data[4 * i + 3];
    const made = drawingOf(store.state.description, levels, PAD, PAD);
    const bytes = made?.bytes ?? new Uint8Array(image.channels * image.rows * image.columns);
    choose(bytes, { kind: "drawing", name: "your drawing" }, null, made?.notes ?? ["still empty"]);
  }
  const plan = () => {
    planned ||= requestAnimationFrame(show);
  };

  function begin(point) {
    before.push(strokes);
    current = [point];
    strokes = [...strokes, current];
    say("");
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
    lift();
    if (!strokes.length) return;
    before.push(strokes);
    strokes = [];
    draw();
  }
  // A button that has just been disabled would leave the focus nowhere.
  const keepFocus = (used) => {
    if (used.disabled && document.activeElement === document.body) element.focus();
  };

  // --- mouse, finger and pen
  const pointOf = (event) => {
    const box = canvas.getBoundingClientRect();
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
    canvas.setPointerCapture(pointer);
    lift();
    pen.hidden = true;
    begin(pointOf(event));
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
      if (current) show();
      current = null;
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
    say("Arrow keys move the pen, space puts it down and lifts it.");
  });
  element.addEventListener("blur", () => {
    pen.hidden = true;
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
        lift();
        say("Pen lifted.");
      } else {
        begin(inkHere());
        down = true;
        pen.classList.add("down");
        say("Pen down.");
        plan();
      }
    } else if (event.key === "Escape") {
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

  listenToTheme(draw);
  draw();
  return { element, buttons: [undoButton, clearButton], putAway };
}

// Round strokes, smooth: a parabola from the middle between two points to the next middle.
function drawStroke(context, stroke) {
  context.lineCap = "round";
  context.lineJoin = "round";
  const [first] = stroke;
  context.beginPath();
  context.arc(first.x, first.y, first.width / 2, 0, 2 * Math.PI);
  context.fill();
  let from = first;
  for (let i = 1; i < stroke.length; i++) {
    const [point, next] = [stroke[i], stroke[i + 1]];
    const to = next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : point;
    context.lineWidth = point.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(point.x, point.y, to.x, to.y);
    context.stroke();
    from = to;
  }
}

// --- what the network gets, and samples ------------------------------------------------------

// Paints bytes (C, H, W), grey or red, green and blue, one pixel each.
export function paintBytes(canvas, bytes, { channels, rows, columns }) {
  if (channels === 1) {
    paint(canvas, bytes, rows, columns, { map: "grey", low: 0, high: 255 });
    return;
  }
  canvas.width = columns;
  canvas.height = rows;
  const picture = new ImageData(columns, rows);
  const plane = rows * columns;
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      picture.data[4 * i + channel] = bytes[channel * plane + i];
    }
    picture.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// The input picture, each of its pixels a whole number of the screen's, with its story.
function makeGot(store, notes) {
  const { classes, input } = store.state.description;
  const picture = build("canvas", { class: "pixels", role: "img" });
  const scale = Math.max(1, Math.floor(112 / Math.max(input.rows, input.columns)));
  picture.style.width = `${input.columns * scale}px`;
  picture.style.height = `${input.rows * scale}px`;
  const field = buildShape("svg", {
    class: "overlay",
    viewBox: `0 0 ${input.columns} ${input.rows}`,
    "aria-hidden": "true",
  });
  const story = build("p", { class: "quiet" });
  const size = `${input.rows} × ${input.columns}${input.channels === 3 ? " × 3" : ""} pixels`;
  const element = build(
    "div",
    { class: "got" },
    build("div", { class: "seen" }, picture, field),
    build("div", {}, build("h3", {}, "The network gets"), build("p", {}, size), story),
  );
  store.listen((keys) => {
    if (keys.has("unit") || keys.has("shown")) field.replaceChildren(...fieldOf(store.state));
    if (!keys.has("shown")) return;
    const { bytes, shown, source, label, shift } = store.state;
    element.hidden = !shown;
    if (!shown) return;
    paintBytes(picture, shown, input);
    const parts = [source?.name, ...(notes.get(bytes) ?? [])].filter(Boolean);
    if (label !== null) parts.push(`class ${classes[label]}`);
    if (shift.some((pixels) => pixels)) parts.push(`shifted ${shiftWords(shift)}`);
    story.textContent = parts.join("; ");
    picture.setAttribute("aria-label", `What the network gets: ${size}, ${story.textContent}`);
  });
  return element;
}

// What the chosen unit sees of the picture: an outline, and its halo below it.
function fieldOf({ network, unit: chosen, shown }) {
  if (!chosen || !shown) return [];
  const { layer, unit } = chosen;
  const seen = network.box(layer, unit, -1);
  if (!seen) return [];
  const { top, left, bottom, right, all } = seen;
  const [, rows, columns] = network.inputShape;
  const [y, x] = [Math.max(top, 0), Math.max(left, 0)];
  const [height, width] = [Math.min(bottom, rows) - y, Math.min(right, columns) - x];
  if (height <= 0 || width <= 0) return []; // it sees padding alone
  const name = layer < 0 ? "unit" : all ? "box all" : "box";
  return ["halo", name].map((kind) => buildShape("rect", { class: kind, x, y, width, height }));
}

// Pictures as buttons, class by class; the arrow keys go from one to the next.
function makeSamples(store, chosen) {
  const { classes, image, samples } = store.state.description;
  const few = classes.length <= 12 && classes.every((name) => [...name].length <= 2);
  const element = build("div", {
    class: few ? "samples narrow" : "samples",
    role: "toolbar",
    "aria-label": "Samples of the test set",
  });
  const buttons = new Map();
  const group = (name, members) => {
    const heading = build("span", { class: "name", title: name }, name);
    const row = build("div", { class: "class" }, heading);
    for (const sample of members) {
      const picture = build("canvas", { class: "pixels" });
      paintBytes(picture, sample.bytes, image);
      const known = sample.label === null ? "" : `, class ${classes[sample.label]}`;
      const title = `${sample.name}${known}`;
      const button = build(
        "button",
        { type: "button", title, "aria-label": title, "aria-pressed": "false", tabindex: "-1" },
        picture,
      );
      button.addEventListener("click", () => chosen(sample));
      buttons.set(sample, button);
      row.append(button);
    }
    element.append(row);
  };
  const unknown = samples.filter((sample) => sample.label === null);
  if (unknown.length) group("?", unknown);
  classes.forEach((name, number) => {
    const members = samples.filter((sample) => sample.label === number);
    if (members.length) group(name, members);
  });

  const order = [...buttons.values()];
  const enter = (button) => {
    for (const each of order) each.tabIndex = each === button ? 0 : -1;
  };
  if (order.length) enter(order[0]);
  element.addEventListener("keydown", (event) => {
    const at = order.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = order[(at + step + order.length) % order.length];
    enter(next);
    next.focus();
  });
  store.listen((keys) => {
    if (!keys.has("bytes")) return;
    for (const [sample, button] of buttons) {
      const pressed = sample.bytes === store.state.bytes;
      button.setAttribute("aria-pressed", String(pressed));
      if (pressed) enter(button);
    }
  });
  return element;
}

// --- shifts ----------------------------------------------------------------------------------

// [1, -2]: "1 down, 2 left".
export function shiftWords([rows, columns]) {
  const parts = [];
  if (rows) parts.push(`${Math.abs(rows)} ${rows > 0 ? "down" : "up"}`);
  if (columns) parts.push(`${Math.abs(columns)} ${columns > 0 ? "right" : "left"}`);
  return parts.join(", ") || "by nothing";
}

// Arrows that move the picture by a pixel, and the way back.
export function makeArrows(store) {
  const { rows, columns } = store.state.description.input;
  const limits = [rows, columns].map((length) => Math.min(FURTHEST, length - 1));
  const moveTo = (wanted) => {
    const shift = wanted.map((by, axis) => Math.max(-limits[axis], Math.min(limits[axis], by)));
    if (shift.some((by, axis) => by !== store.state.shift[axis])) store.set({ shift });
  };
  const arrows = [
    ["←", "left", 0, -1],
    ["↑", "up", -1, 0],
    ["↓", "down", 1, 0],
    ["→", "right", 0, 1],
  ].map(([sign, word, down, right]) => {
    const label = `Shift the picture ${word} by a pixel`;
    const button = makeButton(sign, label, () => {
      const { shift } = store.state;
      moveTo([shift[0] + down, shift[1] + right]);
    });
    return { button, down, right };
  });
  const back = makeButton("0", "Shift the picture back", () => moveTo([0, 0]));
  const update = () => {
    const { shift } = store.state;
    for (const { button, down, right } of arrows) {
      const beyond =
        Math.abs(shift[0] + down) > limits[0] || Math.abs(shift[1] + right) > limits[1];
      button.setAttribute("aria-disabled", String(beyond)); // and keeps the focus
    }
    back.setAttribute("aria-disabled", String(!shift[0] && !shift[1]));
  };
  store.listen((keys) => {
    if (keys.has("shift")) update();
  });
  update();
  const buttons = arrows.map(({ button }) => button);
  return build("div", { class: "arrows", role: "group", "aria-label": "Shift" }, ...buttons, back);
}
