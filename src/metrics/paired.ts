/** Comparing two models on the same rows: every metric's difference with its interval and p-value, and McNemar's test. */
import { ShapeError } from '../errors.js';
import { clusterBootstrap, type EvaluationOptions, percentileEstimate } from './bootstrap.js';
import type { Estimate } from './estimate.js';
import {
  averageLabels,
  type MacroMetric,
  type MultilabelStatistic,
  macroMetrics,
  multilabelLayout,
  multilabelStatistic,
  record,
} from './evaluate.js';
import { knownDecisions } from './known.js';
import { type MultilabelPredictions, tabulate } from './predictions.js';
import {
  type LabelMetric,
  labelMetrics,
  type PooledMetric,
  pooledMetrics,
  type Statistic,
} from './statistic.js';
import { fairBinomialTail } from './tails.js';

/** The same metric of two models, and its difference. */
export interface PairedDifference {
  /** Null where undefined. */
  readonly a: number | null;
  readonly b: number | null;
  /** a − b, with its 95 % percentile interval. */
  readonly difference: Estimate;
  /**
   * Two-sided, from the same resamples: the level at which the percentile interval of the difference would just reach 0;
   * at least 2 / (resamples + 1). Null where no interval can be stated.
   */
  readonly pValue: number | null;
}

/** Differences of two models: the counterpart of `MultilabelEvaluation`. */
export interface MultilabelComparison {
  /** Rows, of one repeat. */
  readonly n: number;
  readonly patients: number;
  readonly repeats: number;
  /** Means over the labels where both models define the metric. */
  readonly macro: { readonly [metric in MacroMetric]: PairedDifference };
  readonly micro: { readonly [metric in PooledMetric]: PairedDifference };
  readonly labels: Readonly<Record<string, { readonly [metric in LabelMetric]: PairedDifference }>>;
}

/** One model's predictions of the rows that are compared. */
export type ModelPredictions = Pick<MultilabelPredictions, 'probabilities' | 'decisions'>;

/**
 * Compares two models on the same rows by a bootstrap over patients in which both see the same resamples
 * [efron1993bootstrap, ch. 16] [field2007clusters]: what is hard for both cancels. No correction for the number of
 * metrics and labels is made: see `holm`.
 * @param comparison labels, targets, known, patients and repeat as for evaluateMultilabel, and the two models
 * @throws as evaluateMultilabel
 */
