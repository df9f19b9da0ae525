/**
 * Stage 1: per label, the best single-threshold rules, a univariate tree per feature and one multivariate tree, fitted
 * on training rows alone and kept as one JSON value.
 */
import { DataError, ShapeError } from '../errors.js';
import type { Estimate } from '../metrics/index.js';
import { randomStream } from '../random/index.js';
import { balancedWeights, growTree, sortColumns } from './cart.js';
import { fitClassifier, type Stage1Classifier } from './classifier.js';
import { chooseFeatures } from './encode.js';
import { type Feature, featureName, type LabelRows, type Stage1Features } from './features.js';
import { fitImputer, type Imputer, impute, orderNotes } from './impute.js';
import { fitMultivariate, type MultivariateTree } from './multivariate.js';
import { labelNotes, type Stage1Note } from './note.js';
import { resolveStage1Options, type Stage1Options, type Stage1Settings } from './options.js';
import { permutationTest, type RuleSignificance } from './permutation.js';
import { describePremise } from './premise.js';
import { describeRule, leafRules, type Rule, type RuleParts } from './rules.js';
import { cutTable } from './threshold.js';
import { renameFeatures, type Tree } from './tree.js';
import {
  chooseRule,
  type Matrix,
  pickTop,
  rankFeatures,
  scoreEstimates,
  type Univariate,
} from './univariate.js';

/** The fitted first stage; plain JSON, written as `stage1.json`. */
export interface Stage1Model {
  readonly format: 'medfusion-stage1';
  readonly version: 1;
  readonly options: Stage1Options;
  /** Rows and patients it was fitted on. */
  readonly training: { readonly rows: number; readonly patients: number };
  readonly imputer: Imputer;
  readonly features: readonly Feature[];
  readonly labels: readonly Stage1Label[];
  /** What enters the second stage, in this order; see `applyStage1`. */
  readonly inputs: readonly Stage1Input[];
  readonly notes: readonly Stage1Note[];
}

export interface Stage1Label {
  readonly label: string;
  /** Training rows with a known label, and those with the finding. */
  readonly n: number;
  readonly positives: number;
  /** Every feature with an admissible rule, best first, with its tree. */
  readonly univariate: readonly UnivariateFit[];
  /** The best features, best first; indices into the model's features. */
  readonly top: readonly number[];
  /** The threshold rules of the top features, then the leaves of the multivariate tree. */
  readonly rules: readonly Rule[];
  readonly tree: MultivariateTree;
  /** Gives the probabilities in place of the tree; absent where the tree gives them. */
  readonly classifier?: Stage1Classifier;
}

export interface UnivariateFit extends Pick<Univariate, 'feature' | 'rule' | 'crossValidated'> {
  readonly tree: Tree;
}

/** One column of what enters the second stage. */
export type Stage1Input =
  /** A top feature, (x − mean) / sd over the training rows. */
  | {
      readonly kind: 'feature';
      readonly name: string;
      readonly feature: number;
      readonly mean: number;
      readonly sd: number;
    }
  /** 1 where the rule fires, else 0. */
  | { readonly kind: 'rule'; readonly name: string; readonly conditions: Rule['conditions'] };

/**
 * Fits stage 1. Only the given rows are looked at: nothing in any other row can change the model.
 * @param targets [n, L] 1 = finding present
 * @param known [n, L] 1 = recorded
 * @param labels L names
 * @param rows distinct training rows
 * @throws ShapeError when the sizes do not fit or there is no row
 * @throws DataError when a label is unknown in every training row or a value is infinite
 * @throws ConfigError when an option is out of range or names an unknown column
 */
