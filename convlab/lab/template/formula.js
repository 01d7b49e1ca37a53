// A function of x as a layer writes it: "1.7159 tanh(2x / 3)".  There are numbers, x, + − · /
// and brackets, factors side by side, and the functions below.

// The error function to 1.5e-7: Abramowitz & Stegun 1964, formula 7.1.26.
const FIT = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const share = t * FIT.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  return Math.sign(x) * (1 - share * Math.exp(-x * x));
}

const FUNCTIONS = {
  abs: Math.abs,
  erf,
  exp: Math.exp,
  log: Math.log,
  max: Math.max,
  min: Math.min,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
};
const SLOPES = {
  abs: Math.sign,
  erf: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
  exp: Math.exp,
  log: (x) => 1 / x,
  sqrt: (x) => 0.5 / Math.sqrt(x),
  tanh: (x) => 1 - Math.tanh(x) ** 2,
};
const SIGN = /\s*(\d+(?:\.\d+)?|[a-z]+|[-−+·/(),])/y;

// Beside the function itself: `linear`, [a, b] where it is a x + b, and `clamp`, [low, high] where
// it is x between them; both are computed without asking the function for each number.
// `slope` is the derivative.
const constant = (number) =>
  Object.assign(() => number, { linear: [0, number], slope: () => 0 });
const identity = () =>
  Object.assign((x) => x, { linear: [1, 0], clamp: [-Infinity, Infinity], slope: () => 1 });
const isConstant = ({ linear }) => linear?.[0] === 0;

function scaledBy(one, other, apply, divide) {
  const made = divide ? (x) => one(x) / other(x) : (x) => one(x) * other(x);
  made.slope = divide
    ? (x) => (one.slope(x) - (one(x) / other(x)) * other.slope(x)) / other(x)
    : (x) => one.slope(x) * other(x) + one(x) * other.slope(x);
  const [steady, moving] = isConstant(one) && !divide ? [one, other] : [other, one];
  if (isConstant(steady) && moving.linear) {
    made.linear = moving.linear.map((part) => apply(part, steady.linear[1]));
  }
  return made;
}

function addedTo(one, other, sign) {
  const made = sign > 0 ? (x) => one(x) + other(x) : (x) => one(x) - other(x);
  made.slope = (x) => one.slope(x) + sign * other.slope(x);
  if (one.linear && other.linear) {
    made.linear = one.linear.map((part, at) => part + sign * other.linear[at]);
  }
  return made;
}

function bounded(extreme, one, other) {
  const made = (x) => extreme(one(x), other(x));
  // Where both are equal, that of the constant.
  made.slope = (x) => {
    const [first, second] = [one(x), other(x)];
    if (first === second) return isConstant(one) || isConstant(other) ? 0 : one.slope(x);
    return extreme(first, second) === first ? one.slope(x) : other.slope(x);
  };
  const [steady, moving] = isConstant(one) ? [one, other] : [other, one];
  if (isConstant(steady) && moving.clamp) {
    made.clamp = moving.clamp.map((end) => extreme(end, steady.linear[1]));
  }
  return made;
}

export function functionOf(formula) {
  const signs = [];
  SIGN.lastIndex = 0;
  for (let found = SIGN.exec(formula); found; found = SIGN.exec(formula)) signs.push(found[1]);
  let at = 0;
  const take = (...wanted) => (wanted.includes(signs[at]) ? signs[at++] : null);

  function sum() {
    let total = take("−", "-") ? negated(product()) : product();
    for (let sign = take("+", "−", "-"); sign; sign = take("+", "−", "-")) {
      total = addedTo(total, product(), sign === "+" ? 1 : -1);
    }
    return total;
  }

  const negated = (value) => scaledBy(constant(-1), value, (a, b) => a * b, false);

  function product() {
    let total = factor();
    for (;;) {
      const sign = take("·", "/");
      if (!sign && !/^[\w(]/.test(signs[at] ?? ")")) return total;
      const divide = sign === "/";
      const apply = divide ? (a, b) => a / b : (a, b) => a * b;
      total = scaledBy(total, factor(), apply, divide);
    }
  }

  function factor() {
    const sign = signs[at++];
    if (sign === "x") return identity();
    if (sign in FUNCTIONS) {
      const inputs = [];
      do {
        at++; // the bracket, then each comma
        inputs.push(sum());
      } while (signs[at] === ",");
      at++;
      const [first, second] = inputs;
      const apply = FUNCTIONS[sign];
      if (second) return bounded(apply, first, second);
      if (isConstant(first)) return constant(apply(first.linear[1]));
      const slope = (x) => SLOPES[sign](first(x)) * first.slope(x);
      return Object.assign((x) => apply(first(x)), { slope });
    }
    if (sign === "(") {
      const inner = sum();
      at++;
      return inner;
    }
    return constant(Number(sign));
  }

  return sum();
}
