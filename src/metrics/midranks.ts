/** Ranks with ties shared, which rank tests and the variance of an AUROC are made of. */

/** Ascending ranks of some values. */
export interface Midranks {
  /** [value] from 1; equal values share the mean of their ranks. */
  readonly ranks: Float64Array;
  /** Σ over groups of t equal values of t (t² − 1), the term of tie corrections; 0 without ties. */
  readonly ties: number;
}

/** Ranks values from the smallest, in O(n log n). @param values finite */
export function midranks(values: ArrayLike<number>): Midranks {
  const order = Int32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  let ties = 0;
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let i = first; i < end; i++) ranks[order[i]] = (first + 1 + end) / 2;
    const group = end - first;
    ties += group * (group * group - 1);
    first = end;
  }
  return { ranks, ties };
}
