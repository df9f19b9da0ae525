/**
 * All metrics of one set of cells (one label's rows, or all labels' rows pooled) as one statistic of how often each
 * patient counts. Everything that does not depend on that is done once: sorting, logits, losses. A resample counts the
 * cells that are alike, and every metric is then a matter of these counts.
 */
import type { ResampledValues } from './bootstrap.js';
import { RELIABILITY_BINS, weightedEce } from './calibration.js';
import { type ConfusionCounts, countMetrics } from './confusion.js';
import { type Ranking, rank, weightedAreas } from './ranking.js';
import { describeNoRecalibration, recalibrate, recalibrateIntercept } from './recalibration.js';
import { clippedLogit, negativeLogLikelihood, squaredError } from './scores.js';

type CountMetric = keyof typeof countMetrics;
const countNames = Object.keys(countMetrics) as CountMetric[];

/** Metrics that make sense for one label and for the cells of all labels pooled. */
export const pooledMetrics = ['auroc', 'auprc', ...countNames, 'brier', 'logLoss'] as const;
/** Metrics stated per label; the pooled ones come first. */
export const labelMetrics = [
  ...pooledMetrics,
  'ece',
  'calibrationSlope',
  'calibrationIntercept',
  'calibrationInTheLarge',
] as const;

/** Name of a metric stated for all labels pooled. */
export type PooledMetric = (typeof pooledMetrics)[number];
/** Name of a metric stated per label. */
export type LabelMetric = (typeof labelMetrics)[number];

/** Cells (a row of a label each) whose target is known; checked by whoever builds them. */
export interface Cells {
  /** [cell] in [0, 1]. */
  readonly probabilities: Float64Array;
  /** [cell] 0 or 1. */
  readonly decisions: Uint8Array;
  /** [cell] 0 or 1. */
  readonly targets: Uint8Array;
  /** [cell] the patient, 0..clusters-1. */
  readonly cluster: Int32Array;
  readonly clusters: number;
}

/** A family of metrics of some cells, as values that depend on how often each patient counts. */
export interface Statistic extends ResampledValues {
  /** Why a metric is undefined on the cells as they are; null when it is defined. */
  readonly whyUndefined: (metric: LabelMetric) => string | null;
}

/** The pooled metrics of some cells, in the order of `pooledMetrics`. */
export function pooledStatistic(cells: Cells): Statistic {
  const ranking = rankCells(cells);
  const compute = poolOver(ranking);
  const weights = new Int32Array(ranking.size);
  return {
    size: pooledMetrics.length,
    compute: (multiplicity, out, at) => {
      weighCells(ranking, multiplicity, weights);
      compute(weights, out, at);
    },
    whyUndefined: (metric) => missingNeed(metric, countDecisions(ranking, ranking.counts)),
  };
}

/**
 * Where a resample's recalibration stops: coefficients right to about 1e-6, far below what resampling leaves open.
 * The data as they are need no step any more, so their own coefficients keep full precision.
 */
export const RESAMPLE_TOLERANCE = 1e-3;

/** The metrics of one label's cells, in the order of `labelMetrics`. */
export function labelStatistic(cells: Cells): Statistic {
  const ranking = rankCells(cells);
  const pooled = poolOver(ranking);
  const weights = new Int32Array(ranking.size);
  const logits = ranking.scores.map(clippedLogit);
  const odds = logits.map((z) => Math.exp(-z));
  // Resamples start where the data as they are ended.
  const jointStart = Float64Array.of(0, 1);
  const noJoint = recalibrate(logits, ranking.targets, ranking.counts, jointStart);
  const interceptStart = recalibrateIntercept(odds, ranking.targets, ranking.counts, 0) ?? 0;
  const joint = new Float64Array(2);
  return {
    size: labelMetrics.length,
    compute: (multiplicity, out, at) => {
      weighCells(ranking, multiplicity, weights);
      pooled(weights, out, at);
      const after = at + pooledMetrics.length;
      out[after] = weightedEce(ranking, weights, RELIABILITY_BINS);
      joint.set(jointStart);
      const fitted = recalibrate(logits, ranking.targets, weights, joint, RESAMPLE_TOLERANCE) === null;
      out[after + 1] = fitted ? joint[1] : Number.NaN;
      out[after + 2] = fitted ? joint[0] : Number.NaN;
      out[after + 3] =
        recalibrateIntercept(odds, ranking.targets, weights, interceptStart, RESAMPLE_TOLERANCE) ??
        Number.NaN;
    },
    whyUndefined: (metric) => {
      const missing = missingNeed(metric, countDecisions(ranking, ranking.counts));
      const ofJoint = metric === 'calibrationSlope' || metric === 'calibrationIntercept';
      return missing === null && ofJoint && noJoint !== null ? describeNoRecalibration(noJoint) : missing;
    },
  };
}

/** Cells by descending probability, those alike in probability, target and decision as one. */
export interface CellRanking extends Ranking {
  /** [size] 0 or 1. */
  readonly decisions: Uint8Array;
  /** [size] how many cells are alike. */
  readonly counts: Int32Array;
  /** [cell] its place in the ranking. */
  readonly places: Int32Array;
  /** [cell] the patient. */
  readonly cluster: Int32Array;
}

/**
 * Ranks cells. A tree gives thousands of rows the same probability: what is alike counts together, so that a resample
 * costs one addition per cell, and one step of each metric per distinct cell.
 */
