// Two Gaussian classes where n_features / n_samples = κ stays fixed: P of logistic regression on
// fresh data, by the fixed point of learnprop.equations.limits.state_evolution.binary.

const SIDE = [-1, 1]; // signs of the two means, -μ and μ
const LARGEST_SPREAD = 100; // of the log odds; at Python's 1000 the fixed point takes seconds

/**
 * κ from which on the classes are separable, min over (t, b) of
 * Σ_k π_k E (√(1 + t²) Z - t |μ| - s_k b)_+², which is convex: Newton's method with step halving.
 */
function separabilityThreshold(share, separation) {
  const size = separation / 2;
  if (size > 36) return 0;
  const at = ([t, b]) => {
    const sd = Math.hypot(1, t);
    let loss = 0, byT = 0, byB = 0, tt = 0, tb = 0, bb = 0;
    SIDE.forEach((side, k) => {
      const mean = -t * size - side * b, x = mean / sd;
      const above = normalCdf(x), density = normalDensity(x);
      const byMean = 2 * sd * (x * above + density), bySd = 2 * sd * above;
      const [sdByT, sdByTT] = [t / sd, 1 / sd ** 3];
      const [mm, ms, ss] = [2 * above, 2 * density, 2 * (above - x * density)];
      loss += share[k] * sd * sd * ((1 + x * x) * above + x * density);
      byT += share[k] * (bySd * sdByT - byMean * size);
      byB -= share[k] * byMean * side;
      tt += share[k] * (mm * size * size - 2 * ms * size * sdByT + ss * sdByT ** 2 + bySd * sdByTT);
      tb += share[k] * side * (mm * size - ms * sdByT);
      bb += share[k] * mm;
    });
    return { loss, gradient: [byT, byB], hessian: [[tt, tb], [tb, bb]] };
  };
  let point = [size, 0], here = at(point);
  for (let k = 0; k < 200; k++) {
    const step = solve(here.hessian, here.gradient);
    let scale = 1, next, there;
    do {
      next = point.map((value, i) => value - scale * step[i]);
      there = at(next);
      scale /= 2;
    } while (!(there.loss <= here.loss * (1 + 1e-14)) && scale > 1e-9);
    point = next;
    here = there;
    if (Math.max(...step.map(Math.abs)) <= 1e-9 * (1 + Math.hypot(...point))) break;
  }
  return here.loss;
}

/**
 * Solve a - c σ(-a) = t for a, the proximal operator of the logistic loss: Newton's method, which
 * converges from between 0 and the solution.
 */
function proximalMargin(margin, step) {
  let a = margin > -step / 2 ? Math.max(margin, 0) : Math.min(margin + step, 0);
  for (let k = 0; k < 60; k++) {
    const miss = expit(-a);
    const change = (a - step * miss - margin) / (1 + step * miss * expit(a));
    a -= change;
    if (Math.abs(change) <= 1e-8) break; // the next would be of its square
  }
  return a;
}

/** Rule for functions of the log odds centre + spread Z; null where the spread is out of hand. */
function freshRule(centre, spread) {
  if (!(spread <= LARGEST_SPREAD)) return null;
  const beyond = spread ? Math.max(...centre.map(Math.abs)) / spread : 0;
  const step = spread ? Math.min(0.5, 0.5 / spread) : 0.5;
  return standardNormalRule(step, 9 + Math.min(beyond, 29));
}

/** Mean and spread on fresh data of the log odds of the true class, at the unknowns of fixedPoint. */
function freshLogits(at, kappa, size) {
  const slope = Math.exp(at[0]), noise = Math.exp(at[2]);
  return {
    slope,
    noise,
    centre: SIDE.map((side) => slope * (size * size + side * at[1])),
    spread: Math.sqrt((slope * size) ** 2 + kappa * noise * noise),
  };
}

/**
 * Equations of the fixed point, of the slope, the balance, the variance and the trace, and their
 * Jacobian, in log ρ, b/ρ, log ν and log(γ/κ); null where there is no rule.
 */
