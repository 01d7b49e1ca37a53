// What goes into the network: a drawing, a sample of the test set or a file, and its shift.
import { pictureOf } from "./pictures.js";
import { paint } from "./colours.js";
import { makePad } from "./pad.js";
import { build, buildShape, makeButton, showCount, write } from "./words.js";

const MOST_PIXELS = 100_000_000; // of a file, as for the command line
const FURTHEST = 4; // pixels of a shift
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
    const name = file.name || t`the picture`;
    say(t`${name}: being read`);
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
    if (others.length) done.unshift(t`the first of ${1 + others.length} files`);
    pad?.putAway();
    say("");
    choose(bytes, { kind: "file", name }, null, done);
  }

  const chooser = build("input", { type: "file", accept: "image/*" });
  chooser.addEventListener("change", () => {
    open([...chooser.files]);
    chooser.value = ""; // the same file may be chosen again
  });
  const face = build("span", {}, t`Picture file…`);
  const file = build("label", { class: "file button" }, chooser, face);
  acceptFiles(section, open);

  const got = makeGot(store, notes);
  const tools = build("div", { class: "tools" }, ...(pad ? pad.buttons : []), file);
  const steer = build("div", { class: "steer" }, build("span", {}, t`Shift`), makeArrows(store));
  section.querySelector(".draw").append(...(pad ? [pad.element] : []), tools, message);
  section.querySelector(".chosen").append(got, steer, samples);
  section.classList.toggle("has-pad", pad !== null);
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

// The pixels of a picture file, as ImageData.  Throws an Error that says what was
// expected and what came.
async function pixelsOf(file) {
  let bitmap;
  try {
    // The numbers as they stand in the file, as the command line reads them.
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(t`expected a picture that the browser can read, got something else`);
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MOST_PIXELS) throw new RangeError();
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch {
    const most = showCount(MOST_PIXELS);
    throw new Error(t`expected at most ${most} pixels, got ${height} × ${width}`);
  } finally {
    bitmap.close();
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
  const times = 112 / Math.max(input.rows, input.columns);
  const scale = times < 1 ? times : Math.floor(times);
  picture.style.width = `${input.columns * scale}px`;
  picture.style.height = `${input.rows * scale}px`;
  const field = buildShape("svg", {
    class: "overlay",
    viewBox: `0 0 ${input.columns} ${input.rows}`,
    "aria-hidden": "true",
  });
  let outlined = null; // the box in it
  const story = build("p", { class: "quiet" });
  const size = t`${input.rows} × ${input.columns}${input.channels === 3 ? " × 3" : ""} pixels`;
  const element = build(
    "div",
    { class: "got" },
    build("div", { class: "seen" }, picture, field),
    build("div", {}, build("h3", {}, t`The network gets`), build("p", {}, size), story),
  );
  store.listen((keys) => {
    if (keys.has("unit") || keys.has("shown")) {
      const box = fieldOf(store.state);
      if (JSON.stringify(box) !== JSON.stringify(outlined)) {
        const kinds = box ? ["halo", box.class] : []; // the one below the other
        field.replaceChildren(...kinds.map((kind) => buildShape("rect", { ...box, class: kind })));
      }
      outlined = box;
    }
    if (!keys.has("shown")) return;
    const { bytes, shown, source, label, shift } = store.state;
    element.hidden = !shown;
    if (!shown) return;
    paintBytes(picture, shown, input);
    const parts = [source?.name, ...(notes.get(bytes) ?? [])].filter(Boolean);
    if (label !== null) parts.push(t`class ${classes[label]}`);
    if (shift.some((pixels) => pixels)) parts.push(t`shifted ${shiftWords(shift)}`);
    write(story, parts.join("; "));
    const told = t`What the network gets: ${size}, ${story.textContent}`;
    if (picture.getAttribute("aria-label") !== told) picture.setAttribute("aria-label", told);
  });
  return element;
}

// What the chosen unit sees of the picture: the box of its outline, or null.
function fieldOf({ network, unit: chosen, shown }) {
  if (!chosen || !shown) return null;
  const { layer, unit } = chosen;
  const seen = network.box(layer, unit, -1);
  if (!seen) return null;
  const { top, left, bottom, right, all } = seen;
  const [, rows, columns] = network.inputShape;
  const [y, x] = [Math.max(top, 0), Math.max(left, 0)];
  const [height, width] = [Math.min(bottom, rows) - y, Math.min(right, columns) - x];
  if (height <= 0 || width <= 0) return null; // it sees padding alone
  const name = layer < 0 ? "unit" : all ? "box all" : "box";
  return { class: name, x, y, width, height };
}

// Pictures as buttons, class by class; the arrow keys go from one to the next.
function makeSamples(store, chosen) {
  const { classes, image, samples } = store.state.description;
  const few = classes.length <= 12 && classes.every((name) => [...name].length <= 2);
  const element = build("div", {
    class: few ? "samples narrow" : "samples",
    role: "toolbar",
    "aria-label": t`Samples of the test set`,
  });
  const buttons = new Map();
  const group = (name, members) => {
    const heading = build("span", { class: "name", title: name }, name);
    const row = build("div", { class: "class" }, heading);
    for (const sample of members) {
      const picture = build("canvas", { class: "pixels" });
      paintBytes(picture, sample.bytes, image);
      const title = sample.label === null ? sample.name : t`${sample.name}, class ${classes[sample.label]}`;
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
      if (pressed === (button.ariaPressed === "true")) continue;
      button.ariaPressed = String(pressed);
      if (pressed) enter(button);
    }
  });
  return element;
}

// --- shifts ----------------------------------------------------------------------------------

// [1, -2]: "1 down, 2 left".
export function shiftWords([rows, columns]) {
  const parts = [];
  if (rows) parts.push(rows > 0 ? t`${rows} down` : t`${-rows} up`);
  if (columns) parts.push(columns > 0 ? t`${columns} right` : t`${-columns} left`);
  return parts.join(", ") || t`by nothing`;
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
    ["←", t`Shift the picture left by a pixel`, 0, -1],
    ["↑", t`Shift the picture up by a pixel`, -1, 0],
    ["↓", t`Shift the picture down by a pixel`, 1, 0],
    ["→", t`Shift the picture right by a pixel`, 0, 1],
  ].map(([sign, label, down, right]) => {
    const button = makeButton(sign, label, () => {
      const { shift } = store.state;
      moveTo([shift[0] + down, shift[1] + right]);
    });
    return { button, down, right };
  });
  const back = makeButton("0", t`Shift the picture back`, () => moveTo([0, 0]));
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
  return build("div", { class: "arrows", role: "group", "aria-label": t`Shift` }, ...buttons, back);
}
