/** Whether probabilities mean what they say: recalibration coefficients, reliability bins, calibration error. */
import { type Estimate, proportion } from './estimate.js';
import { knownProbabilities } from './known.js';
import { type Ranking, rank, unitWeights } from './ranking.js';
import { describeNoRecalibration, recalibrate, recalibrateIntercept } from './recalibration.js';
import { clippedLogit } from './scores.js';

/** Bins of reliability diagrams and of the calibration error, where not told otherwise. */
export const RELIABILITY_BINS = 10;

/** Coefficients of logistic recalibration; null where no finite estimate exists, then with the reason. */
export interface Calibration {
  /** b of logit P(y = 1) = a + b logit p; 1 is ideal, below 1 the probabilities are too extreme. */
  readonly slope: number | null;
  /** a of the same model; 0 is ideal. */
  readonly intercept: number | null;
  /**
   * Calibration in the large: a of logit P(y = 1) = a + logit p, the slope fixed at 1; 0 is ideal, above 0 the
   * risks are underestimated on the whole.
   */
  readonly inTheLarge: number | null;
  readonly reason: string | null;
}

/**
 * Calibration slope and intercept, and calibration in the large, by logistic recalibration
 * [cox1958recalibration] [vancalster2019calibration]. Probabilities are kept 2^-52 away from 0 and 1.
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @throws ShapeError when the lengths differ; RangeError for entries out of range
 */
export function calibration(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): Calibration {
  const selected = knownProbabilities('calibration', probabilities, targets, known);
  const logits = selected.scores.map(clippedLogit);
  const weights = new Int32Array(selected.size).fill(1);
  const odds = logits.map((z) => Math.exp(-z));
  const joint = Float64Array.of(0, 1);
  const obstacle = recalibrate(logits, selected.targets, weights, joint);
  return {
    slope: obstacle === null ? joint[1] : null,
    intercept: obstacle === null ? joint[0] : null,
    inTheLarge: recalibrateIntercept(odds, selected.targets, weights, 0),
    reason: obstacle === null ? null : describeNoRecalibration(obstacle),
  };
}

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  /** Lowest and highest probability in the bin. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly positives: number;
  readonly meanProbability: number;
  /** Share of positives, with its Wilson interval (rows taken as independent). */
  readonly observed: Estimate;
}

/**
 * Bins of equal mass for a reliability diagram, by ascending probability. Rows of equal probability stay together,
 * in the bin that holds the middle of their ranks; bins that no row falls into are left out.
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @param bins most bins, an integer of at least 1
 * @throws ShapeError when the lengths differ; RangeError for entries or bins out of range
 */
export function reliabilityBins(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
  bins = RELIABILITY_BINS,
): readonly ReliabilityBin[] {
  checkBins('reliabilityBins', bins);
  const {
    size,
    scores,
    targets: ranked,
    ends,
  } = rank(knownProbabilities('reliabilityBins', probabilities, targets, known));
  const found: ReliabilityBin[] = [];
  let bin = -1;
  let sum = 0;
  let positives = 0;
  let first = size; // ranks [first, last) belong to the bin being filled
  let last = size;
  const close = () => {
    if (last === first) return;
    const count = last - first;
    found.push({
      low: scores[last - 1],
      high: scores[first],
      count,
      positives,
      meanProbability: sum / count,
      observed: proportion(positives, count),
    });
  };
  // Ranks descend, so walking from the end ascends in probability.
  for (let groupEnd = size; groupEnd > 0; ) {
    let start = groupEnd - 1;
    while (start > 0 && ends[start - 1] === 0) start--;
    const own = binOf(size - groupEnd, groupEnd - start, size, bins);
    if (own !== bin) {
      close();
      bin = own;
      sum = 0;
      positives = 0;
      last = groupEnd;
    }
    for (let i = start; i < groupEnd; i++) {
      sum += scores[i];
      positives += ranked[i];
    }
    first = start;
    groupEnd = start;
  }
  close();
  return found;
}

/**
 * Expected calibration error over bins of equal mass.
 *   ECE = Σ_b (n_b / n) |mean p in b − share of positives in b|          [naeini2015ece] [nixon2019calibration]
 * Noise adds to it: a perfectly calibrated model on few rows has ECE > 0, and a bootstrap resample, being noisier
 * than the data, has more, so its percentile interval lies too high. Read it beside slope and intercept.
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @param bins most bins, an integer of at least 1
 * @returns in [0, 1]; null without known rows
 * @throws ShapeError when the lengths differ; RangeError for entries or bins out of range
 */
export function ece(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
  bins = RELIABILITY_BINS,
): number | null {
  checkBins('ece', bins);
  const ranking = rank(knownProbabilities('ece', probabilities, targets, known));
  const error = weightedEce(ranking, unitWeights(ranking), bins);
  return Number.isNaN(error) ? null : error;
}

/** ECE with each row counted `weights[i]` times, bins of equal weight; NaN where nothing has weight. */
export function weightedEce(ranking: Ranking, weights: Int32Array, bins: number): number {
  const { size, scores, targets, ends } = ranking;
  let total = 0;
  for (let i = 0; i < size; i++) total += weights[i];
  let below = total;
  let bin = -1;
  let binGap = 0;
  let error = 0;
  let groupWeight = 0;
  let groupGap = 0;
  for (let i = 0; i < size; i++) {
    groupWeight += weights[i];
    groupGap += weights[i] * (scores[i] - targets[i]);
    if (ends[i] === 0 || groupWeight === 0) continue;
    below -= groupWeight;
    const own = binOf(below, groupWeight, total, bins);
    if (own !== bin) {
      error += Math.abs(binGap);
      bin = own;
      binGap = 0;
    }
    binGap += groupGap;
    groupWeight = 0;
    groupGap = 0;
  }
  return (error + Math.abs(binGap)) / total;
}

/** The bin that holds the middle rank of a tie group: `below` rows lie under it, `own` in it. */
function binOf(below: number, own: number, total: number, bins: number): number {
  return Math.floor((bins * (below + own / 2)) / total);
}

function checkBins(caller: string, bins: number): void {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`${caller}: bins must be an integer of at least 1, got ${bins}`);
  }
}
