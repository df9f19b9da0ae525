import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfusionCounts } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { sortColumns } from '../../src/risk/cart.js';
import { holds } from '../../src/risk/features.js';
import { groupedFolds } from '../../src/risk/folds.js';
import { type Criterion, criteria } from '../../src/risk/score.js';
import {
  bestThreshold,
  confusionOf,
  countCodes,
  cutTable,
  plainNumberBetween,
  poolCounts,
} from '../../src/risk/threshold.js';

const table = fc.integer({ min: 2, max: 40 }).chain((n) =>
  fc.record({
    column: fc
      .array(fc.integer({ min: -8, max: 12 }), { minLength: n, maxLength: n })
      .map((values) => Float64Array.from(values, (value) => value / 4)),
    target: fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: n, maxLength: n })
      .map((v) => Uint8Array.from(v)),
  }),
);

function search(
  column: Float64Array,
  target: Uint8Array,
  criterion: Criterion,
  minSamples = 1,
  step: number | null = null,
) {
  const rows = Int32Array.from(target.keys());
  const cuts = cutTable(column, sortColumns([column], rows)[0], step, 255);
  const pooled = poolCounts(countCodes(cuts, target, rows));
  return { cuts, pooled, rule: bestThreshold(cuts, pooled, criterion, minSamples) };
}

const counts = (tp: number, fp: number, fn: number, tn: number): ConfusionCounts => ({
  truePositives: tp,
  falsePositives: fp,
  falseNegatives: fn,
  trueNegatives: tn,
});

/** Rows by decision and truth, counted one by one. */
function countByRow(column: Float64Array, target: Uint8Array, op: '>=' | '<', threshold: number) {
  const cells = [0, 0, 0, 0];
  column.forEach((value, row) => {
    cells[(holds(op, value, threshold) ? 0 : 2) + (target[row] === 1 ? 0 : 1)]++;
  });
  const [tp, fp, fn, tn] = cells;
  return { tp, fp, fn, tn };
}

for (const criterion of Object.keys(criteria) as Criterion[]) {
  test(`the search by ${criterion} finds what trying every threshold in both directions finds`, () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 6 }), ({ column, target }, minSamples) => {
        const { cuts, pooled, rule } = search(column, target, criterion, minSamples);
        let best: number | null = null;
        for (const cut of new Set(column)) {
          for (const op of ['>=', '<'] as const) {
            const { tp, fp, fn, tn } = countByRow(column, target, op, cut);
            if (Math.min(tp + fp, fn + tn) < minSamples || tp + fn === 0 || fp + tn === 0) continue;
            best = Math.max(best ?? Number.NEGATIVE_INFINITY, criteria[criterion](counts(tp, fp, fn, tn)));
          }
        }
        if (rule === null || best === null) {
          assert.equal(rule, best);
          return;
        }
        assert.ok(Math.abs(rule.score - best) < 1e-9, `${rule.score} is not ${best}`);
        const { tp, fp, fn, tn } = countByRow(column, target, rule.op, rule.threshold);
        assert.deepEqual(confusionOf(cuts, rule, pooled), counts(tp, fp, fn, tn));
      }),
      { seed: 4, numRuns: 300 },
    );
  });
}

test('scores follow their formulas', () => {
  const cells = counts(30, 20, 10, 140);
  assert.ok(Math.abs(criteria.auc(cells) - (0.75 + 0.875) / 2) < 1e-12);
  assert.ok(Math.abs(criteria.youden(cells) - 0.625) < 1e-12);
  assert.ok(Math.abs(criteria.gmean(cells) - Math.sqrt(0.75 * 0.875)) < 1e-12);
  assert.ok(Math.abs(criteria.f1(cells) - 60 / 90) < 1e-12);
  for (const score of Object.values(criteria)) {
    assert.ok(Number.isNaN(score(counts(0, 5, 0, 5))), 'undefined without positives');
  }
});

