// Sim1 of the paper: two classes in one dimension, and the logistic regression that many samples
// lead to. x is normal plus uniform: N(1.5, 1) + U(-0.5, 0) in class 0, mirrored in class 1.

const SIM1_REACH = 12; // standard deviations: a mean of 1e-15 still comes from within

/** A class of Sim1: density, distribution function and a rule for expectations. */
function sim1Class(mean, low, high) {
  const uniform = gaussLegendre(low, high);
  const overUniform = (ofNormal) => (x) =>
    dot(uniform.weight, uniform.node.map((u) => ofNormal(x - mean - u))) / (high - low);
  const [density, cdf] = [normalDensity, normalCdf].map(overUniform);
  const centre = mean + (low + high) / 2;
  const step = 0.25; // the trapezoid rule converges exponentially, as in standardNormalRule
  const n = SIM1_REACH / step;
  const node = Array.from({ length: 2 * n + 1 }, (_, i) => centre + step * (i - n));
  const probability = node.map((x) => step * density(x));
  return { node, probability, density, cdf };
}

const SIM1 = [sim1Class(1.5, -0.5, 0), sim1Class(-1.5, 0, 0.5)];

/** Target of the log odds in each class: 0 and 1, or what label smoothing makes of them. */
function smoothedTarget(smoothing) {
  return [smoothing / 2, 1 - smoothing / 2];
}

/**
 * Population loss Σ_k w_k E_k ℓ in units of class mass, ℓ = log(1 + e^z) - target z with the log
 * odds z = slope x + bias of class 1; its gradient and Hessian in (slope, bias).
 */
function lossSim1({ slope, bias, weight, count, smoothing = 0 }) {
  const mass = classMass(weight, count);
  let loss = 0, bySlope = 0, byBias = 0, slopeSlope = 0, slopeBias = 0, biasBias = 0;
  SIM1.forEach(({ node, probability }, k) => {
    for (let i = 0; i < node.length; i++) {
      const x = node[i], z = slope * x + bias, share = mass[k] * probability[i];
      const one = expit(z), zero = expit(-z);
      // p - target of class 1 is the mixture of p and -(1 - p)
      const toOne = smoothedTarget(smoothing)[k];
      const error = (1 - toOne) * one - toOne * zero;
      loss += share * ((1 - toOne) * logOnePlusExp(z) + toOne * logOnePlusExp(-z));
      bySlope += share * error * x;
      byBias += share * error;
      const curvature = share * one * zero;
      slopeSlope += curvature * x * x;
      slopeBias += curvature * x;
      biasBias += curvature;
    }
  });
  return {
    loss,
    gradient: [bySlope, byBias],
    hessian: [[slopeSlope, slopeBias], [slopeBias, biasBias]],
  };
}

/**
 * Minimiser of lossSim1 by Newton's method with step halving, from zero; steps holds every point on
 * the way, the start and the minimum included. Without intercept the bias stays zero.
 */
function fitSim1({ weight, count, intercept = true, smoothing = 0 }) {
  const total = sum(classMass(weight, count));
  const at = (point) => lossSim1({ ...point, weight, count, smoothing });
  const steps = [{ slope: 0, bias: 0 }];
  let point = steps[0], here = at(point);
  for (let k = 0; k < 100; k++) {
    const [bySlope, byBias] = here.gradient;
    const [change, shift] = intercept
      ? solve(here.hessian, [bySlope, byBias])
      : [bySlope / here.hessian[0][0], 0];
    let size = 1, next, there;
    do {
      next = { slope: point.slope - size * change, bias: point.bias - size * shift };
      there = at(next);
      size /= 2;
    } while (there.loss > here.loss + 1e-14 * total && size > 1e-9);
    point = next;
    here = there;
    steps.push(point);
    if (Math.abs(change) + Math.abs(shift) <= 1e-9) break; // the next would be of its square
  }
  return { ...point, gradient: here.gradient, steps };
}

/** P of the log odds slope x + bias. */
function meanProbaSim1(slope, bias) {
  return SIM1.map(({ node, probability }) => {
    const logit = node.map((x) => slope * x + bias);
    return [-1, 1].map((sign) => dot(probability, logit.map((z) => expit(sign * z))));
  });
}

/** x where the log odds are zero. */
function boundarySim1({ slope, bias }) {
  return -bias / slope;
}

/** Threshold on the probability of class 1 at which a fit has its boundary at x. */
function thresholdAtSim1({ slope, bias }, x) {
  return expit(slope * x + bias);
}

/** Shares that are called class 1 where everything below x is: of class 0, and of class 1. */
function operatingPoint(x) {
  return { falsePositive: SIM1[0].cdf(x), truePositive: SIM1[1].cdf(x) };
}

/** Accuracy on each class where everything below x is called class 1. */
function accuracySim1(x) {
  // Class 1 is class 0 mirrored: what lies above x in the one lies below -x in the other.
  return [SIM1[1].cdf(-x), SIM1[1].cdf(x)];
}

/** n points of the ROC curve, from none called class 1 to all; no weight moves it. */
function rocSim1(n = 101) {
  return Array.from({ length: n }, (_, i) => {
    const x = -7 + (14 * i) / (n - 1);
    return { x, ...operatingPoint(x) };
  });
}

/** Area under the ROC curve: the probability that class 1 lies below class 0. */
function aucSim1() {
  return dot(SIM1[0].probability, SIM1[0].node.map(SIM1[1].cdf));
}
