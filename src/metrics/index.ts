/**
 * Metrics as pure functions over typed arrays; they run in a browser as they are. `null` means undefined for this
 * data; unknown labels are given as a mask and count nowhere.
 */
export {
  type BootstrapDraws,
  type BootstrapOptions,
  bootstrapTogether,
  type Clusters,
  clusterBootstrap,
  denseClusters,
  type EvaluationOptions,
  percentileEstimate,
  quantile,
  type Resampling,
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
export { type DecidedCells, decideByRules, decisionCounter } from './decisionCounts.js';
export {
  type DecisionCurvePoint,
  type DecisionCurves,
  decisionCurveResampling,
  evaluateDecisionCurves,
} from './decisionCurves.js';
export { type DelongAuroc, type DelongTest, delongAuroc, delongTest } from './delong.js';
export {
  auprc,
  auroc,
  type PrecisionRecallCurve,
  precisionRecallCurve,
  type RocCurve,
  rocCurve,
} from './discrimination.js';
export { type Estimate, proportion, type TestResult, wilsonInterval } from './estimate.js';
export {
  evaluateMultilabel,
  type LabelEvaluation,
  type MacroEstimate,
  type MacroMetric,
  type MultilabelEvaluation,
  macroMetrics,
  multilabelResampling,
} from './evaluate.js';
export { type KnownRows, knownProbabilities, knownRows } from './known.js';
export type { LabelMeasurement, Measurement, OperatingPoint } from './measurement.js';
export { decisionCurve, decisionThresholds, type NetBenefitPoint, netBenefit } from './netBenefit.js';
export {
  type ChosenThreshold,
  chooseOperatingPoint,
  type DecidedPredictions,
  type DecisionEvaluation,
  type DecisionEvaluations,
  type DecisionMetric,
  decisionMetrics,
  decisionResampling,
  evaluateDecisions,
  type OperatingRule,
} from './operatingPoints.js';
export {
  bootstrapPValue,
  compareMultilabel,
  type McNemarTest,
  type ModelPredictions,
  type MultilabelComparison,
  mcnemarTest,
  type PairedDifference,
} from './paired.js';
export type { MultilabelPredictions } from './predictions.js';
export {
  type AdaptedRand,
  adaptedRandError,
  type VariationOfInformation,
  variationOfInformation,
} from './randError.js';
export { type Ranking, rank, unitWeights, weightedAreas } from './ranking.js';
export {
  type FriedmanTest,
  friedmanTest,
  holm,
  type NemenyiTest,
  nemenyiTest,
  type WilcoxonTest,
  wilcoxonTest,
} from './rankTests.js';
export { brierScore, clippedLogit, logLoss } from './scores.js';
export { type LabelMetric, labelMetrics, type PooledMetric, pooledMetrics } from './statistic.js';
export { studentizedRangeQuantile, studentizedRangeTail } from './studentizedRange.js';
export {
  evaluateSubgroups,
  FEWEST_ROWS,
  type GroupedPredictions,
  type Grouping,
  type SubgroupEvaluation,
  type SubgroupGap,
  type SubgroupMetric,
  type SubgroupTable,
  type SubgroupTables,
  subgroupMetrics,
  subgroupResampling,
} from './subgroups.js';
export { chiSquaredTail, fairBinomialTail, fTail, normalTail } from './tails.js';
export { chooseThreshold, type ThresholdCriterion, thresholdCriteria } from './threshold.js';
