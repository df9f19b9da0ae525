/** Decision curves: what acting on a model is worth, beside acting on everyone and on no one. */
import type { ConfusionCounts } from './confusion.js';
import { knownProbabilities } from './known.js';
import { rank } from './ranking.js';

/**
 * Net benefit of acting on rows decided positive, in true positives per row [vickers2006decision].
 *   NB = TP/n − FP/n · t/(1 − t)
 * @param threshold t, the probability at which acting and not acting are worth the same, in [0, 1)
 * @returns at most the prevalence; 0 for acting on no one; null without rows
 * @throws RangeError for a threshold out of range
 */
export function netBenefit(counts: ConfusionCounts, threshold: number): number | null {
  checkThreshold('netBenefit', threshold);
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const rows = truePositives + falsePositives + falseNegatives + trueNegatives;
  if (rows === 0) return null;
  return (truePositives - falsePositives * (threshold / (1 - threshold))) / rows;
}

/** Net benefit at one threshold; that of acting on no one is 0 at every threshold. */
export interface NetBenefitPoint {
  /** In [0, 1). */
  readonly threshold: number;
  /** Of acting on rows whose probability ≥ threshold; null without rows. */
  readonly model: number | null;
  /** Of acting on every row; null without rows. */
  readonly treatAll: number | null;
}

/**
 * Decision curve: net benefit over thresholds [vickers2006decision].
 * @param probabilities [row] in [0, 1]; to be calibrated, or the thresholds do not mean what they say
 * @param targets [row] 0 or 1
 * @param thresholds each in [0, 1)
 * @param known [row] 1 = recorded, 0 = unknown
 * @returns one point per threshold, in the order given
 * @throws ShapeError when the lengths differ; RangeError for entries or thresholds out of range
 */
export function decisionCurve(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  thresholds: readonly number[],
  known?: ArrayLike<number> | null,
): readonly NetBenefitPoint[] {
  for (const threshold of thresholds) checkThreshold('decisionCurve', threshold);
  const selected = knownProbabilities('decisionCurve', probabilities, targets, known);
  const { size, scores, targets: ranked } = rank(selected);
  const { positives } = selected;
  const counts = (actedOn: number, truePositives: number): ConfusionCounts => ({
    truePositives,
    falsePositives: actedOn - truePositives,
    falseNegatives: positives - truePositives,
    trueNegatives: size - positives - actedOn + truePositives,
  });
  const points: NetBenefitPoint[] = [];
  let actedOn = 0;
  let truePositives = 0;
  const descending = thresholds.map((_, i) => i).sort((a, b) => thresholds[b] - thresholds[a]);
  for (const i of descending) {
    const threshold = thresholds[i];
    for (; actedOn < size && scores[actedOn] >= threshold; actedOn++) truePositives += ranked[actedOn];
    points[i] = {
      threshold,
      model: netBenefit(counts(actedOn, truePositives), threshold),
      treatAll: netBenefit(counts(size, positives), threshold),
    };
  }
  return points;
}

const STEPS = 50;
const WIDEST_STEP = 0.01;
/** How far a curve goes beyond the prevalence. */
const REACH = 10;

/**
 * The thresholds at which a decision curve is worth drawing: 50 equal steps from the first to the last. A step is 0.01,
 * which ends at 0.5, and for a rare outcome the largest of 1, 2 and 5 × 10^−k that keeps the last threshold within ten
 * times the prevalence: nobody acts at odds far above those of the outcome.
 * @param prevalence in [0, 1]; 0 is given the widest grid
 */
export function decisionThresholds(prevalence: number): readonly number[] {
  const widest = prevalence > 0 ? Math.min(WIDEST_STEP, (REACH * prevalence) / STEPS) : WIDEST_STEP;
  const exponent = Math.floor(Math.log10(widest) + 1e-9);
  const leading = [5, 2, 1].find((digit) => digit * 10 ** exponent <= widest * (1 + 1e-9)) ?? 1;
  // Dividing by a whole number gives the double nearest to the decimal, 0.07 and not 0.07 plus rounding.
  return Array.from({ length: STEPS }, (_, i) => ((i + 1) * leading) / 10 ** -exponent);
}

function checkThreshold(caller: string, threshold: number): void {
  if (!(threshold >= 0 && threshold < 1)) {
    throw new RangeError(`${caller}: a threshold must lie in [0, 1), got ${threshold}`);
  }
}
