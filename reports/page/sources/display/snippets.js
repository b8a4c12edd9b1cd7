// The same in Python: for each section a script that prints the numbers that it shows.

/** A number as Python has it, and as short as it was chosen: 1/2.3 where that is what it is. */
function inPython(value) {
  const inverse = 1 / value;
  if (value < 1 && Math.abs(inverse - Number(inverse.toPrecision(3))) < 1e-12 * inverse) {
    return `1 / ${Number(inverse.toPrecision(3))}`;
  }
  return String(Number(value.toPrecision(12)));
}

function listInPython(values) {
  return `[${values.map(inPython).join(", ")}]`;
}

/** Logistic regression on Sim1's population, by quadrature, in scikit-learn. */
function sim1Python(lines, imports = []) {
  return [
    "import numpy as np",
    ...imports,
    "from sklearn.linear_model import LogisticRegression",
    "",
    "import learnprop as lp",
    "",
    "classes = lp.sim1().quadrature()  # the population of Sim1",
    "x = np.concatenate([c.nodes for c in classes])",
    "proba = np.concatenate([c.probability for c in classes])",
    "y = np.repeat([0, 1], [len(c.nodes) for c in classes])",
    "",
    "",
    "def fit(mass, **options):",
    "    model = LogisticRegression(C=np.inf, solver=\"newton-cholesky\", tol=1e-12, **options)",
    "    return model.fit(x, y, sample_weight=proba * np.asarray(mass)[y])",
    "",
    "",
    "def mean_proba(model):",
    "    return np.array([c.mean(model.predict_proba(c.nodes)) for c in classes])",
    "",
    "",
    ...lines,
  ].join("\n");
}

const SNIPPETS = {
  balance() {
    const { weight, count, step, last, moved, target } = balanceState();
    return sim1Python([
      `weight, count = ${listInPython(weight)}, ${listInPython(count)}`,
      "mass = lp.class_mass(weight, count)",
      "model = fit(mass)",
      ...(step === last ? [] : [
        `model.coef_[:] = ${target.slope}  # after ${step} Newton steps from zero`,
        `model.intercept_[:] = ${target.bias}`,
      ]),
      ...(moved === 0 ? [] : [`model.intercept_ += ${moved}`]),
      "P = mean_proba(model)",
      "print(f\"left side {lp.binary_ratio(P):.4g}\")",
      "print(f\"right side {lp.binary_ratio_in_theory(mass):.4g}\")",
      "print(P.round(4))",
      "print(f\"gives minus gets {lp.residual(P, mass)[0] / mass.sum():+.6f}\")",
    ]);
  },
  guess() {
    if (!guessing.revealed) return "";
    return [guessPython(guessing.question)].join("\n");
  },
  three() {
    const { weight, count, separation } = threeState();
    return [
      "import numpy as np",
      "from scipy.stats import multivariate_normal",
      "",
      "import learnprop as lp",
      "",
      `weight, count = ${listInPython(weight)}, ${listInPython(count)}`,
      `separation = ${inPython(separation)}`,
      "classes = lp.gaussian_classes(lp.class_means(\"simplex\", 3, 2, separation))",
      "mass = lp.class_mass(weight, count)",
      "P = lp.posterior_balance(classes, mass).mean_proba",
      "print(P.round(3))",
      "print(\"gives\", (100 * lp.left_side(P, mass) / mass.sum()).round(2))",
      "print(\"gets \", (100 * lp.right_side(P, mass) / mass.sum()).round(2))",
      "for k in range(3):  # a class is right between two boundaries, 60 degrees apart",
      "    others = [j for j in range(3) if j != k]",
      "    reach = separation / 2 + np.log(mass[k] / mass[others]) / separation",
      "    accuracy = multivariate_normal.cdf(reach, cov=[[1, 0.5], [0.5, 1]])",
      "    print(f\"accuracy of class {k} {accuracy:.3f}\")",
    ].join("\n");
  },
  fresh() {
    const rare = valueOf("fresh-share"), kappa = valueOf("fresh-kappa");
    const separation = valueOf("fresh-separation");
    return freshPython([rare, 1 - rare], kappa, separation);
  },
  broken() {
    const state = brokenState();
    const { how, weight, count, smoothing, batchSize } = state;
    const lines = [
      `weight, count = ${listInPython(weight)}, ${listInPython(count)}`,
      "mass = lp.class_mass(weight, count)",
    ];
    lines.push(...BROKEN_PYTHON[how](smoothing, batchSize, predictBroken(state).weight));
    return sim1Python([
      ...lines,
      "P = mean_proba(model)",
      "acts = lp.effective_class_weight(P, count)",
      `print(f"observed: acts upon ${ratioPython("acts", observeBroken(state).weight)}")`,
      "print(f\"observed: residual {lp.residual(P, mass)[0] / mass.sum():+.5f}\")",
    ], how === "batch" ? ["from scipy.stats import binom"] : []);
  },
  undo() {
    const weight = pairAt(valueOf("undo-weight"));
    const count = pairAt(valueOf("undo-count")).map((part) => 1000 * part);
    return sim1Python([
      `weight, count = ${listInPython(weight)}, ${listInPython(count)}`,
      "weighted, plain = fit(lp.class_mass(weight, count)), fit(count)",
      "boundary = -weighted.intercept_ / weighted.coef_[0]",
      "threshold = plain.predict_proba(boundary[None])[0, 1]",
      "print(f\"threshold {threshold:.4g}, rule of thumb {weight[0] / sum(weight):.4g}\")",
      "",
      "",
      "def accuracy(x):  # class 0 is 1.5 + N(0, 1) + U(-0.5, 0), class 1 its mirror image",
      "    of_0 = quad(lambda u: norm.sf(x - 1.5 - u), -0.5, 0)[0] / 0.5",
      "    of_1 = quad(lambda u: norm.cdf(x + 1.5 - u), 0, 0.5)[0] / 0.5",
      "    return f\"{of_0:.4f} {of_1:.4f}\"",
      "",
      "",
      "print(\"weighted  \", accuracy(boundary[0]))",
      "print(\"unweighted\", accuracy(-plain.intercept_[0] / plain.coef_[0, 0]))",
    ], ["from scipy.integrate import quad", "from scipy.stats import norm"]);
  },
  yours() {
    if (!yours.found?.columns || !yours.state) return "";
    return yoursPython(yours);
  },
};

