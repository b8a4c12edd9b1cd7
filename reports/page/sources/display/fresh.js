// Section 4: what overfitting does to the balance on fresh data, by state evolution.

const HOW = ["inverse", "equal"];
const POINTS = 37;
const AT_ONCE = 8; // milliseconds of a frame for the curves; the first few points come first
const NEAR = 0.975; // of the threshold: nearer, a fixed point takes 0.1 s and more, or is not found
const path = { key: "", threshold: 0, points: {}, waiting: [] };

function weightsOf(how, share) {
  return how === "inverse" ? [share[1] / share[0], 1] : [1, 1];
}

function givesOverGets(state) {
  return state ? state.left[0] / state.right[0] : NaN;
}

/** Begin both curves anew where the design changed: a few points of each, then those between. */
function beginPath(share, separation) {
  const key = `${share} ${separation}`;
  if (path.key === key) return;
  path.key = key;
  path.threshold = separabilityThreshold(share, separation);
  // Closer together where the curves bend away.
  const kappas = spaced(0, 1, POINTS).map((u) => path.threshold * (1 - (1 - u) ** 1.6) * NEAR);
  const parts = [0, 6, 3, 9, 1, 2, 4, 5, 7, 8, 10, 11].map(
    (first) => kappas.filter((_, i) => i % 12 === first),
  );
  path.points = { inverse: [], equal: [] };
  path.waiting = parts.flatMap((part) => HOW.map((how) => () => {
    stateEvolutionPath(part, share, weightsOf(how, share), separation).forEach((state, i) => {
      path.points[how].push([part[i], givesOverGets(state)]);
    });
    path.points[how].sort(([one], [other]) => one - other);
  }));
}

/** Compute some of the curves' points; true while some are left. */
function continuePath() {
  const began = performance.now();
  do path.waiting.shift()?.(); while (path.waiting.length && performance.now() - began < AT_ONCE);
  return path.waiting.length > 0;
}

function drawFresh() {
  const rare = valueOf("fresh-share"), separation = valueOf("fresh-separation");
  const kappa = valueOf("fresh-kappa");
  const share = [rare, 1 - rare];
  showControl("fresh-kappa", brief(kappa));
  showControl("fresh-share", percentText(rare, 0));
  showControl("fresh-separation", `${fixed(separation, 1)} SD`);
  beginPath(share, separation);
  const moves = continuePath();
  show("fresh-threshold", path.threshold, significant(path.threshold));
  const now = {};
  for (const how of HOW) {
    const state = kappa <= NEAR * path.threshold
      ? stateEvolution(kappa, share, weightsOf(how, share), separation) : null;
    const ratio = givesOverGets(state);
    now[how] = ratio;
    show(`fresh-${how}-ratio`, ratio, significant(ratio, 4));
    const { own, inflation } = state ? { own: state.P[0][0], ...state } : { own: NaN, inflation: NaN };
    show(`fresh-${how}-own`, own, fixed(own, 3));
    show(`fresh-${how}-inflation`, inflation, state ? `× ${fixed(inflation, 2)}` : MISSING);
  }
  element("fresh-said").textContent = freshWords(now, kappa, rare);
  drawFreshChart(kappa, now);
  sayLater("fresh-live", element("fresh-said").textContent);
  return moves;
}

function freshWords(now, kappa, rare) {
  if (!Number.isFinite(now.inverse)) {
    return kappa < path.threshold
      ? "Too near to where the classes can be parted: the fixed point is not solved there in this page."
      : "The classes of the training sample can be parted: there is no minimum, and training never "
        + "ends.";
  }
  const against = (ratio) => `${percentText(Math.abs(ratio - 1))} ${ratio < 1 ? "less" : "more"}`;
  const few = rare === 0.5 ? "Weights are equal here, and by symmetry there is no gap."
    : `With inverse weights the rare class gives ${against(now.inverse)} than it gets, with equal `
      + `ones ${against(now.equal)}.`;
  return `${few} For 1,000 training samples these are ${brief(1000 * kappa)} features.`;
}

function drawFreshChart(kappa, now) {
  const words = `Gives over gets of the rare class on fresh data, over features per sample. At `
    + `${brief(kappa)}: inverse weights ${significant(now.inverse)}, equal weights `
    + `${significant(now.equal)}. Classes part at ${significant(path.threshold)}.`;
  draw(element("fresh-chart"), 314, words, (width) => {
    const left = 34, right = width - 4, base = 270, top = 34;
    const end = Math.max(1.22 * path.threshold, 1.05 * kappa, 0.02);
    const x = linearScale([0, end], [left, right]);
    const y = logScale([0.5, 8], [base, top]);
    const inside = (how) => path.points[how].filter(([, ratio]) => ratio >= 0.5 && ratio <= 8);
    const lines = HOW.map((how, k) => curve(
      inside(how).map(([at, ratio]) => [x(at), y(ratio)]),
      { class: `curve class-${k}${k ? " dashed" : ""}` },
    ));
    const parted = x(path.threshold);
    const drawn = [
      node("rect", {
        x: parted, y: top, width: Math.max(0, right - parted), height: base - top, class: "barred",
      }),
      ...axisLeft(y, [0.5, 1, 2, 4, 8], left, right),
      ...axisBelow(x, linearTicks(0, end), base, [left, right], "features per sample, d/N"),
      label(0, 14, "gives / gets, rare class", { class: "soft" }),
      label(right - 4, y(1.6), "classes can be parted", { anchor: "end", class: "soft" }),
      ...lines,
      ...HOW.map((how, k) => freshLabel(inside(how), how, k, x, y)),
    ];
    drawn.push(segment(x(kappa), top, x(kappa), base, { class: "guide" }));
    HOW.forEach((how, k) => {
      if (now[how] >= 0.5 && now[how] <= 8) drawn.push(mark(k, x(kappa), y(now[how]), 6));
    });
    return drawn;
  });
}

/** A curve's name, beside it where it is two fifths of its way. */
function freshLabel(points, how, k, x, y) {
  if (!points.length) return "";
  const [at, ratio] = points[Math.floor(0.5 * (points.length - 1))];
  const above = how === "inverse", aside = above && x(at) < 160;
  const [dx, dy, anchor] = aside ? [12, 12, "start"] : above ? [-10, -8, "end"] : [0, 22, "middle"];
  return label(x(at) + dx, y(ratio) + dy, `${how} weights`, { anchor, class: `strong class-${k}` });
}

section("fresh", drawFresh);
