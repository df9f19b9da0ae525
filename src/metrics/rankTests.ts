/**
 * Comparing several models over many blocks (folds, labels, data sets) by ranks, after [demsar2006comparisons]: is there
 * any difference (Friedman, Iman–Davenport), between which (Nemenyi; or Wilcoxon with Holm's correction). Blocks are
 * taken as independent; folds of one data set share training rows, so read their p-values as optimistic
 * [nadeau2003inference].
 */
import { ShapeError } from '../errors.js';
import type { TestResult } from './estimate.js';
import { midranks } from './midranks.js';
import { studentizedRangeQuantile, studentizedRangeTail } from './studentizedRange.js';
import { chiSquaredTail, fTail, normalTail } from './tails.js';

/** Outcome of a Friedman test over N blocks and k models. */
export interface FriedmanTest {
  readonly blocks: number;
  readonly models: number;
  /** [model] mean over blocks of the model's rank, 1 = best. */
  readonly meanRanks: readonly number[];
  /** χ² with k − 1 degrees of freedom; conservative. */
  readonly chiSquared: TestResult;
  /** Iman and Davenport's F with k − 1 and (k − 1)(N − 1) degrees of freedom; the one to report. */
  readonly imanDavenport: TestResult;
}

/**
 * Friedman's rank test, corrected for ties [friedman1937ranks], and its sharper form by Iman and Davenport
 * [iman1980friedman].
 *   χ² = (12 Σ_j R_j² / (N k (k + 1)) − 3 N (k + 1)) / (1 − Σ t(t² − 1) / (N k (k² − 1))), R_j rank sums
 *   F  = (N − 1) χ² / (N (k − 1) − χ²)
 * @param scores [block][model] finite, higher is better (pass a loss negated)
 * @throws ShapeError when there are fewer than 2 blocks or 3 models, or the blocks differ in length; RangeError for a
 *   score that is not finite
 */
export function friedmanTest(scores: readonly ArrayLike<number>[]): FriedmanTest {
  const blocks = scores.length;
  const models = scores[0]?.length ?? 0;
  if (blocks < 2 || models < 3) {
    throw new ShapeError(
      `friedmanTest: needs at least 2 blocks and 3 models, got ${blocks} and ${models}; ` +
        'compare two models with wilcoxonTest',
    );
  }
  const sums = new Float64Array(models);
  let ties = 0;
  scores.forEach((block, b) => {
    if (block.length !== models) {
      throw new ShapeError(
        `friedmanTest: every block must hold all ${models} models, got ${block.length} in block ${b}`,
      );
    }
    checkFinite('friedmanTest', block, `block ${b}`);
    const ranked = midranks(Array.from(block, (score) => -score));
    ranked.ranks.forEach((rank, model) => {
      sums[model] += rank;
    });
    ties += ranked.ties;
  });
  const found = { blocks, models, meanRanks: Array.from(sums, (sum) => sum / blocks) };
  const untied = 1 - ties / (blocks * models * (models * models - 1));
  if (untied === 0) {
    const tied = noTest('every model ties with every other in each block');
    return { ...found, chiSquared: tied, imanDavenport: tied };
  }
  const squares = sums.reduce((sum, rankSum) => sum + rankSum * rankSum, 0);
  const chiSquared = ((12 * squares) / (blocks * models * (models + 1)) - 3 * blocks * (models + 1)) / untied;
  const rest = blocks * (models - 1) - chiSquared;
  return {
    ...found,
    chiSquared: { statistic: chiSquared, pValue: chiSquaredTail(chiSquared, models - 1) },
    imanDavenport:
      rest < 1e-9 * blocks * models
        ? noTest('all blocks rank the models alike, so F has no finite value')
        : test(((blocks - 1) * chiSquared) / rest, (f) => fTail(f, models - 1, (models - 1) * (blocks - 1))),
  };
}

/** What Nemenyi's test says after a Friedman test. */
export interface NemenyiTest {
  /** Models whose mean ranks differ by more than this differ at level `alpha`. */
  readonly criticalDifference: number;
  readonly alpha: number;
  /** [model][model] family-wise p-value of each pair; 1 on the diagonal. */
  readonly pValues: readonly (readonly number[])[];
}

/**
 * Nemenyi's test of all pairs of models [nemenyi1963comparisons], from the studentised range q of k normals.
 *   CD = q_α / √2 · √(k (k + 1) / (6 N))
 * @param friedman the test that came first
 * @param alpha    family-wise level, in (0, 1)
 * @throws RangeError for an alpha out of range
 */