export function fitStage1(
  source: Stage1Features,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  rows: Int32Array,
  settings: Stage1Settings = {},
): Stage1Model {
  const options = resolveStage1Options(settings);
  checkShapes(source, targets, known, labels, rows);
  const training = Int32Array.from(rows).sort();
  const perLabel = labels.map((label, l) =>
    recordedRows(label, l, labels.length, source.size, targets, known, training),
  );
  const imputer = fitImputer(source, training, options);
  const imputed = impute(imputer, source, training);
  const { features, columns, notes } = chooseFeatures(source, imputed, training, perLabel, options);
  notes.push(...orderNotes(imputer, source, training));
  const orders = sortColumns(columns, training);
  const { step, maxCuts } = options.threshold;
  const tables = columns.map((column, f) =>
    cutTable(column, orders[f], isContinuous(features[f]) ? step : null, maxCuts),
  );
  const matrix: Matrix = { columns, orders, tables, patientIndex: source.patientIndex };
  const rankings = perLabel.map((label) => rankLabel(label, label.rows, matrix, options));
  const scored = rankings.map(({ best, folds }, l) => ({ ...perLabel[l], fits: best, folds }));
  const scores = scoreEstimates(scored, matrix, training, options);
  const fitted = perLabel.map((label, l) =>
    fitLabel(label, rankings[l], scores[l], features, matrix, options, notes),
  );
  if (options.topN > features.length) {
    const use = features.length === 0 ? 'there is no rule' : 'all are used';
    notes.push({
      code: 'few-features',
      message: `stage1.topN is ${options.topN}, but there are only ${features.length} usable features; ${use}`,
    });
  }
  return {
    format: 'medfusion-stage1',
    version: 1,
    options,
    training: {
      rows: training.length,
      patients: new Set(Array.from(training, (row) => source.patientIndex[row])).size,
    },
    imputer,
    features,
    labels: fitted,
    inputs: secondStageInputs(fitted, features, columns, training),
    notes,
  };
}

/** Ranks the features on some rows of a label and picks the best. */
function rankLabel({ label, target }: LabelRows, rows: Int32Array, matrix: Matrix, options: Stage1Options) {
  // Named streams, so that the inner folds of one label do not hang on which other labels there are.
  const random = randomStream(options.seed, 'stage1', label, 'threshold');
  const { ranked, folds } = rankFeatures(matrix, target, rows, options, random);
  return { ranked, folds, best: pickTop(ranked, matrix, rows, options.topN) };
}

function fitLabel(
  labelRows: LabelRows,
  { ranked, best }: ReturnType<typeof rankLabel>,
  scores: readonly Estimate[],
  features: readonly Feature[],
  matrix: Matrix,
  options: Stage1Options,
  notes: Stage1Note[],
): Stage1Label {
  const { label, target, rows } = labelRows;
  const positives = rows.reduce((sum, row) => sum + target[row], 0);
  const top = best.map((fit) => fit.feature);
  notes.push(...labelNotes(labelRows, top.length, features.length, matrix.patientIndex, options));
  const tree = fitMultivariate(
    matrix,
    target,
    rows,
    top,
    (subset) => rankLabel(labelRows, subset, matrix, options).best.map((fit) => fit.feature),
    options,
    randomStream(options.seed, 'stage1', label, 'tree'),
  );
  // Where there were too few patients to tune a tree, there are too few for its alternatives.
  const classifier =
    options.classifier === 'tree' || tree.tuned === null
      ? {}
      : {
          classifier: fitClassifier(
            options.classifier,
            matrix.columns,
            top,
            target,
            rows,
            options,
            randomStream(options.seed, 'stage1', label, options.classifier),
          ),
        };
  const significance = ruleSignificance(labelRows, ranked, matrix, options);
  const describe = (rule: RuleParts) =>
    describeRule(rule, features, matrix.columns, { ...labelRows, patientIndex: matrix.patientIndex });
  return {
    label,
    n: rows.length,
    positives,
    univariate: ranked.map(({ feature, rule, crossValidated }) => ({
      feature,
      rule,
      crossValidated,
      tree: univariateTree(matrix, feature, target, rows, positives, options),
    })),
    top,
    rules: [
      ...best.map(({ feature, rule }, i) =>
        describe({
          kind: 'threshold',
          conditions: [{ feature, op: rule.op, threshold: rule.threshold }],
          prediction: 'positive',
          score: scores[i],
          ...(significance.get(feature) ?? { pValue: null, adjustedPValue: null }),
        }),
      ),
      ...(top.length === 0 ? [] : leafRules(tree.tree, tree.classWeight).map(describe)),
    ],
    tree,
    ...classifier,
  };
}