function fixedPoint(at, kappa, share, weight, size) {
  const { slope, noise, centre, spread } = freshLogits(at, kappa, size);
  const rule = freshRule(centre, spread);
  if (rule === null) return null;
  const zeros = () => [0, 0, 0, 0];
  const lost = [0, 0], lostBy = [zeros(), zeros()];
  let square = 0, trace = 0;
  const squareBy = zeros(), traceBy = zeros();
  for (let k = 0; k < 2; k++) {
    const step = kappa * Math.exp(at[3]) * weight[k];
    const mass = share[k] * weight[k];
    for (let i = 0; i < rule.node.length; i++) {
      const z = rule.node[i], probability = rule.probability[i];
      const a = proximalMargin(centre[k] + spread * z, step);
      const miss = expit(-a), curvature = miss * expit(a), damping = 1 + step * curvature;
      const perSpread = z / (spread || 1);
      const moved = [
        centre[k] + (slope * size) ** 2 * perSpread,
        slope * SIDE[k],
        kappa * noise * noise * perSpread,
        step * miss,
      ];
      lost[k] += mass * miss * probability;
      square += mass * weight[k] * miss * miss * probability;
      trace += (mass * curvature * probability) / damping;
      for (let u = 0; u < 4; u++) {
        const byU = moved[u] / damping;
        lostBy[k][u] -= mass * curvature * byU * probability;
        squareBy[u] -= 2 * mass * weight[k] * miss * curvature * byU * probability;
        let curvatureBy = curvature * (2 * miss - 1) * byU;
        if (u === 3) curvatureBy -= curvature * curvature * step;
        traceBy[u] += (mass * curvatureBy * probability) / damping ** 2;
      }
    }
  }
  const total = lost[0] + lost[1], difference = lost[1] - lost[0];
  const own = [[1, 0, 0, -1], [0, 0, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]];
  const by = [0, 1, 2, 3].map((u) => {
    const totalBy = lostBy[0][u] + lostBy[1][u], differenceBy = lostBy[1][u] - lostBy[0][u];
    return [
      -totalBy / total,
      (differenceBy - (difference / total) * totalBy) / total,
      -squareBy[u] / square / 2,
      traceBy[u] / trace,
    ];
  });
  return {
    residual: [
      at[0] - at[3] - Math.log(total),
      difference / total,
      at[2] - at[3] - Math.log(square) / 2,
      at[3] + Math.log(trace),
    ],
    jacobian: own.map((row, e) => row.map((value, u) => value + by[u][e])),
  };
}

/** Newton's method with step halving for fixedPoint; null where it does not settle. */
function solveFixedPoint(start, kappa, share, weight, size) {
  const norm = (found) => (found ? Math.max(...found.residual.map(Math.abs)) : Infinity);
  let at = start, here = fixedPoint(at, kappa, share, weight, size);
  for (let k = 0; k < 50 && norm(here) > 1e-13; k++) {
    const step = solve(here.jacobian, here.residual);
    let scale = 1, next, there;
    do {
      next = at.map((value, i) => value - scale * step[i]);
      there = fixedPoint(next, kappa, share, weight, size);
      scale /= 2;
    } while (!(norm(there) < norm(here)) && scale > 1e-3);
    if (!(norm(there) < norm(here))) break;
    at = next;
    here = there;
  }
  return norm(here) <= 1e-10 ? at : null;
}

/**
 * State evolution at rising values of κ, each from the one before: P on fresh data, both sides of
 * Eq. (9) per training sample, and the slope over the population minimiser's. Null from where the
 * classes are separable.
 */
function stateEvolutionPath(kappas, share, weight, separation) {
  const size = separation / 2;
  const scale = dot(share, weight);
  const scaled = weight.map((value) => value / scale);
  const mass = share.map((value, k) => value * scaled[k]);
  const threshold = separabilityThreshold(share, separation);
  if (threshold === 0) return kappas.map(() => null);
  let at = [Math.log(2), Math.log(mass[1] / mass[0]) / 2, 0, 0];
  // At κ = 0 each of these is in its own equation alone, once the trace is met.
  for (const u of [3, 2]) at[u] -= fixedPoint(at, 0, share, scaled, size).residual[u];
  let done = 0, stride = 1;
  return kappas.map((kappa) => {
    const depth = kappa < threshold ? -Math.log1p(-kappa / threshold) : Infinity;
    while (depth < Infinity && done < depth && stride > 1e-2) {
      const to = Math.min(done + stride, depth);
      const partly = to === depth ? kappa : threshold * -Math.expm1(-to);
      const found = solveFixedPoint(at, partly, share, scaled, size);
      if (found === null) stride /= 2;
      else [at, done, stride] = [found, to, 2 * stride];
    }
    if (done !== depth) return null;
    const { slope, centre, spread } = freshLogits(at, kappa, size);
    const rule = freshRule(centre, spread);
    const P = SIDE.map((side, k) => [-1, 1].map((sign) =>
      dot(rule.probability, rule.node.map((z) => expit(sign * side * (centre[k] + spread * z))))));
    return { kappa, P, ...sides(P, share.map((s, k) => s * weight[k])), inflation: slope / 2 };
  });
}

/** State evolution at one κ. */
function stateEvolution(kappa, share, weight, separation) {
  return stateEvolutionPath([kappa], share, weight, separation)[0];
}
