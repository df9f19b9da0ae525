/**
 * Rows in descending order of score. Sorting is the dear part of every rank metric and does not depend on how often
 * a row counts, so a bootstrap sorts once and then makes one weighted pass per resample.
 */
import type { KnownRows } from './known.js';

/** Known rows by descending score; equal scores form one tie group, inside which order carries no meaning. */
export interface Ranking {
  readonly size: number;
  /** [size] row in the caller's arrays. */
  readonly rows: Int32Array;
  /** [size] descending. */
  readonly scores: Float64Array;
  /** [size] 0 or 1. */
  readonly targets: Uint8Array;
  /** [size] 1 at the last row of a tie group. */
  readonly ends: Uint8Array;
}

/** Sorts known rows by descending score. */
export function rank(known: Omit<KnownRows, 'positives'>): Ranking {
  const { size } = known;
  const order = new Int32Array(size);
  for (let i = 0; i < size; i++) order[i] = i;
  order.sort((a, b) => known.scores[b] - known.scores[a] || a - b);
  const rows = new Int32Array(size);
  const scores = new Float64Array(size);
  const targets = new Uint8Array(size);
  const ends = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    rows[i] = known.rows[order[i]];
    scores[i] = known.scores[order[i]];
    targets[i] = known.targets[order[i]];
    if (i > 0 && scores[i] !== scores[i - 1]) ends[i - 1] = 1;
  }
  if (size > 0) ends[size - 1] = 1;
  return { size, rows, scores, targets, ends };
}

/** Weights that count every row once. */
export function unitWeights(ranking: Ranking): Int32Array {
  return new Int32Array(ranking.size).fill(1);
}

/**
 * Both areas in one pass over the tie groups, each row counted `weights[i]` times.
 *   AUROC = (Σ over pairs [s⁺ > s⁻] + ½ [s⁺ = s⁻]) / (n⁺ n⁻)          [hanley1982auc]
 *   AUPRC = Σ_k (R_k − R_{k−1}) P_k, k over descending thresholds     [boyd2013auprc, average precision]
 * @param weights [ranking.size] non-negative integers
 * @param out receives [AUROC, AUPRC]; NaN where a class (for AUPRC: the positive one) has no weight
 */
export function weightedAreas(ranking: Ranking, weights: Int32Array, out: Float64Array): void {
  const { size, targets, ends } = ranking;
  let positives = 0;
  let negatives = 0;
  let positivesAbove = 0;
  let negativesAbove = 0;
  let wins = 0;
  let precision = 0;
  for (let i = 0; i < size; i++) {
    if (targets[i] === 1) positives += weights[i];
    else negatives += weights[i];
    if (ends[i] === 0) continue;
    if (positives > positivesAbove) {
      const gained = positives - positivesAbove;
      // Negatives above and half of those in the group are what these positives lose to.
      wins -= gained * 0.5 * (negativesAbove + negatives);
      precision += (gained * positives) / (positives + negatives);
      positivesAbove = positives;
    }
    negativesAbove = negatives;
  }
  wins += positives * negatives;
  out[0] = positives > 0 && negatives > 0 ? wins / (positives * negatives) : Number.NaN;
  out[1] = positives > 0 ? precision / positives : Number.NaN;
}
