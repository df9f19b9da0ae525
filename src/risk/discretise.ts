/**
 * Cut points a1 < … < ak that turn a continuous column into bins C1 … C(k+1) (P1). A value x falls into bin i, counted
 * from 0, when a_i ≤ x < a_(i+1).
 */
import { ConfigError } from '../errors.js';
import { growTree, sortColumns } from './cart.js';

/** How cut points are found; `fixed` ones are given instead. */
export type BinMethod = 'quantile' | 'uniform' | 'tree';

/** @returns the bin of x, 0 … cuts.length; x must not be NaN */
export function binOf(cuts: readonly number[], x: number): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x >= cuts[middle]) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Checks clinical cut points.
 * @throws ConfigError unless there are any, finite and strictly ascending
 */
export function checkCuts(column: string, cuts: readonly number[]): readonly number[] {
  if (cuts.length === 0) {
    throw new ConfigError(
      `fitStage1: cut points of "${column}" must be at least one, got []; name them or leave the column out of bins.fixed`,
      'stage1.bins.fixed',
    );
  }
  cuts.forEach((cut, i) => {
    if (!Number.isFinite(cut) || (i > 0 && !(cut > cuts[i - 1]))) {
      throw new ConfigError(
        `fitStage1: cut points of "${column}" must be finite and strictly ascending, got [${cuts.join(', ')}]; sort them`,
        'stage1.bins.fixed',
      );
    }
  });
  return cuts;
}

/**
 * Equally filled bins: the quantiles i/bins of the values, linear between order statistics
 * [hyndman1996quantiles, type 7]. Tied quantiles collapse, so there may be fewer bins.
 * @param values recorded training values, at least one
 */
export function quantileCuts(values: Float64Array, bins: number): number[] {
  const sorted = Float64Array.from(values).sort();
  const cuts: number[] = [];
  for (let i = 1; i < bins; i++) {
    const at = ((sorted.length - 1) * i) / bins;
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    cuts.push(sorted[below] + (at - below) * (sorted[above] - sorted[below]));
  }
  return ascending(cuts, sorted[0]);
}

/** Equally wide bins between the smallest and the largest training value. */
export function uniformCuts(values: Float64Array, bins: number): number[] {
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  const cuts = Array.from({ length: bins - 1 }, (_, i) => min + ((max - min) * (i + 1)) / bins);
  return ascending(cuts, min);
}

/**
 * Supervised bins: the thresholds of one univariate tree per label, pooled. They have seen the labels of the rows given,
 * so scores that inner cross-validation reports on bins made this way are a little too good.
 * @param values [row] recorded training values
 * @param targets per label, [row] 1 / 0 and which rows are known
 * @param bins most bins that a single label may ask for
 * @param minLeaf fewest rows in a bin of a single label
 */
export function treeCuts(
  values: Float64Array,
  targets: readonly { readonly target: Uint8Array; readonly rows: Int32Array }[],
  bins: number,
  minLeaf: number,
): number[] {
  const maxDepth = Math.floor(Math.log2(bins));
  const cuts = targets.flatMap(({ target, rows }) => {
    if (rows.length === 0) return [];
    const tree = growTree([values], sortColumns([values], rows), target, rows, { maxDepth, minLeaf });
    return tree.threshold.filter((_, node) => tree.feature[node] === 0);
  });
  return ascending(cuts, Number.NEGATIVE_INFINITY);
}

/** Sorted, without repeats, and without cuts that leave the first bin empty. */
function ascending(cuts: readonly number[], min: number): number[] {
  return [...new Set(cuts)].filter((cut) => cut > min).sort((a, b) => a - b);
}
