/**
 * Training in float16: the scale of the loss against PyTorch's GradScaler written out, skipped steps, and what is learnt.
 * Most of it on programs that round as a device with float16 kernels does, see roundedHalf.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultLossScaling,
  type LossScaling,
  type OptimizerOptions,
  type UpdateOptions,
} from '../../src/train/index.js';
import { classes, learners, randomBatch, sgd, side, smallDenseNet, smallVit } from './smallNetworks.js';
import { Trainer, type TrainerSpec } from './trainer.js';

/** Four rows. */
const batchOf = (seed: number) => randomBatch(4, seed);

const adamw: OptimizerOptions = {
  name: 'adamw',
  learningRate: 1e-2,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
};

const create = (update: Partial<UpdateOptions>, rest: Partial<TrainerSpec> = {}) =>
  Trainer.create({
    model: smallDenseNet,
    batch: 4,
    side,
    classes,
    rounded: true,
    update: { optimizer: adamw, clip: 1, average: true, accumulate: 1, ...update },
    ...rest,
  });

/** All that the store holds, by name. */
function stateOf({ store }: Trainer): Map<string, number[]> {
  return new Map(store.names().map((name) => [name, [...store.get(name).values]]));
}

/** The update of PyTorch's GradScaler, `torch/amp/grad_scaler.py`: `update` and `_amp_update_scale_`. */
class GradScaler {
  scale: number;
  growthTracker = 0;

  constructor(private readonly options: LossScaling) {
    this.scale = options.initial;
  }

  update(foundInf: boolean): void {
    if (foundInf) {
      this.scale *= this.options.backoff;
      this.growthTracker = 0;
      return;
    }
    this.growthTracker++;
    if (this.growthTracker === this.options.interval) {
      this.scale *= this.options.growth;
      this.growthTracker = 0;
    }
  }
}

test('PyTorch’s defaults', () => {
  assert.deepEqual(defaultLossScaling, { initial: 65536, growth: 2, backoff: 0.5, interval: 2000 });
});

test('the scale follows GradScaler, and a step that is skipped changes nothing else', async () => {
  const lossScaling = { initial: 2 ** 32, backoff: 0.5, growth: 2, interval: 3 };
  const trainer = await create({ lossScaling });
  const scaler = new GradScaler(lossScaling);
  const skips: boolean[] = [];
  for (let step = 0; step < 40; step++) {
    const before = stateOf(trainer);
    const { loss, skipped, lossScale } = await trainer.step(batchOf(step));
    assert.ok(Number.isFinite(loss[0]));
    assert.equal(lossScale[0], scaler.scale, `scale of step ${step}`);
    skips.push(skipped[0] === 1);
    scaler.update(skipped[0] === 1);
    const after = stateOf(trainer);
    assert.deepEqual(after.get('scaling.lossScale'), [scaler.scale]);
    assert.deepEqual(after.get('scaling.goodSteps'), [scaler.growthTracker]);
    for (const [name, values] of after) {
      if (name === 'scaling.lossScale' || name === 'scaling.goodSteps') continue;
      assert.ok(values.every(Number.isFinite), name);
      const same = values.every((value, i) => Object.is(value, before.get(name)![i]));
      assert.equal(same, skipped[0] === 1, `${name} after step ${step}`);
    }
  }
  const first = skips.indexOf(false);
  assert.ok(first > 3, `the first ${first} steps are skipped`);
  assert.ok(skips.slice(first).includes(true), 'the scale grows until it is too large again');
  assert.ok(skips.slice(first).filter((skip) => !skip).length > 15);
});

/** Moves of all weights in a step, one behind the other. */
async function move(trainer: Trainer, feeds: ReturnType<typeof batchOf>): Promise<number[]> {
  const before = trainer.segments();
  await trainer.train(feeds);
  return trainer.segments().flatMap(({ name, values }, i) => {
    return name === 'buffers' ? [] : [...values.map((value, k) => value - before[i].values[k])];
  });
}

const length = (values: readonly number[]) => Math.hypot(...values);

