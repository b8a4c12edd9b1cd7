// Section 6: a weight moves the boundary along one ROC curve; a threshold does the same.

const CURVE_POINTS = rocSim1(141);

function undoState() {
  const { weight, count } = pairs("undo-weight", "undo-count");
  const weighted = fitSim1({ weight, count }), plain = fitSim1({ weight: [1, 1], count });
  const boundary = boundarySim1(weighted);
  return {
    weight, weighted, plain, boundary,
    plainBoundary: boundarySim1(plain),
    threshold: thresholdAtSim1(plain, boundary),
  };
}

function drawUndo() {
  const state = undoState();
  const { weight, boundary, plainBoundary, threshold } = state;
  const rows = [["weighted", boundary], ["plain", plainBoundary], ["moved", boundary]];
  for (const [name, at] of rows) {
    accuracySim1(at).forEach((right, k) => show(`undo-${name}-${k}`, right, fixed(right, 4)));
  }
  const rule = weight[0] / (weight[0] + weight[1]);
  show("undo-threshold", threshold, significant(threshold, 4));
  show("undo-rule", rule, significant(rule, 4));
  drawRoc(element("undo-roc"), boundary, plainBoundary);
  drawUndoCurves(element("undo-curves"), state);
  sayLater("undo-live", `The unweighted model decides as the weighted one at a threshold of `
    + `${significant(threshold)}.`);
}

function drawRoc(svg, boundary, plainBoundary) {
  const at = [boundary, plainBoundary].map(operatingPoint);
  const said = at.map((point) =>
    `${fixed(point.truePositive, 3)} of class 1 and ${fixed(point.falsePositive, 3)} of class 0`);
  const words = `ROC curve, the same for both models. Called class 1: weighted at 0.5 ${said[0]}; `
    + `unweighted at 0.5 ${said[1]}.`;
  draw(svg, 330, words, (width) => {
    const left = 28, right = width - 6, top = 34;
    const base = 282;
    const x = linearScale([0, 1], [left, right]), y = linearScale([0, 1], [base, top]);
    const place = (point) => [x(point.falsePositive), y(point.truePositive)];
    const [weighted, plain] = at.map(place);
    const key = [[left + 0.3 * width, base - 72], [left + 0.3 * width, base - 36]];
    return [
      ...axisLeft(y, [0, 0.5, 1], left, right),
      ...axisBelow(x, [0, 0.5, 1], base, [left, right], "class 0 called class 1"),
      label(0, 14, "class 1 called class 1", { class: "soft" }),
      curve(CURVE_POINTS.map(place), { class: "curve" }),
      ...[plain, key[1]].map(([cx, cy]) => node("circle", { cx, cy, r: 6, class: "hollow" })),
      ...[weighted, key[0]].flatMap(([cx, cy]) => [
        node("circle", { cx, cy, r: 10, class: "hollow class-1", "fill-opacity": 0 }),
        node("circle", { cx, cy, r: 5, class: "mark" }),
      ]),
      label(key[0][0] + 18, key[0][1] - 3, "weighted, and", {}),
      label(key[0][0] + 18, key[0][1] + 13, "unweighted, moved", {}),
      label(key[1][0] + 18, key[1][1] + 4, "unweighted", {}),
    ];
  });
}

/** Probability of class 1 of both models, and where each threshold crosses them. */
function drawUndoCurves(svg, { weighted, plain, boundary, plainBoundary, threshold }) {
  const words = `Probability of class 1 over x. The weighted model crosses 0.5 at x = `
    + `${fixed(boundary, 2)}; the unweighted one is ${significant(threshold)} there, and crosses 0.5 `
    + `at ${fixed(plainBoundary, 2)}.`;
  draw(svg, 330, words, (width) => {
    const left = 28, right = width - 6, top = 34, base = 282;
    const x = linearScale([-5, 5], [left, right]), y = linearScale([0, 1], [base, top]);
    const grid = spaced(-5, 5, 101);
    const shape = (fit, attributes) => curve(
      grid.map((at) => [x(at), y(expit(fit.slope * at + fit.bias))]), attributes,
    );
    // Beside the curve where its probability is a quarter, away from the other one if there is room.
    const nameOfCurve = (fit, name, isFurther, ofClass) => {
      const at = x((Math.log(1 / 3) - fit.bias) / fit.slope);
      const isRight = at < left + 80 || (isFurther && at < right - 80);
      return label(at + (isRight ? 10 : -10), y(0.25) + 4, name, {
        anchor: isRight ? "start" : "end", class: ofClass,
      });
    };
    return [
      ...axisLeft(y, [0, 0.5, 1], left, right),
      ...axisBelow(x, [-4, -2, 0, 2, 4], base, [left, right], "x"),
      label(0, 14, "probability of class 1", { class: "soft" }),
      segment(left, y(threshold), right, y(threshold), { class: "guide" }),
      label(
        right, y(threshold) + (threshold > 0.9 ? 16 : -6), `threshold ${significant(threshold)}`,
        { anchor: "end", class: "soft" },
      ),
      segment(x(boundary), y(0.5), x(boundary), y(threshold), { class: "string" }),
      shape(plain, { class: "curve dashed" }),
      shape(weighted, { class: "curve class-1" }),
      nameOfCurve(weighted, "weighted", boundary > plainBoundary, "strong class-1"),
      nameOfCurve(plain, "unweighted", boundary <= plainBoundary, "strong"),
      node("circle", { cx: x(boundary), cy: y(0.5), r: 5, class: "mark class-1" }),
      node("circle", { cx: x(boundary), cy: y(threshold), r: 5, class: "hollow" }),
    ];
  });
}

section("undo", drawUndo);
