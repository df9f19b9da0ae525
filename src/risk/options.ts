/** The options of stage 1 with their defaults and limits; the study file's `stage1` section has the same names. */
import { suggestName } from '../data/index.js';
import { ConfigError } from '../errors.js';
import type { Stage1Classifier } from './classifier.js';
import type { BinMethod } from './discretise.js';
import type { NetworkOptions } from './network.js';
import { type Criterion, criteria } from './score.js';

export interface Stage1Options {
  /** Best features per label that enter the tree and the second stage, ≥ 1. Default 5. */
  readonly topN: number;
  /** Columns filled from the patient's latest earlier row. Default none. */
  readonly forwardFill: readonly string[];
  /** A missing category becomes its own level or the most frequent one. Default `level`. */
  readonly categoricalMissing: 'level' | 'mode';
  /** Add "is missing" features. Default true. */
  readonly missingIndicators: boolean;
  readonly bins: {
    /** How numeric columns without fixed cuts are cut. Default `none`. */
    readonly method: BinMethod | 'none';
    /** Bins per column, ≥ 2. Default 4. */
    readonly count: number;
    /** Column → clinical cut points, ascending. Default none. */
    readonly fixed: Readonly<Record<string, readonly number[]>>;
  };
  /** The tree per label and feature. */
  readonly univariate: {
    /** Default 2. */
    readonly maxDepth: number;
    /** Fewest rows in a leaf and on either side of a rule's threshold. Default 10. */
    readonly minSamples: number;
    /** Weight both classes equally. Default true. */
    readonly balance: boolean;
  };
  /** The threshold search per label and feature. */
  readonly threshold: {
    /**
     * `search`: the threshold with the best score. `logistic`: where a class-balanced logistic regression on the feature
     * puts even odds; scored alike. Default `search`.
     */
    readonly method: 'search' | 'logistic';
    /** Default `youden`. */
    readonly criterion: Criterion;
    /** Grid step ΔT in the column's unit; null: every candidate cut point. Default null. */
    readonly step: number | null;
    /** Most cut points tried per feature; with more, quantile-spaced ones. Default 255. */
    readonly maxCuts: number;
    /** Inner folds, ≥ 2. Default 5. */
    readonly folds: number;
    /** Bootstrap resamples of patients for the interval of a rule's score. Default 500. */
    readonly resamples: number;
    /** Permutations of the labels for the p-values of the rules; 0: none. Default 200. */
    readonly permutations: number;
  };
  /** The multivariate tree per label. */
  readonly tree: {
    /** Depths Dmax tried. Default [1, 2, 3, 4]. */
    readonly maxDepth: readonly number[];
    /** Fewest rows Smin that a node must hold to be split, values tried. Default [20, 40, 80]. */
    readonly minSamples: readonly number[];
    /** Fewest rows in a leaf. Default 10. */
    readonly minLeaf: number;
    /** Cost-complexity penalties tried, in weighted Gini impurity. Default [0.001, 0.003, 0.01, 0.03]. */
    readonly alpha: readonly number[];
    /** What tuning maximises, at the class-weighted majority. Default `gmean`. */
    readonly criterion: Criterion;
    /** Inner folds, ≥ 2. Default 5. */
    readonly folds: number;
  };
  /** Where the probabilities of stage 1 come from: the multivariate tree or an alternative to it. Default `tree`. */
  readonly classifier: 'tree' | Stage1Classifier['kind'];
  /** Weigh both classes equally in the multivariate tree and its alternatives, or every row alike. Default `balanced`. */
  readonly classWeight: 'balanced' | 'none';
  /** Synthetic rows of the rarer class for these, made from the very rows that each is fitted on. Default `none`. */
  readonly resampling: 'none' | 'smote';
  /** Logistic regression, for thresholds and as a classifier. */
  readonly logistic: {
    /** Inverse strength of the L2 penalty on standardised features, > 0. Default 0.01. */
    readonly C: number;
  };
  /** The fully connected network. Defaults 16 hidden units, 100 epochs, rate 0.01, decay 0.001, batches of 32. */
  readonly network: NetworkOptions;
  /** Seed of the inner folds and of the resampling. Default 1. */
  readonly seed: number;
}

/** `Stage1Options` with everything optional. */
export type Stage1Settings = {
  readonly [K in keyof Stage1Options]?: Stage1Options[K] extends
    | readonly unknown[]
    | string
    | number
    | boolean
    ? Stage1Options[K]
    : { readonly [J in keyof Stage1Options[K]]?: Stage1Options[K][J] };
};

