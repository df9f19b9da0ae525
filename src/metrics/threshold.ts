/** The operating point: which probability is called positive. To be chosen on validation rows, never on test rows. */
import { ConfigError } from '../errors.js';
import { type ConfusionCounts, f1, gmean, sensitivity, specificity } from './confusion.js';
import { type KnownRows, knownProbabilities } from './known.js';
import { rank } from './ranking.js';

/** What a threshold can be chosen to maximise, by the name it has in a study file. */
export const thresholdCriteria = {
  /** Youden's J = sensitivity + specificity − 1 [youden1950]. */
  youden: (counts) => (sensitivity(counts) ?? 0) + (specificity(counts) ?? 0) - 1,
  f1: (counts) => f1(counts) ?? 0,
  gmean: (counts) => gmean(counts) ?? 0,
} as const satisfies Record<string, (counts: ConfusionCounts) => number>;

/** Name of a threshold criterion. */
export type ThresholdCriterion = keyof typeof thresholdCriteria;

/**
 * The threshold that maximises a criterion; a row is decided positive when its probability ≥ threshold. Candidates
 * lie halfway between neighbouring distinct probabilities, so that rounding of a probability does not flip a
 * decision, and at the lowest one (all positive). Of equally good candidates the highest is taken: fewest alarms.
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown; null: all are known
 * @returns in [0, 1]; null when a class is absent
 * @throws ShapeError when the lengths differ; RangeError for entries out of range; ConfigError for an unknown criterion
 */
export function chooseThreshold(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known: ArrayLike<number> | null | undefined,
  criterion: ThresholdCriterion,
): number | null {
  if (!Object.hasOwn(thresholdCriteria, criterion)) {
    throw new ConfigError(
      `chooseThreshold: criterion must be one of ${Object.keys(thresholdCriteria).join(', ')}, got "${criterion}"`,
      'evaluation.threshold',
    );
  }
  const selected = knownProbabilities('chooseThreshold', probabilities, targets, known);
  if (selected.positives === 0 || selected.positives === selected.size) return null;
  return bestCut(selected, thresholdCriteria[criterion])!.threshold;
}

/** A threshold and what its objective came to. */
export interface Cut {
  readonly threshold: number;
  readonly value: number;
}

/**
 * The candidate threshold with the highest value of an objective, the highest of equally good ones.
 * @param objective of the decisions that a threshold makes; −∞ refuses it
 * @returns null when every candidate is refused, or there are no rows
 */
export function bestCut(selected: KnownRows, objective: (counts: ConfusionCounts) => number): Cut | null {
  const { size, scores, targets, ends } = rank(selected);
  const negatives = size - selected.positives;
  let best: Cut | null = null;
  let truePositives = 0;
  for (let i = 0; i < size; i++) {
    truePositives += targets[i];
    if (ends[i] === 0) continue;
    const falsePositives = i + 1 - truePositives;
    const value = objective({
      truePositives,
      falsePositives,
      falseNegatives: selected.positives - truePositives,
      trueNegatives: negatives - falsePositives,
    });
    if (value > (best?.value ?? Number.NEGATIVE_INFINITY)) {
      best = { value, threshold: i + 1 === size ? scores[i] : between(scores[i], scores[i + 1]) };
    }
  }
  return best;
}

/** A number in (low, high]: the middle, or high where no double lies between. */
export function between(high: number, low: number): number {
  const middle = low + (high - low) / 2;
  return middle > low ? middle : high;
}
