// What speaks against predictions themselves, by the criteria of `learnprop check`
// (learnprop.audit.causes): answers for probabilities, columns of other classes, other rows' labels.

const FEW_ROWS = 20; // up to which a coincidence is no wonder
const BEYOND_CHANCE = 5; // standard errors by which another order of columns must be better
const LEAST_VARIANCE = 1e-3; // promised by a classifier that knows more than the shares

/** The column of each row that make the sum of values largest: the Hungarian method. */
function bestAssignment(value) {
  const K = value.length;
  const ofRow = new Array(K + 1).fill(0), ofColumn = new Array(K + 1).fill(0); // dual variables
  const rowOf = new Array(K + 1).fill(0); // of column j, from one; 0 is none
  for (let i = 1; i <= K; i++) {
    const slack = new Array(K + 1).fill(Infinity), from = new Array(K + 1).fill(0);
    const done = new Array(K + 1).fill(false);
    let column = 0;
    rowOf[0] = i;
    do {
      done[column] = true;
      const row = rowOf[column];
      let least = Infinity, next = 0;
      for (let j = 1; j <= K; j++) {
        if (done[j]) continue;
        const reduced = -value[row - 1][j - 1] - ofRow[row] - ofColumn[j];
        if (reduced < slack[j]) [slack[j], from[j]] = [reduced, column];
        if (slack[j] < least) [least, next] = [slack[j], j];
      }
      for (let j = 0; j <= K; j++) {
        if (done[j]) {
          ofRow[rowOf[j]] += least;
          ofColumn[j] -= least;
        } else slack[j] -= least;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column) {
      rowOf[column] = rowOf[from[column]];
      column = from[column];
    }
  }
  const columns = new Array(K);
  for (let j = 1; j <= K; j++) columns[rowOf[j] - 1] = j - 1;
  return columns;
}

/** The column that looks like each class's; null where it is its own. */
function likelyColumns(mean, secondMoment, n) {
  const K = mean.length;
  const own = [...mean.keys()];
  if (own.every((j) => own.every((k) => mean[j][j] >= mean[k][j]))) return null;
  // With a whole sample more that says nothing: no logarithm of zero.
  const P = mean.map((row, k) => row.map((p) => (n[k] * p + 1 / K) / (n[k] + 1)));
  const columns = bestAssignment(P.map((row) => row.map(Math.log)));
  const moved = own.filter((k) => columns[k] !== k);
  const better = sum(moved.map((k) => Math.log(P[k][columns[k]]) - Math.log(P[k][k])));
  const variance = sum(moved.map((k) => {
    const j = columns[k], M = secondMoment[k];
    const square = M[j][j] / P[k][j] ** 2 + M[k][k] / P[k][k] ** 2
      - (2 * M[j][k]) / (P[k][j] * P[k][k]);
    const average = mean[k][j] / P[k][j] - mean[k][k] / P[k][k];
    return Math.max(square - average ** 2, 0) / n[k];
  }));
  const orders = sum(moved.map((_, m) => Math.log(m + 1))); // of the best of m! orders
  const least = BEYOND_CHANCE + Math.sqrt(2 * orders);
  return moved.length && better > least * Math.sqrt(variance) ? columns : null;
}

/** A class's own probability on its own samples and on others'; null where they look related. */
function unrelated(P, secondMoment, n) {
  const K = P.length;
  const within = withinClassCovariance(P, secondMoment).map((S) => S.map((row, j) => row[j]));
  const share = P.map((_, j) => sum(P.map((row) => row[j])) / K);
  const promised = sum(share.map((w, j) => (w > 0
    ? sum(P.map((row, k) => within[k][j] + (row[j] - w) ** 2)) / K / w : 0)));
  if (promised < LEAST_VARIANCE) return null;
  const trace = sum(P.map((row, k) => row[k]));
  const error = 2 * Math.sqrt(sum(within.map((row, k) => row[k] / n[k])));
  if (trace - 1 > error || trace - 1 + error >= promised / 2) return null;
  return { own: trace / K, others: (K - trace) / (K * (K - 1)) };
}

/** One line of what looks wrong with predictions that were read; "" where nothing does. */
function doubtOf({ P, secondMoment, count, n, hard, classes, positive }) {
  if (hard && n > FEW_ROWS) {
    return "all probabilities are 0 or 1: these look like answers (predict), not probabilities " +
      "(predict_proba).";
  }
  const columns = likelyColumns(P, secondMoment, count);
  if (columns !== null && positive !== null) {
    return `the column looks like that of class ${quoted(classes[1 - positive])}, and is taken for ` +
      `that of ${quoted(classes[positive])}: which is it?`;
  }
  if (columns !== null) {
    const moved = [...P.keys()].filter((k) => columns[k] !== k);
    const some = moved.slice(0, 5).map(
      (k) => `${quoted(classes[columns[k]])} like ${quoted(classes[k])}`,
    ).join(", ");
    const more = moved.length > 5 ? ` and ${moved.length - 5} more` : "";
    return `the columns look as if they were in another order, ${some}${more}: are they named ` +
      "after their own classes?";
  }
  const found = n > FEW_ROWS ? unrelated(P, secondMoment, count) : null;
  if (found === null) return "";
  return "predictions and labels look unrelated: a class's own probability is " +
    `${Number(found.own.toPrecision(3))} on its own samples and ` +
    `${Number(found.others.toPrecision(3))} on others', on average; are they in the same order of ` +
    "samples?";
}
