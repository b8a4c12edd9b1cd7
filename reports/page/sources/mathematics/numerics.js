// What the equations are computed with: stable functions, rules of integration, linear equations.

/** Logistic function 1 / (1 + e^-z); 1 - expit(z) is expit(-z), never a subtraction. */
function expit(z) {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** log(1 + e^z), without overflow. */
function logOnePlusExp(z) {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** Probabilities proportional to exp(logits). */
function softmax(logits) {
  const highest = Math.max(...logits);
  const parts = logits.map((z) => Math.exp(z - highest));
  const total = sum(parts);
  return parts.map((part) => part / total);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Σ a_i b_i. */
function dot(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** Trapezoid rule for the standard normal on ±reach, which converges exponentially in 1/step. */
function standardNormalRule(step = 0.25, reach = 9) {
  const n = Math.ceil(reach / step);
  const node = Array.from({ length: 2 * n + 1 }, (_, i) => step * (i - n));
  const density = node.map((x) => Math.exp(-0.5 * x * x));
  const total = sum(density);
  return { node, probability: density.map((d) => d / total) };
}

/** Gauss-Legendre rule on [low, high]: Newton's method for the roots of the Legendre polynomial. */
function gaussLegendre(low, high, n = 20) {
  const node = [], weight = [];
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5)), slope = 1;
    for (let step = 0; step < 8; step++) {
      let before = 1, value = x;
      for (let k = 2; k <= n; k++) {
        [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
      }
      slope = (n * (x * value - before)) / (x * x - 1);
      x -= value / slope;
    }
    node.push(low + ((high - low) * (x + 1)) / 2);
    weight.push((high - low) / ((1 - x * x) * slope * slope));
  }
  return { node, weight };
}

/** Solve A x = b by elimination with partial pivoting. */
function solve(A, b) {
  const rows = A.map((row, i) => [...row, b[i]]);
  const n = b.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    }
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const x = new Array(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let rest = rows[i][n];
    for (let j = i + 1; j < n; j++) rest -= rows[i][j] * x[j];
    x[i] = rest / rows[i][i];
  }
  return x;
}

/** Density of the standard normal. */
function normalDensity(x) {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
}

/**
 * Distribution function of the standard normal, accurate relative to itself in the lower tail:
 * its series near zero, its continued fraction (Abramowitz and Stegun 26.2.14) away from it.
 */
function normalCdf(x) {
  if (x > 3) return 1 - normalCdf(-x);
  if (x < -3) {
    let fraction = -x;
    for (let k = 80; k > 0; k--) fraction = -x + k / fraction;
    return normalDensity(x) / fraction;
  }
  let term = x, series = x;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(series); k += 2) {
    term *= (x * x) / k;
    series += term;
  }
  return 0.5 + normalDensity(x) * series;
}

/** Where normalCdf is p, of 0 < p < 1, by bisection: no derivative to go wrong in a tail. */
function normalQuantile(p) {
  if (p > 0.5) return -normalQuantile(1 - p);
  let low = -40, high = 0;
  for (let k = 0; k < 100 && high - low > 1e-15 * -low; k++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(X <= a and Y <= b) of standard normals with correlation 1/2 (Drezner and Wesolowsky 1990). */
function normalPairCdf(a, b) {
  const rule = gaussLegendre(0, Math.PI / 6);
  const integrand = rule.node.map((angle) => {
    const s = Math.sin(angle), c = Math.cos(angle);
    return Math.exp(-(a * a - 2 * a * b * s + b * b) / (2 * c * c));
  });
  return normalCdf(a) * normalCdf(b) + dot(rule.weight, integrand) / (2 * Math.PI);
}