function freshPython(share, kappa, separation) {
  return [
    "import learnprop as lp",
    "",
    `share, separation = ${listInPython(share)}, ${inPython(separation)}`,
    "for name, weight in ((\"inverse\", [share[1] / share[0], 1]), (\"equal\", [1, 1])):",
    "    state = lp.state_evolution(",
    `        ${inPython(kappa)}, class_share=share, class_weight=weight, separation=separation`,
    "    )",
    "    own = state.mean_proba[0, 0]",
    "    print(f\"{name}: gives / gets {1 + state.gap[0]:.4g}, own {own:.3f}\", end=\", \")",
    "    print(f\"slope x {state.inflation:.2f}\")",
    "threshold = lp.separability_threshold(class_share=share, separation=separation)",
    "print(f\"classes can be parted from {threshold:.3g} on\")",
  ].join("\n");
}

/** A ratio λ0 : λ1 as it is shown, in an f-string. */
function ratioPython(name, weight) {
  return weight[0] >= weight[1]
    ? `{${name}[0] / ${name}[1]:.4g} : 1` : `1 : {${name}[1] / ${name}[0]:.4g}`;
}

/** What each way of breaking it says before a fit, and the fit. */
const BROKEN_PYTHON = {
  none: () => ["model = fit(mass)"],
  bias: () => ["model = fit(mass, fit_intercept=False)"],
  smoothing: (smoothing) => [
    `epsilon = ${inPython(smoothing)}`,
    "predicted = lp.label_smoothing_residual(mass, epsilon)[0] / mass.sum()",
    "print(f\"predicted: residual {predicted:+.5f}\")",
    "share = proba * mass[y]  # a smoothed label is a sample of both classes",
    "model = LogisticRegression(C=np.inf, solver=\"newton-cholesky\", tol=1e-12).fit(",
    "    np.concatenate([x, x]),",
    "    np.concatenate([y, 1 - y]),",
    "    sample_weight=np.concatenate([(1 - epsilon / 2) * share, epsilon / 2 * share]),",
    ")",
  ],
  batch: (_, batchSize, weight) => [
    `predicted = lp.minibatch_mean_class_weight(weight, count, ${batchSize})`,
    `print(f"predicted: acts upon ${ratioPython("predicted", weight)}")`,
    `B = ${batchSize}`,
    "of_1 = np.arange(B + 1)  # samples of class 1 in a batch, and their part of its mean:",
    "part = of_1 * weight[1] / (of_1 * weight[1] + (B - of_1) * weight[0])",
    "part_1 = binom.pmf(of_1, B, count[1] / sum(count)) @ part",
    "model = fit([1 - part_1, part_1])",
  ],
};

