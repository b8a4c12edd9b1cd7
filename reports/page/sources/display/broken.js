// Section 5: what breaks the balance, predicted without a fit beside what a fit on Sim1 shows.

const BROKEN = {
  none: {
    words: "The plain weighted loss with a bias: predicted are the stated weights, and no residual.",
    controls: [],
  },
  bias: {
    words: "Without a bias nothing levels the beam; by how much it tilts depends on the features. "
      + "These two classes mirror each other, so that the boundary stays at zero, and the model acts "
      + "upon inverse frequencies, whatever was stated.",
    controls: [],
  },
  smoothing: {
    words: "Smoothing gives ε/2 of every sample’s label to each class. In the minimum class 0 "
      + "then gives more than it gets by ε (w₀/W − 1/2) of the total mass W: nothing under inverse "
      + "weights, most where one class has all the mass.",
    controls: ["broken-epsilon"],
  },
  batch: {
    words: "PyTorch’s CrossEntropyLoss(weight=…) divides by the weights in the batch. A batch with "
      + "a sample of the larger weight has a large divisor, so that this class is weighted down just "
      + "where it is present. With B = 1 weights do nothing.",
    controls: ["broken-size"],
  },
};

function brokenState() {
  const how = document.querySelector("[name=broken-how]:checked").value;
  const { weight, count } = pairs("broken-weight", "broken-count");
  const smoothing = valueOf("broken-epsilon"), batchSize = 2 ** valueOf("broken-size");
  showControl("broken-epsilon", fixed(smoothing, 2));
  showControl("broken-size", String(batchSize));
  for (const id of ["broken-epsilon", "broken-size"]) {
    const unused = !BROKEN[how].controls.includes(id);
    element(id).disabled = unused;
    for (const part of [element(id), element(id).previousElementSibling, element(`${id}-shown`)]) {
      part.classList.toggle("off", unused);
    }
  }
  return { how, weight, count, smoothing, batchSize };
}

/** What is known without a fit: weights that are acted upon, or the residual, or both; else NaN. */
function predictBroken({ how, weight, count, smoothing, batchSize }) {
  const mass = classMass(weight, count);
  if (how === "none") return { weight, residual: 0 };
  if (how === "bias") return { weight: [count[1], count[0]], residual: NaN };
  if (how === "smoothing") {
    return { weight: [NaN, NaN], residual: smoothingResidual(mass, smoothing)[0] };
  }
  return { weight: minibatchMeanWeight(weight, count, batchSize), residual: NaN };
}

function observeBroken({ how, weight, count, smoothing, batchSize }) {
  const fit = how === "batch"
    ? fitMinibatchMean({ weight, count, batchSize })
    : fitSim1({
      weight, count, intercept: how !== "bias", smoothing: how === "smoothing" ? smoothing : 0,
    });
  const P = meanProbaSim1(fit.slope, fit.bias);
  const mass = classMass(weight, count);
  return {
    weight: effectiveWeight(P, count) ?? [NaN, NaN],
    residual: sides(P, mass).residual[0] / sum(mass),
  };
}

function drawBroken() {
  const state = brokenState();
  const predicted = predictBroken(state), observed = observeBroken(state);
  element("broken-said").textContent = BROKEN[state.how].words;
  for (const [name, found] of [["predicted", predicted], ["observed", observed]]) {
    show(`broken-weight-${name}`, found.weight[1] / found.weight[0], ratioText(...found.weight, 4));
    show(`broken-residual-${name}`, found.residual, signed(found.residual, 5));
  }
  if (state.how === "smoothing") {
    drawBrokenRows(
      "class 0 gives minus gets, over the total mass", predicted.residual, observed.residual, 0,
      linearScale, [-0.27, 0.27], [-0.2, -0.1, 0, 0.1, 0.2], (t) => signed(t, 1),
    );
  } else {
    const ratio = ([a, b]) => b / a;
    drawBrokenRows("λ₀ : λ₁", ratio(predicted.weight),
      ratio(observed.weight), ratio(state.weight), logScale, [1 / 200, 200],
      [0.01, 0.1, 1, 10, 100], (t) => ratioText(1, t));
  }
  sayLater("broken-live", `Acts upon ${ratioText(...observed.weight, 4)}, predicted `
    + `${ratioText(...predicted.weight, 4)}; residual ${signed(observed.residual, 5)}, predicted `
    + `${signed(predicted.residual, 5)}.`);
}

/** Three marks, each on its line: the stated or plain value, the predicted and the observed one. */
function drawBrokenRows(name, predicted, observed, plain, scale, range, ticks, text) {
  const said = (value) => (scale === logScale ? ratioText(1, value, 4) : signed(value, 5));
  const what = scale === logScale ? "Weights of class 0 to class 1: stated" : `${name}: plain loss`;
  const foretold = Number.isFinite(predicted) ? said(predicted) : "not at all";
  const words = `${what} ${said(plain)}, predicted ${foretold}, observed ${said(observed)}.`;
  draw(element("broken-chart"), 168, words, (width) => {
    const left = 84, right = width - 18, base = 112;
    const x = scale(range, [left, right]);
        const row = (y, rowName, value, made) => [
      segment(left, y, right, y, { class: "axis" }),
      label(0, y + 4, rowName),
      ...(Number.isFinite(value)
        ? made(x(value), y) : [label(left + 8, y - 4, "not by this theory", { class: "soft" })]),
    ];
    return [
      ...(Number.isFinite(predicted)
        ? [segment(x(predicted), 20, x(predicted), base, { class: "guide" })] : []),
      ...row(20, scale === logScale ? "stated" : "plain loss", plain, (at, y) => [
        segment(at, y - 9, at, y + 9, { class: "beam" }),
      ]),
      ...row(56, "predicted", predicted, (at, y) => [
        node("path", {
          d: `M${at - 8} ${y}L${at} ${y - 8}L${at + 8} ${y}L${at} ${y + 8}Z`, class: "hollow",
        }),
      ]),
      ...row(92, "observed", observed, (at, y) => [
        node("circle", { cx: at, cy: y, r: 6.5, class: "mark" }),
      ]),
      ...axisBelow(x, ticks, base, [left, right], name, text),
    ];
  });
}

section("broken", drawBroken);
