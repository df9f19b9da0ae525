import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ShapeError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import { balancedWeights, sortColumns } from '../../src/risk/cart.js';
import { fitLogistic } from '../../src/risk/logistic.js';
import { logisticThreshold } from '../../src/risk/logistic-threshold.js';
import { countCodes, cutTable, poolCounts } from '../../src/risk/threshold.js';

interface Golden {
  cases: {
    name: string;
    columns: number[][];
    target: number[];
    C: number;
    balanced: boolean;
    sampleWeight: number[] | null;
    coefficients: number[];
    intercept: number;
  }[];
}

const golden = JSON.parse(readFileSync('test/golden/risk/logistic.json', 'utf8')) as Golden;

function standardize(column: readonly number[]): Float64Array {
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length);
  return Float64Array.from(column, (value) => (value - mean) / sd);
}

for (const { name, columns, target, C, balanced, sampleWeight, coefficients, intercept } of golden.cases) {
  test(`coefficients agree with scikit-learn: ${name}`, () => {
    const positives = target.filter((value) => value === 1).length;
    const classWeight = balanced ? balancedWeights(target.length - positives, positives) : [1, 1];
    const fit = fitLogistic(
      {
        columns: columns.map(standardize),
        target: Uint8Array.from(target),
        weight: Float64Array.from(target, (value, row) => classWeight[value] * (sampleWeight?.[row] ?? 1)),
      },
      C,
    );
    assert.ok(Math.abs(fit.intercept - intercept) < 1e-6, `intercept ${fit.intercept} is not ${intercept}`);
    fit.coefficients.forEach((value, j) => {
      assert.ok(Math.abs(value - coefficients[j]) < 1e-6, `coefficient ${value} is not ${coefficients[j]}`);
    });
  });
}

test('the fit is stationary: the gradient of the objective, written out, is zero', () => {
  const random = randomStream(1, 'logistic');
  const columns = Array.from({ length: 4 }, () => Float64Array.from({ length: 80 }, () => random.normal()));
  const target = Uint8Array.from({ length: 80 }, () => random.integer(2));
  const weight = Float64Array.from({ length: 80 }, () => random.integer(3));
  const { intercept, coefficients } = fitLogistic({ columns, target, weight }, 0.3);
  const residual = Array.from(target, (y, i) => {
    const logit = columns.reduce((sum, column, j) => sum + coefficients[j] * column[i], intercept);
    return weight[i] * (y - 1 / (1 + Math.exp(-logit)));
  });
  assert.ok(Math.abs(residual.reduce((a, b) => a + b, 0)) < 1e-9, 'the intercept is not penalised');
  columns.forEach((column, j) => {
    const pull = residual.reduce((sum, r, i) => sum + r * column[i], 0);
    assert.ok(Math.abs(coefficients[j] - 0.3 * pull) < 1e-9);
  });
});

test('what has no finite estimate is refused', () => {
  const columns = [Float64Array.of(1, 2, 3)];
  const weight = Float64Array.of(1, 1, 1);
  assert.throws(() => fitLogistic({ columns, target: Uint8Array.of(1, 1, 1), weight }, 1), RangeError);
  const unweighted = { columns, target: Uint8Array.of(0, 1, 0), weight: Float64Array.of(1, 0, 1) };
  assert.throws(() => fitLogistic(unweighted, 1), /both classes must carry weight, got 2 negative and 0/);
  assert.throws(() => fitLogistic({ columns, target: Uint8Array.of(0, 1), weight }, 1), ShapeError);
});

test('a threshold lies at the even odds of the class-balanced regression, in its direction', () => {
  const { columns, target, C, coefficients, intercept } = golden.cases.find(
    ({ name }) => name === 'tied, one column',
  )!;
  const column = Float64Array.from(columns[0]);
  const truth = Uint8Array.from(target);
  const rows = Int32Array.from(column.keys());
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  const sd = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length);
  const evenOdds = mean - (sd * intercept) / coefficients[0];
  for (const sign of [1, -1]) {
    const signed = column.map((value) => sign * value);
    const table = cutTable(signed, sortColumns([signed], rows)[0], null, 255);
    const rule = logisticThreshold(table, poolCounts(countCodes(table, truth, rows)), 'youden', 1, C)!;
    assert.equal(rule.op === '>=', Math.sign(coefficients[0]) === sign);
    for (const value of column) {
      assert.equal(sign * value >= rule.threshold, sign * value >= sign * evenOdds, `value ${value}`);
    }
    let [tp, fp, p, n] = [0, 0, 0, 0];
    truth.forEach((y, row) => {
      const fires = (rule.op === '>=') === signed[row] >= rule.threshold;
      if (y === 1) p++;
      else n++;
      if (fires && y === 1) tp++;
      if (fires && y === 0) fp++;
    });
    assert.ok(Math.abs(rule.score - (tp / p - fp / n)) < 1e-12);
  }
});

test('no threshold where a class is absent, nothing slopes, or a side is too small', () => {
  const column = Float64Array.of(1, 2, 3, 4);
  const rows = Int32Array.from(column.keys());
  const table = cutTable(column, rows, null, 255);
  const at = (target: number[], minSamples: number) =>
    logisticThreshold(
      table,
      poolCounts(countCodes(table, Uint8Array.from(target), rows)),
      'youden',
      minSamples,
      1,
    );
  assert.equal(at([0, 0, 0, 0], 1), null);
  assert.equal(at([1, 0, 0, 1], 1), null);
  assert.equal(at([0, 0, 1, 1], 3), null);
  assert.equal(at([0, 0, 1, 1], 2)?.threshold, 3);
});