/** P-values by feature; none where no permutation is asked for. */
function ruleSignificance(
  { label, target, rows }: LabelRows,
  ranked: readonly Univariate[],
  { tables, patientIndex }: Matrix,
  options: Stage1Options,
): Map<number, RuleSignificance> {
  const { permutations } = options.threshold;
  if (permutations === 0) return new Map();
  const tested = permutationTest(
    ranked.map(({ feature, rule }) => ({ table: tables[feature], rule })),
    target,
    rows,
    patientIndex,
    permutations,
    (table, counts) => chooseRule(table, counts, options),
    randomStream(options.seed, 'stage1', label, 'permutation'),
  );
  return new Map(ranked.map(({ feature }, i) => [feature, tested[i]]));
}

function univariateTree(
  { columns, orders }: Matrix,
  feature: number,
  target: Uint8Array,
  rows: Int32Array,
  positives: number,
  { univariate }: Stage1Options,
): Tree {
  const tree = growTree([columns[feature]], [orders[feature]], target, rows, {
    maxDepth: univariate.maxDepth,
    minLeaf: univariate.minSamples,
    classWeight: univariate.balance ? balancedWeights(rows.length - positives, positives) : [1, 1],
  });
  return renameFeatures(tree, [feature]);
}

function isContinuous(feature: Feature): boolean {
  return feature.kind === 'numeric' && feature.cuts === null && feature.levels === null;
}

function recordedRows(
  label: string,
  l: number,
  count: number,
  size: number,
  targets: Float32Array,
  known: Uint8Array,
  rows: Int32Array,
): LabelRows {
  const recorded = rows.filter((row) => known[row * count + l] === 1);
  if (recorded.length === 0) {
    throw new DataError(
      'unknown-label',
      `fitStage1: label "${label}" must be recorded in some training row, got 0 of ${rows.length}; drop the label or widen the split`,
    );
  }
  const target = new Uint8Array(size);
  for (const row of recorded) target[row] = targets[row * count + l] === 1 ? 1 : 0;
  return { label, target, rows: recorded };
}

/** The union of all labels' top features, and of their threshold rules where those say more than a two-valued feature. */
function secondStageInputs(
  labels: readonly Stage1Label[],
  features: readonly Feature[],
  columns: readonly Float64Array[],
  rows: Int32Array,
): Stage1Input[] {
  const used = [...new Set(labels.flatMap((label) => label.top))].sort((a, b) => a - b);
  const standardised = used.map((feature): Stage1Input => {
    const values = Array.from(rows, (row) => columns[feature][row]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    return { kind: 'feature', name: featureName(features[feature]), feature, mean, sd };
  });
  const rules = new Map<string, Stage1Input>();
  for (const { rules: all } of labels) {
    for (const { kind, conditions } of all) {
      if (kind !== 'threshold' || isTwoValued(columns[conditions[0].feature], rows)) continue;
      const key = JSON.stringify(conditions);
      if (!rules.has(key))
        rules.set(key, { kind: 'rule', name: describePremise(features, conditions), conditions });
    }
  }
  return [...standardised, ...rules.values()];
}

function isTwoValued(column: Float64Array, rows: Int32Array): boolean {
  const first = column[rows[0]];
  const second = column[rows.find((row) => column[row] !== first) ?? rows[0]];
  return rows.every((row) => column[row] === first || column[row] === second);
}

function checkShapes(
  source: Stage1Features,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  rows: Int32Array,
): void {
  const cells = source.size * labels.length;
  if (targets.length !== cells || known.length !== cells) {
    throw new ShapeError(
      `fitStage1: targets and known must hold ${source.size} rows × ${labels.length} labels, got ${targets.length} and ${known.length}; pass the cohort's own`,
    );
  }
  if (rows.length === 0)
    throw new ShapeError('fitStage1: at least one training row is needed, got 0; widen the split');
  const distinct = new Set(rows);
  if (distinct.size !== rows.length || rows.some((row) => row < 0 || row >= source.size)) {
    throw new ShapeError(
      `fitStage1: rows must be distinct and in 0..${source.size - 1}, got ${rows.length} with ${distinct.size} distinct; pass a split's training rows`,
    );
  }
}
