/**
 * Metrics as pure functions over typed arrays; they run in a browser as they are. `null` means undefined for this
 * data; unknown labels are given as a mask and count nowhere.
 */
export {
  type BootstrapDraws,
  type BootstrapOptions,
  type Clusters,
  clusterBootstrap,
  denseClusters,
  percentileEstimate,
  resampleClusters,
} from './bootstrap.js';
export {
  type Calibration,
  calibration,
  ece,
  RELIABILITY_BINS,
  type ReliabilityBin,
  reliabilityBins,
  weightedEce,
} from './calibration.js';
export {
  accuracy,
  allNegativeAccuracy,
  type ConfusionCounts,
  confusionCounts,
  countMetrics,
  f1,
  gmean,
  npv,
  ppv,
  sensitivity,
  specificity,
} from './confusion.js';
export {
  auprc,
  auroc,
  type PrecisionRecallCurve,
  precisionRecallCurve,
  type RocCurve,
  rocCurve,
} from './discrimination.js';
export { type Estimate, proportion, wilsonInterval } from './estimate.js';
export {
  type EvaluationOptions,
  evaluateMultilabel,
  type LabelEvaluation,
  type MacroEstimate,
  type MacroMetric,
  type MultilabelEvaluation,
  macroMetrics,
} from './evaluate.js';
export { type KnownRows, knownProbabilities, knownRows } from './known.js';
export type { MultilabelPredictions } from './predictions.js';
export { type Ranking, rank, unitWeights, weightedAreas } from './ranking.js';
export { brierScore, logLoss } from './scores.js';
export { type LabelMetric, labelMetrics, type PooledMetric, pooledMetrics } from './statistic.js';
export { chooseThreshold, type ThresholdCriterion, thresholdCriteria } from './threshold.js';
