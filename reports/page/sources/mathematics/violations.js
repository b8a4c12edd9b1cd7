// What breaks Eq. (9), and what then holds instead, predicted without a fit.

/** Residual r / Σw of Eq. (9) under label smoothing of λ_y × smoothed cross-entropy. */
function smoothingResidual(mass, smoothing) {
  const total = sum(mass);
  return mass.map((w) => smoothing * (w / total - 1 / mass.length));
}

/**
 * Weights that a loss acts upon whose minibatches are divided by their own weights,
 * λ_k E 1 / (λ_k + S_{B-1}) = λ_k ∫ e^{-tλ_k} (Σ_c p_c e^{-tλ_c})^{B-1} dt, summing to one: the
 * trapezoid rule in log t, which converges exponentially.
 */
function minibatchMeanWeight(weight, count, batchSize) {
  const total = sum(weight), n = sum(count);
  const scaled = weight.map((w) => w / total), share = count.map((c) => c / n);
  // e^{-tλ} is 1 below 1e-18 / max λ and 0 above 1e3 / min λ.
  const first = Math.log(1e-18 / Math.max(...scaled)), last = Math.log(1e3 / Math.min(...scaled));
  const nodes = 2001, acts = scaled.map(() => 0);
  for (let i = 0; i < nodes; i++) {
    const t = Math.exp(first + ((last - first) * i) / (nodes - 1));
    const decay = scaled.map((w) => Math.exp(-t * w));
    const others = dot(share, decay) ** (batchSize - 1);
    scaled.forEach((w, k) => { acts[k] += w * decay[k] * others * t; });
  }
  const all = sum(acts);
  return acts.map((value) => value / all);
}

/**
 * Sim1 fitted to the expected loss of minibatches of two classes divided by their own weights:
 * over each number m of class 1 among the B, by its binomial probability, class 1 has the part
 * m λ_1 / (m λ_1 + (B - m) λ_0) of the loss.
 */
function fitMinibatchMean({ weight, count, batchSize }) {
  const share = count.map((c) => c / sum(count));
  let logChoices = 0; // log of B choose m
  const part = [0, 0];
  for (let m = 0; m <= batchSize; m++) {
    if (m > 0) logChoices += Math.log((batchSize - m + 1) / m);
    const probability = Math.exp(
      logChoices + m * Math.log(share[1]) + (batchSize - m) * Math.log(share[0]),
    );
    const [zero, one] = [(batchSize - m) * weight[0], m * weight[1]];
    part[0] += (probability * zero) / (zero + one);
    part[1] += (probability * one) / (zero + one);
  }
  return fitSim1({ weight: part, count: [1, 1] });
}
