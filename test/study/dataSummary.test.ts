import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitStage1, stage1Firings } from '../../src/risk/index.js';
import { countMissing, countRules, summarizeColumns } from '../../src/study/dataSummary.js';

const column = (name: string, values: readonly number[]) => ({
  name,
  values: Float64Array.from(values),
  kind: 'numeric' as const,
});

test('whole numbers get a bin each, other columns equally wide bins that hold every known value', () => {
  const real = Array.from({ length: 100 }, (_, i) => Math.sqrt(i) + 0.25);
  const { numeric } = summarizeColumns({
    numeric: [
      column('whole', [3, 1, 1, Number.NaN, 3]),
      column('real', real),
      column('constant', [2.5, 2.5]),
      column('empty', [Number.NaN]),
    ],
  });
  assert.deepEqual(numeric[0], { name: 'whole', missing: 1, edges: [0.5, 1.5, 2.5, 3.5], counts: [2, 0, 2] });
  const { edges, counts } = numeric[1];
  for (const [bin, count] of counts.entries()) {
    const last = bin === counts.length - 1;
    const inside = real.filter((x) => x >= edges[bin] && (x < edges[bin + 1] || last));
    assert.equal(count, inside.length);
  }
  assert.deepEqual(numeric[2], { name: 'constant', missing: 0, edges: [2, 3], counts: [2] });
  assert.deepEqual(numeric[3], { name: 'empty', missing: 1, edges: [], counts: [] });
});

test('correlation is over rows that have both values', () => {
  const { correlation } = summarizeColumns({
    numeric: [
      column('a', [1, 2, 3, 4, Number.NaN]),
      column('b', [2, 1, 4, 3, 9]),
      column('c', [7, 7, 7, 7, 1]),
      column('d', [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 1]),
    ],
  });
  assert.ok(Math.abs(correlation[0][1]! - 0.6) < 1e-12, 'by hand: 3 / √(5 · 5)');
  assert.equal(correlation[1][0], correlation[0][1]);
  assert.ok(Math.abs(correlation[0][0]! - 1) < 1e-12);
  assert.equal(correlation[0][2], null, 'constant where both are known');
  assert.equal(correlation[0][3], null, 'no row has both');
});

test('missing values are counted part by part, an image of another row not as its own', () => {
  const visit = (row: number, slot: number) => ({ path: `${row}.png`, slot, view: null, timeOffset: 0, row });
  const missing = countMissing(
    {
      numeric: [column('age', [1, Number.NaN, 3, Number.NaN])],
      categorical: [{ name: 'sex', values: [null, 'f', 'm', null] }],
      text: [{ name: 'note', values: ['a', null, null, null] }],
      visits: [[visit(0, 0), visit(0, 1)], [visit(1, 1), visit(0, 2)], [visit(1, 0)], []],
    },
    [Int32Array.of(0, 1), Int32Array.of(2), Int32Array.of(3)],
    ['left', 'right'],
  );
  assert.deepEqual(missing, [
    { name: 'age', parts: [1, 0, 1] },
    { name: 'sex', parts: [1, 0, 1] },
    { name: 'note', parts: [1, 1, 1] },
    { name: 'left', parts: [1, 1, 1] },
    { name: 'right', parts: [0, 1, 1] },
  ]);
});

test('rules are counted on the given rows, unknown labels apart', () => {
  const size = 80;
  const age = Array.from({ length: size }, (_, i) => i);
  const cohort = {
    size,
    numeric: [column('age', age)],
    categorical: [],
    patientIndex: Int32Array.from(age),
    order: null,
    targets: Float32Array.from(age, (x) => (x >= 40 && x !== 79 ? 1 : 0)),
    known: Uint8Array.from(age, (x) => (x === 79 ? 0 : 1)),
  };
  const train = Int32Array.from(age.filter((x) => x % 2 === 0));
  const held = Int32Array.from(age.filter((x) => x % 2 === 1));
  const model = fitStage1(cohort, cohort.targets, cohort.known, ['ill'], train, {
    threshold: { resamples: 0 },
  });
  const counts = countRules(stage1Firings(model, cohort), cohort, held);
  const [{ conditions, kind }] = model.labels[0].rules;
  assert.deepEqual([kind, conditions.length], ['threshold', 1]);
  const { op, threshold } = conditions[0];
  assert.ok(op === '>=' && threshold > 38 && threshold <= 40, 'between the training ages on either side');
  const fired = held.filter((x) => x >= threshold);
  assert.deepEqual(counts[0][0], {
    fired: fired.length,
    known: fired.filter((x) => x !== 79).length,
    positives: fired.filter((x) => x >= 40 && x !== 79).length,
  });
  assert.equal(counts[0][0].positives, 19, '41, 43, …, 77');
});
