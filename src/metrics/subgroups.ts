/** Whether a model serves every group of patients alike: its metrics per group, and the gaps between groups. */
import { ShapeError } from '../errors.js';
import {
  bootstrapTogether,
  type EvaluationOptions,
  meanOverRepeats,
  percentileEstimate,
  type ResampledValues,
  type Resampling,
} from './bootstrap.js';
import { ppv, sensitivity, specificity } from './confusion.js';
import type { Estimate } from './estimate.js';
import { labelCells, type MultilabelPredictions, tabulate } from './predictions.js';
import { weightedAreas } from './ranking.js';
import { recalibrateIntercept } from './recalibration.js';
import { clippedLogit } from './scores.js';
import {
  type Cells,
  countDecisions,
  denominators,
  type LabelMetric,
  needs,
  RESAMPLE_TOLERANCE,
  rankCells,
  weighCells,
} from './statistic.js';

/** Metrics stated per group. */
export const subgroupMetrics = [
  'auroc',
  'sensitivity',
  'specificity',
  'ppv',
  'calibrationInTheLarge',
] as const satisfies readonly LabelMetric[];
/** Name of a metric stated per group. */
export type SubgroupMetric = (typeof subgroupMetrics)[number];

/** A variable that divides the rows into groups. */
export interface Grouping {
  /** Names of the groups, unique, in the order they are to be shown in. */
  readonly groups: readonly string[];
  /** [row] index of its group, −1 where unknown. */
  readonly ofRow: Int32Array;
}

/** One group of one label. */
export type SubgroupEvaluation = {
  readonly group: string;
  /** Rows whose label is known, of one repeat. */
  readonly n: number;
  readonly patients: number;
  readonly positives: number;
} & { readonly [metric in SubgroupMetric]: Estimate };

/** The difference between the groups with the highest and the lowest value. */
export type SubgroupGap = Estimate & {
  /** Names of these two groups; null where there is no gap to state. */
  readonly highest: string | null;
  readonly lowest: string | null;
};

/** One label by the groups of one variable. */
export interface SubgroupTable {
  readonly groups: readonly SubgroupEvaluation[];
  /** Rows whose label is known and whose group is not. */
  readonly ungrouped: number;
  readonly gaps: { readonly [metric in SubgroupMetric]: SubgroupGap };
}

/** Predictions with the groups of their rows. */
export type GroupedPredictions = MultilabelPredictions & {
  readonly grouping: Grouping;
  /** Default {@link FEWEST_ROWS}. */
  readonly fewest?: number;
};

/** Label → its table. */
export type SubgroupTables = Readonly<Record<string, SubgroupTable>>;

/** Fewest rows that a group's metric is computed from: positives for a sensitivity, both classes for an AUROC … */
export const FEWEST_ROWS = 10;

/**
 * Metrics per group and their gaps, with 95 % intervals from a bootstrap over all patients, so that the groups vary
 * together. A metric with fewer than `fewest` of the rows it divides by is null with the reason, and its group takes no
 * part in the gap. A gap is never negative and noise adds to it: groups that do not differ have gaps above 0 too, and its
 * interval seldom reaches 0.
 * @param predictions as for evaluateMultilabel, with the grouping; `fewest` defaults to 10
 * @returns label → its table
 * @throws as evaluateMultilabel; ShapeError when the grouping has another number of rows; RangeError for a group index
 *   out of range or a `fewest` below 1
 */
export function evaluateSubgroups(predictions: GroupedPredictions & EvaluationOptions): SubgroupTables {
  return bootstrapTogether([subgroupResampling(predictions)], predictions)[0];
}

