// Labels and probabilities of somebody's classifier, read as `learnprop check` reads them.

const LABEL_NAMES = ["y_true", "label", "y", "y_test", "target", "truth"];
const PREFIXES = ["proba_", "p_", "prob_", "predict_proba_", "y_proba_"];
const ONE_COLUMN = ["y_proba", "proba", "y_prob", "y_score", "score", "p", "prob"];
const ANSWERS = "y_pred"; // mostly of answers: taken only where nothing else is
const INDEX_NAMES = ["", "Unnamed: 0"]; // of an index that pandas wrote
const LOGIT_NAMES = ["y_logits", "logits", "y_logit", "logit"];
const SUM_TOLERANCE = 1e-6;
const MOST_CLASSES = 100; // their second moments are a million numbers

/** A whole number that is written with a point, without it: "1.0" is "1". */
function wholeLabel(name) {
  return /^-?\d+\.0*$/.test(name) ? name.split(".")[0] : name;
}

/** Labels in scikit-learn's order: numbers as numbers, else as text. */
function inOrder(labels) {
  const isNumber = (label) => label !== "" && Number.isFinite(Number(label));
  const asText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return labels.every(isNumber)
    ? [...labels].sort((a, b) => Number(a) - Number(b) || asText(a, b))
    : [...labels].sort(asText);
}

/** Different labels that a column holds; whole numbers alone without points. */
function labelsMet(rows, column) {
  const found = [...new Set(rows.map((row) => row[column]))];
  const plain = [...new Set(found.map(wholeLabel))];
  const numbers = plain.every((name) => /^-?\d+$/.test(name));
  return numbers && plain.length === found.length ? plain : found;
}

function listed(names) {
  const shown = names.slice(0, 6).map(quoted).join(", ");
  return names.length > 6 ? `${shown}, …` : shown;
}

/** The only candidate, undefined where there is none; two are refused. */
function onlyOne(candidates, what) {
  if (candidates.length > 1) {
    throw new Unreadable(`${what} may be in ${quoted(candidates[0])} or in ` +
      `${quoted(candidates[1])}: leave one of them out`);
  }
  return candidates[0];
}

/** The column of labels, by its name. */
function labelColumn(header) {
  const found = onlyOne(LABEL_NAMES.filter((name) => header.includes(name)), "true labels");
  if (found !== undefined) return header.indexOf(found);
  const numbers = header.filter((name) => NUMBER.test(name)).map(Number);
  if (numbers.length === header.length || !numbers.every(Number.isInteger)) {
    throw new Unreadable(`there is no header: the first line, ${listed(header)}, must name the ` +
      "columns, as in y_true,y_proba or y_true,proba_cat,proba_dog");
  }
  throw new Unreadable(
    `no column of true labels: call it 'y_true', 'label' or 'y'; there are ${listed(header)}`,
  );
}

/** Columns of a table: which holds labels, which probabilities, and of which classes. */
function chooseColumns({ header, rows }) {
  const twice = header.find((name, j) => name !== "" && header.indexOf(name) !== j);
  if (twice !== undefined) throw new Unreadable(`there are two columns ${quoted(twice)}`);
  const label = labelColumn(header);
  const unlabelled = rows.findIndex((row) => row[label] === "");
  if (unlabelled >= 0) {
    throw new Unreadable(`row ${unlabelled + 1} has nothing in column ${quoted(header[label])}`);
  }
  const rest = [...header.keys()].filter((j) => j !== label && !INDEX_NAMES.includes(header[j]));
  const first = (prefix) => rest.map((j) => header[j]).find((name) => name.startsWith(prefix));
  const withPrefix = PREFIXES.filter((one) => first(one) !== undefined);
  onlyOne(withPrefix.map(first), "probabilities");
  if (withPrefix.length) {
    const [prefix] = withPrefix;
    const columns = rest.filter((j) => header[j].startsWith(prefix));
    const classes = columns.map((j) => header[j].slice(prefix.length));
    if (columns.length > 1) return { label, columns, classes };
    return oneColumn(header, rows, label, columns[0], classes[0]);
  }
  return chooseUnprefixed(header, rows, label, rest);
}

