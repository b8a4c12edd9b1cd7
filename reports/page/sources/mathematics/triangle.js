// Three Gaussian classes with identity covariance on an equilateral triangle: softmax regression
// leads to their posterior under priors proportional to the class mass, exactly.

/** Corners of an equilateral triangle around the origin, class 0 at the top. */
function triangleMeans(separation) {
  const radius = separation / Math.sqrt(3);
  return [90, 210, 330].map((degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/**
 * P, accuracy and posterior of softmax regression on the triangle in the limit of many samples.
 * The means are equally far from the origin, so that the logits are x·m_j + log w_j.
 */
function triangle({ separation, weight, count }) {
  const means = triangleMeans(separation);
  const mass = classMass(weight, count);
  const logMass = mass.map(Math.log);
  const posterior = (x, y) => softmax(means.map(([a, b], j) => a * x + b * y + logMass[j]));
  return {
    means,
    P: means.map((_, i) => trianglePRow(means, logMass, separation, i)),
    accuracy: means.map((_, i) => triangleAccuracy(logMass, separation, i)),
    posterior,
  };
}

/** Row i of P, by a product of two trapezoid rules around the mean of class i. */
function trianglePRow(means, logMass, separation, i) {
  // Logits differ by up to `separation` per unit of x, and have their poles at ±iπ.
  const { node, probability } = standardNormalRule(Math.min(0.6, 0.6 / separation), 9);
  // e^logit, relative to class i's, is a product of a part of x and a part of y: no exponential is
  // left to the nodes of the square, of which there are tens of thousands.
  const [byX, byY] = [0, 1].map((axis) => means.map((mean) =>
    node.map((z) => Math.exp((mean[axis] - means[i][axis]) * (means[i][axis] + z)))));
  const mass = logMass.map((value) => Math.exp(value - logMass[i]));
  const row = [0, 0, 0];
  for (let a = 0; a < node.length; a++) {
    const [x0, x1, x2] = [0, 1, 2].map((j) => mass[j] * byX[j][a]);
    for (let b = 0; b < node.length; b++) {
      const e0 = x0 * byY[0][b], e1 = x1 * byY[1][b], e2 = x2 * byY[2][b];
      const share = (probability[a] * probability[b]) / (e0 + e1 + e2);
      row[0] += share * e0;
      row[1] += share * e1;
      row[2] += share * e2;
    }
  }
  return row;
}

/**
 * Probability that a sample of class i is most probably of class i: it lies on the near side of two
 * boundaries, whose normals are 60 degrees apart.
 */
function triangleAccuracy(logMass, separation, i) {
  const [a, b] = [0, 1, 2].filter((j) => j !== i).map(
    (j) => separation / 2 + (logMass[i] - logMass[j]) / separation,
  );
  return normalPairCdf(a, b);
}
