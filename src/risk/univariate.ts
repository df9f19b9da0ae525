/**
 * Ranks the features of one label by how well a single-threshold rule on each does out of fold (P3, P4), and states the
 * uncertainty of the best.
 */
import {
  clusterBootstrap,
  type DecidedCells,
  decideByRules,
  decisionCounter,
  denseClusters,
  type Estimate,
  percentileEstimate,
} from '../metrics/index.js';
import type { Random } from '../random/index.js';
import { holds } from './features.js';
import { groupedFolds } from './folds.js';
import { logisticThreshold } from './logistic-threshold.js';
import type { Stage1Options } from './options.js';
import { criteria, emptyTally, SCORE_TIE, tally } from './score.js';
import {
  bestThreshold,
  type CutTable,
  confusionOf,
  countCodes,
  poolCounts,
  type ThresholdRule,
} from './threshold.js';

/** The training matrix with everything that can be prepared without labels. */
export interface Matrix {
  /** [feature][row of the cohort] */
  readonly columns: readonly Float64Array[];
  /** [feature] training rows in ascending order of the column. */
  readonly orders: readonly Int32Array[];
  readonly tables: readonly CutTable[];
  readonly patientIndex: Int32Array;
}

/** A feature's best rule on the rows searched, and how the same search does on rows it has not seen. */
export interface Univariate {
  readonly feature: number;
  readonly rule: ThresholdRule;
  /** [inner fold] the rule chosen without the fold; null where none was admissible. */
  readonly foldRules: readonly (ThresholdRule | null)[];
  /** Score of the pooled out-of-fold decisions; null without inner folds. */
  readonly crossValidated: number | null;
}

type Folds = NonNullable<ReturnType<typeof groupedFolds>> | null;

/**
 * Searches every feature and ranks them, best first, by out-of-fold score (by the score itself where the label has too
 * few patients for inner folds). Equal scores: the feature with fewer candidate thresholds, then the earlier one.
 * Features without an admissible rule are left out.
 */
export function rankFeatures(
  matrix: Matrix,
  target: Uint8Array,
  rows: Int32Array,
  options: Stage1Options,
  random: Random,
): { readonly ranked: Univariate[]; readonly folds: Folds } {
  const { threshold } = options;
  const folds = groupedFolds(target, rows, matrix.patientIndex, threshold.folds, random);
  const ranked = matrix.tables.flatMap((table, feature): Univariate[] => {
    const counts = countCodes(table, target, rows, folds?.fold, folds?.folds);
    const search = (pooled: Float64Array) => chooseRule(table, pooled, options);
    const rule = search(poolCounts(counts));
    if (rule === null) return [];
    if (folds === null) return [{ feature, rule, foldRules: [], crossValidated: null }];
    const foldRules = Array.from({ length: folds.folds }, (_, fold) => search(poolCounts(counts, fold)));
    const pooled = emptyTally();
    foldRules.forEach((foldRule, fold) => {
      const held = counts.counts.subarray(fold * counts.size * 2, (fold + 1) * counts.size * 2);
      const { truePositives, falsePositives, falseNegatives, trueNegatives } = confusionOf(
        table,
        foldRule,
        held,
      );
      tally(pooled, true, truePositives, falsePositives);
      tally(pooled, false, falseNegatives, trueNegatives);
    });
    return [{ feature, rule, foldRules, crossValidated: criteria[threshold.criterion](pooled) }];
  });
  const merit = (fit: Univariate) => Math.round((fit.crossValidated ?? fit.rule.score) / SCORE_TIE);
  ranked.sort(
    (a, b) =>
      merit(b) - merit(a) ||
      matrix.tables[a.feature].thresholds.length - matrix.tables[b.feature].thresholds.length ||
      a.feature - b.feature,
  );
  return { ranked, folds };
}

