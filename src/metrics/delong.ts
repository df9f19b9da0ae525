/**
 * Variance of an AUROC, and the test of two AUROCs on the same rows, without resampling [delong1988auc], from midranks in
 * O(n log n) [sun2014delong]. It takes rows as independent: where patients have several rows it claims too much
 * certainty, and `compareMultilabel`, which draws patients, is the comparison to report.
 */
import { ShapeError } from '../errors.js';
import { NORMAL_975, type TestResult } from './estimate.js';
import { type KnownRows, knownRows } from './known.js';
import { midranks } from './midranks.js';
import { clippedLogit } from './scores.js';
import { normalTail } from './tails.js';

/** An AUROC with its DeLong variance; what is undefined is null, with the reason. */
export interface DelongAuroc {
  /** Null when a class is absent. */
  readonly value: number | null;
  /** Null with fewer than two rows of a class. */
  readonly variance: number | null;
  /** 95 % interval, symmetric on the logit scale and so inside (0, 1); null also where the variance is 0. */
  readonly ci95: readonly [low: number, high: number] | null;
  readonly reason: string | null;
}

/**
 * AUROC with DeLong's variance and its 95 % interval on the logit scale.
 *   Var A = S₁₀/m + S₀₁/n, the sample variances over m positives and n negatives of each row's share of won pairs
 *   logit A ± 1.96 √Var A / (A (1 − A))          [pepe2003evaluation]
 * @param scores [row] finite, higher means more likely positive
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @throws ShapeError when the lengths differ; RangeError for a score that is not finite or a target not 0 or 1
 */
export function delongAuroc(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): DelongAuroc {
  const selected = knownRows('delongAuroc', scores, targets, known);
  const obstacle = whyNone(selected);
  const { positives, size } = selected;
  if (positives === 0 || positives === size)
    return { value: null, variance: null, ci95: null, reason: obstacle };
  const shares = wonShares(selected);
  const value = mean(shares.ofPositives);
  if (obstacle !== null) return { value, variance: null, ci95: null, reason: obstacle };
  const variance = varianceOfMean(shares.ofPositives) + varianceOfMean(shares.ofNegatives);
  if (variance === 0) {
    const reason = 'every row wins the same share of pairs, so the variance is 0 and says nothing';
    return { value, variance, ci95: null, reason };
  }
  const half = (NORMAL_975 * Math.sqrt(variance)) / (value * (1 - value));
  const bound = (side: number) => 1 / (1 + Math.exp(-(clippedLogit(value) + side * half)));
  return { value, variance, ci95: [bound(-1), bound(1)], reason: null };
}

/** Two AUROCs on the same rows; the statistic of the test is z. */
export type DelongTest = TestResult & {
  readonly a: number | null;
  readonly b: number | null;
  /** a − b. */
  readonly difference: number | null;
  /** Variance of the difference. */
  readonly variance: number | null;
  /** Symmetric 95 % interval of the difference. */
  readonly ci95: readonly [low: number, high: number] | null;
};

/**
 * DeLong's test that two models have the same AUROC, two-sided. The variance is that of each row's difference in won
 * pairs, which is Var A + Var B − 2 Cov(A, B) without its cancellation.
 * @param a [row] scores of one model, finite
 * @param b [row] scores of the other on the same rows
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @throws as delongAuroc
 */
export function delongTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): DelongTest {
  if (a.length !== b.length) {
    throw new ShapeError(
      `delongTest: both models must score the same rows, got ${a.length} and ${b.length} scores`,
    );
  }
  const selected = knownRows('delongTest', a, targets, known);
  const other = knownRows('delongTest', b, targets, known);
  const none = { statistic: null, pValue: null, variance: null, ci95: null };
  const obstacle = whyNone(selected);
  if (selected.positives === 0 || selected.positives === selected.size) {
    return { ...none, a: null, b: null, difference: null, reason: obstacle! };
  }
  const [ofA, ofB] = [wonShares(selected), wonShares(other)];
  const difference = mean(ofA.ofPositives) - mean(ofB.ofPositives);
  const values = { a: mean(ofA.ofPositives), b: mean(ofB.ofPositives), difference };
  if (obstacle !== null) return { ...none, ...values, reason: obstacle };
  const gap = (one: Float64Array, two: Float64Array) => one.map((share, i) => share - two[i]);
  const variance =
    varianceOfMean(gap(ofA.ofPositives, ofB.ofPositives)) +
    varianceOfMean(gap(ofA.ofNegatives, ofB.ofNegatives));
  if (variance === 0) {
    const reason = 'the two models win pairs by the same margin in every row, so the variance is 0';
    return { ...none, ...values, variance, reason };
  }
  const error = Math.sqrt(variance);
  return {
    ...values,
    variance,
    ci95: [difference - NORMAL_975 * error, difference + NORMAL_975 * error],
    statistic: difference / error,
    pValue: 2 * normalTail(Math.abs(difference / error)),
  };
}

function whyNone({ size, positives }: KnownRows): string | null {
  const missing = positives < 2 ? 'positives' : size - positives < 2 ? 'negatives' : null;
  if (missing === null) return null;
  const count = missing === 'positives' ? positives : size - positives;
  return `needs at least two ${missing}, got ${count} among ${size} rows with a known label`;
}

/** Per positive, the share of negatives below it; per negative, the share of positives above it; ties count half. */
function wonShares({ scores, targets, size, positives }: KnownRows): {
  readonly ofPositives: Float64Array;
  readonly ofNegatives: Float64Array;
} {
  const { ranks } = midranks(scores);
  const own = (target: number) => midranks(scores.filter((_, i) => targets[i] === target)).ranks;
  const among = (target: number) => ranks.filter((_, i) => targets[i] === target);
  const [withinPositives, withinNegatives] = [own(1), own(0)];
  return {
    ofPositives: among(1).map((rank, i) => (rank - withinPositives[i]) / (size - positives)),
    ofNegatives: among(0).map((rank, i) => 1 - (rank - withinNegatives[i]) / positives),
  };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample variance over the number of values; exactly 0 where all are equal. */
function varianceOfMean(values: Float64Array): number {
  if (values.every((value) => value === values[0])) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}
