import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { ShapeError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import { balancedWeights, type GrowOptions, growTree, sortColumns } from '../../src/risk/cart.js';
import {
  leafOf,
  leafPaths,
  nodeIsPositive,
  nodeProbability,
  pruneTree,
  restrictTree,
} from '../../src/risk/tree.js';

interface Golden {
  cases: {
    name: string;
    columns: number[][];
    target: number[];
    trees: {
      options: {
        max_depth?: number;
        min_samples_leaf?: number;
        min_samples_split?: number;
        class_weight?: 'balanced';
        ccp_alpha?: number;
      };
      tree: { feature: number[]; threshold: number[]; left: number[]; right: number[] };
    }[];
  }[];
}

const golden = JSON.parse(readFileSync('test/golden/risk/cart.json', 'utf8')) as Golden;

function grow(columns: Float64Array[], target: Uint8Array, options: GrowOptions, rows = allRows(target)) {
  return growTree(columns, sortColumns(columns, rows), target, rows, options);
}
const allRows = (target: Uint8Array) => Int32Array.from(target.keys());

for (const { name, columns, target, trees } of golden.cases) {
  test(`growTree splits as scikit-learn does: ${name} (${trees.length} settings)`, () => {
    const matrix = columns.map((column) => Float64Array.from(column));
    const truth = Uint8Array.from(target);
    const positives = target.filter((value) => value === 1).length;
    assert.ok(trees.length > 0);
    for (const { options, tree } of trees) {
      const classWeight =
        options.class_weight === undefined
          ? ([1, 1] as const)
          : balancedWeights(target.length - positives, positives);
      const grown = grow(matrix, truth, {
        maxDepth: options.max_depth,
        minLeaf: options.min_samples_leaf,
        minSplit: options.min_samples_split,
        classWeight,
      });
      const { feature, threshold, left, right } = pruneTree(grown, options.ccp_alpha ?? 0, classWeight);
      assert.deepEqual({ feature, threshold, left, right }, tree, JSON.stringify(options));
    }
  });
}

/** Random small tables full of ties, where tie-breaks and limits matter most. */
const smallTable = fc.integer({ min: 4, max: 40 }).chain((n) =>
  fc.record({
    columns: fc.array(
      fc
        .array(fc.integer({ min: 0, max: 6 }), { minLength: n, maxLength: n })
        .map((v) => Float64Array.from(v)),
      { minLength: 1, maxLength: 3 },
    ),
    target: fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: n, maxLength: n })
      .map((v) => Uint8Array.from(v)),
  }),
);

