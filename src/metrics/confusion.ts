/** Metrics of a yes/no decision, all of them functions of the four confusion counts. */
import { knownDecisions } from './known.js';

/** How decisions met targets, in rows (or in weights of rows). */
export interface ConfusionCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/**
 * Confusion counts over the rows whose label is known.
 * @param decisions [row] 0 or 1
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @throws ShapeError when the lengths differ; RangeError for an entry other than 0 or 1
 */
export function confusionCounts(
  decisions: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): ConfusionCounts {
  const selected = knownDecisions('confusionCounts', decisions, targets, known);
  let truePositives = 0;
  let falsePositives = 0;
  for (let i = 0; i < selected.size; i++) {
    if (selected.scores[i] === 0) continue;
    if (selected.targets[i] === 1) truePositives++;
    else falsePositives++;
  }
  return {
    truePositives,
    falsePositives,
    falseNegatives: selected.positives - truePositives,
    trueNegatives: selected.size - selected.positives - falsePositives,
  };
}

/** TP / (TP + FN), also recall or true-positive rate; null without positives. */
export function sensitivity({ truePositives, falseNegatives }: ConfusionCounts): number | null {
  return ratio(truePositives, truePositives + falseNegatives);
}

/** TN / (TN + FP), the true-negative rate; null without negatives. */
export function specificity({ trueNegatives, falsePositives }: ConfusionCounts): number | null {
  return ratio(trueNegatives, trueNegatives + falsePositives);
}

/** TP / (TP + FP), positive predictive value or precision; null when no row is decided positive. */
export function ppv({ truePositives, falsePositives }: ConfusionCounts): number | null {
  return ratio(truePositives, truePositives + falsePositives);
}

/** TN / (TN + FN), negative predictive value; null when no row is decided negative. */
export function npv({ trueNegatives, falseNegatives }: ConfusionCounts): number | null {
  return ratio(trueNegatives, trueNegatives + falseNegatives);
}

/**
 * F1 = 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall [vanrijsbergen1979]; null without
 * positives, since it would be 0 whatever the decisions.
 */
export function f1({ truePositives, falsePositives, falseNegatives }: ConfusionCounts): number | null {
  if (truePositives + falseNegatives === 0) return null;
  return (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives);
}

/** √(sensitivity · specificity) [kubat1997gmean]; null when a class is absent. */
export function gmean(counts: ConfusionCounts): number | null {
  const truePositiveRate = sensitivity(counts);
  const trueNegativeRate = specificity(counts);
  if (truePositiveRate === null || trueNegativeRate === null) return null;
  return Math.sqrt(truePositiveRate * trueNegativeRate);
}

/** (TP + TN) / all; null without rows. Read it beside `allNegativeAccuracy`. */
export function accuracy(counts: ConfusionCounts): number | null {
  return ratio(counts.truePositives + counts.trueNegatives, total(counts));
}

/** Accuracy of calling every row negative, (TN + FP) / all = 1 − prevalence; null without rows. */
export function allNegativeAccuracy(counts: ConfusionCounts): number | null {
  return ratio(counts.trueNegatives + counts.falsePositives, total(counts));
}

/** Every metric of the confusion counts by the name it has in results. */
export const countMetrics = {
  f1,
  gmean,
  sensitivity,
  specificity,
  ppv,
  npv,
  accuracy,
  allNegativeAccuracy,
} as const satisfies Record<string, (counts: ConfusionCounts) => number | null>;

const total = (counts: ConfusionCounts): number =>
  counts.truePositives + counts.falsePositives + counts.falseNegatives + counts.trueNegatives;

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