for (const [what, optimizer] of Object.entries({
  adamw,
  sgd,
} satisfies Record<string, OptimizerOptions>)) {
  test(`${what} counts no skipped step: the first good ones move the weights as in float32`, async () => {
    const feeds = batchOf(1);
    const single = await create({ optimizer }, { rounded: false });
    const half = await create({ optimizer, lossScaling: { ...defaultLossScaling, initial: 2 ** 28 } });
    let skipped = 0;
    let got: number[];
    do got = await move(half, feeds);
    while (length(got) === 0 && ++skipped < 30);
    assert.ok(skipped >= 3, `${skipped} steps were skipped`);
    for (let step = 0; step < 3; step++) {
      const expected = await move(single, feeds);
      const difference = length(got.map((value, i) => value - expected[i])) / length(expected);
      // AdamW’s first steps follow the sign of derivatives that are zero up to rounding.
      assert.ok(difference < (what === 'sgd' ? 0.05 : 0.2), `step ${step}: ${difference}`);
      assert.ok(Math.abs(length(got) / length(expected) - 1) < 0.02, `step ${step}: ${length(got)}`);
      got = await move(half, feeds);
    }
  });
}

test('with accumulation a part beyond float16 skips the whole step, its statistics included', async () => {
  const lossScaling = { ...defaultLossScaling, initial: 2 ** 24 };
  const trainer = await create({ lossScaling, accumulate: 2 });
  const start = stateOf(trainer);
  const unchanged = (except: RegExp) => {
    for (const [name, values] of stateOf(trainer))
      if (!except.test(name)) assert.deepEqual(values, start.get(name), name);
  };
  await trainer.step(batchOf(1));
  unchanged(/:gradients$/);
  const { skipped } = await trainer.step(batchOf(2));
  assert.equal(skipped[0], 1);
  unchanged(/^scaling\.lossScale$/);
  let steps = 0;
  while ((await trainer.step(batchOf(steps))).skipped?.[0] !== 0) assert.ok(++steps < 40);
  assert.notDeepEqual(stateOf(trainer).get('buffers'), start.get('buffers'));
});

test('several steps in one run give the bits of as many runs, skipped ones among them', async () => {
  const lossScaling = { ...defaultLossScaling, initial: 2 ** 22, interval: 3 };
  const single = await create({ lossScaling }, { model: smallVit });
  const several = await create({ lossScaling }, { model: smallVit, repeat: true });
  for (const [from, to] of [
    [0, 1],
    [1, 9],
    [9, 14],
  ]) {
    const batches = Array.from({ length: to - from }, (_, i) => batchOf(from + i));
    const expected: Record<string, Float32Array>[] = [];
    for (const batch of batches) expected.push(await single.step(batch));
    assert.deepEqual(await several.together(batches), expected);
    if (to === 9) assert.deepEqual(new Set(expected.map(({ skipped }) => skipped[0])), new Set([0, 1]));
    assert.deepEqual(stateOf(several), stateOf(single));
  }
});

test('unrounded, a program in float16 trains as one in float32', async () => {
  const [half, single] = await Promise.all(
    [defaultLossScaling, null].map((lossScaling) =>
      create({ optimizer: sgd, lossScaling }, { rounded: false }),
    ),
  );
  for (let step = 0; step < 3; step++) {
    const [a, b] = [await half.train(batchOf(step)), await single.train(batchOf(step))];
    assert.ok(Math.abs(a - b) < 1e-3 * b, `loss ${a}, in float32 ${b}`);
  }
});

for (const [name, { model, learningRate }] of Object.entries(learners)) {
  test(`${name} learns 32 samples in float16 as fast as in float32`, async () => {
    const feeds = randomBatch(32);
    const optimizer = { ...adamw, learningRate, weightDecay: 0.01 };
    const losses = await Promise.all(
      [defaultLossScaling, null].map(async (lossScaling) => {
        const spec = { model, batch: 32, rounded: lossScaling !== null };
        const trainer = await create({ optimizer, lossScaling, average: false }, spec);
        const course: number[] = [];
        do course.push(await trainer.train(feeds));
        while (course.at(-1)! >= 0.01 && course.length < 400);
        return course;
      }),
    );
    const [half, single] = losses;
    assert.ok(half[0] > 0.5 && half.at(-1)! < 0.01, `${half[0]}, after ${half.length} steps ${half.at(-1)}`);
    assert.ok(Math.abs(half[0] / single[0] - 1) < 5e-3, `first losses ${half[0]}, ${single[0]}`);
    assert.ok(half.length <= 1.2 * single.length, `${half.length} steps, in float32 ${single.length}`);
  });
}
