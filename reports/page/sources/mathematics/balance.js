// Both sides of Eqs. (9) and (10), and the masses at which they meet.

/** Class mass w_k = λ_k N_k. */
function classMass(weight, count) {
  return weight.map((w, k) => w * count[k]);
}

/** What class k gives to the others, 1 - P_kk: the sum of the rest of its row. */
function missProba(P, k) {
  return sum(P[k].filter((_, j) => j !== k));
}

const INTERPOLATED_BELOW = 1e-12; // right side over the own mass: nothing is left to compare with

/**
 * Both sides of Eq. (9), left_j = w_j (1 - P_jj) and right_j = Σ_{k≠j} w_k P_kj, their difference
 * and their gap left / right - 1, NaN where the right side vanishes.
 */
function sides(P, mass) {
  const left = mass.map((w, j) => w * missProba(P, j));
  const right = mass.map((_, j) => sum(mass.map((w, k) => (k === j ? 0 : w * P[k][j]))));
  return {
    left,
    right,
    residual: left.map((value, j) => value - right[j]),
    gap: left.map((value, j) =>
      (right[j] < INTERPOLATED_BELOW * mass[j] ? NaN : value / right[j] - 1)),
  };
}

/** Both sides of Eq. (10): (1 - P_00) / P_10 and λ_1 N_1 / (λ_0 N_0). */
function binaryRatio(P, mass) {
  return { left: P[0][1] / P[1][0], right: mass[1] / mass[0] };
}

/**
 * Stationary distribution of P, by the elimination of Grassmann, Taksar and Heyman (1985), which
 * subtracts nothing. Null where no class mix is the only one: a class is never reached.
 */
function stationaryDistribution(P) {
  const K = P.length;
  const a = P.map((row) => [...row]);
  const leaving = new Array(K).fill(0);
  for (let k = K - 1; k > 0; k--) {
    for (let j = 0; j < k; j++) leaving[k] += a[k][j];
    if (!(leaving[k] > 0)) return null;
    for (let i = 0; i < k; i++) {
      const part = a[i][k] / leaving[k];
      for (let j = 0; j < k; j++) a[i][j] += part * a[k][j];
    }
  }
  const share = [1];
  for (let k = 1; k < K; k++) {
    let reached = 0;
    for (let i = 0; i < k; i++) reached += share[i] * a[i][k];
    share.push(reached / leaving[k]);
  }
  if (!share.every((value) => value > 0 && Number.isFinite(value))) return null;
  const total = sum(share);
  return share.map((value) => value / total);
}

/** λ that a classifier acts upon, from P and N alone, summing to one; null where P does not say. */
function effectiveWeight(P, count) {
  const share = stationaryDistribution(P);
  if (share === null) return null;
  const weight = share.map((value, k) => value / count[k]);
  const total = sum(weight);
  return weight.map((value) => value / total);
}
