/**
 * How two segmentations of the same pixels agree, whatever numbers their segments bear: pairs of pixels (adapted Rand
 * error) and information (false splits and false merges).
 */
import { ShapeError } from '../errors.js';

/** Pairs of pixels that two label maps put together; what is undefined is null, with the reason. */
export interface AdaptedRand {
  /** 1 − 2PR / (P + R), in [0, 1], 0 for equal segmentations; 1 where no pair is together in both. */
  readonly error: number | null;
  /** Of the pairs together in `test`, the share that is together in `truth`; false merges lower it. */
  readonly precision: number | null;
  /** Of the pairs together in `truth`, the share that is together in `test`; false splits lower it. */
  readonly recall: number | null;
  readonly reason: string | null;
}

/**
 * Adapted Rand error of the SNEMI3D contest [arganda2015segmentation] over the pixels whose true label is not ignored.
 * From the contingency table n_ij of true segment i and test segment j, with sums a_i and b_j:
 *   P = Σ n_ij(n_ij − 1) / Σ b_j(b_j − 1),  R = Σ n_ij(n_ij − 1) / Σ a_i(a_i − 1)
 * Precision and recall are as defined and as scikit-image documents them; its code returns them the other way round.
 * @param truth  [pixel] true labels, any integers
 * @param test   [pixel] labels to judge
 * @param ignore true labels whose pixels are left out, default 0, the background
 * @throws ShapeError when the lengths differ
 */
export function adaptedRandError(
  truth: Int32Array,
  test: Int32Array,
  ignore: readonly number[] = [0],
): AdaptedRand {
  const { joint, trueSizes, testSizes } = contingency('adaptedRandError', truth, test, ignore);
  const [both, inTruth, inTest] = [joint.map(({ count }) => count), trueSizes, testSizes].map(orderedPairs);
  const missing = inTruth === 0 ? 'true' : inTest === 0 ? 'test' : null;
  return {
    error: inTruth + inTest === 0 ? null : 1 - (2 * both) / (inTruth + inTest),
    precision: inTest === 0 ? null : both / inTest,
    recall: inTruth === 0 ? null : both / inTruth,
    reason: missing === null ? null : `no ${missing} segment holds two pixels`,
  };
}

const orderedPairs = (sizes: readonly number[]): number => sizes.reduce((sum, n) => sum + n * (n - 1), 0);

/** Variation of information in its two parts, in bits; null without pixels. */
export interface VariationOfInformation {
  /** H(test | truth): what is still unknown of the test segment when the true one is known; at least 0. */
  readonly falseSplits: number | null;
  /** H(truth | test): the same the other way round; at least 0. */
  readonly falseMerges: number | null;
  readonly reason: string | null;
}

/**
 * False splits and false merges: the conditional entropies whose sum is the variation of information
 * [meila2007clusterings].
 *   H(test | truth) = −Σ p_ij log₂(p_ij / a_i),  H(truth | test) = −Σ p_ij log₂(p_ij / b_j)
 * @param truth  [pixel] true labels, any integers
 * @param test   [pixel] labels to judge
 * @param ignore true labels whose pixels are left out, default none
 * @throws ShapeError when the lengths differ
 */
export function variationOfInformation(
  truth: Int32Array,
  test: Int32Array,
  ignore: readonly number[] = [],
): VariationOfInformation {
  const { joint, trueSizes, testSizes, pixels } = contingency('variationOfInformation', truth, test, ignore);
  if (pixels === 0)
    return { falseSplits: null, falseMerges: null, reason: 'no pixel has a true label that counts' };
  let falseSplits = 0;
  let falseMerges = 0;
  for (const { trueSegment, testSegment, count } of joint) {
    falseSplits += (count / pixels) * Math.log2(trueSizes[trueSegment] / count);
    falseMerges += (count / pixels) * Math.log2(testSizes[testSegment] / count);
  }
  return { falseSplits, falseMerges, reason: null };
}

interface Contingency {
  /** The cells of the table that are not empty, segments numbered by first appearance. */
  readonly joint: readonly {
    readonly trueSegment: number;
    readonly testSegment: number;
    readonly count: number;
  }[];
  /** Pixels per segment. */
  readonly trueSizes: readonly number[];
  readonly testSizes: readonly number[];
  readonly pixels: number;
}

function contingency(
  caller: string,
  truth: Int32Array,
  test: Int32Array,
  ignore: readonly number[],
): Contingency {
  if (truth.length !== test.length) {
    throw new ShapeError(
      `${caller}: both label maps must cover the same pixels, got ${truth.length} and ${test.length}`,
    );
  }
  const ignored = new Set(ignore);
  const trueSegments = new Map<number, number>();
  const testSegments = new Map<number, number>();
  const trueSizes: number[] = [];
  const testSizes: number[] = [];
  const cells = new Map<number, number>();
  let pixels = 0;
  for (let pixel = 0; pixel < truth.length; pixel++) {
    if (ignored.has(truth[pixel])) continue;
    const trueSegment = countSegment(truth[pixel], trueSegments, trueSizes);
    const testSegment = countSegment(test[pixel], testSegments, testSizes);
    const cell = trueSegment * truth.length + testSegment; // a segment holds a pixel, so there are at most as many
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
    pixels++;
  }
  const joint = [...cells].map(([cell, count]) => ({
    trueSegment: Math.floor(cell / truth.length),
    testSegment: cell % truth.length,
    count,
  }));
  return { joint, trueSizes, testSizes, pixels };
}

function countSegment(label: number, numbers: Map<number, number>, sizes: number[]): number {
  let number = numbers.get(label);
  if (number === undefined) {
    number = sizes.length;
    numbers.set(label, number);
    sizes.push(0);
  }
  sizes[number]++;
  return number;
}
