/** Stage 1: interpretable rules, trees and risk tiers from a table. */
export { applyStage1, type Stage1Output, stage1Firings, stage1Probabilities } from './apply.js';
export { balancedWeights, type GrowOptions, growTree, sortColumns } from './cart.js';
export { classifierProbability, type Stage1Classifier } from './classifier.js';
export { type BinMethod, binOf, quantileCuts, treeCuts, uniformCuts } from './discretise.js';
export {
  type Condition,
  type Feature,
  featureName,
  type Stage1Features,
} from './features.js';
export { fitImputer, type ImputeOptions, type Imputer, impute } from './impute.js';
export { fitLogistic, type LogisticFit, type WeightedSample } from './logistic.js';
export type { MultivariateTree } from './multivariate.js';
export type { Network, NetworkOptions } from './network.js';
export type { Stage1Note } from './note.js';
export { resolveStage1Options, type Stage1Options, type Stage1Settings } from './options.js';
export { checkOverrides, describeOverride, firesOverride, type TierOverride } from './overrides.js';
export { describePremise } from './premise.js';
export { mayBeChance, oddsRatio, type Rule, type Support } from './rules.js';
export { type Criterion, criteria } from './score.js';
export { smote } from './smote.js';
export {
  fitStage1,
  type Stage1Input,
  type Stage1Label,
  type Stage1Model,
  type UnivariateFit,
} from './stage1.js';
export { plainNumberBetween, type ThresholdRule } from './threshold.js';
export { type TierObservation, type TierTable, tierTable } from './tier-table.js';
export {
  assignTiers,
  fitTiers,
  overallTiers,
  type TierCuts,
  type TierModel,
  type TierName,
  type TierPolicy,
  tierNames,
} from './tiers.js';
export {
  type ClassWeight,
  leafOf,
  leafPaths,
  nodeIsPositive,
  nodeProbability,
  type PathStep,
  pruneTree,
  restrictTree,
  type Tree,
} from './tree.js';
