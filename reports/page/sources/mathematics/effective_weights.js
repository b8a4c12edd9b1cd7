// How well a test sample knows the weights that a classifier acts upon: the delta method, or, where
// too few misses are expected for it, bounds that are true of every sample size.

const MIN_MISSES = 10;
const ENOUGH_ALIKE = 25; // as SMALL in learnprop.equations.inference.few_misses
const ROUNDING = 64 * Number.EPSILON;

/**
 * Covariance of the predictions within each class, with divisor n. The own class's row and column
 * follow from the others', since f_k = 1 - Σ f_a: M - PP' of numbers near one is but rounding.
 */
function withinClassCovariance(P, secondMoment) {
  return secondMoment.map((M, k) => {
    const S = M.map((row, a) => row.map((value, b) => {
      const centred = value - P[k][a] * P[k][b];
      return a === k || b === k || Math.abs(centred) <= ROUNDING * value ? 0 : centred;
    }));
    const others = S.map((row) => -sum(row));
    S.forEach((row, a) => {
      if (a !== k) [S[k][a], row[k]] = [others[a], others[a]];
    });
    S[k][k] = -sum(S[k].filter((_, a) => a !== k));
    return S;
  });
}

/** Whether the classifier predicts the same for every sample: nothing of it is uncertain. */
function isConstant(P, secondMoment) {
  return P.every((row, k) => row.every((p, a) =>
    Math.abs(p - P[0][a]) <= ROUNDING && row.every((q, b) =>
      Math.abs(secondMoment[k][a][b] - p * q) <= ROUNDING * secondMoment[k][a][b])));
}

/** n_k (1 - P_kk): how many misses are expected, of which ten make an interval trustworthy. */
function expectedMisses(P, n) {
  return n.map((size, k) => size * missProba(P, k));
}

/** Whether Σ over `classes` of units × given is worth enough of its largest terms. */
function isEnough(given, variance, unit, n, classes) {
  let side = 0, largest = 0, largestBySize = 0;
  for (const k of classes) {
    const f = given[k], square = variance[k] + f * f;
    const alike = square > 0 ? (n[k] * f * f) / square : 0;
    const least = Math.max(1.5, Math.cbrt(ENOUGH_ALIKE * n[k] ** 2) / MIN_MISSES) * MIN_MISSES;
    const size = f > 0 && alike >= least ? square / f : 1;
    side += unit[k] * n[k] * f;
    largest = Math.max(largest, unit[k]);
    largestBySize = Math.max(largestBySize, unit[k] * size);
  }
  return side >= MIN_MISSES * largest || side >= 1.5 * MIN_MISSES * largestBySize;
}

/** Why large-sample intervals of Eq. (9) under a mass cannot be trusted, by class; "" where they can. */
function tooFewMisses(P, secondMoment, n, mass, names) {
  const K = P.length;
  if (isConstant(P, secondMoment)) return new Array(K).fill("");
  const variance = withinClassCovariance(P, secondMoment).map((S) => S.map((row, j) => row[j]));
  const unit = mass.map((w, k) => w / n[k]);
  const all = [...P.keys()];
  return all.map((j) => {
    const given = all.map((k) => (k === j ? missProba(P, k) : P[k][j]));
    const spread = all.map((k) => variance[k][j]);
    const enough = (classes) => [given, given.map((f) => 1 - f)].every(
      (f) => isEnough(f, spread, unit, n, classes),
    );
    const others = all.filter((k) => k !== j);
    if (!enough([j])) {
      const hits = given[j] > 0.5;
      const expected = n[j] * Math.min(given[j], 1 - given[j]);
      return `class ${names[j]} has ${Number(expected.toPrecision(2))} expected ` +
        `${hits ? "hits" : "misses"} in ${plural(n[j], "sample")}, fewer than ${MIN_MISSES}`;
    }
    if (!enough(others)) {
      const k = others.reduce((a, b) => (unit[b] > unit[a] ? b : a));
      const worth = sum(others.map((i) => mass[i] * P[i][j])) / unit[k];
      return `what other classes give to class ${names[j]} is worth ` +
        `${Number(worth.toPrecision(2))} misses of class ${names[k]} (${plural(n[k], "sample")}), ` +
        `fewer than ${MIN_MISSES}`;
    }
    return "";
  });
}

