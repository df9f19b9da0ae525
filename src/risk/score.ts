/** What a yes/no rule can be scored by, and the counts it is scored on. */
import { type ConfusionCounts, f1, gmean, sensitivity, specificity } from '../metrics/index.js';

/**
 * Scores of a rule; NaN where a class that the score needs is absent.
 * - auc: area under the one-point ROC curve, (sensitivity + specificity) / 2, so it prefers what Youden's J prefers
 * - f1, gmean: as in `medfusion/metrics`
 * - youden: sensitivity + specificity − 1        [youden1950]
 */
export const criteria = {
  auc: (counts) => (youden(counts) + 1) / 2,
  f1: (counts) => f1(counts) ?? Number.NaN,
  gmean: (counts) => gmean(counts) ?? Number.NaN,
  youden,
} as const satisfies Record<string, (counts: ConfusionCounts) => number>;

export type Criterion = keyof typeof criteria;

/** Scores within this distance count as equal, so that ties do not hang on rounding. */
export const SCORE_TIE = 1e-9;

/** Confusion counts that grow as decisions come in. */
export type Tally = { -readonly [K in keyof ConfusionCounts]: ConfusionCounts[K] };

export function emptyTally(): Tally {
  return { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
}

/** Counts rows of one decision. */
export function tally(counts: Tally, decidedPositive: boolean, positives: number, negatives: number): void {
  if (decidedPositive) {
    counts.truePositives += positives;
    counts.falsePositives += negatives;
  } else {
    counts.falseNegatives += positives;
    counts.trueNegatives += negatives;
  }
}

function youden(counts: ConfusionCounts): number {
  return (sensitivity(counts) ?? Number.NaN) + (specificity(counts) ?? Number.NaN) - 1;
}