function guessPython(k) {
  if (k === 3) return freshPython([0.1, 0.9], 0.05, 2);
  if (k === 4) {
    return [
      "import learnprop as lp",
      "",
      "acts = lp.minibatch_mean_class_weight([1, 100], [10_000, 100], batch_size=64)",
      "print(f\"{acts[1] / acts[0]:.1f}\")",
    ].join("\n");
  }
  const mass = [[1000, 10000], [1, 1], [1, 1]][k];
  return sim1Python([`print(f"{mean_proba(fit([${mass.join(", ")}]))[0, 0]:.3f}")`]);
}

/** lp.check of the file that was read, by its own columns. */
function yoursPython({ found, name, state }) {
  const quotedName = (text) => JSON.stringify(text);
  const whole = found.classes.every((text) => /^(0|-?[1-9]\d*)$/.test(text));
  // Read as text what pandas would read as something else.
  const isOther = (text) => Number.isFinite(Number(text)) || /^(true|false)$/i.test(text);
  const isNothing = (text) => /^(#?n\/a|<?na>?|nan|null|none)$/i.test(text);
  const labels = found.classes.map((text) => (whole ? text : quotedName(text)));
  const columns = found.columns.map(quotedName).join(", ");
  const file = /^The (text|example)$/.test(name) ? "predictions.csv" : name;
  const options = [
    ...(found.separator === "," ? [] : [`, sep=${quotedName(found.separator)}`]),
    ...(found.decimal === "," ? [", decimal=\",\""] : []),
    ...(!whole && found.classes.some(isOther) ? [`, dtype={${quotedName(found.label)}: str}`] : []),
    ...(found.classes.some(isNothing) ? [", keep_default_na=False"] : []),
  ].join("");
  return [
    "import pandas as pd",
    "",
    "import learnprop as lp",
    "",
    `data = pd.read_csv(${quotedName(file)}${options})`,
    ...(found.positive === null ? [`proba = data[[${columns}]].to_numpy()`] : []),
    "report = lp.check(",
    `    data[${quotedName(found.label)}],`,
    ...(found.positive === null
      ? ["    proba / proba.sum(axis=1, keepdims=True),", `    labels=[${labels.join(", ")}],`]
      : [`    data[${columns}],`, `    pos_label=${labels[found.positive]},`]),
    ...(state.unstated ? [] : [`    class_weight=${listInPython(state.stated)},`]),
    ...(state.given ? [`    train_count=${listInPython(state.count)},`] : []),
    ")",
    "print(report)",
  ].join("\n");
}

/** Put a button and the code into a section; the code is made when the section comes to rest. */
function refreshSnippet(id) {
  const place = document.querySelector(`[data-snippet="${id}"]`);
  const code = SNIPPETS[id]();
  place.hidden = code === "";
  if (!place.childElementCount) place.append(...snippetParts(id));
  const shown = element(`${id}-code`);
  if (shown.textContent !== code) {
    shown.textContent = code;
    element(`${id}-copied`).textContent = "";
  }
}

function snippetParts(id) {
  const copy = htmlNode("button", { type: "button", id: `${id}-copy` }, "copy the Python");
  const look = htmlNode("button", {
    type: "button", id: `${id}-look`, "aria-expanded": "false", "aria-controls": `${id}-code-box`,
  }, "show it");
  const said = htmlNode("span", { id: `${id}-copied`, class: "copied", role: "status" });
  const code = htmlNode("code", { id: `${id}-code` });
  const box = htmlNode("pre", {
    id: `${id}-code-box`, tabindex: "0", role: "region", "aria-label": "Python", hidden: "",
  }, code);
  const open = (isOpen) => {
    box.hidden = !isOpen;
    look.textContent = isOpen ? "hide it" : "show it";
    look.setAttribute("aria-expanded", String(isOpen));
  };
  look.addEventListener("click", () => open(box.hidden));
  copy.addEventListener("click", async () => {
    if (await copyText(code.textContent)) {
      said.textContent = "Copied.";
      return;
    }
    open(true);
    getSelection().selectAllChildren(code);
    said.textContent = "Selected: copy it with Ctrl or ⌘ and C.";
  });
  return [htmlNode("div", { class: "buttons" }, copy, look, said), box];
}
