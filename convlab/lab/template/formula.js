// A function of x as a layer writes it: "1.7159 tanh(2x / 3)".  There are numbers, x, + − · /
// and brackets, factors side by side, and the functions below.
const FUNCTIONS = {
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  max: Math.max,
  min: Math.min,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
};
const SIGN = /\s*(\d+(?:\.\d+)?|[a-z]+|[-−+·/(),])/y;

export function functionOf(formula) {
  const signs = [];
  SIGN.lastIndex = 0;
  for (let found = SIGN.exec(formula); found; found = SIGN.exec(formula)) signs.push(found[1]);
  let at = 0;
  const take = (...wanted) => (wanted.includes(signs[at]) ? signs[at++] : null);

  function sum() {
    let total = take("−", "-") ? negated(product()) : product();
    for (let sign = take("+", "−", "-"); sign; sign = take("+", "−", "-")) {
      const [before, added] = [total, product()];
      total = sign === "+" ? (x) => before(x) + added(x) : (x) => before(x) - added(x);
    }
    return total;
  }

  const negated = (value) => (x) => -value(x);

  function product() {
    let total = factor();
    for (;;) {
      const sign = take("·", "/");
      if (!sign && !/^[\w(]/.test(signs[at] ?? ")")) return total;
      const [before, next] = [total, factor()];
      total = sign === "/" ? (x) => before(x) / next(x) : (x) => before(x) * next(x);
    }
  }

  function factor() {
    const sign = signs[at++];
    if (sign === "x") return (x) => x;
    if (sign in FUNCTIONS) {
      const inputs = [];
      do {
        at++; // the bracket, then each comma
        inputs.push(sum());
      } while (signs[at] === ",");
      at++;
      const [first, second] = inputs;
      const apply = FUNCTIONS[sign];
      return second ? (x) => apply(first(x), second(x)) : (x) => apply(first(x));
    }
    if (sign === "(") {
      const inner = sum();
      at++;
      return inner;
    }
    const number = Number(sign);
    return () => number;
  }

  return sum();
}
