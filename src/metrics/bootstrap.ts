/**
 * Bootstrap over clusters. Rows of one patient are not independent, so patients, not rows, are drawn with
 * replacement [field2007clusters]; a resample is how often each patient counts, not a copied table.
 */
import { type Random, randomStream } from '../random/index.js';
import type { Estimate } from './estimate.js';

/** Rows by dense cluster index. */
export interface Clusters {
  /** [row] 0..count-1, ascending in the caller's index, so the order of rows does not matter. */
  readonly ofRow: Int32Array;
  readonly count: number;
}

/** Renumbers arbitrary cluster indices as 0..count-1. */
export function denseClusters(index: Int32Array): Clusters {
  const distinct = index.slice().sort();
  let count = 0;
  for (let i = 0; i < distinct.length; i++) {
    if (i === 0 || distinct[i] !== distinct[count - 1]) distinct[count++] = distinct[i];
  }
  const ofRow = index.map((cluster) => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (distinct[middle] < cluster) low = middle + 1;
      else high = middle;
    }
    return low;
  });
  return { ofRow, count };
}

/** Draws as many clusters as there are, with replacement. @param multiplicity [cluster] receives how often each came */
export function resampleClusters(random: Random, multiplicity: Int32Array): void {
  multiplicity.fill(0);
  random.countIntegers(multiplicity.length, multiplicity);
}

/** Values that depend on how often each cluster counts; what does not depend on it is done once, beforehand. */
export interface ResampledValues {
  /** How many values. */
  readonly size: number;
  /** Writes the values to out[at..], cluster c counted multiplicity[c] times; NaN marks an undefined one. */
  readonly compute: (multiplicity: Int32Array, out: Float64Array, at: number) => void;
}

/** The mean of the same values over cross-validation repeats; undefined where undefined in one of them. */
export function meanOverRepeats(repeats: readonly ResampledValues[]): ResampledValues {
  if (repeats.length === 1) return repeats[0];
  const { size } = repeats[0];
  const scratch = new Float64Array(size);
  return {
    size,
    compute: (multiplicity, out, at) => {
      out.fill(0, at, at + size);
      for (const values of repeats) {
        values.compute(multiplicity, scratch, 0);
        for (let i = 0; i < size; i++) out[at + i] += scratch[i] / repeats.length;
      }
    },
  };
}

/** What is bootstrapped, and how. */
export interface BootstrapOptions {
  /** Number of clusters. */
  readonly clusters: number;
  /** Number of resamples; 0 gives values without draws. */
  readonly resamples: number;
  readonly seed: number;
  /** Length of the statistic's result. */
  readonly size: number;
  /**
   * Computes all values at once, given how often each cluster counts; NaN marks an undefined one. It is called
   * once per resample: allocate outside.
   * @param multiplicity [cluster] non-negative integers
   * @param out [size]
   */
  readonly statistic: (multiplicity: Int32Array, out: Float64Array) => void;
}

/** Values on the data as they are and on each resample; NaN marks an undefined one. */
export interface BootstrapDraws {
  /** [size] every cluster counted once. */
  readonly values: Float64Array;
  /** [size] of [resamples], in the order drawn. */
  readonly draws: readonly Float64Array[];
}

/**
 * Evaluates a statistic on the data and on seeded cluster resamples.
 * @throws RangeError when resamples is not a non-negative integer
 */
export function clusterBootstrap(options: BootstrapOptions): BootstrapDraws {
  const { clusters, resamples, seed, size, statistic } = options;
  if (!Number.isInteger(resamples) || resamples < 0) {
    throw new RangeError(`clusterBootstrap: resamples must be a non-negative integer, got ${resamples}`);
  }
  const multiplicity = new Int32Array(clusters).fill(1);
  const values = new Float64Array(size);
  statistic(multiplicity, values);
  const random = randomStream(seed, 'bootstrap');
  const draws = Array.from({ length: size }, () => new Float64Array(resamples));
  const out = new Float64Array(size);
  for (let resample = 0; resample < resamples; resample++) {
    resampleClusters(random, multiplicity);
    statistic(multiplicity, out);
    for (let i = 0; i < size; i++) draws[i][resample] = out[i];
  }
  return { values, draws };
}