export function rankCells({ probabilities, targets, decisions, cluster }: Cells): CellRanking {
  const kinds = new Map<number, Int32Array>();
  const first: number[] = [];
  const kindOf = new Int32Array(probabilities.length);
  for (let cell = 0; cell < kindOf.length; cell++) {
    let own = kinds.get(probabilities[cell]);
    if (own === undefined) {
      own = new Int32Array(4).fill(-1);
      kinds.set(probabilities[cell], own);
    }
    const which = 2 * targets[cell] + decisions[cell];
    if (own[which] === -1) own[which] = first.push(cell) - 1;
    kindOf[cell] = own[which];
  }
  const size = first.length;
  const ranking = rank({
    size,
    rows: Int32Array.from(first.keys()),
    scores: Float64Array.from(first, (cell) => probabilities[cell]),
    targets: Uint8Array.from(first, (cell) => targets[cell]),
  });
  const placeOf = new Int32Array(size);
  for (let place = 0; place < size; place++) placeOf[ranking.rows[place]] = place;
  const places = kindOf.map((kind) => placeOf[kind]);
  const counts = new Int32Array(size);
  for (let cell = 0; cell < places.length; cell++) counts[places[cell]]++;
  return {
    ...ranking,
    rows: ranking.rows.map((kind) => first[kind]),
    decisions: Uint8Array.from(ranking.rows, (kind) => decisions[first[kind]]),
    counts,
    places,
    cluster,
  };
}

/** How often each place of the ranking counts, patient c being counted multiplicity[c] times. */
export function weighCells(
  { places, cluster }: CellRanking,
  multiplicity: Int32Array,
  weights: Int32Array,
): void {
  weights.fill(0);
  for (let cell = 0; cell < places.length; cell++) weights[places[cell]] += multiplicity[cluster[cell]];
}

/** Confusion counts, each place of the ranking counted weights[place] times. */
export function countDecisions(
  { decisions, targets }: Pick<CellRanking, 'decisions' | 'targets'>,
  weights: Int32Array,
): ConfusionCounts {
  const counts = [0, 0, 0, 0]; // by 2 · target + decision
  for (let i = 0; i < weights.length; i++) counts[2 * targets[i] + decisions[i]] += weights[i];
  const [trueNegatives, falsePositives, falseNegatives, truePositives] = counts;
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

/** The pooled metrics as a function of how often each place of the ranking counts. */
function poolOver(ranking: CellRanking): (weights: Int32Array, out: Float64Array, at: number) => void {
  const { scores, targets } = ranking;
  const squares = scores.map((probability, i) => squaredError(probability, targets[i]));
  const losses = scores.map((probability, i) => negativeLogLikelihood(probability, targets[i]));
  const areas = new Float64Array(2);
  return (weights, out, at) => {
    weightedAreas(ranking, weights, areas);
    out[at] = areas[0];
    out[at + 1] = areas[1];
    const counts = countDecisions(ranking, weights);
    for (let k = 0; k < countNames.length; k++) {
      out[at + 2 + k] = countMetrics[countNames[k]](counts) ?? Number.NaN;
    }
    let square = 0;
    let loss = 0;
    for (let i = 0; i < weights.length; i++) {
      square += weights[i] * squares[i];
      loss += weights[i] * losses[i];
    }
    const rows = denominators[anyRow](counts);
    out[at + 2 + countNames.length] = square / rows; // 0 / 0 = NaN = undefined
    out[at + 3 + countNames.length] = loss / rows;
  };
}

/** What a metric divides by, by the words of its reason. */
export const denominators = {
  'rows with a known label': (c) => c.truePositives + c.falsePositives + c.falseNegatives + c.trueNegatives,
  positives: (c) => c.truePositives + c.falseNegatives,
  negatives: (c) => c.trueNegatives + c.falsePositives,
  'rows decided positive': (c) => c.truePositives + c.falsePositives,
  'rows decided negative': (c) => c.trueNegatives + c.falseNegatives,
} as const satisfies Record<string, (counts: ConfusionCounts) => number>;

export type Need = keyof typeof denominators;
const anyRow: Need = 'rows with a known label';
const bothClasses: readonly Need[] = [anyRow, 'positives', 'negatives'];

/** What each metric needs at least one of. */
export const needs: Record<LabelMetric, readonly Need[]> = {
  auroc: bothClasses,
  auprc: [anyRow, 'positives'],
  f1: [anyRow, 'positives'],
  gmean: bothClasses,
  sensitivity: [anyRow, 'positives'],
  specificity: [anyRow, 'negatives'],
  ppv: [anyRow, 'rows decided positive'],
  npv: [anyRow, 'rows decided negative'],
  accuracy: [anyRow],
  allNegativeAccuracy: [anyRow],
  brier: [anyRow],
  logLoss: [anyRow],
  ece: [anyRow],
  calibrationSlope: bothClasses,
  calibrationIntercept: bothClasses,
  calibrationInTheLarge: bothClasses,
};

/** Why a metric is undefined for some counts; null when nothing it needs is missing. */
export function missingNeed(metric: LabelMetric, counts: ConfusionCounts): string | null {
  const missing = needs[metric].find((need) => denominators[need](counts) === 0);
  if (missing === undefined) return null;
  return missing === anyRow
    ? `no ${anyRow}`
    : `no ${missing} among ${denominators[anyRow](counts)} ${anyRow}`;
}
