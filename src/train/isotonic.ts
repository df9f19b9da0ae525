/** Isotonic regression by pooling adjacent violators [ayer1955empirical]. */

/** A non-decreasing, piecewise linear function: through (knots[i], values[i]), constant outside. */
export interface IsotonicFit {
  readonly knots: number[];
  readonly values: number[];
}

/**
 * The non-decreasing function of x that is closest to y in least squares at the given points; between them it
 * is interpolated linearly. Points with the same x are averaged first. Only the ends of each level piece are
 * kept as knots, as scikit-learn does.
 * @param x any order, finite, at least one
 * @param y one per x
 */
export function isotonicRegression(x: Float64Array, y: Float64Array): IsotonicFit {
  const order = Array.from(x.keys()).sort((a, b) => x[a] - x[b]);
  const blocks: { first: number; last: number; sum: number; weight: number }[] = [];
  for (const index of order) {
    const previous = blocks.at(-1);
    if (previous !== undefined && previous.last === x[index]) {
      previous.sum += y[index];
      previous.weight++;
    } else {
      blocks.push({ first: x[index], last: x[index], sum: y[index], weight: 1 });
    }
  }
  const pooled: typeof blocks = [];
  for (let block of blocks) {
    for (let below = pooled.at(-1); below !== undefined; below = pooled.at(-1)) {
      if (below.sum * block.weight < block.sum * below.weight) break;
      pooled.pop();
      block = {
        first: below.first,
        last: block.last,
        sum: below.sum + block.sum,
        weight: below.weight + block.weight,
      };
    }
    pooled.push(block);
  }
  const knots: number[] = [];
  const values: number[] = [];
  for (const { first, last, sum, weight } of pooled) {
    for (const knot of first === last ? [first] : [first, last]) {
      knots.push(knot);
      values.push(sum / weight);
    }
  }
  return { knots, values };
}
