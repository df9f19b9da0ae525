import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { ShapeError } from '../../src/errors.js';
import {
  applyAffineMap,
  fitPrincipalComponents,
  fitRidgeMap,
  symmetricEigen,
} from '../../src/train/index.js';

interface Golden {
  eigen: { name: string; n: number; matrix: number[]; values: number[] }[];
  ridge: {
    name: string;
    d: number;
    m: number;
    from: number[];
    to: number[];
    unseen: number[];
    mapped: number[];
  }[];
  components: {
    name: string;
    d: number;
    count: number;
    values: number[];
    unseen: number[];
    scores: number[];
  }[];
}
const golden = JSON.parse(readFileSync('test/golden/train/affine_maps.json', 'utf8')) as Golden;

function assertClose(got: Float64Array, expected: readonly number[], tolerance = 1e-9): void {
  assert.equal(got.length, expected.length);
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${i}: ${value} is not ${expected[i]}`);
  });
}

for (const { name, n, matrix, values } of golden.eigen) {
  test(`eigenvalues agree with numpy: ${name}`, () => {
    assertClose(symmetricEigen(Float64Array.from(matrix), n).values, values);
  });
}

for (const { name, d, m, from, to, unseen, mapped } of golden.ridge) {
  test(`a ridge map agrees with scikit-learn: ${name}`, () => {
    const map = fitRidgeMap(Float64Array.from(from), d, Float64Array.from(to), m);
    assertClose(applyAffineMap(map, Float64Array.from(unseen)), mapped);
    assert.deepEqual(JSON.parse(JSON.stringify(map)), map);
  });
}

for (const { name, d, count, values, unseen, scores } of golden.components) {
  test(`principal components agree with scikit-learn: ${name}`, () => {
    const map = fitPrincipalComponents(Float64Array.from(values), d, count);
    assertClose(applyAffineMap(map, Float64Array.from(unseen)), scores);
  });
}

test('eigenvectors are orthonormal and give the matrix back', () => {
  const entry = fc.double({ min: -100, max: 100, noNaN: true });
  const matrices = fc.integer({ min: 1, max: 9 }).chain((n) =>
    fc.array(entry, { minLength: n * n, maxLength: n * n }).map((values) => ({
      n,
      matrix: Float64Array.from(values, (value, at) => value + values[(at % n) * n + Math.floor(at / n)]),
    })),
  );
  fc.assert(
    fc.property(matrices, ({ n, matrix }) => {
      const { values, vectors } = symmetricEigen(matrix, n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let [product, sum] = [0, 0];
          for (let k = 0; k < n; k++) {
            product += vectors[i * n + k] * vectors[j * n + k];
            sum += values[k] * vectors[k * n + i] * vectors[k * n + j];
          }
          assert.ok(Math.abs(product - Number(i === j)) < 1e-12);
          assert.ok(Math.abs(sum - matrix[i * n + j]) < 1e-9);
        }
        if (i > 0) assert.ok(values[i - 1] >= values[i]);
      }
    }),
    { numRuns: 60 },
  );
});

test('directions without variance map to 0, those of one row and of equal rows too', () => {
  const plane = Float64Array.from([1, 2, 5, 2, 4, 5, 3, 6, 5]);
  const scores = applyAffineMap(fitPrincipalComponents(plane, 3, 3), plane);
  assert.ok(Math.abs(scores[0]) > 1);
  for (const at of [1, 2, 4, 5, 7, 8]) assert.equal(Math.abs(scores[at]), 0);
  for (const rows of [1, 4]) {
    const equal = Float64Array.from({ length: rows * 2 }, (_, i) => i % 2);
    assert.ok(applyAffineMap(fitPrincipalComponents(equal, 2, 2), equal).every((value) => value === 0));
    const map = fitRidgeMap(equal, 2, equal, 2);
    assert.deepEqual([...applyAffineMap(map, equal)], [...equal]);
  }
});

test('sizes that do not fit are refused', () => {
  const two = new Float64Array(2);
  assert.throws(() => symmetricEigen(Float64Array.of(1, 2, 3, 4), 2), ShapeError);
  assert.throws(() => symmetricEigen(Float64Array.of(Number.NaN), 1), ShapeError);
  assert.throws(() => symmetricEigen(two, 2), ShapeError);
  assert.throws(() => fitRidgeMap(two, 1, two, 2), /the same rows, got 2 and 1/);
  assert.throws(() => fitPrincipalComponents(two, 1, 2), /at most 1 components can be kept, got 2/);
  assert.throws(() => fitPrincipalComponents(new Float64Array(0), 2, 1), ShapeError);
  assert.throws(() => applyAffineMap(fitRidgeMap(two, 1, two, 1), new Float64Array(0)), ShapeError);
});
