// What tests and curious visitors may call from the console.
window.learnprop = Object.freeze({
  expit, logOnePlusExp, softmax, standardNormalRule, gaussLegendre, solve, normalDensity, normalCdf,
  normalQuantile, normalPairCdf,
  classMass, missProba, sides, binaryRatio, stationaryDistribution, effectiveWeight,
  SIM1, lossSim1, fitSim1, meanProbaSim1, boundarySim1, thresholdAtSim1, operatingPoint,
  accuracySim1, rocSim1, aucSim1,
  triangleMeans, triangle,
  separabilityThreshold, proximalMargin, fixedPoint, stateEvolutionPath, stateEvolution,
  smoothingResidual, minibatchMeanWeight, fitMinibatchMean,
  readPredictions, expectedMisses, tooFewMisses, boundsOfSum, effectiveWeightInterval, doubtOf,
  bestAssignment,
});