/** The rule of one feature on counted rows, by the method asked for. @returns null when none is admissible */
export function chooseRule(
  table: CutTable,
  pooled: Float64Array,
  { threshold: { method, criterion }, univariate: { minSamples }, logistic }: Stage1Options,
): ThresholdRule | null {
  switch (method) {
    case 'search':
      return bestThreshold(table, pooled, criterion, minSamples);
    case 'logistic':
      return logisticThreshold(table, pooled, criterion, minSamples, logistic.C);
    default:
      return method satisfies never;
  }
}

/**
 * The first `most` of ranked features whose rules differ: a rule that fires on exactly the rows of a better one would
 * fill a place and say nothing new.
 */
export function pickTop(
  ranked: readonly Univariate[],
  matrix: Matrix,
  rows: Int32Array,
  most: number,
): Univariate[] {
  const sameRows = (a: Univariate, b: Univariate) =>
    rows.every(
      (row) =>
        holds(a.rule.op, matrix.columns[a.feature][row], a.rule.threshold) ===
        holds(b.rule.op, matrix.columns[b.feature][row], b.rule.threshold),
    );
  const picked: Univariate[] = [];
  for (const fit of ranked) {
    if (picked.length === most) break;
    if (!picked.some((other) => sameRows(other, fit))) picked.push(fit);
  }
  return picked;
}

/** One label's best features, to state the uncertainty of. */
export interface ScoredFits {
  readonly fits: readonly Univariate[];
  readonly folds: Folds;
  readonly target: Uint8Array;
  readonly rows: Int32Array;
}

/**
 * The out-of-fold score of each feature with a 95 % interval from resampled training patients, the same resamples for all
 * labels. The rules of the folds are kept, so the interval is that of the decisions, and the choice of the best among many
 * features is not in it.
 * @param training all training rows
 * @returns [label][fit]
 */
export function scoreEstimates(
  labels: readonly ScoredFits[],
  matrix: Matrix,
  training: Int32Array,
  { threshold, seed }: Stage1Options,
): Estimate[][] {
  const clusters = denseClusters(training.map((row) => matrix.patientIndex[row]));
  const patientOf = new Int32Array(matrix.patientIndex.length);
  training.forEach((row, i) => {
    patientOf[row] = clusters.ofRow[i];
  });
  const counters = labels
    .filter(({ fits, folds }) => folds !== null && fits.length > 0)
    .map((label) => decisionCounter(decideByFits(label, matrix, patientOf, clusters.count)));
  const score = criteria[threshold.criterion];
  const { values, draws } = clusterBootstrap({
    clusters: clusters.count,
    resamples: threshold.resamples,
    seed,
    size: labels.reduce((sum, { fits, folds }) => sum + (folds === null ? 0 : fits.length), 0),
    statistic: (multiplicity, out) => {
      let at = 0;
      for (const count of counters) for (const counts of count(multiplicity)) out[at++] = score(counts);
    },
  });
  let t = 0;
  return labels.map(({ fits, folds }) =>
    fits.map((): Estimate => {
      if (folds === null) {
        return { value: null, reason: 'inner folds need two patients with the finding and two without' };
      }
      const at = t++;
      return percentileEstimate(values[at], draws[at], clusters.count, () => 'a class is absent');
    }),
  );
}

/** A label's rows as each of its features decides them out of fold. @param patientOf [row of the cohort] */
function decideByFits(
  { fits, folds, target, rows }: ScoredFits,
  { columns }: Matrix,
  patientOf: Int32Array,
  patients: number,
): DecidedCells {
  const decisions = fits.map(({ feature, foldRules }) => {
    const column = columns[feature];
    const decided = new Uint8Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const rule = foldRules[folds!.fold[i]];
      decided[i] = rule !== null && holds(rule.op, column[rows[i]], rule.threshold) ? 1 : 0;
    }
    return decided;
  });
  const targets = new Uint8Array(rows.length);
  const cluster = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    targets[i] = target[rows[i]];
    cluster[i] = patientOf[rows[i]];
  }
  return decideByRules({ targets, cluster, clusters: patients }, decisions);
}