export function nemenyiTest(
  { blocks, models, meanRanks }: Pick<FriedmanTest, 'blocks' | 'models' | 'meanRanks'>,
  alpha = 0.05,
): NemenyiTest {
  const unit = Math.sqrt((models * (models + 1)) / (12 * blocks));
  return {
    criticalDifference: studentizedRangeQuantile(alpha, models) * unit,
    alpha,
    pValues: meanRanks.map((a) => meanRanks.map((b) => studentizedRangeTail(Math.abs(a - b) / unit, models))),
  };
}

/** Outcome of a signed-rank test. `statistic` is min(W⁺, W⁻). */
export type WilcoxonTest = TestResult & {
  /** Pairs whose values differ; the others carry no sign and are left out. */
  readonly pairs: number;
  /** How the p-value was found. */
  readonly method: 'exact' | 'normal';
};

/** Most pairs for which the exact distribution is used. */
const EXACT_PAIRS = 50;

/**
 * Wilcoxon's signed-rank test of paired values, two-sided [wilcoxon1945ranking]. The p-value is exact for up to 50
 * pairs when no pair and no two distances tie; otherwise from the normal approximation with tie correction and without
 * continuity correction.
 *   z = (W − n(n + 1)/4) / √((n(n + 1)(2n + 1) − ½ Σ t(t² − 1)) / 24)
 * @param a [pair] finite
 * @param b [pair] finite
 * @throws ShapeError when the lengths differ; RangeError for a value that is not finite
 */
export function wilcoxonTest(a: ArrayLike<number>, b: ArrayLike<number>): WilcoxonTest {
  if (a.length !== b.length) {
    throw new ShapeError(`wilcoxonTest: both must have one value per pair, got ${a.length} and ${b.length}`);
  }
  checkFinite('wilcoxonTest', a, 'the first');
  checkFinite('wilcoxonTest', b, 'the second');
  const differences = Array.from(a, (value, i) => value - b[i]).filter((difference) => difference !== 0);
  const pairs = differences.length;
  const { ranks, ties } = midranks(differences.map(Math.abs));
  const exact = pairs === a.length && ties === 0 && pairs <= EXACT_PAIRS;
  const method = exact ? 'exact' : 'normal';
  if (pairs === 0) return { ...noTest(a.length === 0 ? 'no pairs' : 'no pair differs'), pairs, method };
  const positive = ranks.reduce((sum, rank, i) => sum + (differences[i] > 0 ? rank : 0), 0);
  const all = (pairs * (pairs + 1)) / 2;
  const statistic = Math.min(positive, all - positive);
  if (exact) return { ...test(statistic, (w) => 2 * signedRankTail(w, pairs)), pairs, method };
  const variance = (pairs * (pairs + 1) * (2 * pairs + 1) - ties / 2) / 24;
  const z = (all / 2 - statistic) / Math.sqrt(variance);
  return { ...test(statistic, () => 2 * normalTail(z)), pairs, method };
}

/** P(W ≤ w) of the rank sum of n fair signs, by counting the subsets of 1..n per sum; exact up to 2^53 subsets. */
function signedRankTail(w: number, n: number): number {
  const subsets = new Float64Array(w + 1);
  subsets[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = w; sum >= rank; sum--) subsets[sum] += subsets[sum - rank];
  }
  return subsets.reduce((sum, count) => sum + count, 0) / 2 ** n;
}

/**
 * Holm's step-down correction: p-values that may each be read at the family's level [holm1979]. The i-th smallest of m
 * is multiplied by m − i + 1 and kept no smaller than those before it.
 * @param pValues [test] in [0, 1]
 * @returns [test] in [0, 1], in the order given
 * @throws RangeError for an entry out of range
 */
export function holm(pValues: ArrayLike<number>): Float64Array {
  const m = pValues.length;
  const order = Array.from({ length: m }, (_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Float64Array(m);
  let largest = 0;
  order.forEach((at, i) => {
    if (!(pValues[at] >= 0 && pValues[at] <= 1)) {
      throw new RangeError(`holm: p-values must lie in [0, 1], got ${pValues[at]} in place ${at}`);
    }
    largest = Math.max(largest, Math.min(1, (m - i) * pValues[at]));
    adjusted[at] = largest;
  });
  return adjusted;
}

const test = (statistic: number, pValue: (statistic: number) => number): TestResult => ({
  statistic,
  pValue: Math.min(1, pValue(statistic)),
});

const noTest = (reason: string): TestResult => ({ statistic: null, pValue: null, reason });

function checkFinite(caller: string, values: ArrayLike<number>, where: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(
        `${caller}: values must be finite, got ${values[i]} in place ${i} of ${where}; leave undefined results out`,
      );
    }
  }
}
