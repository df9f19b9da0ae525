/** The options of stage 1 with their defaults and limits; the study file's `stage1` section has the same names. */
import { ConfigError } from '../errors.js';
import type { BinMethod } from './discretise.js';
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
  threshold: { criterion: 'youden', step: null, maxCuts: 255, folds: 5, resamples: 500 },
  tree: {
    maxDepth: [1, 2, 3, 4],
    minSamples: [20, 40, 80],
    minLeaf: 10,
    alpha: [0.001, 0.003, 0.01, 0.03],
    criterion: 'gmean',
    folds: 5,
  },
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
  };
  const { topN, bins, univariate, threshold, tree } = options;
  const atLeast = (path: string, min: number, ...values: readonly number[]): void => {
    if (values.length === 0 || !values.every((value) => Number.isInteger(value) && value >= min)) {
      throw new ConfigError(
        `fitStage1: stage1.${path} must be whole numbers of at least ${min}, got [${values.join(', ')}]; mend the study`,
        `stage1.${path}`,
      );
    }
  };
  atLeast('topN', 1, topN);
  atLeast('bins.count', 2, bins.count);
  atLeast('univariate.maxDepth', 1, univariate.maxDepth);
  atLeast('univariate.minSamples', 1, univariate.minSamples);
  atLeast('threshold.folds', 2, threshold.folds);
  atLeast('threshold.maxCuts', 1, threshold.maxCuts);
  atLeast('threshold.resamples', 0, threshold.resamples);
  atLeast('tree.maxDepth', 1, ...tree.maxDepth);
  atLeast('tree.minSamples', 2, ...tree.minSamples);
  atLeast('tree.minLeaf', 1, tree.minLeaf);
  atLeast('tree.folds', 2, tree.folds);
  if (threshold.step !== null && !(threshold.step > 0)) {
    throw new ConfigError(
      `fitStage1: stage1.threshold.step must be above 0 or null, got ${threshold.step}; give it in the column's unit`,
      'stage1.threshold.step',
    );
  }
  if (tree.alpha.length === 0 || !tree.alpha.every((alpha) => alpha >= 0 && Number.isFinite(alpha))) {
    throw new ConfigError(
      `fitStage1: stage1.tree.alpha must be finite and not negative, got [${tree.alpha.join(', ')}]; mend the study`,
      'stage1.tree.alpha',
    );
  }
  for (const [path, criterion] of [
    ['threshold', threshold.criterion],
    ['tree', tree.criterion],
  ] as const) {
    if (!Object.hasOwn(criteria, criterion)) {
      throw new ConfigError(
        `fitStage1: stage1.${path}.criterion must be one of ${Object.keys(criteria).join(', ')}, got "${criterion}"`,
        `stage1.${path}.criterion`,
      );
    }
  }
  return options;
}
