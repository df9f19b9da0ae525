/** The evaluation of a multilabel model: every metric with its patient-clustered interval, or its reason. */
import {
  bootstrapTogether,
  type EvaluationOptions,
  meanOverRepeats,
  percentileEstimate,
  type ResampledValues,
  type Resampling,
} from './bootstrap.js';
import type { Estimate } from './estimate.js';
import { type MultilabelPredictions, type PredictionTables, poolCells, tabulate } from './predictions.js';
import {
  type LabelMetric,
  labelMetrics,
  labelStatistic,
  type PooledMetric,
  pooledMetrics,
  pooledStatistic,
  type Statistic,
} from './statistic.js';

/** Metrics averaged over labels: the first ones of `labelMetrics`, without coefficients whose mean says nothing. */
export const macroMetrics = [...pooledMetrics, 'ece'] as const satisfies readonly LabelMetric[];
/** Name of a metric averaged over labels. */
export type MacroMetric = (typeof macroMetrics)[number];

/** The metrics of one label. Counts are plain numbers, of rows of one repeat. */
export type LabelEvaluation = {
  readonly positives: number;
  readonly negatives: number;
  readonly unknown: number;
  /** Share of positives among the known rows. */
  readonly prevalence: Estimate;
} & { readonly [metric in LabelMetric]: Estimate };

/** A mean over labels, and over how many: the labels where the metric is defined. */
export type MacroEstimate = Estimate & { readonly labels: number };

/** The evaluation of one set of rows: the `test` and `validation` blocks of metrics.json. */
export interface MultilabelEvaluation {
  /** Rows, of one repeat. */
  readonly n: number;
  readonly patients: number;
  readonly repeats: number;
  /** Share of known cells (a row of a label each) decided rightly; read it beside `allNegativeAccuracy`. */
  readonly accuracy: Estimate;
  /** The same share for calling every cell negative. */
  readonly allNegativeAccuracy: Estimate;
  /** Means over labels; in a resample, over the labels defined in it. */
  readonly macro: { readonly [metric in MacroMetric]: MacroEstimate };
  /** Over the known cells of all labels pooled. */
  readonly micro: { readonly [metric in PooledMetric]: Estimate };
  readonly labels: Readonly<Record<string, LabelEvaluation>>;
}

/**
 * Every metric of a multilabel model, with 95 % intervals from a bootstrap over patients
 * [field2007clusters] [efron1993bootstrap]. Cells with an unknown label are masked: they count nowhere. What is
 * undefined is null with the reason; so is an interval where more than 5 % of the resamples were undefined.
 * @throws ShapeError when an array's length does not fit, or repeats do not hold the same rows; RangeError for an
 *   entry out of range
 */
export function evaluateMultilabel(
  predictions: MultilabelPredictions & EvaluationOptions,
): MultilabelEvaluation {
  return bootstrapTogether([multilabelResampling(predictions)], predictions)[0];
}

/** What `evaluateMultilabel` bootstraps. */
export function multilabelResampling(predictions: MultilabelPredictions): Resampling<MultilabelEvaluation> {
  const tables = tabulate('evaluateMultilabel', predictions);
  const statistic = multilabelStatistic(tables);
  const { size, compute } = statistic;
  return {
    clusters: tables.patients,
    size,
    compute,
    conclude: (values, draws) => conclude(predictions.labels, tables, statistic, values, draws),
  };
}

function conclude(
  labels: readonly string[],
  tables: PredictionTables,
  { perLabel, pooled }: MultilabelStatistic,
  values: Float64Array,
  draws: readonly Float64Array[],
): MultilabelEvaluation {
  const { patients, repeats } = tables;
  const { macroAt, microAt } = multilabelLayout(labels.length);
  const estimate = (at: number, whyUndefined: () => string): Estimate =>
    percentileEstimate(values[at], draws[at], patients, whyUndefined);

  const micro = record(pooledMetrics, (metric, i) => estimate(microAt + i, () => reason(pooled, metric)));
  const evaluateLabel = (label: number): LabelEvaluation => {
    const { targets } = tables.cells[0][label];
    const positives = targets.filter((target) => target === 1).length;
    const metrics = record(labelMetrics, (metric, i) =>
      estimate(label * labelMetrics.length + i, () => reason(perLabel[label], metric)),
    );
    return {
      positives,
      negatives: targets.length - positives,
      unknown: repeats[0].length - targets.length,
      prevalence: prevalence(positives / targets.length, metrics.allNegativeAccuracy),
      ...metrics,
    };
  };
  return {
    n: repeats[0].length,
    patients,
    repeats: repeats.length,
    accuracy: micro.accuracy,
    allNegativeAccuracy: micro.allNegativeAccuracy,
    macro: record(macroMetrics, (_, metric) => ({
      ...estimate(macroAt + metric, () => 'undefined for every label'),
      labels: meanOverLabels(values, labels.length, metric).labels,
    })),
    micro,
    labels: Object.fromEntries(labels.map((name, label) => [name, evaluateLabel(label)])),
  };
}

