import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import {
  batchesOf,
  createSampler,
  curriculumBalance,
  epochLength,
  epochOrder,
  type LabelledRows,
  type SamplingOptions,
} from '../../src/train/index.js';

const prevalences = [0.2, 0.04, 0.004];
const rows = study(3000, prevalences, 0.05);

/** Independent labels of these prevalences; a share of the values is unknown. */
function study(count: number, prevalence: readonly number[], unknown: number): LabelledRows {
  const random = randomStream(11, 'test', 'sampler', count);
  const labelCount = prevalence.length;
  const targets = new Float32Array(count * labelCount);
  const known = new Uint8Array(count * labelCount);
  for (let i = 0; i < targets.length; i++) {
    known[i] = random.uniform() < unknown ? 0 : 1;
    targets[i] = known[i] && random.uniform() < prevalence[i % labelCount] ? 1 : 0;
  }
  return { targets, known, labelCount };
}

const timesDrawn = (order: Int32Array, count: number) => {
  const times = new Int32Array(count);
  for (const row of order) times[row]++;
  return times;
};
const isPositive = ({ targets, known, labelCount }: LabelledRows, row: number, label: number) =>
  known[row * labelCount + label] === 1 && targets[row * labelCount + label] === 1;
const prevalenceIn = (order: Int32Array, label: number) =>
  order.reduce((sum, row) => sum + (isPositive(rows, row, label) ? 1 : 0), 0) / order.length;

/** The repeat factors as the paper states them, one row and label at a time. */
function literalRepeat(
  given: LabelledRows,
  { rareBelow = 0.1, maxRepeat = 4 }: SamplingOptions,
  row: number,
): number {
  const { known, labelCount } = given;
  const count = known.length / labelCount;
  let factor = 1;
  for (let label = 0; label < labelCount; label++) {
    if (!isPositive(given, row, label)) continue;
    const recorded = Array.from({ length: count }, (_, r) => r).filter((r) => known[r * labelCount + label]);
    const frequency = recorded.filter((r) => isPositive(given, r, label)).length / recorded.length;
    factor = Math.max(factor, Math.sqrt(rareBelow / frequency));
  }
  return Math.min(maxRepeat, factor);
}

test('repeat factors are those of the paper, from recorded values only, capped', () => {
  const small = study(200, [0.3, 0.05, 0.01], 0.3);
  for (const options of [{}, { rareBelow: 0.5, maxRepeat: 2.5 }, { maxRepeat: 1 }]) {
    const { repeat } = createSampler(small, options);
    repeat.forEach((factor, row) => {
      assert.ok(Math.abs(factor - literalRepeat(small, options, row)) < 1e-12, `row ${row}: ${factor}`);
    });
  }
});

test('a natural epoch is every row once, in another order each time', () => {
  const sampler = createSampler(rows, { negativeKeep: 0.2 });
  const first = epochOrder(sampler, { seed: 1, epoch: 0, balance: 0 });
  const second = epochOrder(sampler, { seed: 1, epoch: 1, balance: 0 });
  assert.deepEqual(
    first.slice().sort(),
    Int32Array.from({ length: 3000 }, (_, i) => i),
  );
  assert.deepEqual(second.slice().sort(), first.slice().sort());
  assert.notDeepEqual(second, first);
});

test('a balanced epoch draws a row ⌊r⌋ or ⌈r⌉ times, on average r times', () => {
  const sampler = createSampler(rows, { maxRepeat: 3.5 });
  const epochs = 400;
  const total = new Float64Array(3000);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const times = timesDrawn(epochOrder(sampler, { seed: 5, epoch, balance: 1 }), 3000);
    times.forEach((count, row) => {
      const factor = sampler.repeat[row];
      assert.ok(
        count >= Math.floor(factor) && count <= Math.ceil(factor),
        `row ${row}: ${count} of ${factor}`,
      );
      total[row] += count;
    });
  }
  // The number of copies is the rounded-down sum, so the mean may fall short by up to 1 / (copies to give).
  for (const row of sampler.positiveRows) {
    const spread = 4.5 * Math.sqrt(0.25 / epochs) + 0.02;
    assert.ok(
      Math.abs(total[row] / epochs - sampler.repeat[row]) < spread,
      `row ${row}: ${total[row] / epochs}`,
    );
  }
});

test('rows with a positive are never dropped, the others are thinned to their share', () => {
  const sampler = createSampler(rows, { negativeKeep: 0.25 });
  const times = timesDrawn(epochOrder(sampler, { seed: 1, epoch: 0, balance: 1 }), 3000);
  for (const row of sampler.positiveRows) assert.ok(times[row] >= 1);
  const kept = sampler.negativeRows.filter((row) => times[row] > 0);
  assert.equal(kept.length, Math.ceil(sampler.negativeRows.length / 4));
  assert.ok(sampler.negativeRows.every((row) => times[row] <= 1));
  const other = timesDrawn(epochOrder(sampler, { seed: 1, epoch: 1, balance: 1 }), 3000);
  assert.ok(sampler.negativeRows.some((row) => times[row] !== other[row]));
  assert.equal(sampler.positiveRows.length + sampler.negativeRows.length, 3000);
});

