// Numbers as the figures write them, and elements that carry texts as texts.

const SUPERSCRIPTS = {
  "-": "⁻",
  0: "⁰",
  1: "¹",
  2: "²",
  3: "³",
  4: "⁴",
  5: "⁵",
  6: "⁶",
  7: "⁷",
  8: "⁸",
  9: "⁹",
};

// A text is marked so: t`${count} layers`.  What makes the page (translation.py) puts the words of its
// language there; nothing of this is left in the page.
const POINT = t`.`; // of decimal numbers

// A number's text with the point of the language.
export const decimal = (text) => String(text).replace(/\.(?=\d)/g, POINT);

const withMinus = (text) => decimal(text).replace("-", "−");

// Three significant digits and a true minus sign: −0.125, 12.3, 4.56 × 10⁻⁵.
export function showNumber(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(2).split("e");
  const exponent = Number(power);
  if (exponent > -4 && exponent < 6) {
    return withMinus(String(Number(value.toFixed(Math.max(0, 2 - exponent)))));
  }
  const raised = [...String(exponent)].map((sign) => SUPERSCRIPTS[sign]).join("");
  return `${withMinus(String(Number(mantissa)))} × 10${raised}`;
}

// Whether that leaves digits out.
export const isRounded = (value) => Number.isFinite(value) && readNumber(showNumber(value)) !== value;

const readNumber = (text) => {
  const [mantissa, power] = text.replace("−", "-").replace(POINT, ".").split(" × 10");
  const raised = Object.entries(SUPERSCRIPTS).map(([plain, sign]) => [sign, plain]);
  const exponent = [...(power ?? "")].map((sign) => Object.fromEntries(raised)[sign]).join("");
  return Number(`${mantissa}e${exponent || 0}`);
};

// A number that stands by itself, ≈ before a rounded one.
export const showMarked = (value) => `${isRounded(value) ? "≈" : ""}${showNumber(value)}`;

// As the second term of a sum: + 0.5, − 1.85.
export const showAdded = (value) => `${value < 0 ? "−" : "+"} ${showMarked(Math.abs(value))}`;

// Numbers in one format: the largest has three significant digits; no zero before the point
// where all lie between −1 and 1; small whole numbers stay whole.
export function showNumbers(values) {
  const largest = values.reduce((reach, value) => Math.max(reach, Math.abs(value)), 0);
  if (!(largest < 1e6) || (largest > 0 && largest < 1e-4)) return Array.from(values, showNumber);
  const whole = largest >= 1 && values.every((value) => Number.isInteger(value));
  const places = whole || largest === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(largest)));
  return Array.from(values, (value) => {
    const text = value.toFixed(places);
    if (Number(text) === 0)
      return decimal(places && largest < 1 ? `.${"0".repeat(places)}` : text.replace("-", ""));
    return withMinus(largest < 1 ? text.replace("0.", ".") : text);
  });
}

// Whether a format of showNumbers leaves digits out of any number.
export const areRounded = (values) => {
  const texts = showNumbers(values);
  return values.some((value, at) => readNumber(texts[at]) !== value);
};

// 28 × 28 × 6: rows × columns × channels of a shape (C, H, W), or the length of a vector.
export function showShape(shape) {
  return shape.length === 3 ? `${shape[1]} × ${shape[2]} × ${shape[0]}` : String(shape[0]);
}

export const showCount = (count) => {
  const text = count.toLocaleString("en-GB");
  return POINT === "," ? text.replaceAll(",", "\u202f") : text;
};

// An element with attributes and children; texts become text nodes, null leaves no trace.
export function build(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null));
  return made;
}

export function buildShape(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A button with its meaning in words.
export function makeButton(text, label, act) {
  const made = build("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", act);
  return made;
}

// Gives an element a text, which costs a layout, where it has another.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
