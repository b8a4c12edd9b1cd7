// Section 7: a visitor's own predictions. What comes from a file is only ever set as text.

const MOST_BYTES = 8 * 2 ** 20; // read in a second or two, during which the page stands still
const MOST_SHOWN = 12; // classes
const yours = { found: null, name: "", text: "", classes: null, state: null, reading: 0 };
const EXAMPLE = { "yours-count": "10000, 100", "yours-weight": "1, 100" };

function complain(words) {
  element("yours-problem").textContent = words;
  if (words) element("yours-result").hidden = true;
}

/** Empty what the example filled in, unless it was typed over since. */
function forgetExample() {
  for (const [id, filled] of Object.entries(EXAMPLE)) {
    if (element(id).value === filled) element(id).value = "";
  }
}

/** As if nothing had been given. */
function forgetYours() {
  Object.assign(yours, { found: null, name: "", text: "", classes: null, state: null });
  yours.reading += 1;
  for (const id of ["yours-file", "yours-text", "yours-count", "yours-weight"]) {
    element(id).value = "";
  }
  element("yours-read-now").textContent = "";
  complain("");
}

/**
 * Read a text of predictions; what is wrong with it is said in one line. Sizes and weights stay
 * where they were typed for the same classes, and are the example's no more.
 */
function readYours(text, name) {
  yours.reading += 1;
  if (text !== yours.text) forgetExample();
  const found = text.trim() === "" ? { problem: "there is nothing in it" } : readPredictions(text);
  if (!found.problem) {
    const classes = JSON.stringify(found.classes);
    if (yours.classes !== null && yours.classes !== classes) {
      for (const id of ["yours-count", "yours-weight"]) element(id).value = "";
    }
    yours.classes = classes;
  }
  Object.assign(yours, { found: found.problem ? null : found, name, text });
  complain(found.problem ? `${name}: ${found.problem}.` : "");
  redraw("yours");
}

async function readFile(file) {
  if (!file) return;
  const size = `${brief(file.size / 2 ** 20)} MiB`;
  yours.reading += 1;
  const asked = yours.reading;
  element("yours-text").value = "";
  forgetExample();
  yours.text = "";
  if (file.size > MOST_BYTES) {
    yours.found = null;
    complain(`${file.name} has ${size}; up to ${MOST_BYTES / 2 ** 20} MiB are read here. `
      + "learnprop check reads a file of any size, piece by piece.");
    redraw("yours");
    return;
  }
  element("yours-read-now").textContent = `Reading ${file.name}, ${size} …`;
  try {
    const text = await file.text();
    await new Promise((done) => { setTimeout(done, 30); }); // let the line above be painted
    if (yours.reading !== asked) return; // something else was given since
    readYours(text, file.name);
  } catch {
    if (yours.reading !== asked) return;
    yours.found = null;
    complain(`${file.name} cannot be read: is it a folder, or was it moved?`);
    redraw("yours");
  }
  element("yours-read-now").textContent = "";
}

/** Positive numbers, one per class, in a text; null where it is empty. Throws one line. */
function numbersIn(text, what, K) {
  const parts = text.split(/[\s,;:]+/).filter(Boolean);
  if (!parts.length) return null;
  const numbers = parts.map(Number);
  const wrong = parts.findIndex((_, i) => !(numbers[i] > 0 && Number.isFinite(numbers[i])));
  if (wrong >= 0) throw new Unreadable(`${what}: ${quoted(parts[wrong])} is no positive number`);
  if (parts.length !== K) throw new Unreadable(`${what}: ${parts.length} given for ${K} classes`);
  return numbers;
}

function statedWeights(text, count) {
  const name = text.trim().toLowerCase();
  if (name === "" || name === "equal") return count.map(() => 1);
  if (name === "inverse" || name === "balanced") return count.map((n) => Math.max(...count) / n);
  return numbersIn(text, "stated weights", count.length);
}

/**
 * Weights acted upon with their intervals, in the unit of the lightest class that was stated. Of
 * two classes that class is 1; of more each weight is that against all others together, which weigh
 * what was stated.
 */
function weightsByClass(effective, stated) {
  const unit = stated.indexOf(Math.min(...stated));
  const odds = (values, k) => values[k] / sum(values.filter((_, j) => j !== k));
  const values = effective.map((e) => e.value);
  return effective.map(({ value, low, high, reason }, k) => {
    if (effective.length === 2 && k === unit) return { value: 1, low: 1, high: 1, reason };
    const omega = odds(values, k);
    const scale = stated[k] / stated[unit] / odds(stated, k);
    // The delta method's interval of log λ is carried on to log ω; bounds are carried as they are.
    const end = (share) => (
      reason ? share / (1 - share) : omega * (share / value) ** (omega / value)
    );
    return { value: scale * omega, low: scale * end(low), high: scale * end(high), reason };
  });
}

