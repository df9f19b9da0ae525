import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type EarlyStoppingOptions,
  type EarlyStoppingState,
  earlyStoppingStart,
  emaDecay,
  learningRateFactor,
  type ScheduleOptions,
  stepEarlyStopping,
} from '../../src/train/index.js';

const golden = JSON.parse(readFileSync('test/golden/train/schedule.json', 'utf8')) as {
  cases: (ScheduleOptions & { factors: number[] })[];
};

test("learning rates are those of PyTorch's LinearLR and CosineAnnealingLR", () => {
  for (const { factors, ...options } of golden.cases) {
    factors.forEach((expected, step) => {
      const factor = learningRateFactor(step, options);
      assert.ok(Math.abs(factor - expected) < 1e-12, `step ${step}: ${factor} instead of ${expected}`);
    });
  }
});

test('the learning rate ends at its floor and stays there', () => {
  const options = { totalSteps: 10, warmup: 0, floor: 0.25 };
  assert.equal(learningRateFactor(0, options), 1);
  assert.equal(learningRateFactor(10, options), 0.25);
  assert.equal(learningRateFactor(11, options), 0.25);
  assert.equal(learningRateFactor(9, { ...options, warmup: 1 }), 1);
  assert.equal(learningRateFactor(0, { totalSteps: 1, warmup: 0.1, floor: 0 }), 1);
  assert.throws(() => learningRateFactor(-1, options), RangeError);
  assert.throws(() => learningRateFactor(0, { ...options, totalSteps: 0 }), RangeError);
  assert.throws(() => learningRateFactor(0, { ...options, warmup: 5 }), RangeError);
});

test('the weight average follows short runs and settles at its decay', () => {
  assert.equal(emaDecay(0, 0.99), 0.1);
  assert.equal(emaDecay(10, 0.99), 11 / 20);
  assert.equal(emaDecay(889, 0.99), 890 / 899);
  assert.equal(emaDecay(10_000, 0.99), 0.99);
  assert.equal(emaDecay(5, 0), 0);
  assert.throws(() => emaDecay(0, 1), RangeError);
  assert.throws(() => emaDecay(-1, 0.5), RangeError);
});

/** The epochs that improve and the epoch in which training stops. */
function run(values: readonly (number | null)[], options: EarlyStoppingOptions) {
  let state: EarlyStoppingState = earlyStoppingStart;
  const improved: number[] = [];
  for (const [epoch, value] of values.entries()) {
    const step = stepEarlyStopping(JSON.parse(JSON.stringify(state)), epoch, value, options);
    state = step.state;
    if (step.improved) improved.push(epoch);
    if (step.stop) return { improved, stopped: epoch, state };
  }
  return { improved, stopped: null, state };
}

test('training stops once patience is used up and remembers the best epoch', () => {
  const values = [0.6, 0.7, 0.69, 0.7, 0.8, 0.1];
  assert.deepEqual(run(values, { patience: 2 }), {
    improved: [0, 1],
    stopped: 3,
    state: { best: 0.7, bestEpoch: 1, epochsWithout: 2 },
  });
  assert.deepEqual(run(values, { patience: 3 }).improved, [0, 1, 4]);
  assert.equal(run(values, { patience: null }).stopped, null);
  assert.deepEqual(run([1, 0.5, 0.6], { patience: 1, mode: 'min' }), {
    improved: [0, 1],
    stopped: 2,
    state: { best: 0.5, bestEpoch: 1, epochsWithout: 1 },
  });
});

test('an improvement must exceed minDelta', () => {
  assert.deepEqual(run([0.5, 0.625, 0.75, 1], { patience: null, minDelta: 0.125 }).improved, [0, 2, 3]);
});

test('an undefined value is no improvement, a diverged one an error', () => {
  assert.equal(run([null, null, 0.6], { patience: 2 }).stopped, 1);
  assert.deepEqual(run([null, 0.6, null, 0.7], { patience: 2 }).improved, [1, 3]);
  assert.throws(() => run([Number.NaN], { patience: 2 }), /must be finite or null, got NaN in epoch 0/);
  assert.throws(() => run([0], { patience: 0 }), RangeError);
});
