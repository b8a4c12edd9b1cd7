// Section 1: both sides of Eq. (10) on Sim1, and why they meet.

const FOLLOW = 110; // milliseconds in which the shown fit comes closer by a factor e
const shownFit = { slope: NaN, bias: NaN };
let training = 0; // milliseconds until the next Newton step, while the button's training runs

/** What the controls ask for: the fit, the step that is shown of it, and the moved bias. */
function balanceState() {
  const { weight, count } = pairs("balance-weight", "balance-count");
  const fit = fitSim1({ weight, count });
  const steps = element("balance-step"), last = fit.steps.length - 1;
  if (Number(steps.max) !== last) {
    const trained = steps.value === steps.max;
    steps.max = String(last);
    if (trained) steps.value = steps.max;
  }
  const step = Number(steps.value), moved = valueOf("balance-bias");
  showControl("balance-step", step === last ? `${step}, at the minimum` : `${step} of ${last}`);
  showControl("balance-bias", signed(moved, 2));
  return { weight, count, fit, step, last, moved, target: fit.steps[step] };
}

/** Let the shown fit follow the one that is asked for; true while it is on its way. */
function follow(target, elapsed) {
  const part = CALM.matches || Number.isNaN(shownFit.slope) ? 1 : 1 - Math.exp(-elapsed / FOLLOW);
  const rest = { slope: target.slope - shownFit.slope, bias: target.bias - shownFit.bias };
  const close = Math.abs(rest.slope) + Math.abs(rest.bias) < 2e-4;
  if (part === 1 || close) {
    Object.assign(shownFit, { slope: target.slope, bias: target.bias });
    return false;
  }
  shownFit.slope += part * rest.slope;
  shownFit.bias += part * rest.bias;
  return true;
}

function drawBalance(elapsed) {
  let state = balanceState();
  if (training) {
    training -= elapsed;
    if (training <= 0) {
      element("balance-step").value = String(state.step + 1);
      state = balanceState();
      training = state.step < state.last ? 420 : 0;
      writeFragment();
    }
  }
  const moves = follow(state.target, elapsed);
  const { weight, count } = state;
  const shown = { slope: shownFit.slope, bias: shownFit.bias + state.moved };
  const mass = classMass(weight, count);
  const total = sum(mass);
  const share = mass.map((m) => m / total);
  const P = meanProbaSim1(shown.slope, shown.bias);
  const ratio = binaryRatio(P, mass);
  const here = lossSim1({ ...shown, weight, count });
  showBalanceNumbers(P, ratio, sides(P, mass).residual[0] / total, here.gradient[1] / total);
  drawLever(
    element("balance-lever"), share, [P[0][1], P[1][0]],
    `Beam: class 0 hangs ${massText(share[0])} of the mass at ${significant(P[0][1])}, class 1 `
      + `${massText(share[1])} at ${significant(P[1][0])}; ${levelWords(ratio)}.`,
  );
  drawDensities(element("balance-densities"), share, shown, P);
  const slope = slopeText(here.gradient[1] / total, levelSign(ratio) === "=", 3);
  drawLossOfBias(element("balance-loss"), state, shown, here, slope);
  if (!moves && !training) {
    sayLater("balance-live", `Left side ${significant(ratio.left, 4)}, right side `
      + `${significant(ratio.right, 4)}: ${levelWords(ratio)}. Mean probabilities of the own `
      + `class: class 0 ${fixed(P[0][0], 3)}, class 1 ${fixed(P[1][1], 3)}.`);
  }
  return moves || training > 0;
}

/** Whether both sides are equal but for rounding; else which is larger. */
function levelSign({ left, right }) {
  if (Math.abs(left / right - 1) < 1e-9) return "=";
  return left > right ? ">" : "<";
}

function levelWords(ratio) {
  const sign = levelSign(ratio);
  if (sign === "=") return "it is level";
  return `it tilts to class ${sign === ">" ? 0 : 1}`;
}

function showBalanceNumbers(P, ratio, residual, slope) {
  show("balance-left", ratio.left, significant(ratio.left, 4));
  show("balance-right", ratio.right, significant(ratio.right, 4));
  element("balance-verdict").textContent = levelSign(ratio);
  for (const i of [0, 1]) {
    for (const j of [0, 1]) show(`balance-p${i}${j}`, P[i][j], fixed(P[i][j], 4));
  }
  const level = levelSign(ratio) === "=";
  show("balance-residual", residual, slopeText(residual, level, 6));
  show("balance-slope", slope, slopeText(slope, level, 6));
}

/** With so many decimals, or with three digits where those are nought and it is not level. */
function slopeText(value, level, decimals) {
  const needed = 2 - Math.floor(Math.log10(Math.abs(value)));
  return signed(value, level ? decimals : Math.max(decimals, Math.min(needed, 15)));
}