export function compareMultilabel(
  comparison: Omit<MultilabelPredictions, keyof ModelPredictions> &
    EvaluationOptions & { readonly a: ModelPredictions; readonly b: ModelPredictions },
): MultilabelComparison {
  const { a, b, seed, resamples = 1000, ...shared } = comparison;
  const labels = shared.labels.length;
  const tables = [a, b].map(({ probabilities, decisions }) =>
    tabulate('compareMultilabel', { ...shared, probabilities, decisions }),
  );
  const models = tables.map(multilabelStatistic);
  const [{ patients, repeats }] = tables;
  const { macroAt, microAt, size } = multilabelLayout(labels);
  const [ofA, ofB] = [new Float64Array(size), new Float64Array(size)];
  const computeBoth = (multiplicity: Int32Array): void => {
    models[0].compute(multiplicity, ofA, 0);
    models[1].compute(multiplicity, ofB, 0);
  };
  const { values, draws } = clusterBootstrap({
    clusters: patients,
    resamples,
    seed,
    size,
    statistic: (multiplicity, out) => {
      computeBoth(multiplicity);
      for (let i = 0; i < size; i++) out[i] = ofA[i] - ofB[i];
      averageLabels(out, labels);
    },
  });

  computeBoth(new Int32Array(patients).fill(1));
  for (const model of [ofA, ofB]) {
    // A label that one of the models leaves undefined counts in neither mean.
    const shared = model.map((value, i) => (Number.isNaN(values[i]) ? Number.NaN : value));
    averageLabels(shared, labels);
    model.set(shared.subarray(macroAt, microAt), macroAt);
  }
  const difference = (at: number, whyUndefined: () => string): PairedDifference => {
    const estimate = percentileEstimate(values[at], draws[at], patients, whyUndefined);
    return {
      a: orNull(ofA[at]),
      b: orNull(ofB[at]),
      difference: estimate,
      pValue: estimate.ci95 ? bootstrapPValue(draws[at]) : null,
    };
  };
  const why = (pick: (model: MultilabelStatistic) => Statistic, metric: LabelMetric) => (): string => {
    const reasons = models.map((model) => pick(model).whyUndefined(metric));
    const reason = reasons[0] ?? reasons[1];
    if (reason === null)
      throw new Error(`internal: the difference of ${metric} is undefined without a reason`);
    return reason;
  };
  return {
    n: repeats[0].length,
    patients,
    repeats: repeats.length,
    macro: record(macroMetrics, (_, i) =>
      difference(macroAt + i, () => 'undefined for every label by one of the models'),
    ),
    micro: record(pooledMetrics, (metric, i) =>
      difference(
        microAt + i,
        why((model) => model.pooled, metric),
      ),
    ),
    labels: Object.fromEntries(
      shared.labels.map((name, label) => [
        name,
        record(labelMetrics, (metric, i) =>
          difference(
            label * labelMetrics.length + i,
            why((model) => model.perLabel[label], metric),
          ),
        ),
      ]),
    ),
  };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/**
 * Two-sided p-value that a statistic is 0, from its bootstrap draws [davison1997bootstrap], by inverting the
 * interval; the observed value counts as one more draw on either side, so that it is never 0.
 *   p = min(1, 2 (1 + min(#{draw ≤ 0}, #{draw ≥ 0})) / (B + 1))
 * @param draws [resample] NaN for an undefined one, which is left out
 * @returns in (0, 1]; 1 without draws
 */
export function bootstrapPValue(draws: Float64Array): number {
  let atMost = 0;
  let atLeast = 0;
  let defined = 0;
  for (const draw of draws) {
    if (Number.isNaN(draw)) continue;
    defined++;
    if (draw <= 0) atMost++;
    if (draw >= 0) atLeast++;
  }
  return Math.min(1, (2 * (1 + Math.min(atMost, atLeast))) / (defined + 1));
}

/** Rows that only one of two models decides rightly, and what chance makes of them. */
export interface McNemarTest {
  readonly onlyARight: number;
  readonly onlyBRight: number;
  /** Exact and two-sided; 1 without such rows. */
  readonly pValue: number;
}

/**
 * McNemar's exact test that two models decide equally many rows rightly [mcnemar1947correlated]: the rows that only one
 * decides rightly fall to either like tosses of a fair coin. It takes rows as independent; where patients have several,
 * read `compareMultilabel` of the accuracy.
 *   p = min(1, 2 P(X ≤ min(n₁₀, n₀₁))), X ~ Binomial(n₁₀ + n₀₁, ½)
 * @param a [row] 0 or 1, decisions of one model
 * @param b [row] 0 or 1, decisions of the other on the same rows
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @throws ShapeError when the lengths differ; RangeError for an entry other than 0 or 1
 */
export function mcnemarTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): McNemarTest {
  if (a.length !== b.length) {
    throw new ShapeError(
      `mcnemarTest: both models must decide the same rows, got ${a.length} and ${b.length} decisions`,
    );
  }
  const [ofA, ofB] = [a, b].map((decisions) => knownDecisions('mcnemarTest', decisions, targets, known));
  let onlyARight = 0;
  let onlyBRight = 0;
  for (let i = 0; i < ofA.size; i++) {
    if (ofA.scores[i] === ofB.scores[i]) continue;
    if (ofA.scores[i] === ofA.targets[i]) onlyARight++;
    else onlyBRight++;
  }
  const tail = fairBinomialTail(Math.min(onlyARight, onlyBRight), onlyARight + onlyBRight);
  return { onlyARight, onlyBRight, pValue: Math.min(1, 2 * tail) };
}
