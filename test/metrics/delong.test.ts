import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { auroc, delongAuroc, delongTest } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';

/** DeLong, DeLong and Clarke-Pearson 1988, equations 1 to 6, over all pairs: covariance matrix of the AUROCs. */
function literal(models: readonly (readonly number[])[], targets: readonly number[]) {
  const positives = targets.flatMap((y, row) => (y === 1 ? [row] : []));
  const negatives = targets.flatMap((y, row) => (y === 0 ? [row] : []));
  const psi = (x: number, y: number) => (x > y ? 1 : x === y ? 0.5 : 0);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const v10 = models.map((s) => positives.map((i) => mean(negatives.map((j) => psi(s[i], s[j])))));
  const v01 = models.map((s) => negatives.map((j) => mean(positives.map((i) => psi(s[i], s[j])))));
  const areas = v10.map(mean);
  const covariance = (v: number[][], r: number, s: number) =>
    v[r].reduce((sum, value, i) => sum + (value - areas[r]) * (v[s][i] - areas[s]), 0) / (v[r].length - 1);
  const matrix = models.map((_, r) =>
    models.map(
      (_unused, s) => covariance(v10, r, s) / positives.length + covariance(v01, r, s) / negatives.length,
    ),
  );
  return { areas, matrix };
}

const near = (actual: number | null, expected: number, what: string, tolerance = 1e-9) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, ${expected}`);

const rows = fc.array(
  fc.record({
    a: fc.integer({ min: 0, max: 12 }),
    b: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.double({ min: 0, max: 3, noNaN: true })),
    y: fc.integer({ min: 0, max: 1 }),
  }),
  { minLength: 4, maxLength: 60 },
);

test('variance and test equal the paper’s sums over all pairs, ties included', () => {
  fc.assert(
    fc.property(rows, (table) => {
      const [a, b, y] = (['a', 'b', 'y'] as const).map((key) => table.map((row) => row[key]));
      const positives = y.filter((target) => target === 1).length;
      if (positives < 2 || y.length - positives < 2) return;
      const { areas, matrix } = literal([a, b], y);
      const one = delongAuroc(a, y);
      near(one.value, areas[0], 'AUROC');
      near(one.value, auroc(a, y)!, 'AUROC as elsewhere');
      near(one.variance, matrix[0][0], 'variance');
      const both = delongTest(a, b, y);
      const variance = matrix[0][0] + matrix[1][1] - 2 * matrix[0][1];
      near(both.difference, areas[0] - areas[1], 'difference');
      near(both.variance, variance, 'variance of the difference');
      assert.equal(both.statistic === null, both.variance === 0);
      if (both.statistic === null) return;
      near(both.statistic, (areas[0] - areas[1]) / Math.sqrt(variance), 'z', 1e-6);
      const reversed = delongTest(b, a, y);
      near(reversed.pValue, both.pValue, 'p');
      near(reversed.ci95![0], -both.ci95![1], 'interval');
    }),
  );
});

test('the logit interval covers the true AUROC in 95 of 100 samples', () => {
  const random = randomStream(3, 'delong');
  // Two normals one apart: AUROC = Φ(1/√2).
  const truth = 0.7602499389065233;
  let covered = 0;
  const samples = 400;
  for (let sample = 0; sample < samples; sample++) {
    const y = Array.from({ length: 80 }, (_, row) => Number(row < 30));
    const { ci95 } = delongAuroc(
      y.map((target) => target + random.normal()),
      y,
    );
    if (ci95![0] <= truth && truth <= ci95![1]) covered++;
  }
  // Binomial(400, .95) has a standard deviation of 4.4 around 380.
  assert.ok(covered >= 366 && covered <= 394, `${covered} of ${samples}`);
});

test('what is undefined says why', () => {
  assert.deepEqual(delongAuroc([0.1, 0.2], [0, 0]), {
    value: null,
    variance: null,
    ci95: null,
    reason: 'needs at least two positives, got 0 among 2 rows with a known label',
  });
  const one = delongAuroc([0.1, 0.2, 0.3], [0, 0, 1]);
  assert.deepEqual([one.value, one.variance], [1, null]);
  assert.match(one.reason!, /at least two positives, got 1/);
  assert.match(delongAuroc([0.1, 0.2, 0.3], [1, 0, 1]).reason!, /at least two negatives, got 1/);
  const perfect = delongAuroc([1, 2, 3, 4], [0, 0, 1, 1]);
  assert.deepEqual([perfect.value, perfect.variance, perfect.ci95], [1, 0, null]);
  const same = delongTest([1, 3, 2, 4], [10, 30, 20, 40], [0, 0, 1, 1]);
  assert.deepEqual([same.difference, same.variance, same.pValue], [0, 0, null]);
  assert.match(same.reason!, /by the same margin in every row/);
  const masked = delongTest([1, 3, 2, 4, Number.NaN], [1, 2, 3, 4, 0], [0, 0, 1, 1, -1], [1, 1, 1, 1, 0]);
  assert.deepEqual(masked, delongTest([1, 3, 2, 4], [1, 2, 3, 4], [0, 0, 1, 1]));
  assert.throws(() => delongTest([1], [1, 2], [0, 1]), /the same rows, got 1 and 2 scores/);
  assert.equal(delongTest([1, 2], [1, 2], [1, 1]).a, null);
});
