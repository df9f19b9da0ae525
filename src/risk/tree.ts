/**
 * A binary classification tree as plain parallel arrays, and what can be done with one: find a row's leaf,
 * read off probabilities and paths, cut it back. How a tree is grown is in `cart.ts`.
 */

/** Nodes in pre-order, left child first (scikit-learn's order). Leaves have `feature`, `left`, `right` = −1. */
export interface Tree {
  /** Column tested at the node. */
  readonly feature: readonly number[];
  /** Rows with value ≤ threshold go left; 0 at leaves. */
  readonly threshold: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Training rows of each class that reached the node, unweighted. */
  readonly negatives: readonly number[];
  readonly positives: readonly number[];
}

/** One side of one test on the way to a leaf. */
export interface PathStep {
  readonly feature: number;
  readonly op: '<=' | '>';
  readonly threshold: number;
}

export type ClassWeight = readonly [negative: number, positive: number];

/** The node at which `row` ends. Columns are indexed by `tree.feature`, then by row; values must not be NaN. */
export function leafOf(tree: Tree, columns: readonly Float64Array[], row: number): number {
  let node = 0;
  while (tree.feature[node] >= 0) {
    const goesLeft = columns[tree.feature[node]][row] <= tree.threshold[node];
    node = goesLeft ? tree.left[node] : tree.right[node];
  }
  return node;
}

/**
 * Laplace-smoothed share of positives at a node, (positives + 1) / (n + 2)   [provost2003tree, eq. 1]
 * @returns in (0, 1), from unweighted counts
 */
export function nodeProbability(tree: Tree, node: number): number {
  return (tree.positives[node] + 1) / (tree.positives[node] + tree.negatives[node] + 2);
}

/** Whether the weighted majority at a node is positive; an exact tie is negative, as in scikit-learn. */
export function nodeIsPositive(tree: Tree, node: number, weight: ClassWeight): boolean {
  return tree.positives[node] * weight[1] > tree.negatives[node] * weight[0];
}

/** Every leaf with the tests that lead to it, repeated tests of one column merged into the tightest. */
export function leafPaths(tree: Tree): { readonly leaf: number; readonly path: readonly PathStep[] }[] {
  const found: { leaf: number; path: readonly PathStep[] }[] = [];
  const walk = (node: number, path: readonly PathStep[]): void => {
    const feature = tree.feature[node];
    if (feature < 0) {
      found.push({ leaf: node, path });
      return;
    }
    const threshold = tree.threshold[node];
    walk(tree.left[node], tighten(path, { feature, op: '<=', threshold }));
    walk(tree.right[node], tighten(path, { feature, op: '>', threshold }));
  };
  walk(0, []);
  return found;
}

// Deeper tests of the same column and side are always at least as tight, so the new one replaces the old.
function tighten(path: readonly PathStep[], step: PathStep): PathStep[] {
  const kept = path.filter((old) => old.feature !== step.feature || old.op !== step.op);
  return [...kept, step];
}

/**
 * The tree that growing with a smaller depth or a larger minimum split would have given: greedy growth never
 * looks back, so tighter limits only turn inner nodes into leaves.
 */
export function restrictTree(tree: Tree, limits: { maxDepth: number; minSplit: number }): Tree {
  return collapse(
    tree,
    (node, depth) =>
      depth >= limits.maxDepth || tree.negatives[node] + tree.positives[node] < limits.minSplit,
  );
}

/**
 * Minimal cost-complexity pruning   [breiman1984cart, sec. 3.3]: while the weakest link
 *   g(t) = (R(t) − R(T_t)) / (|leaves(T_t)| − 1),   R(t) = weight(t) · gini(t) / weight(root)
 * is ≤ alpha, it becomes a leaf. As in scikit-learn, alpha = 0 prunes nothing.
 * @param alpha ≥ 0, in units of weighted Gini impurity (0 … 0.5)
 */
