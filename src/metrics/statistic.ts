/**
 * All metrics of one set of cells (one label's rows, or all labels' rows pooled) as one statistic of how often each
 * patient counts. Everything that does not depend on that is done once: sorting, logits, and sums per patient.
 */
import type { ResampledValues } from './bootstrap.js';
import { RELIABILITY_BINS, weightedEce } from './calibration.js';
import { type ConfusionCounts, countMetrics } from './confusion.js';
import { type Ranking, rank, unitWeights, weightedAreas } from './ranking.js';
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
  const statistic = poolOver(cells, ranking);
  const weights = new Int32Array(ranking.size);
  return {
    size: pooledMetrics.length,
    compute: (multiplicity, out, at) => {
      weighCells(cells, ranking, multiplicity, weights);
      statistic.compute(multiplicity, weights, out, at);
    },
    whyUndefined: (metric) => missingNeed(metric, statistic.counts()),
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
  const statistic = poolOver(cells, ranking);
  const weights = new Int32Array(ranking.size);
  const logits = ranking.scores.map(clippedLogit);
  const odds = logits.map((z) => Math.exp(-z));
  // Resamples start where the data as they are ended.
  const everyRow = unitWeights(ranking);
  const jointStart = Float64Array.of(0, 1);
  const noJoint = recalibrate(logits, ranking.targets, everyRow, jointStart);
  const interceptStart = recalibrateIntercept(odds, ranking.targets, everyRow, 0) ?? 0;
  const joint = new Float64Array(2);
  return {
    size: labelMetrics.length,
    compute: (multiplicity, out, at) => {
      weighCells(cells, ranking, multiplicity, weights);
      statistic.compute(multiplicity, weights, out, at);
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
      const missing = missingNeed(metric, statistic.counts());
      const ofJoint = metric === 'calibrationSlope' || metric === 'calibrationIntercept';
      return missing === null && ofJoint && noJoint !== null ? describeNoRecalibration(noJoint) : missing;
    },
  };
}

/** Cells by descending probability. */
export function rankCells(cells: Cells): Ranking {
  const size = cells.probabilities.length;
  let positives = 0;
  for (let i = 0; i < size; i++) positives += cells.targets[i];
  const rows = Int32Array.from({ length: size }, (_, i) => i);
  return rank({ size, positives, rows, scores: cells.probabilities, targets: cells.targets });
}

/** How often the cell at each rank counts. */
export function weighCells(
  cells: Cells,
  ranking: Ranking,
  multiplicity: Int32Array,
  weights: Int32Array,
): void {
  const { rows } = ranking;
  const { cluster } = cells;
  for (let i = 0; i < weights.length; i++) weights[i] = multiplicity[cluster[rows[i]]];
}

/** Sums kept per patient: four confusion counts (by 2 · target + decision), squared error, log loss. */
const SUMS = 6;

function poolOver(cells: Cells, ranking: Ranking) {
  const perCluster = sumPerCluster(cells);
  const sums = new Float64Array(SUMS);
  const areas = new Float64Array(2);
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  const addUp = (multiplicity: Int32Array): void => {
    sums.fill(0);
    for (let c = 0; c < multiplicity.length; c++) {
      const times = multiplicity[c];
      if (times === 0) continue;
      for (let k = 0; k < SUMS; k++) sums[k] += times * perCluster[c * SUMS + k];
    }
    counts.trueNegatives = sums[0];
    counts.falsePositives = sums[1];
    counts.falseNegatives = sums[2];
    counts.truePositives = sums[3];
  };
  return {
    compute: (multiplicity: Int32Array, weights: Int32Array, out: Float64Array, at: number): void => {
      weightedAreas(ranking, weights, areas);
      out[at] = areas[0];
      out[at + 1] = areas[1];
      addUp(multiplicity);
      for (let k = 0; k < countNames.length; k++) {
        out[at + 2 + k] = countMetrics[countNames[k]](counts) ?? Number.NaN;
      }
      const rows = sums[0] + sums[1] + sums[2] + sums[3];
      out[at + 2 + countNames.length] = sums[4] / rows; // 0 / 0 = NaN = undefined
      out[at + 3 + countNames.length] = sums[5] / rows;
    },
    counts: (): ConfusionCounts => {
      addUp(new Int32Array(cells.clusters).fill(1));
      return { ...counts };
    },
  };
}

function sumPerCluster(cells: Cells): Float64Array {
  const sums = new Float64Array(cells.clusters * SUMS);
  for (let i = 0; i < cells.probabilities.length; i++) {
    const at = cells.cluster[i] * SUMS;
    sums[at + 2 * cells.targets[i] + cells.decisions[i]]++;
    sums[at + 4] += squaredError(cells.probabilities[i], cells.targets[i]);
    sums[at + 5] += negativeLogLikelihood(cells.probabilities[i], cells.targets[i]);
  }
  return sums;
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