/** A single column, or columns that are called as the labels are. */
function chooseUnprefixed(header, rows, label, rest) {
  const there = (names) => names.filter((name) => rest.some((j) => header[j] === name));
  const single = onlyOne(there(ONE_COLUMN), "probabilities");
  const logits = rest.find((j) => header[j].startsWith("logit_") || LOGIT_NAMES.includes(header[j]));
  if (single === undefined && logits !== undefined) {
    throw new Unreadable(
      `column ${quoted(header[logits])} is of logits, and probabilities are needed; ` +
      "learnprop check reads logits",
    );
  }
  const met = labelsMet(rows, label);
  const columns = rest.filter((j) => met.includes(header[j]) || met.includes(wholeLabel(header[j])));
  const classes = columns.map((j) => header[j]);
  // A class may be called p, and its column too: then those of the others are beside it.
  if (columns.length > 1 && (single === undefined || classes.includes(single))) {
    return { label, columns, classes };
  }
  const one = single ?? there([ANSWERS])[0];
  if (one !== undefined) return oneColumn(header, rows, label, header.indexOf(one), "");
  throw new Unreadable(
    "no columns of probabilities: call them 'proba_' and a label, or one of two classes 'y_proba'; " +
    `there are ${listed(rest.map((j) => header[j]))}`,
  );
}

/** A single column, of the class in its name, else of the larger of two labels. */
function oneColumn(header, rows, label, column, ofName) {
  const met = labelsMet(rows, label);
  const classes = inOrder(met.length < 2 && ofName ? [...new Set([...met, ofName])] : met);
  if (classes.length !== 2) {
    throw new Unreadable(
      `${quoted(header[column])} holds one number per row, and ${quoted(header[label])} holds ` +
      `${plural(classes.length, "label")}, ${listed(classes)}: two are needed, or a column of each`,
    );
  }
  const name = ofName || classes[1];
  const positive = classes.findIndex((one) => one === name || wholeLabel(one) === wholeLabel(name));
  if (positive < 0) {
    throw new Unreadable(
      `${quoted(header[column])} is of ${quoted(name)}, which is not among the labels ` +
      `${listed(classes)}; rename it, or use learnprop check --pos-label`,
    );
  }
  return { label, columns: [column], classes, positive };
}

/** With how many decimals numbers were written, if with few; else null. */
function decimalsOf(values) {
  const some = values.slice(0, 1000).flat();
  const isWhole = (v) => Math.abs(v - Math.round(v)) <= 1e-6;
  return [2, 3, 4, 5, 6].find((d) => some.every((v) => isWhole(v * 10 ** d))) ?? null;
}

/**
 * Rows as probabilities of every class, or refused by their number. Rows may miss one by what
 * rounding to few decimals or to single precision explains; they are divided by their sums.
 */
function distributions(values, { header }, { columns, positive }, K) {
  const refuse = (i, j, why) => {
    const shown = Number(values[i][j].toPrecision(8));
    throw new Unreadable(`row ${i + 1} holds ${shown} in column ${quoted(header[columns[j]])}, ${why}`);
  };
  const some = values.flat().filter(Number.isFinite);
  const highest = some.reduce((a, b) => Math.max(a, b), 0);
  const lowest = some.reduce((a, b) => Math.min(a, b), 0);
  const percent = lowest >= 0 && highest > 20 && highest <= 100;
  const no = `which is no probability; ${percent ? "in percent? divide by 100" : "logits are not read here"}`;
  const most = positive === undefined ? Infinity : 1 + SUM_TOLERANCE;
  values.forEach((row, i) => row.forEach((value, j) => {
    if (!Number.isFinite(value)) refuse(i, j, "which is not finite");
    if (value < 0 || value > most) refuse(i, j, no);
  }));
  if (positive !== undefined) {
    return values.map(([p]) => {
      const other = Math.max(1 - p, 0); // of one column nothing else is known
      return positive === 0 ? [p, other] : [other, p];
    });
  }
  const decimals = decimalsOf(values);
  const unit = Math.max(2 ** -23, decimals === null ? 0 : 10 ** -decimals);
  const within = Math.max(SUM_TOLERANCE, Math.min(((K * unit) / 2) * (1 + 1e-9), 0.05));
  const sums = values.map(sum);
  const wrong = sums.findIndex((total) => Math.abs(total - 1) > within);
  if (wrong >= 0) {
    const total = sums[wrong];
    const instead = Math.abs(total - 100) <= 5
      ? "; in percent? divide by 100"
      : Math.max(...values[wrong]) > 1 ? "; logits are not read here" : "";
    throw new Unreadable(
      `the probabilities of row ${wrong + 1} must sum to one, and sum to ` +
      `${Number(total.toPrecision(8))}${instead}`,
    );
  }
  const rounded = sums.some((total) => Math.abs(total - 1) > SUM_TOLERANCE);
  return rounded ? values.map((row, i) => row.map((value) => value / sums[i])) : values;
}