export function pruneTree(tree: Tree, alpha: number, weight: ClassWeight): Tree {
  if (alpha === 0) return tree;
  const size = tree.feature.length;
  const total = tree.negatives[0] * weight[0] + tree.positives[0] * weight[1];
  const risk = Float64Array.from(
    { length: size },
    (_, node) => weightedGini(tree.negatives[node] * weight[0], tree.positives[node] * weight[1]) / total,
  );
  const isLeaf = Uint8Array.from(tree.feature, (feature) => (feature < 0 ? 1 : 0));
  const branchRisk = new Float64Array(size);
  const leaves = new Int32Array(size);
  for (;;) {
    let weakest = -1;
    let weakestLink = Number.POSITIVE_INFINITY;
    const visit = (node: number): void => {
      if (isLeaf[node] === 1) {
        branchRisk[node] = risk[node];
        leaves[node] = 1;
        return;
      }
      visit(tree.left[node]);
      visit(tree.right[node]);
      branchRisk[node] = branchRisk[tree.left[node]] + branchRisk[tree.right[node]];
      leaves[node] = leaves[tree.left[node]] + leaves[tree.right[node]];
      const link = (risk[node] - branchRisk[node]) / (leaves[node] - 1);
      if (link < weakestLink) {
        weakestLink = link;
        weakest = node;
      }
    };
    visit(0);
    if (weakest < 0 || weakestLink > alpha) break;
    isLeaf[weakest] = 1;
  }
  return collapse(tree, (node) => isLeaf[node] === 1);
}

/** weight × Gini impurity of a node with the given class weights, w (1 − (w0² + w1²) / w²). */
export function weightedGini(negative: number, positive: number): number {
  const weight = negative + positive;
  return weight * (1 - (negative * negative + positive * positive) / (weight * weight));
}

/** The same tree with its column numbers translated, e.g. from the top-N columns to all features. */
export function renameFeatures(tree: Tree, names: readonly number[]): Tree {
  return { ...tree, feature: tree.feature.map((feature) => (feature < 0 ? -1 : names[feature])) };
}

/**
 * The same tests with the counts of other rows; a split that leaves fewer than `minLeaf` of them on a side becomes a leaf.
 * So synthetic rows may shape a tree, and its counts and probabilities are still those of real ones.
 * @param columns [column of the tree][row]
 * @param rows at least one
 */
export function recountTree(
  tree: Tree,
  columns: readonly Float64Array[],
  target: Uint8Array,
  rows: Int32Array,
  minLeaf: number,
): Tree {
  const counts = [
    new Array<number>(tree.feature.length).fill(0),
    new Array<number>(tree.feature.length).fill(0),
  ];
  for (const row of rows) {
    let node = 0;
    counts[target[row]][node]++;
    while (tree.feature[node] >= 0) {
      const goesLeft = columns[tree.feature[node]][row] <= tree.threshold[node];
      node = goesLeft ? tree.left[node] : tree.right[node];
      counts[target[row]][node]++;
    }
  }
  const size = (node: number) => counts[0][node] + counts[1][node];
  return collapse(
    { ...tree, negatives: counts[0], positives: counts[1] },
    (node) => size(tree.left[node]) < minLeaf || size(tree.right[node]) < minLeaf,
  );
}

function collapse(tree: Tree, becomesLeaf: (node: number, depth: number) => boolean): Tree {
  const builder = new TreeBuilder();
  const copy = (node: number, depth: number): number => {
    const id = builder.add(tree.negatives[node], tree.positives[node]);
    if (tree.feature[node] < 0 || becomesLeaf(node, depth)) return id;
    const left = copy(tree.left[node], depth + 1);
    builder.split(id, tree.feature[node], tree.threshold[node], left, copy(tree.right[node], depth + 1));
    return id;
  };
  copy(0, 0);
  return builder.tree;
}

/** Builds a `Tree` node by node; a node is a leaf until it is split. */
export class TreeBuilder {
  readonly tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    negatives: [] as number[],
    positives: [] as number[],
  } satisfies Tree;

  /** Appends a leaf and returns its number. */
  add(negatives: number, positives: number): number {
    this.tree.feature.push(-1);
    this.tree.threshold.push(0);
    this.tree.left.push(-1);
    this.tree.right.push(-1);
    this.tree.negatives.push(negatives);
    return this.tree.positives.push(positives) - 1;
  }

  split(node: number, feature: number, threshold: number, left: number, right: number): void {
    this.tree.feature[node] = feature;
    this.tree.threshold[node] = threshold;
    this.tree.left[node] = left;
    this.tree.right[node] = right;
  }
}