test('restrictTree gives the tree that growing with the tighter limits gives', () => {
  fc.assert(
    fc.property(
      smallTable,
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 2, max: 20 }),
      ({ columns, target }, maxDepth, minSplit) => {
        const loose = grow(columns, target, { minLeaf: 2, classWeight: [1, 2.5] });
        assert.deepEqual(
          restrictTree(loose, { maxDepth, minSplit }),
          grow(columns, target, { minLeaf: 2, classWeight: [1, 2.5], maxDepth, minSplit }),
        );
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test('a first split is the best of all splits, found by trying each', () => {
  fc.assert(
    fc.property(smallTable, ({ columns, target }) => {
      const tree = grow(columns, target, { maxDepth: 1 });
      const gini = (rows: number[]) => {
        const share = rows.reduce((sum, row) => sum + target[row], 0) / rows.length;
        return rows.length * 2 * share * (1 - share);
      };
      const rows = [...target.keys()];
      let best = Number.POSITIVE_INFINITY;
      for (const column of columns) {
        for (const cut of new Set(column)) {
          const left = rows.filter((row) => column[row] <= cut);
          const right = rows.filter((row) => column[row] > cut);
          if (right.length > 0) best = Math.min(best, gini(left) + gini(right));
        }
      }
      const pure = new Set(target).size === 1;
      if (tree.feature[0] < 0) {
        assert.ok(pure || best === Number.POSITIVE_INFINITY);
        return;
      }
      const column = columns[tree.feature[0]];
      const left = rows.filter((row) => column[row] <= tree.threshold[0]);
      const right = rows.filter((row) => column[row] > tree.threshold[0]);
      assert.ok(Math.abs(gini(left) + gini(right) - best) < 1e-9);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test('equal splits are settled by column, then by lower threshold', () => {
  const target = Uint8Array.from([0, 1, 1, 0]);
  const column = Float64Array.from([0, 1, 2, 3]);
  const tree = grow([column, column], target, { maxDepth: 1 });
  assert.equal(tree.feature[0], 0);
  assert.equal(tree.threshold[0], 0.5);
});

test('leaves hold the rows that reach them, and their paths say so', () => {
  fc.assert(
    fc.property(smallTable, ({ columns, target }) => {
      const tree = grow(columns, target, { maxDepth: 3 });
      const paths = leafPaths(tree);
      let seen = 0;
      for (const { leaf, path } of paths) {
        const reached = [...target.keys()].filter((row) =>
          path.every(({ feature, op, threshold }) =>
            op === '<=' ? columns[feature][row] <= threshold : columns[feature][row] > threshold,
          ),
        );
        for (const row of reached) assert.equal(leafOf(tree, columns, row), leaf);
        const positives = reached.filter((row) => target[row] === 1).length;
        assert.equal(tree.positives[leaf], positives);
        assert.equal(tree.negatives[leaf], reached.length - positives);
        seen += reached.length;
      }
      assert.equal(seen, target.length);
    }),
    { seed: 3, numRuns: 100 },
  );
});

test('leaf probabilities are Laplace-smoothed and decisions follow the class weights', () => {
  const target = Uint8Array.from([0, 0, 0, 1]);
  const tree = grow([], target, {});
  assert.equal(nodeProbability(tree, 0), 2 / 6);
  assert.equal(nodeIsPositive(tree, 0, [1, 1]), false);
  assert.equal(nodeIsPositive(tree, 0, [1, 3]), false, 'an exact tie is negative');
  assert.equal(nodeIsPositive(tree, 0, [1, 3.1]), true);
});

test('only the given rows are learnt from', () => {
  const column = Float64Array.from([0, 1, 2, 3, 99, Number.NaN]);
  const target = Uint8Array.from([0, 0, 1, 1, 0, 1]);
  const rows = Int32Array.from([0, 1, 2, 3]);
  const tree = grow([column], target, {}, rows);
  assert.deepEqual(tree.threshold, [1.5, 0, 0]);
  assert.deepEqual([tree.negatives[0], tree.positives[0]], [2, 2]);
  assert.throws(() => grow([column], target, {}, new Int32Array(0)), ShapeError);
});

test('sorting agrees with a stable comparison sort, whatever the numbers and rows', () => {
  const special = [0, -0, 1, -1, 0.1, -0.1, 5e-324, -5e-324, 1e308, -1e308, 2 ** 53, -(2 ** 31), 4294967296];
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.constantFrom(...special), fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 })),
        { minLength: 1, maxLength: 60 },
      ),
      fc.integer(),
      (values, seed) => {
        const column = Float64Array.from(values);
        const rows = randomStream(seed).shuffle(Int32Array.from(column.keys()));
        const some = rows.subarray(0, Math.ceil(rows.length / 2));
        for (const chosen of [rows, some, rows.subarray(0, 0)]) {
          const expected = [...chosen].sort((a, b) =>
            column[a] < column[b] ? -1 : column[a] > column[b] ? 1 : 0,
          );
          assert.deepEqual([...sortColumns([column], chosen)[0]], expected);
        }
      },
    ),
    { seed: 9, numRuns: 300 },
  );
});

test('a subset of sorted rows grows the tree that sorting the subset would', () => {
  const random = randomStream(5, 'subset');
  const columns = [0, 1, 2].map(() => Float64Array.from({ length: 120 }, () => random.integer(30)));
  const target = Uint8Array.from({ length: 120 }, () => random.integer(2));
  const orders = sortColumns(columns, allRows(target));
  const rows = allRows(target).filter((row) => row % 3 !== 1);
  assert.deepEqual(
    growTree(columns, orders, target, rows, { maxDepth: 4 }),
    growTree(columns, sortColumns(columns, rows), target, rows, { maxDepth: 4 }),
  );
});
