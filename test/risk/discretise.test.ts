import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { binOf, checkCuts, quantileCuts, treeCuts, uniformCuts } from '../../src/risk/discretise.js';

interface Golden {
  cases: {
    name: string;
    bins: number;
    values: number[];
    quantile: number[];
    uniform: number[];
    uniformCodes: number[];
  }[];
}
const golden = JSON.parse(readFileSync('test/golden/risk/bins.json', 'utf8')) as Golden;

function close(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= 1e-12 * Math.abs(expected[i]), `${value} for ${expected[i]}`);
  });
}

for (const { name, bins, values, quantile, uniform, uniformCodes } of golden.cases) {
  test(`cut points agree with numpy and scikit-learn: ${name}, ${bins} bins`, () => {
    const column = Float64Array.from(values);
    close(quantileCuts(column, bins), quantile);
    close(uniformCuts(column, bins), uniform);
    assert.deepEqual(
      values.map((value) => binOf(uniform, value)),
      uniformCodes,
    );
  });
}

test('a value on a cut point belongs to the bin above', () => {
  assert.deepEqual(
    [24.9, 25, 34.9, 35, 90].map((age) => binOf([25, 35], age)),
    [0, 1, 1, 2, 2],
  );
  assert.equal(binOf([], 3), 0);
});

test('tree cuts find where the finding changes, for every label, and keep bins filled', () => {
  const values = Float64Array.from({ length: 90 }, (_, i) => i);
  const rows = Int32Array.from({ length: 90 }, (_, i) => i);
  const above = (cut: number) => ({
    target: Uint8Array.from(values, (value) => (value >= cut ? 1 : 0)),
    rows,
  });
  assert.deepEqual(treeCuts(values, [above(30), above(60)], 2, 5), [29.5, 59.5]);
  assert.deepEqual(treeCuts(values, [above(2)], 2, 5), [4.5], 'a bin of two rows is refused');
});

test('clinical cut points must ascend', () => {
  assert.deepEqual(checkCuts('Age', [25, 35]), [25, 35]);
  for (const cuts of [[35, 25], [25, 25], [Number.NaN], []]) {
    assert.throws(() => checkCuts('Age', cuts), ConfigError);
  }
});