function drawYours() {
  yours.state = null; // without one there is no Python to copy
  element("yours-result").hidden = !yours.found;
  if (!yours.found) return;
  const { found } = yours, K = found.classes.length;
  try {
    const given = numbersIn(element("yours-count").value, "training samples", K);
    const count = given ?? found.count;
    const stated = statedWeights(element("yours-weight").value, count);
    const doubt = doubtOf(found);
    const unstated = element("yours-weight").value.trim() === "";
    if (doubt) {
      yours.state = { count, stated, unstated, given: given !== null };
      complain(`${yours.name}: ${doubt} No weights are shown; the Python prints the tables.`);
      return;
    }
    const effective = effectiveWeightInterval({
      P: found.P, secondMoment: found.secondMoment, n: found.count, count, names: found.classes,
    });
    if (effective === null) {
      complain("Some class is never predicted: these do not say which weights they act upon.");
      return;
    }
    complain("");
    const weights = weightsByClass(effective, stated);
    yours.state = { count, stated, unstated, given: given !== null, weights };
    showYours(found, yours.state);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    complain(`${error.message}.`);
  }
}

/** A weight and its interval, each on a line of its own where there is little room. */
function intervalParts({ value, low, high }) {
  if (low === value && high === value) return [brief(value)];
  const part = (text) => htmlNode("span", {}, text);
  return [part(significant(value, 4)), " ", part(endsText(low, high))];
}

function endsText(low, high) {
  const text = (end) => (end < 0.001 ? "< 0.001" : end < 1e6 ? significant(end) : "∞");
  return `[${text(low)}, ${text(high)}]`;
}

function showYours(found, { count, stated, unstated, given, weights }) {
  const both = sides(found.P, classMass(stated, count));
  const total = sum(classMass(stated, count));
  element("yours-said").textContent = yoursWords(found, stated, unstated, weights);
  const misses = expectedMisses(found.P, found.count);
  const reason = weights[0].reason;
  element("yours-note").textContent = [
    `${yours.name}: ${plural(found.n, "row")}, ${found.classes.length} classes.`,
    found.positive === null ? "" : `Column ${found.columns[0]} is taken for the probability of `
      + `class ${found.classes[found.positive]}.`,
    found.classes.length === 2 ? "" : "A class’s weight is that against all others together, where "
      + "those weigh what was stated.",
    given ? "" : "Class sizes of training are taken from the file: right only if it has the classes "
      + "in the same shares.",
    reason
      ? `Too little for a large-sample interval: ${reason}. The ends shown are bounds, true at any size.`
      : "",
    "Intervals are of 95 %, each by itself, and of this very model on fresh data. The noise of its "
      + "training sample moves a model too: learnprop check says whether that suffices for the gap. "
      + `Fewest expected misses of a class: ${significant(Math.min(...misses))}.`,
  ].filter(Boolean).join(" ");
  drawWeights(found, stated, weights);
  const cell = (name, value, ...parts) => htmlNode("td", {}, htmlNode("output", {
    id: name,
    "data-number": name,
    "data-value": String(value),
    class: parts.length > 1 ? "interval" : undefined,
  }, ...parts));
  const lightest = Math.min(...stated);
  const rows = found.classes.slice(0, MOST_SHOWN).map((name, k) => htmlNode(
    "tr", {}, htmlNode("th", { scope: "row" }, name),
    cell(`yours-stated-${k}`, stated[k] / lightest, brief(stated[k] / lightest)),
    cell(`yours-weight-${k}`, weights[k].value, ...intervalParts(weights[k])),
    cell(`yours-left-${k}`, both.left[k] / total, percentText(both.left[k] / total)),
    cell(`yours-right-${k}`, both.right[k] / total, percentText(both.right[k] / total)),
    cell(`yours-gap-${k}`, both.gap[k], `${signed(100 * both.gap[k], 1)}\u00a0%`),
  ));
  const heads = ["class", "stated", "acts upon [95 %]", "gives", "gets", "gap"].map(
    (head) => htmlNode("th", { scope: "col" }, head),
  );
  element("yours-table").replaceChildren(
    htmlNode("caption", {}, "Eq. (9) under stated weights, of the total mass"),
    htmlNode("thead", {}, htmlNode("tr", {}, ...heads)),
    htmlNode("tbody", {}, ...rows),
  );
  const more = found.classes.length - MOST_SHOWN;
  if (more > 0) element("yours-note").textContent += ` ${more} more classes are not shown.`;
}