test('balance raises rare labels, the rarest most, and falls back to natural prevalence', () => {
  const sampler = createSampler(rows, { negativeKeep: 0.5 });
  const at = (balance: number) => epochOrder(sampler, { seed: 2, epoch: 0, balance });
  const natural = prevalences.map((_, label) => prevalenceIn(at(0), label));
  const half = prevalences.map((_, label) => prevalenceIn(at(0.5), label));
  const balanced = prevalences.map((_, label) => prevalenceIn(at(1), label));
  for (let label = 0; label < 3; label++) {
    assert.ok(natural[label] < half[label] && half[label] < balanced[label], `label ${label}`);
    if (label > 0) assert.ok(balanced[label] / natural[label] > balanced[label - 1] / natural[label - 1]);
  }
});

test('an epoch depends on seed, epoch and balance alone, and its length on balance alone', () => {
  const sampler = createSampler(rows, { negativeKeep: 0.3 });
  const setting = fc.record({
    seed: fc.nat(),
    epoch: fc.nat(50),
    balance: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(setting, (draw) => {
      const order = epochOrder(sampler, draw);
      assert.deepEqual(order, epochOrder(createSampler(rows, { negativeKeep: 0.3 }), draw));
      assert.equal(order.length, epochLength(sampler, draw.balance));
    }),
    { numRuns: 15 },
  );
  const draw = { seed: 1, epoch: 0, balance: 1 };
  assert.notDeepEqual(epochOrder(sampler, draw), epochOrder(sampler, { ...draw, seed: 2 }));
});

test('with no positive row, or none without, nothing is resampled away', () => {
  const known = new Uint8Array(6).fill(1);
  const none = createSampler({ targets: new Float32Array(6), known, labelCount: 2 }, { negativeKeep: 0.1 });
  assert.deepEqual(epochOrder(none, { seed: 1, epoch: 0, balance: 1 }).sort(), Int32Array.of(0, 1, 2));
  const all = createSampler({ targets: new Float32Array(6).fill(1), known, labelCount: 2 });
  assert.deepEqual(epochOrder(all, { seed: 1, epoch: 0, balance: 1 }).sort(), Int32Array.of(0, 1, 2));
});

test('a study of 200 000 rows is drawn without exhausting the stack', () => {
  const count = 200_000;
  const targets = new Float32Array(count);
  targets[0] = 1;
  const sampler = createSampler({ targets, known: new Uint8Array(count).fill(1), labelCount: 1 });
  assert.equal(epochOrder(sampler, { seed: 1, epoch: 0, balance: 1 }).length, count + 3);
});

test('batches have one size, cover the epoch in order and drop the rest', () => {
  const order = Int32Array.of(4, 3, 2, 1, 0);
  assert.deepEqual(batchesOf(order, 2), [Int32Array.of(4, 3), Int32Array.of(2, 1)]);
  assert.deepEqual(batchesOf(order, 5), [order]);
  for (const size of [6, 0, 1.5]) {
    assert.throws(
      () => batchesOf(order, size),
      (error) => error instanceof ConfigError && error.path === 'training.batchSize',
    );
  }
});

test('impossible options are refused', () => {
  const refuse = (options: SamplingOptions, path: string) =>
    assert.throws(
      () => createSampler(rows, options),
      (error) => error instanceof ConfigError && error.path === path,
    );
  refuse({ maxRepeat: 0.5 }, 'training.sampling.maxRepeat');
  refuse({ maxRepeat: Infinity }, 'training.sampling.maxRepeat');
  refuse({ negativeKeep: 0 }, 'training.sampling.negativeKeep');
  refuse({ rareBelow: 2 }, 'training.sampling.rareBelow');
  const sampler = createSampler(rows);
  assert.throws(() => epochOrder(sampler, { seed: 1, epoch: 0, balance: 1.1 }), RangeError);
});

test('the curriculum starts balanced, falls and stays natural', () => {
  const balance = (epoch: number, until = 0.7) => curriculumBalance(epoch, 10, { until });
  assert.equal(balance(0), 1);
  assert.ok(Math.abs(balance(3.5) - 0.5) < 1e-15);
  for (let epoch = 1; epoch <= 7; epoch++) assert.ok(balance(epoch) < balance(epoch - 1));
  assert.deepEqual([balance(7), balance(8), balance(9)], [0, 0, 0]);
  assert.ok(balance(9, 1) > 0);
  assert.throws(() => balance(-1), RangeError);
  assert.throws(() => balance(1, 0), RangeError);
});