/** What `evaluateSubgroups` bootstraps. */
export function subgroupResampling(predictions: GroupedPredictions): Resampling<SubgroupTables> {
  const { labels, grouping, fewest = FEWEST_ROWS } = predictions;
  checkGrouping(grouping, predictions.patients.length, fewest);
  const {
    patients,
    cluster,
    repeats,
    cells: [cellsOf],
  } = tabulate('evaluateSubgroups', predictions);
  const { groups, ofRow } = grouping;
  const tables = labels.map((_, label) => {
    const own = groups.map((_unused, group) => {
      const cells = repeats.map((rows) =>
        labelCells(
          predictions,
          rows.filter((row) => ofRow[row] === group),
          label,
          cluster,
          patients,
        ),
      );
      return {
        cells: cells[0],
        values: meanOverRepeats(cells.map(groupValues)),
        tooFew: subgroupMetrics.map((metric) => tooFew(metric, cells, fewest)),
      };
    });
    const measured = subgroupMetrics.map((_unused, metric) =>
      own.flatMap(({ tooFew: reasons }, group) => (reasons[metric] === null ? [group] : [])),
    );
    return { groups: own, measured };
  });
  const width = subgroupMetrics.length;
  const gapsAt = groups.length * width;
  const perLabel = gapsAt + width;
  const evaluateLabel = (
    label: number,
    values: Float64Array,
    draws: readonly Float64Array[],
  ): SubgroupTable => {
    const table = tables[label];
    const own = values.subarray(label * perLabel, (label + 1) * perLabel);
    const estimate = (at: number): Estimate =>
      percentileEstimate(own[at], draws[label * perLabel + at], patients, () => {
        throw new Error('internal: a metric of a group is undefined although enough rows carry it');
      });
    const gap = (metric: number): SubgroupGap => {
      const measured = table.measured[metric];
      if (measured.length < 2) {
        const reason = `fewer than two groups have enough rows, got ${measured.length} of ${groups.length}`;
        return { value: null, reason, highest: null, lowest: null };
      }
      const [highest, lowest] = extremes(own, metric, measured);
      return { ...estimate(gapsAt + metric), highest: groups[highest], lowest: groups[lowest] };
    };
    const known = table.groups.map(({ cells }) => cells.targets.length);
    return {
      groups: table.groups.map(({ cells, tooFew: reasons }, g) => ({
        group: groups[g],
        n: known[g],
        patients: new Set(cells.cluster).size,
        positives: cells.targets.reduce((sum, target) => sum + target, 0),
        ...ofMetrics((metric): Estimate => {
          const reason = reasons[metric];
          return reason === null ? estimate(g * width + metric) : { value: null, reason };
        }),
      })),
      ungrouped: cellsOf[label].targets.length - known.reduce((sum, n) => sum + n, 0),
      gaps: ofMetrics(gap),
    };
  };
  return {
    clusters: patients,
    size: labels.length * perLabel,
    compute: (multiplicity, out, at) => {
      for (const [label, table] of tables.entries()) {
        const start = at + label * perLabel;
        const own = out.subarray(start, start + perLabel);
        for (const [group, { values: ofGroup }] of table.groups.entries()) {
          ofGroup.compute(multiplicity, own, group * width);
        }
        for (let metric = 0; metric < width; metric++) {
          own[gapsAt + metric] = gapBetween(own, metric, table.measured[metric]);
        }
      }
    },
    conclude: (values, draws) =>
      Object.fromEntries(labels.map((name, label) => [name, evaluateLabel(label, values, draws)])),
  };
}

/** The groups with the highest and the lowest value of a metric; of equal ones the first. NaN counts as the highest. */
function extremes(
  values: Float64Array,
  metric: number,
  measured: readonly number[],
): readonly [highest: number, lowest: number] {
  const value = (group: number) => values[group * subgroupMetrics.length + metric];
  let [highest, lowest] = [measured[0], measured[0]];
  for (const group of measured) {
    if (value(group) > value(highest) || Number.isNaN(value(group))) highest = group;
    if (value(group) < value(lowest)) lowest = group;
  }
  return [highest, lowest];
}

/** NaN with fewer than two groups. */
function gapBetween(values: Float64Array, metric: number, measured: readonly number[]): number {
  if (measured.length < 2) return Number.NaN;
  const [highest, lowest] = extremes(values, metric, measured);
  const width = subgroupMetrics.length;
  return values[highest * width + metric] - values[lowest * width + metric];
}

function groupValues(cells: Cells): ResampledValues {
  const ranking = rankCells(cells);
  const weights = new Int32Array(ranking.size);
  const odds = ranking.scores.map((probability) => Math.exp(-clippedLogit(probability)));
  const start = recalibrateIntercept(odds, ranking.targets, ranking.counts, 0) ?? 0;
  const areas = new Float64Array(2);
  return {
    size: subgroupMetrics.length,
    compute: (multiplicity, out, at) => {
      weighCells(ranking, multiplicity, weights);
      weightedAreas(ranking, weights, areas);
      const counts = countDecisions(ranking, weights);
      out[at] = areas[0];
      out[at + 1] = sensitivity(counts) ?? Number.NaN;
      out[at + 2] = specificity(counts) ?? Number.NaN;
      out[at + 3] = ppv(counts) ?? Number.NaN;
      out[at + 4] =
        recalibrateIntercept(odds, ranking.targets, weights, start, RESAMPLE_TOLERANCE) ?? Number.NaN;
    },
  };
}

/** Why a metric is not computed for a group; null where enough rows carry it in every repeat. */
function tooFew(metric: SubgroupMetric, cells: readonly Cells[], fewest: number): string | null {
  for (const own of cells) {
    const counts = countDecisions(own, new Int32Array(own.targets.length).fill(1));
    for (const need of needs[metric]) {
      const found = denominators[need](counts);
      if (found < fewest) return `${found} ${need}, fewer than ${fewest}`;
    }
  }
  return null;
}

const ofMetrics = <Value>(value: (metric: number) => Value): { readonly [metric in SubgroupMetric]: Value } =>
  Object.fromEntries(subgroupMetrics.map((name, metric) => [name, value(metric)])) as {
    readonly [metric in SubgroupMetric]: Value;
  };

function checkGrouping({ groups, ofRow }: Grouping, rows: number, fewest: number): void {
  if (!Number.isInteger(fewest) || fewest < 1) {
    throw new RangeError(`evaluateSubgroups: fewest must be an integer of at least 1, got ${fewest}`);
  }
  if (ofRow.length !== rows) {
    throw new ShapeError(
      `evaluateSubgroups: the grouping must have one entry per row, got ${ofRow.length} for ${rows} rows`,
    );
  }
  const wrong = ofRow.findIndex((group) => group < -1 || group >= groups.length);
  if (wrong !== -1) {
    throw new RangeError(
      `evaluateSubgroups: a group must be -1 or an index into ${groups.length} groups, got ${ofRow[wrong]} in row ${wrong}`,
    );
  }
}