/** What is known: the weights, beside those stated; the verdict is learnprop check's. */
function yoursWords(found, stated, unstated, weights) {
  const { classes } = found, lightest = Math.min(...stated);
  const whether = "off by more than 5\u00a0% says learnprop check.";
  if (classes.length === 2) {
    const heavy = 1 - stated.indexOf(lightest);
    const { value, low, high } = weights[heavy];
    const said = `${brief(stated[heavy] / lightest)}${TO}1`;
    return `It acts upon ${significant(value, 4)}${TO}1 ${endsText(low, high)}, class `
      + `${classes[heavy]} to class ${classes[1 - heavy]}; `
      + `${unstated ? `no weights were stated: ${said} is assumed` : `${said} was stated`}. `
      + `Whether the balance is ${whether}`;
  }
  const over = weights.map(({ value }, k) => (value * lightest) / stated[k]);
  const off = over.map((ratio) => Math.abs(Math.log(ratio)));
  const k = off.indexOf(Math.max(...off)), by = lightest / stated[k];
  return `Furthest off, class ${classes[k]} acts upon ${significant(over[k])} `
    + `${endsText(by * weights[k].low, by * weights[k].high)} times what `
    + `${unstated ? "equal weights give it; no weights were stated: equal ones are assumed"
      : "was stated"}. Whether any class is ${whether}`;
}

/** Weights acted upon over those stated, with their intervals, on a logarithmic scale. */
function drawWeights(found, stated, weights) {
  const lightest = Math.min(...stated);
  const shown = weights.map(({ value, low, high }, k) => {
    const by = lightest / stated[k];
    return { name: found.classes[k], value: by * value, low: by * low, high: by * high };
  }).filter(({ low, high }) => low < high || weights.length > 2).slice(0, MOST_SHOWN);
  const words = `Weights acted upon over stated: ${shown.map((one) =>
    `${one.name} ${significant(one.value)}`).join(", ")}.`;
  const inReach = shown.flatMap(
    ({ value, low, high }) => [value, Math.max(low, value / 20), Math.min(high, value * 20)],
  );
  const range = [Math.min(0.5, ...inReach) / 1.3, Math.max(2, ...inReach) * 1.3];
  draw(element("yours-chart"), 44 + 26 * shown.length + 14, words, (width) => {
    const left = Math.min(150, width / 3), right = width - 8, base = 10 + 26 * shown.length;
    const x = logScale(range, [left, right]);
    const clamp = (value) => Math.max(left, Math.min(right, x(Math.max(value, 1e-300))));
    return [
      segment(x(1), 4, x(1), base, { class: "guide" }),
      ...axisBelow(
        x, logTicks(...range), base, [left, right], "weight acted upon over stated", (t) => brief(t),
      ),
      ...shown.flatMap((one, k) => {
        const y = 18 + 26 * k;
        const name = one.name.length > 18 ? `${one.name.slice(0, 17)}…` : one.name;
        return [
          label(0, y + 4, name),
          segment(clamp(one.low), y, clamp(Math.min(one.high, 1e300)), y, { class: "curve" }),
          node("circle", { cx: clamp(one.value), cy: y, r: 5.5, class: "mark" }),
        ];
      }),
    ];
  });
}

/** 400 samples of each class of Sim1 as a model trained on means over batches of 64 predicts them. */
function exampleText() {
  const trained = { weight: [1, 100], count: [10000, 100], batchSize: 64 };
  const { slope, bias } = fitMinibatchMean(trained);
  const rows = SIM1.flatMap(({ cdf }, k) => Array.from({ length: 400 }, (_, i) => {
    let low = -12, high = 12;
    while (high - low > 1e-9) {
      const middle = (low + high) / 2;
      if (cdf(middle) < (i + 0.5) / 400) low = middle;
      else high = middle;
    }
    const p = expit(slope * low + bias);
    return `${["common", "rare"][k]},${(1 - p).toFixed(6)},${p.toFixed(6)}`;
  }));
  return ["y_true,proba_common,proba_rare", ...rows].join("\n");
}

section("yours", drawYours);
onClick("yours-read", () => {
  element("yours-file").value = "";
  readYours(element("yours-text").value, "The text");
});
onClick("yours-example", () => {
  const text = exampleText();
  element("yours-text").value = text;
  element("yours-file").value = "";
  readYours(text, "The example");
  for (const [id, filled] of Object.entries(EXAMPLE)) element(id).value = filled;
});
// The same file, once it was edited, is a choice again.
element("yours-file").addEventListener("click", (event) => { event.target.value = ""; });
element("yours-file").addEventListener("change", (event) => readFile(event.target.files[0]));
for (const id of ["yours-count", "yours-weight"]) {
  element(id).addEventListener("input", () => redraw("yours"));
}
{
  const zone = element("yours-drop");
  // Beside the zone too: a file that misses it would replace the page.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover" && zone.contains(event.target));
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    const { files } = event.dataTransfer;
    if (files.length) readFile(files[0]);
    else {
      const text = event.dataTransfer.getData("text/plain");
      element("yours-text").value = text;
      element("yours-file").value = "";
      readYours(text, "The text");
    }
  });
}