test('thresholds are the plainest numbers that separate', () => {
  const cases: [number, number, number][] = [
    [34, 35, 35],
    [30, 40, 35],
    [0.123, 0.131, 0.13],
    [0, 1, 1],
    [-1, 0, 0],
    [1.2341, 1.2342, 1.2342],
    [1e300, 2e300, 1.5e300],
  ];
  for (const [low, high, expected] of cases) assert.equal(plainNumberBetween(low, high).threshold, expected);
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (a, b) => {
        fc.pre(a !== b);
        const { threshold } = plainNumberBetween(Math.min(a, b), Math.max(a, b));
        assert.ok(threshold > Math.min(a, b) && threshold <= Math.max(a, b));
      },
    ),
    { seed: 5 },
  );
});

test('of equally good thresholds the plainest wins, then >=', () => {
  const column = Float64Array.from([1, 2.25, 2.5, 4]);
  // 2.3 separates 2.25 from 2.5 and 3 separates 2.5 from 4: each gets one row wrong.
  const { rule } = search(column, Uint8Array.from([0, 1, 0, 1]), 'youden');
  assert.deepEqual([rule?.threshold, rule?.op], [2, '>=']);
  const mirrored = search(Float64Array.from([1, 2, 3]), Uint8Array.from([1, 0, 1]), 'youden').rule;
  assert.deepEqual([mirrored?.threshold, mirrored?.op], [3, '>=']);
});

test('a grid offers only multiples of its step', () => {
  const column = Float64Array.from([18, 22, 29, 31, 44]);
  const rows = Int32Array.from(column.keys());
  const { thresholds } = cutTable(column, rows, 5, 255);
  assert.deepEqual([...thresholds], [20, 25, 30, 40]);
  assert.deepEqual([...cutTable(column, rows, 0.1, 255).thresholds], [20, 25.5, 30, 37.5]);
});

test('with too many candidates, those near the quantiles stay, ascending', () => {
  const column = Float64Array.from({ length: 1000 }, (_, i) => i);
  const { thresholds, codes } = cutTable(column, Int32Array.from(column.keys()), null, 9);
  assert.deepEqual([...thresholds], [100, 200, 300, 400, 500, 600, 700, 800, 900]);
  assert.equal(codes[99], 0);
  assert.equal(codes[100], 1);
  assert.equal(codes[999], 9);
});

test('inner folds keep patients whole and spread the positive ones', () => {
  const n = 400;
  const random = randomStream(3, 'test');
  const patients = Int32Array.from({ length: n }, () => random.integer(150));
  const target = Uint8Array.from({ length: n }, (_, row) => (patients[row] % 10 === 0 ? 1 : 0));
  const rows = Int32Array.from(target.keys()).filter((row) => row % 7 !== 0);
  const dealt = groupedFolds(target, rows, patients, 5, randomStream(1, 'folds'));
  assert.ok(dealt !== null && dealt.folds === 5);
  const foldOf = new Map<number, number>();
  const positives = [0, 0, 0, 0, 0];
  rows.forEach((row, i) => {
    assert.equal(foldOf.get(patients[row]) ?? dealt.fold[i], dealt.fold[i]);
    foldOf.set(patients[row], dealt.fold[i]);
    positives[dealt.fold[i]] += target[row];
  });
  assert.ok(Math.max(...positives) - Math.min(...positives) <= 4, `positives per fold ${positives}`);
  assert.deepEqual(groupedFolds(target, rows, patients, 5, randomStream(1, 'folds')), dealt);
});

test('folds are as many as the patients of the rarer kind, and none with one such patient', () => {
  const patients = Int32Array.from([0, 1, 2, 3, 4, 5, 6, 6]);
  const rows = Int32Array.from(patients.keys());
  const three = Uint8Array.from([1, 0, 1, 0, 1, 0, 0, 0]);
  assert.equal(groupedFolds(three, rows, patients, 5, randomStream(1))?.folds, 3);
  const one = Uint8Array.from([0, 0, 0, 0, 0, 0, 1, 1]);
  assert.equal(groupedFolds(one, rows, patients, 5, randomStream(1)), null);
});