/** What one evaluation bootstraps, and what it makes of the draws. */
export interface Resampling<Result> extends ResampledValues {
  readonly clusters: number;
  /**
   * @param values [size] every cluster counted once; NaN marks an undefined one
   * @param draws  [size] of [resamples]
   */
  readonly conclude: (values: Float64Array, draws: readonly Float64Array[]) => Result;
}

/** How intervals are found. */
export interface EvaluationOptions {
  /** Bootstrap resamples, default 1000; 0 states values without intervals. */
  readonly resamples?: number;
  /** Seed of the bootstrap. */
  readonly seed: number;
}

/**
 * The results of several evaluations of the same clusters. They see the same resamples, drawn once: each has the result
 * that it has alone.
 * @throws RangeError as clusterBootstrap, and when the numbers of clusters differ
 */
export function bootstrapTogether<const Results extends readonly unknown[]>(
  evaluations: { readonly [K in keyof Results]: Resampling<Results[K]> },
  { resamples = 1000, seed }: EvaluationOptions,
): Results {
  const all: readonly Resampling<Results[number]>[] = evaluations;
  const [{ clusters }] = all;
  const other = all.find((evaluation) => evaluation.clusters !== clusters);
  if (other !== undefined) {
    throw new RangeError(
      `bootstrapTogether: evaluations must be of the same clusters, got ${clusters} and ${other.clusters}; bootstrap them one by one`,
    );
  }
  const starts: number[] = [];
  let size = 0;
  for (const evaluation of all) {
    starts.push(size);
    size += evaluation.size;
  }
  const { values, draws } = clusterBootstrap({
    clusters,
    resamples,
    seed,
    size,
    statistic: (multiplicity, out) => {
      for (let i = 0; i < all.length; i++) all[i].compute(multiplicity, out, starts[i]);
    },
  });
  return all.map((evaluation, i) => {
    const end = starts[i] + evaluation.size;
    return evaluation.conclude(values.subarray(starts[i], end), draws.slice(starts[i], end));
  }) as unknown as Results;
}

/** An interval is stated when the statistic was defined in at least this share of the resamples. */
const DEFINED_SHARE = 0.95;

/**
 * A value with its percentile interval [efron1993bootstrap]: the 2.5 % and 97.5 % quantiles of the draws,
 * interpolated linearly between order statistics. Undefined draws are left out and counted; when they are more than
 * 5 % the rest would be a selection of lucky resamples, and no interval is stated.
 * @param value NaN for an undefined one
 * @param draws [resample] NaN for an undefined one
 * @param clusters number of clusters that were resampled
 * @param whyUndefined asked for the reason when the value itself is undefined
 */
export function percentileEstimate(
  value: number,
  draws: Float64Array,
  clusters: number,
  whyUndefined: () => string,
): Estimate {
  if (Number.isNaN(value)) return { value: null, reason: whyUndefined() };
  if (draws.length === 0) return { value, ci95: null, reason: 'no bootstrap resamples were asked for' };
  if (clusters < 2) return { value, ci95: null, reason: 'one patient alone cannot be resampled' };
  const defined = draws.filter((draw) => !Number.isNaN(draw)).sort();
  if (defined.length < DEFINED_SHARE * draws.length) {
    return {
      value,
      ci95: null,
      reason:
        `defined in only ${defined.length} of ${draws.length} resamples of patients; ` +
        'too few patients carry what this metric needs',
    };
  }
  return { value, ci95: [quantile(defined, 0.025), quantile(defined, 0.975)] };
}

/** Quantile by linear interpolation between order statistics [hyndman1996quantiles, type 7]. */
export function quantile(ascending: Float64Array, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}