/** Number, P and second moments E[f_a f_b] of the rows of each class. */
function momentsByClass(proba, classOf, K) {
  const count = new Array(K).fill(0);
  const P = count.map(() => new Array(K).fill(0));
  const secondMoment = count.map(() => count.map(() => new Array(K).fill(0)));
  proba.forEach((row, i) => {
    const k = classOf[i];
    count[k] += 1;
    for (let a = 0; a < K; a++) {
      P[k][a] += row[a];
      for (let b = 0; b <= a; b++) secondMoment[k][a][b] += row[a] * row[b];
    }
  });
  count.forEach((n, k) => {
    for (let a = 0; a < K; a++) {
      P[k][a] /= n;
      for (let b = 0; b <= a; b++) {
        secondMoment[k][a][b] /= n;
        secondMoment[k][b][a] = secondMoment[k][a][b];
      }
    }
  });
  return { count, P, secondMoment };
}

function readOrThrow(text) {
  const table = readTable(text, LABEL_NAMES);
  const chosen = chooseColumns(table);
  const { classes, label } = chosen;
  const K = classes.length;
  if (K > MOST_CLASSES) {
    throw new Unreadable(`there are ${K} classes, and up to ${MOST_CLASSES} are read here; ` +
      "learnprop check reads more");
  }
  const place = new Map(classes.map((name, k) => [name, k]));
  const classOf = table.rows.map((row, i) => {
    const k = place.get(row[label]) ?? place.get(wholeLabel(row[label]));
    if (k === undefined) {
      throw new Unreadable(
        `row ${i + 1} has the label ${quoted(row[label])} in ${quoted(table.header[label])}, but ` +
        `the probabilities are of ${listed(classes)}; rename the columns after the labels, or use ` +
        "learnprop check --labels",
      );
    }
    return k;
  });
  const decimal = decimalOf(table, chosen.columns);
  const values = numbersOf(table, chosen.columns, decimal);
  const proba = distributions(values, table, chosen, K);
  const moments = momentsByClass(proba, classOf, K);
  const few = moments.count.findIndex((n) => n < 2);
  if (few >= 0) {
    throw new Unreadable(
      `class ${quoted(classes[few])} has ${plural(moments.count[few], "row")}, and needs at least 2`,
    );
  }
  return {
    classes, n: table.rows.length, ...moments, problem: "",
    label: table.header[label], columns: chosen.columns.map((j) => table.header[j]),
    positive: chosen.positive ?? null, separator: table.separator, decimal,
    hard: proba.every((row) => row.every((p) => p === 0 || p === 1)),
  };
}

/**
 * Predictions in a text of columns: the class names, rows in all (n) and by class (count), P and
 * second moments; and how they were read: the names of the columns, which of two classes a single
 * one is of, separator and decimal mark, and whether all are 0 or 1 (hard). What cannot be read is
 * one line in `problem`, and nothing else.
 */
function readPredictions(text) {
  try {
    return readOrThrow(text);
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
}