/**
 * Chernoff's bounds of the expectation m of a sum of independent terms within [0, unit]: where
 * m - S + S log(S / m) = unit log(1 / tail), on either side of the observed S, by bisection.
 */
function boundsOfSum(total, unit, tail) {
  const allowed = -unit * Math.log(tail);
  if (total <= 0) return [0, allowed];
  const excess = (m) => m - total + total * Math.log(total / m) - allowed;
  const bisect = (near, far) => {
    for (let k = 0; k < 200; k++) {
      const middle = (near + far) / 2;
      if (middle === near || middle === far) break;
      if (excess(middle) < 0) near = middle;
      else far = middle;
    }
    return (near + far) / 2;
  };
  const most = total + allowed + Math.sqrt(allowed * allowed + 2 * total * allowed);
  // Of next to nothing, as Python: no lower bound, and an upper one from h >= (m - S)² / 2m.
  if (allowed > 600 * total) return [0, most];
  return [bisect(total, total * Math.exp(-1 - allowed / total)), bisect(total, most)];
}

/** Bounds of λ_1 / λ_0 of two classes at every sample size: of the gap of Eq. (10) at equal weights. */
function weightRatioBounds(P, n, count, level) {
  const [left, right] = [count[0] * P[0][1], count[1] * P[1][0]];
  if (right < INTERPOLATED_BELOW * count[0]) return [0, Infinity];
  const tail = (1 - level) / 4;
  const lost = boundsOfSum(left, count[0] / n[0], tail);
  const gained = boundsOfSum(right, count[1] / n[1], tail);
  return [
    lost[0] / Math.min(gained[1], count[1]),
    gained[0] > 0 ? Math.min(lost[1], count[0]) / gained[0] : Infinity,
  ];
}

/**
 * Weights that one model acts upon, with intervals for their value on the population, symmetric in
 * log λ_k: dπ = π dP D with D = (I - P + 1π)^-1 - 1π, from n test samples of each class. Where too
 * few misses are expected, `reason` says so and the ends are bounds (of more than two classes 0
 * and 1). Null where P has no stationary distribution.
 */
function effectiveWeightInterval({ P, secondMoment, n, count, level = 0.95, names }) {
  const share = stationaryDistribution(P);
  if (share === null) return null;
  const K = P.length;
  const weight = effectiveWeight(P, count);
  const called = names ?? share.map((_, k) => String(k));
  const reason = tooFewMisses(P, secondMoment, n, share, called).find((said) => said) ?? "";
  if (reason) {
    let low = new Array(K).fill(0), high = new Array(K).fill(1);
    if (K === 2) {
      const [least, most] = weightRatioBounds(P, n, count, level);
      low = [1 / (1 + most), 1 - 1 / (1 + least)];
      high = [1 / (1 + least), 1 - 1 / (1 + most)];
    }
    return weight.map((value, k) => ({ value, low: low[k], high: high[k], reason }));
  }
  const deviation = deviationMatrix(P, share);
  const total = withinClassCovariance(P, secondMoment).reduce(
    (sums, S, k) => sums.map((row, a) => row.map((value, b) =>
      value + (share[k] ** 2 / (n[k] - 1)) * S[a][b])),
    P.map((row) => row.map(() => 0)),
  );
  const z = normalQuantile((1 + level) / 2);
  return weight.map((value, k) => {
    // log λ_k = log π_k - log N_k - log Σ_j π_j / N_j, and its derivatives by π, then through D.
    const byShare = share.map((pi, j) => (j === k ? 1 / pi : 0) - weight[j] / pi);
    const direction = deviation.map((row) => dot(row, byShare));
    const variance = dot(direction, total.map((row) => dot(row, direction)));
    const factor = Math.exp(z * Math.sqrt(Math.max(variance, 0)));
    return { value, low: value / factor, high: value * factor, reason: "" };
  });
}

/** D = (I - P + 1π)^-1 - 1π, with I - P from the entries off the diagonal, in units near one. */
function deviationMatrix(P, share) {
  const leaving = P.map((row, i) => row.map((p, j) => (i === j ? missProba(P, i) : -p)));
  const size = Math.max(...leaving.map((row) => Math.max(...row)));
  const A = leaving.map((row) => row.map((value, j) => value / size + share[j]));
  const columns = share.map((_, j) => solve(A, share.map((__, i) => (i === j ? 1 : 0))));
  return share.map((_, i) => share.map((pi, j) => (columns[j][i] - pi) / size));
}
