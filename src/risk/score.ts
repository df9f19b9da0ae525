/** Scores of a yes/no rule from its 2 × 2 table. */

/** Rows counted by decision and truth. */
export interface Confusion {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  trueNegatives: number;
}

type Score = (tp: number, fp: number, fn: number, tn: number) => number;

/**
 * What a rule can be scored by; all need at least one positive and one negative row, and are NaN without.
 * - auc: area under the one-point ROC curve, (sensitivity + specificity) / 2, so it prefers what Youden's J prefers
 * - f1: 2 TP / (2 TP + FP + FN)
 * - gmean: √(sensitivity · specificity)
 * - youden: sensitivity + specificity − 1        [youden1950]
 */
export const criteria = {
  auc: (tp, fp, fn, tn) => (tp / (tp + fn) + tn / (tn + fp)) / 2,
  f1: (tp, fp, fn, tn) => (tn + fp === 0 || tp + fn === 0 ? Number.NaN : (2 * tp) / (2 * tp + fp + fn)),
  gmean: (tp, fp, fn, tn) => Math.sqrt((tp / (tp + fn)) * (tn / (tn + fp))),
  youden: (tp, fp, fn, tn) => tp / (tp + fn) + tn / (tn + fp) - 1,
} as const satisfies Record<string, Score>;

export type Criterion = keyof typeof criteria;

/** Scores within this distance count as equal, so that ties do not hang on rounding. */
export const SCORE_TIE = 1e-9;
