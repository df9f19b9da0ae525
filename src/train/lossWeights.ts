/** What label frequencies say to the loss and to the initial outputs (P15, P17). */
import { ConfigError } from '../errors.js';
import type { LabelCounts } from './labelCounts.js';

/** Options of {@link positiveWeights}. */
export interface ClassWeightOptions {
  /** β of the effective number, in [0, 1): 0 = no weighting, → 1 = inverse frequency. Default 0.999. */
  readonly beta?: number;
  /** Largest weight of a positive, ≥ 1; its inverse is the smallest. Default 10. */
  readonly weightCap?: number;
}

/**
 * The weight of a label's positives in the loss, its negatives weighing 1, from effective numbers:
 *   E(n) = (1 − βⁿ)/(1 − β),  w = E(N₋)/E(N₊)             [cui2019classbalanced, section 4]
 * kept within [1/cap, cap]. Deviation: the weights of a label's two classes are scaled to 1 for negatives
 * instead of to a sum of 2, so that a rare label is not also turned down as a whole.
 * @param counts of the training rows
 * @returns [label]; 1 for a label that lacks a class, which has nothing to balance
 * @throws ConfigError when an option is out of range
 */
export function positiveWeights(
  { positives, negatives }: LabelCounts,
  { beta = 0.999, weightCap = 10 }: ClassWeightOptions = {},
): Float32Array<ArrayBuffer> {
  if (!(beta >= 0 && beta < 1)) {
    throw new ConfigError(`positiveWeights: beta must be in [0, 1), got ${beta}; 0.999 is usual`);
  }
  if (!(weightCap >= 1)) {
    throw new ConfigError(
      `positiveWeights: weightCap must be at least 1, got ${weightCap}; 1 weighs all alike`,
      'training.loss.weightCap',
    );
  }
  // 1 − βⁿ without cancellation; the common factor 1 − β drops out of the ratio.
  const effective = (count: number) => -Math.expm1(count * Math.log(beta));
  return Float32Array.from(positives, (count, label) => {
    if (count === 0 || negatives[label] === 0) return 1;
    return Math.min(weightCap, Math.max(1 / weightCap, effective(negatives[label]) / effective(count)));
  });
}

/**
 * The log-odds of each label's prevalence, to start a classifier's bias at [lin2017focal, section 3.3] so that
 * the first steps are not spent on learning base rates:
 *   b = log((N₊ + 1)/(N₋ + 1)),  the rule of succession, finite for a label that lacks a class.
 * @param counts of the training rows
 * @returns [label]
 */
export function priorLogits({ positives, negatives }: LabelCounts): Float32Array<ArrayBuffer> {
  return Float32Array.from(positives, (count, label) => Math.log((count + 1) / (negatives[label] + 1)));
}