/** Where the values of an evaluation stand: `labelMetrics` of each label, then macro, then micro. */
export function multilabelLayout(labels: number) {
  const macroAt = labels * labelMetrics.length;
  const microAt = macroAt + macroMetrics.length;
  return { macroAt, microAt, size: microAt + pooledMetrics.length };
}

/** Every value of an evaluation, as `multilabelLayout` says, and the statistics that the values come from. */
export interface MultilabelStatistic extends ResampledValues {
  readonly perLabel: readonly Statistic[];
  readonly pooled: Statistic;
}

/** The values of an evaluation of some tables. */
export function multilabelStatistic({ cells }: PredictionTables): MultilabelStatistic {
  const labels = cells[0].length;
  const perLabel = cells[0].map((_, label) =>
    statisticOverRepeats(cells.map((table) => labelStatistic(table[label]))),
  );
  const pooled = statisticOverRepeats(cells.map((table) => pooledStatistic(poolCells(table))));
  const { microAt, size } = multilabelLayout(labels);
  return {
    perLabel,
    pooled,
    size,
    compute: (multiplicity, out, at) => {
      const own = out.subarray(at, at + size);
      for (let label = 0; label < labels; label++) {
        perLabel[label].compute(multiplicity, own, label * labelMetrics.length);
      }
      averageLabels(own, labels);
      pooled.compute(multiplicity, own, microAt);
    },
  };
}

/** Writes the macro values that the values of the labels make. @param out as `multilabelLayout` says */
export function averageLabels(out: Float64Array, labels: number): void {
  const { macroAt } = multilabelLayout(labels);
  for (let metric = 0; metric < macroMetrics.length; metric++) {
    out[macroAt + metric] = meanOverLabels(out, labels, metric).mean;
  }
}

/** The mean of a statistic over repeats, with the reason of the first repeat that leaves it undefined. */
function statisticOverRepeats(repeats: readonly Statistic[]): Statistic {
  if (repeats.length === 1) return repeats[0];
  return {
    ...meanOverRepeats(repeats),
    whyUndefined: (metric) => {
      const reasons = repeats.map((statistic) => statistic.whyUndefined(metric));
      const repeat = reasons.findIndex((found) => found !== null);
      return repeat === -1 ? null : `${reasons[repeat]} (repeat ${repeat + 1} of ${repeats.length})`;
    },
  };
}

/** The mean of a macro metric over the labels that define it, NaN when none does, and how many do. */
export function meanOverLabels(
  values: Float64Array,
  count: number,
  metric: number,
): { readonly mean: number; readonly labels: number } {
  let sum = 0;
  let labels = 0;
  for (let label = 0; label < count; label++) {
    const value = values[label * labelMetrics.length + metric];
    if (Number.isNaN(value)) continue;
    sum += value;
    labels++;
  }
  return { mean: sum / labels, labels };
}

/** Prevalence is what calling every row negative gets wrong. */
function prevalence(value: number, allNegativeAccuracy: Estimate): Estimate {
  if (allNegativeAccuracy.value === null) return allNegativeAccuracy;
  if (allNegativeAccuracy.ci95 === null) return { ...allNegativeAccuracy, value };
  const [low, high] = allNegativeAccuracy.ci95;
  return { value, ci95: [1 - high, 1 - low] };
}

function reason(statistic: Statistic, metric: LabelMetric): string {
  const found = statistic.whyUndefined(metric);
  if (found === null)
    throw new Error(`internal: ${metric} is undefined although nothing it needs is missing`);
  return found;
}

/** An object with one entry per name. */
export function record<Name extends string, Value>(
  names: readonly Name[],
  value: (name: Name, index: number) => Value,
): { readonly [name in Name]: Value } {
  return Object.fromEntries(names.map((name, index) => [name, value(name, index)])) as {
    readonly [name in Name]: Value;
  };
}
