/** How well scores separate positives from negatives, over all thresholds: areas and curves. */
import { type KnownRows, knownRows } from './known.js';
import { rank, unitWeights, weightedAreas } from './ranking.js';

/**
 * Area under the ROC curve: the probability that a positive scores above a negative, ties counting half.
 *   AUROC = (Σ over pairs [s⁺ > s⁻] + ½ [s⁺ = s⁻]) / (n⁺ n⁻)          [hanley1982auc]
 * @param scores [row] finite, higher means more likely positive
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @returns in [0, 1]; null when a class is absent
 * @throws ShapeError when the lengths differ; RangeError for a score that is not finite or a target not 0 or 1
 */
export function auroc(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): number | null {
  return areas(knownRows('auroc', scores, targets, known))[0];
}

/**
 * Area under the precision-recall curve as average precision (no interpolation between points).
 *   AUPRC = Σ_k (R_k − R_{k−1}) P_k, k over descending thresholds          [boyd2013auprc]
 * @param scores [row] finite, higher means more likely positive
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @returns in (0, 1], the prevalence for a constant score; null without positives
 * @throws ShapeError when the lengths differ; RangeError for a score that is not finite or a target not 0 or 1
 */
export function auprc(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): number | null {
  return areas(knownRows('auprc', scores, targets, known))[1];
}

function areas(known: KnownRows): readonly [auroc: number | null, auprc: number | null] {
  const ranking = rank(known);
  const out = new Float64Array(2);
  weightedAreas(ranking, unitWeights(ranking), out);
  return [Number.isNaN(out[0]) ? null : out[0], Number.isNaN(out[1]) ? null : out[1]];
}

/** Corners of a ROC curve, from (0, 0) at threshold +∞ to (1, 1); a row is positive when its score ≥ threshold. */
export interface RocCurve {
  /** [point] descending; the first is Infinity. */
  readonly thresholds: Float64Array;
  /** [point] 1 − specificity, ascending. */
  readonly falsePositiveRate: Float64Array;
  /** [point] sensitivity, ascending. */
  readonly truePositiveRate: Float64Array;
}

/**
 * ROC curve [fawcett2006roc]. Points in the middle of a straight run of equal steps are left out; the polygon, and
 * so its area, is the same.
 * @returns null when a class is absent
 * @throws as auroc
 */
export function rocCurve(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): RocCurve | null {
  const selected = knownRows('rocCurve', scores, targets, known);
  const negatives = selected.size - selected.positives;
  if (selected.positives === 0 || negatives === 0) return null;
  const steps = cumulate(selected);
  const { truePositives: tp, falsePositives: fp } = steps;
  const kept = steps.thresholds
    .map((_, i) => i)
    .filter(
      (i) =>
        i === 0 ||
        i === tp.length - 1 ||
        tp[i + 1] - tp[i] !== tp[i] - tp[i - 1] ||
        fp[i + 1] - fp[i] !== fp[i] - fp[i - 1],
    );
  return {
    thresholds: Float64Array.from([Number.POSITIVE_INFINITY, ...kept.map((i) => steps.thresholds[i])]),
    falsePositiveRate: Float64Array.from([0, ...kept.map((i) => fp[i] / negatives)]),
    truePositiveRate: Float64Array.from([0, ...kept.map((i) => tp[i] / selected.positives)]),
  };
}

/** Points of a precision-recall curve, from recall 0 (precision 1 by convention) at threshold +∞ to recall 1. */
export interface PrecisionRecallCurve {
  /** [point] descending; the first is Infinity. */
  readonly thresholds: Float64Array;
  /** [point] sensitivity, ascending. */
  readonly recall: Float64Array;
  /** [point] positive predictive value. */
  readonly precision: Float64Array;
}

/**
 * Precision-recall curve [davis2006pr]. Points inside a run of constant recall are left out: they lie on one
 * vertical line and add nothing to average precision.
 * @returns null without positives
 * @throws as auroc
 */
export function precisionRecallCurve(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): PrecisionRecallCurve | null {
  const selected = knownRows('precisionRecallCurve', scores, targets, known);
  if (selected.positives === 0) return null;
  const steps = cumulate(selected);
  const { truePositives: tp, falsePositives: fp } = steps;
  const kept = steps.thresholds
    .map((_, i) => i)
    .filter((i) => i === 0 || i === tp.length - 1 || tp[i] !== tp[i - 1] || tp[i] !== tp[i + 1]);
  return {
    thresholds: Float64Array.from([Number.POSITIVE_INFINITY, ...kept.map((i) => steps.thresholds[i])]),
    recall: Float64Array.from([0, ...kept.map((i) => tp[i] / selected.positives)]),
    precision: Float64Array.from([1, ...kept.map((i) => tp[i] / (tp[i] + fp[i]))]),
  };
}

/** Rows at or above each distinct score, by descending score. */
function cumulate(known: KnownRows): {
  thresholds: number[];
  truePositives: number[];
  falsePositives: number[];
} {
  const { size, scores, targets, ends } = rank(known);
  const steps = {
    thresholds: [] as number[],
    truePositives: [] as number[],
    falsePositives: [] as number[],
  };
  let truePositives = 0;
  for (let i = 0; i < size; i++) {
    truePositives += targets[i];
    if (ends[i] === 0) continue;
    steps.thresholds.push(scores[i]);
    steps.truePositives.push(truePositives);
    steps.falsePositives.push(i + 1 - truePositives);
  }
  return steps;
}