/** Densities times mass; filled is what each class gives away, at every x. */
function drawDensities(svg, share, { slope, bias }, P) {
  const boundary = boundarySim1({ slope, bias });
  const words = `Densities of both classes by their shares of the mass, ${massText(share[0])} and `
    + `${massText(share[1])}, the probability of class 0, and the boundary at `
    + `${fixed(boundary, 2)}. Class 0 gives away ${significant(P[0][1])}, class 1 `
    + `${significant(P[1][0])} on average.`;
  draw(svg, 250, words, (width) => {
    const base = 214, left = 4, right = width - 30;
    const x = linearScale([-5, 5], [left, right]);
    const y = linearScale([0, 0.4], [base, 14]);
    const toOne = linearScale([0, 1], [base, 14]);
    const grid = spaced(-5, 5, 121);
    const density = share.map((m, k) => grid.map((at) => m * SIM1[k].density(at)));
    const given = density.map((values, k) => values.map(
      (value, i) => value * expit((k ? -1 : 1) * (slope * grid[i] + bias)),
    ));
    const points = (values, scale) => values.map((value, i) => [x(grid[i]), scale(value)]);
    const drawn = [0, 1].flatMap((k) => [
      area(points(given[k], y), base, { fill: `url(#pattern-${k})` }),
      curve(points(given[k], y), { class: `curve thin class-${k}` }),
      curve(points(density[k], y), { class: `curve class-${k}${k ? " dashed" : ""}` }),
    ]);
    drawn.push(
      curve(points(grid.map((at) => expit(-slope * at - bias)), toOne), { class: "guide" }),
      ...axisBelow(x, [-4, -2, 0, 2, 4], base, [left, right], "x"),
      label(width, toOne(0), 0, { anchor: "end", class: "soft" }),
      label(width, toOne(1) + 4, 1, { anchor: "end", class: "soft" }),
      label(width, toOne(0.5) + 4, "½", { anchor: "end", class: "soft" }),
      label(right, 8, "probability of class 0", { anchor: "end", class: "soft" }),
      ...[2.2, -2.2].map((at, k) => label(
        x(at) + (k ? -4 : 4), y(share[k] * SIM1[k].density(at)) - 6, className(k),
        { anchor: k ? "end" : "start", class: `strong class-${k}` },
      )),
    );
    if (Math.abs(boundary) < 5) {
      const anchor = boundary < -3.5 ? "start" : "end";
      drawn.push(
        segment(x(boundary), 14, x(boundary), base, { class: "string" }),
        label(x(boundary) + (anchor === "end" ? -6 : 6), 26, "boundary", { anchor, class: "soft" }),
      );
    }
    return drawn;
  });
}

/** Loss against the bias at the shown slope, with the tangent at the shown bias. */
function drawLossOfBias(svg, { weight, count, moved }, shown, here, slope) {
  const total = sum(classMass(weight, count)), tangent = here.gradient[1] / total;
  const words = `Loss against the bias; at the bias shown its slope is ${slope}.`;
  draw(svg, 190, words, (width) => {
    const base = 150, left = 4, right = width - 4;
    const offset = spaced(-4.4, 4.4, 45);
    const loss = offset.map((by) => lossSim1({
      slope: shown.slope, bias: shown.bias - moved + by, weight, count,
    }).loss / total);
    const low = Math.min(...loss), high = Math.max(...loss, low + 0.2);
    const x = linearScale([-4.4, 4.4], [left, right]);
    const y = linearScale([low, high], [base - 12, 12]);
    const at = (by) => [x(by), y(here.loss / total + tangent * (by - moved))];
    const ends = [Math.max(-4.4, moved - 1.6), Math.min(4.4, moved + 1.6)];
    const side = moved > 0 ? -1 : 1;
    return [
      ...axisBelow(x, [-4, -2, 0, 2, 4], base, [left, right], "bias, moved by"),
      curve(offset.map((by, i) => [x(by), y(loss[i])]), { class: "curve" }),
      segment(...at(ends[0]), ...at(ends[1]), { class: "curve thin class-0" }),
      node("circle", { cx: at(moved)[0], cy: at(moved)[1], r: 6, class: "mark" }),
      label(x(moved) + 16 * side, Math.max(16, at(moved)[1] - 12),
        `slope ${slope}`, { anchor: side < 0 ? "end" : "start", class: "strong" }),
      label(left, 14, "loss", { class: "soft" }),
    ];
  });
}

section("balance", drawBalance);
// Other masses are trained anew: the bias is at its minimum again, and the last step is shown.
for (const id of ["balance-weight", "balance-count"]) {
  element(id).addEventListener("input", () => {
    element("balance-bias").value = "0";
    element("balance-step").value = element("balance-step").max;
  });
}
onClick("balance-equal", () => setControl("balance-weight", 0));
onClick("balance-inverse", () => setControl("balance-weight", -valueOf("balance-count")));
onClick("balance-paper", () => {
  element("balance-count").value = "1";
  setControl("balance-weight", -1.3);
});
onClick("balance-train", () => {
  element("balance-bias").value = "0";
  element("balance-step").value = CALM.matches ? element("balance-step").max : "0";
  training = CALM.matches ? 0 : 700;
  changed("balance");
});
for (const id of ["balance-step", "balance-weight", "balance-count"]) {
  element(id).addEventListener("input", () => { training = 0; });
}
