/**
 * The multivariate tree of one label on its top-N features (P5): Dmax, Smin and the pruning penalty tuned by inner
 * patient-grouped cross-validation, the features chosen anew in every inner fold.
 */
import type { Random } from '../random/index.js';
import { growTree, sortColumns } from './cart.js';
import { groupedFolds } from './folds.js';
import type { Stage1Options } from './options.js';
import { trainingSample } from './sample.js';
import { criteria, emptyTally, SCORE_TIE, tally } from './score.js';
import {
  type ClassWeight,
  leafOf,
  nodeIsPositive,
  pruneTree,
  recountTree,
  renameFeatures,
  restrictTree,
  type Tree,
} from './tree.js';
import type { Matrix } from './univariate.js';

/** A tuned tree; plain JSON. */
export interface MultivariateTree {
  /** Its `feature` numbers index the model's features. */
  readonly tree: Tree;
  /** The tuned Dmax, Smin and penalty; null where there were too few patients to tune. */
  readonly tuned: { readonly maxDepth: number; readonly minSamples: number; readonly alpha: number } | null;
  /** Weights of a real row of each class in pruning and deciding, with the synthetic rows that growing made for it. */
  readonly classWeight: ClassWeight;
  /** Out-of-fold score of the tuned setting; the best of the grid, so a little too good. Null where not tuned. */
  readonly crossValidated: number | null;
}

interface Setting {
  readonly maxDepth: number;
  readonly minSamples: number;
  readonly alpha: number;
}

/**
 * Tunes and fits the tree. Equal scores go to the setting with the smaller depth, then the larger minimum split, then
 * the larger penalty. Without two patients of each kind there is nothing to tune on: the tree is its root.
 * @param choose the top-N features of the given rows; called per inner fold with the fold's training rows
 * @param top the top-N features of all `rows`
 */
export function fitMultivariate(
  matrix: Matrix,
  target: Uint8Array,
  rows: Int32Array,
  top: readonly number[],
  choose: (rows: Int32Array) => readonly number[],
  stage1: Stage1Options,
  random: Random,
): MultivariateTree {
  const { tree: options } = stage1;
  const folds = groupedFolds(target, rows, matrix.patientIndex, options.folds, random);
  const full = grow(matrix, target, rows, top, stage1, random);
  if (folds === null || top.length === 0) {
    return {
      tree: restrictTree(full.tree, { maxDepth: 0, minSplit: 0 }),
      tuned: null,
      classWeight: full.classWeight,
      crossValidated: null,
    };
  }
  const settings = simplestFirst(options);
  const tables = settings.map(emptyTally);
  for (let fold = 0; fold < folds.folds; fold++) {
    const train = rows.filter((_, i) => folds.fold[i] !== fold);
    const held = rows.filter((_, i) => folds.fold[i] === fold);
    const grown = grow(matrix, target, train, choose(train), stage1, random);
    settings.forEach((setting, s) => {
      const tree = cutBack(grown.tree, setting, grown.classWeight);
      for (const row of held) {
        const positive = nodeIsPositive(tree, leafOf(tree, matrix.columns, row), grown.classWeight);
        tally(tables[s], positive, target[row], 1 - target[row]);
      }
    });
  }
  let best = 0;
  const scores = tables.map(criteria[options.criterion]);
  scores.forEach((score, s) => {
    if (score > scores[best] + SCORE_TIE) best = s;
  });
  return {
    tree: cutBack(full.tree, settings[best], full.classWeight),
    tuned: settings[best],
    classWeight: full.classWeight,
    crossValidated: scores[best],
  };
}

/** Grows as deep as any setting may ask for; every setting's tree is a cut of this one. */
function grow(
  matrix: Matrix,
  target: Uint8Array,
  rows: Int32Array,
  top: readonly number[],
  options: Stage1Options,
  random: Random,
): { readonly tree: Tree; readonly classWeight: ClassWeight } {
  const columns = top.map((feature) => matrix.columns[feature]);
  const { minLeaf, maxDepth, minSamples } = options.tree;
  const limits = { maxDepth: Math.max(...maxDepth), minSplit: Math.min(...minSamples), minLeaf };
  const sample = trainingSample(columns, target, rows, options, random);
  const { classWeight, effectiveWeight } = sample;
  if (sample.real === sample.target.length) {
    const orders = top.map((feature) => matrix.orders[feature]);
    const tree = growTree(columns, orders, target, rows, { ...limits, classWeight });
    return { tree: renameFeatures(tree, top), classWeight };
  }
  const all = Int32Array.from(sample.target.keys());
  const orders = sortColumns(sample.columns, all);
  const grown = growTree(sample.columns, orders, sample.target, all, { ...limits, classWeight });
  const tree = recountTree(grown, columns, target, rows, minLeaf);
  return { tree: renameFeatures(tree, top), classWeight: effectiveWeight };
}

function cutBack(tree: Tree, { maxDepth, minSamples, alpha }: Setting, weight: ClassWeight): Tree {
  return pruneTree(restrictTree(tree, { maxDepth, minSplit: minSamples }), alpha, weight);
}

function simplestFirst({ maxDepth, minSamples, alpha }: Stage1Options['tree']): Setting[] {
  const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);
  const descending = (values: readonly number[]) => ascending(values).reverse();
  return ascending(maxDepth).flatMap((depth) =>
    descending(minSamples).flatMap((samples) =>
      descending(alpha).map((penalty) => ({ maxDepth: depth, minSamples: samples, alpha: penalty })),
    ),
  );
}
