/**
 * CART for two classes: greedy binary splits by Gini impurity   [breiman1984cart]
 *
 * Agrees split by split with scikit-learn's `DecisionTreeClassifier(criterion="gini", splitter="best")`.
 * Intended deviations: float64 values instead of float32, so values closer than 1e-7 still separate; equal
 * improvements are settled by column, then by lower threshold, instead of at random.
 */
import { ShapeError } from '../errors.js';
import { argsort } from './argsort.js';
import { type ClassWeight, type Tree, TreeBuilder, weightedGini } from './tree.js';

export interface GrowOptions {
  /** Most splits between the root and a leaf; default no limit. */
  readonly maxDepth?: number;
  /** Fewest rows a node must hold to be split; default 2. */
  readonly minSplit?: number;
  /** Fewest rows on each side of a split; default 1. */
  readonly minLeaf?: number;
  /** Weight of each negative and each positive row; default [1, 1]. */
  readonly classWeight?: ClassWeight;
}

/** scikit-learn's `class_weight="balanced"`: n / (2 · n_class). [1, 1] when a class is absent. */
export function balancedWeights(negatives: number, positives: number): ClassWeight {
  const n = negatives + positives;
  return negatives === 0 || positives === 0 ? [1, 1] : [n / (2 * negatives), n / (2 * positives)];
}

/**
 * For each column, the given rows in ascending order of its value (equal values in the order of `rows`). Sorting once
 * serves every tree grown on these rows or on a subset of them.
 */
export function sortColumns(columns: readonly Float64Array[], rows: Int32Array): Int32Array[] {
  return columns.map((column) => argsort(column, rows));
}

/**
 * Grows a tree.
 * @param columns one array per column, indexed by row; no NaN in the rows used
 * @param orders `sortColumns` of the same columns over these rows or a superset
 * @param target [row] 1 = positive, 0 = negative
 * @param rows the distinct rows to learn from, at least one
 * @throws ShapeError when there is no row or orders and columns do not match
 */
export function growTree(
  columns: readonly Float64Array[],
  orders: readonly Int32Array[],
  target: Uint8Array,
  rows: Int32Array,
  options: GrowOptions = {},
): Tree {
  if (rows.length === 0)
    throw new ShapeError('growTree: at least one row is needed, got 0; pass training rows');
  if (orders.length !== columns.length) {
    throw new ShapeError(
      `growTree: one sorted order per column, got ${orders.length} for ${columns.length}; use sortColumns`,
    );
  }
  const { maxDepth = Number.POSITIVE_INFINITY, minSplit = 2, minLeaf = 1, classWeight = [1, 1] } = options;
  const samples = restrictOrders(orders, rows, target.length);
  const goesLeft = new Uint8Array(target.length);
  const scratch = new Int32Array(rows.length);
  const builder = new TreeBuilder();
  let count = 0;
  for (let i = 0; i < rows.length; i++) count += target[rows[i]];
  const pending = [{ start: 0, end: rows.length, positives: count, depth: 0, parent: -1, right: false }];

  for (let work = pending.pop(); work !== undefined; work = pending.pop()) {
    const { start, end, positives, depth } = work;
    const negatives = end - start - positives;
    const node = builder.add(negatives, positives);
    if (work.parent >= 0) (work.right ? builder.tree.right : builder.tree.left)[work.parent] = node;

    const pure = negatives === 0 || positives === 0;
    if (pure || depth >= maxDepth || end - start < minSplit || end - start < 2 * minLeaf) continue;
    const split = bestSplit(columns, samples, target, start, end, negatives, positives, minLeaf, classWeight);
    if (split === null) continue;
    const { feature, threshold, size } = split;
    builder.split(node, feature, threshold, -1, -1);
    // Nodes that will not be split need their counts alone; the column that splits is in order already.
    if (depth + 1 < maxDepth && samples.length > 1) {
      for (let i = start; i < end; i++) goesLeft[samples[feature][i]] = i < start + size ? 1 : 0;
      for (const order of samples) stablePartition(order, start, end, goesLeft, scratch);
    }
    const middle = start + size;
    const child = { depth: depth + 1, parent: node };
    pending.push({ ...child, start: middle, end, positives: positives - split.positives, right: true });
    pending.push({ ...child, start, end: middle, positives: split.positives, right: false });
  }
  return builder.tree;
}

interface Split {
  readonly feature: number;
  readonly threshold: number;
  /** Rows that go left, and the positive ones among them. */
  readonly size: number;
  readonly positives: number;
}

// Mathematically equal improvements may differ in the last bits; below this share they count as a tie.
const TIE = 1e-12;

function bestSplit(
  columns: readonly Float64Array[],
  samples: readonly Int32Array[],
  target: Uint8Array,
  start: number,
  end: number,
  negatives: number,
  positives: number,
  minLeaf: number,
  [w0, w1]: ClassWeight,
): Split | null {
  let best: Split | null = null;
  let bestImpurity = Number.POSITIVE_INFINITY;
  const margin = TIE * (negatives * w0 + positives * w1);
  for (let feature = 0; feature < columns.length; feature++) {
    const column = columns[feature];
    const order = samples[feature];
    let leftPositives = 0;
    const last = end - minLeaf;
    let value = column[order[start]];
    for (let i = start; i < last; i++) {
      leftPositives += target[order[i]];
      const next = column[order[i + 1]];
      const size = i + 1 - start;
      if (next > value && size >= minLeaf) {
        const left = weightedGini((size - leftPositives) * w0, leftPositives * w1);
        const rightPositives = positives - leftPositives;
        const right = weightedGini((end - start - size - rightPositives) * w0, rightPositives * w1);
        if (left + right < bestImpurity - margin) {
          bestImpurity = left + right;
          const middle = value / 2 + next / 2;
          best = { feature, threshold: middle < next ? middle : value, size, positives: leftPositives };
        }
      }
      value = next;
    }
  }
  return best;
}

function restrictOrders(orders: readonly Int32Array[], rows: Int32Array, size: number): Int32Array[] {
  const member = new Uint8Array(size);
  for (const row of rows) member[row] = 1;
  return orders.map((order) => {
    if (order.length === rows.length) return order.slice();
    const kept = new Int32Array(rows.length);
    let write = 0;
    for (let i = 0; i < order.length; i++) if (member[order[i]] === 1) kept[write++] = order[i];
    return kept;
  });
}

function stablePartition(
  order: Int32Array,
  start: number,
  end: number,
  goesLeft: Uint8Array,
  scratch: Int32Array,
): void {
  let write = start;
  let held = 0;
  for (let i = start; i < end; i++) {
    if (goesLeft[order[i]] === 1) order[write++] = order[i];
    else scratch[held++] = order[i];
  }
  for (let i = 0; i < held; i++) order[write + i] = scratch[i];
}
