import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, DataError, ShapeError } from '../../src/errors.js';
import { countLabels, positiveWeights, priorLogits } from '../../src/train/index.js';

const counts = {
  positives: Int32Array.of(5, 100, 4000, 0, 30, 900),
  negatives: Int32Array.of(9995, 300, 6000, 50, 0, 100),
  unknown: new Int32Array(6),
};

test('labels are counted where they are known', () => {
  const counted = countLabels({
    targets: Float32Array.of(1, 0, 0, 1, 1, 1),
    known: Uint8Array.of(1, 1, 1, 0, 1, 1),
    labelCount: 2,
  });
  assert.deepEqual(counted, {
    positives: Int32Array.of(2, 1),
    negatives: Int32Array.of(1, 1),
    unknown: Int32Array.of(0, 1),
  });
  const known = new Uint8Array(2).fill(1);
  assert.throws(
    () => countLabels({ targets: Float32Array.of(0, 2), known, labelCount: 1 }),
    (error) => error instanceof DataError && /got 2 for label 0 of row 1/.test(error.message),
  );
  assert.throws(() => countLabels({ targets: new Float32Array(3), known, labelCount: 2 }), ShapeError);
  assert.throws(() => countLabels({ targets: new Float32Array(4), known, labelCount: 2 }), ShapeError);
});

test('weights are ratios of effective numbers, summed term by term', () => {
  for (const beta of [0, 0.9, 0.999, 0.9999]) {
    const effective = (count: number) => {
      let sum = 0; // 1 + β + … + β^(n−1)
      for (let i = 0; i < count; i++) sum += beta ** i;
      return sum;
    };
    const weights = positiveWeights(counts, { beta, weightCap: 1e9 });
    for (const label of [0, 1, 2, 5]) {
      const expected = effective(counts.negatives[label]) / effective(counts.positives[label]);
      assert.ok(
        Math.abs(weights[label] / expected - 1) < 1e-6,
        `β ${beta}, label ${label}: ${weights[label]}`,
      );
    }
  }
});

test('weights are capped both ways and leave a label with one class alone', () => {
  const weights = positiveWeights(counts, { beta: 0.9999, weightCap: 4 });
  assert.equal(weights[0], 4);
  assert.equal(weights[5], 0.25);
  assert.deepEqual([weights[3], weights[4]], [1, 1]);
  assert.deepEqual(positiveWeights(counts, { weightCap: 1 }), new Float32Array(6).fill(1));
  assert.throws(() => positiveWeights(counts, { beta: 1 }), ConfigError);
  assert.throws(() => positiveWeights(counts, { weightCap: 0.5 }), ConfigError);
});

test('a prior logit is the log-odds of the smoothed prevalence', () => {
  priorLogits(counts).forEach((logit, label) => {
    const total = counts.positives[label] + counts.negatives[label];
    const prevalence = (counts.positives[label] + 1) / (total + 2);
    assert.ok(Math.abs(1 / (1 + Math.exp(-logit)) - prevalence) < 1e-7, `label ${label}`);
  });
});
