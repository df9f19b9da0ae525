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

/** Cells by descending probability, those alike in probability, target and decision as one place. */
export interface CellRanking extends Ranking {
  /** [size] 0 or 1. */
  readonly decisions: Uint8Array;
  /** [size] how many cells are alike. */
  readonly counts: Int32Array;
  /** [cell] places, ascending. */
  readonly places: Int32Array;
  /** [cell] the patient of the cell that has this place in `places`. */
  readonly cluster: Int32Array;
}

/**
 * Ranks cells. A tree gives thousands of rows the same probability: what is alike counts together, so that a resample
 * costs one addition per cell, and one step of each metric per distinct cell.
 */
export function rankCells({ probabilities, targets, decisions, cluster }: Cells): CellRanking {
  const n = probabilities.length;
  const rows = new Int32Array(n).map((_, cell) => cell);
  const ranked = rank({ size: n, rows, scores: probabilities, targets });
  const first = new Int32Array(n);
  const ends = new Uint8Array(n);
  const places = new Int32Array(n);
  const patients = new Int32Array(n);
  let size = 0;
  let at = 0;
  for (let start = 0, end = 0; start < n; start = end) {
    while (ranked.ends[end++] === 0);
    for (let which = 0; which < 4; which++) {
      const before = at;
      for (let i = start; i < end; i++) {
        const cell = ranked.rows[i];
        if (2 * targets[cell] + decisions[cell] !== which) continue;
        if (at === before) first[size++] = cell;
        places[at] = size - 1;
        patients[at++] = cluster[cell];
      }
    }
    ends[size - 1] = 1;
  }
  const counts = new Int32Array(size);
  for (let cell = 0; cell < n; cell++) counts[places[cell]]++;
  const distinct = first.slice(0, size);
  return {
    size,
    rows: distinct,
    scores: new Float64Array(size).map((_, place) => probabilities[distinct[place]]),
    targets: new Uint8Array(size).map((_, place) => targets[distinct[place]]),
    decisions: new Uint8Array(size).map((_, place) => decisions[distinct[place]]),
    ends: ends.slice(0, size),
    counts,
    places,
    cluster: patients,
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
  let [all, positives, decided, truePositives] = [0, 0, 0, 0];
  for (let i = 0; i < weights.length; i++) {
    all += weights[i];
    positives += weights[i] * targets[i];
    decided += weights[i] * decisions[i];
    truePositives += weights[i] * (targets[i] & decisions[i]);
  }
  const falsePositives = decided - truePositives;
  const falseNegatives = positives - truePositives;
  return { truePositives, falsePositives, falseNegatives, trueNegatives: all - positives - falsePositives };
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