const defaults: Stage1Options = {
  topN: 5,
  forwardFill: [],
  categoricalMissing: 'level',
  missingIndicators: true,
  bins: { method: 'none', count: 4, fixed: {} },
  univariate: { maxDepth: 2, minSamples: 10, balance: true },
  threshold: {
    method: 'search',
    criterion: 'youden',
    step: null,
    maxCuts: 255,
    folds: 5,
    resamples: 500,
    permutations: 200,
  },
  tree: {
    maxDepth: [1, 2, 3, 4],
    minSamples: [20, 40, 80],
    minLeaf: 10,
    alpha: [0.001, 0.003, 0.01, 0.03],
    criterion: 'gmean',
    folds: 5,
  },
  classifier: 'tree',
  classWeight: 'balanced',
  resampling: 'none',
  logistic: { C: 0.01 },
  network: { hidden: 16, epochs: 100, learningRate: 0.01, weightDecay: 0.001, batchSize: 32 },
  seed: 1,
};

/**
 * Writes the defaults out and checks the ranges.
 * @throws ConfigError with the path of the offending key
 */
export function resolveStage1Options(settings: Stage1Settings = {}): Stage1Options {
  const options: Stage1Options = {
    ...defaults,
    ...settings,
    bins: { ...defaults.bins, ...settings.bins },
    univariate: { ...defaults.univariate, ...settings.univariate },
    threshold: { ...defaults.threshold, ...settings.threshold },
    tree: { ...defaults.tree, ...settings.tree },
    logistic: { ...defaults.logistic, ...settings.logistic },
    network: { ...defaults.network, ...settings.network },
  };
  const { topN, bins, univariate, threshold, tree, logistic, network } = options;
  const atLeast = (path: string, min: number, ...values: readonly number[]): void => {
    if (values.length === 0 || !values.every((value) => Number.isInteger(value) && value >= min)) {
      throw new ConfigError(
        `fitStage1: stage1.${path} must be whole numbers of at least ${min}, got [${values.join(', ')}]; mend the study`,
        `stage1.${path}`,
      );
    }
  };
  const positive = (path: string, value: number, remedy: string): void => {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new ConfigError(
        `fitStage1: stage1.${path} must be finite and above 0, got ${value}; ${remedy}`,
        `stage1.${path}`,
      );
    }
  };
  const notNegative = (path: string, ...values: readonly number[]): void => {
    if (values.length === 0 || !values.every((value) => value >= 0 && Number.isFinite(value))) {
      throw new ConfigError(
        `fitStage1: stage1.${path} must be finite and not negative, got [${values.join(', ')}]; mend the study`,
        `stage1.${path}`,
      );
    }
  };
  const oneOf = (path: string, value: string, names: readonly string[]): void => {
    if (!names.includes(value)) {
      throw new ConfigError(
        `fitStage1: stage1.${path} must be one of ${names.join(', ')}, got "${value}"; ${suggestName(value, names)}`,
        `stage1.${path}`,
      );
    }
  };
  atLeast('topN', 1, topN);
  oneOf('categoricalMissing', options.categoricalMissing, ['level', 'mode']);
  oneOf('bins.method', bins.method, ['quantile', 'uniform', 'tree', 'none']);
  atLeast('bins.count', 2, bins.count);
  atLeast('univariate.maxDepth', 1, univariate.maxDepth);
  atLeast('univariate.minSamples', 1, univariate.minSamples);
  oneOf('threshold.method', threshold.method, ['search', 'logistic']);
  oneOf('threshold.criterion', threshold.criterion, Object.keys(criteria));
  if (threshold.step !== null) positive('threshold.step', threshold.step, "give it in the column's unit");
  atLeast('threshold.folds', 2, threshold.folds);
  atLeast('threshold.maxCuts', 1, threshold.maxCuts);
  atLeast('threshold.resamples', 0, threshold.resamples);
  atLeast('threshold.permutations', 0, threshold.permutations);
  atLeast('tree.maxDepth', 1, ...tree.maxDepth);
  atLeast('tree.minSamples', 2, ...tree.minSamples);
  atLeast('tree.minLeaf', 1, tree.minLeaf);
  notNegative('tree.alpha', ...tree.alpha);
  oneOf('tree.criterion', tree.criterion, Object.keys(criteria));
  atLeast('tree.folds', 2, tree.folds);
  oneOf('classifier', options.classifier, ['tree', 'logistic', 'network']);
  oneOf('classWeight', options.classWeight, ['balanced', 'none']);
  oneOf('resampling', options.resampling, ['none', 'smote']);
  positive('logistic.C', logistic.C, 'smaller values penalise more');
  atLeast('network.hidden', 1, network.hidden);
  atLeast('network.epochs', 1, network.epochs);
  atLeast('network.batchSize', 1, network.batchSize);
  positive('network.learningRate', network.learningRate, 'mend the study');
  notNegative('network.weightDecay', network.weightDecay);
  return options;
}
