/** The training step against literal arithmetic: accumulation, clipping, averaging, frozen groups, determinism. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { vit } from '../../src/models/index.js';
import type { OptimizerOptions, UpdateOptions } from '../../src/train/index.js';
import { classes, randomBatch, sgd, side, smallDenseNet, smallVit } from './smallNetworks.js';
import { type Model, Trainer, type TrainerSpec } from './trainer.js';

const plainSgd: OptimizerOptions = { ...sgd, weightDecay: 0, momentum: 0, nesterov: false };
const adamw: OptimizerOptions = {
  name: 'adamw',
  learningRate: 1e-3,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
};

const create = (update: Partial<UpdateOptions>, rest: Partial<TrainerSpec> = {}) =>
  Trainer.create({
    model: smallVit,
    batch: 4,
    side,
    classes,
    update: { optimizer: sgd, clip: null, average: false, accumulate: 1, ...update },
    ...rest,
  });

/** Rows [from, to) of a batch. */
function part(batch: ReturnType<typeof randomBatch>, from: number, to: number) {
  const rows = batch.mask.length / classes;
  const cut = (values: Float32Array) =>
    values.slice((values.length / rows) * from, (values.length / rows) * to);
  return { x: cut(batch.x), targets: cut(batch.targets), mask: cut(batch.mask) };
}

function close(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(got.length, expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs));
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i] - expected[i]);
    assert.ok(error <= tolerance * scale, `${what}[${i}]: got ${got[i]}, expected ${expected[i]}`);
  }
}

test('two accumulated batches of four are one batch of eight', async () => {
  const clip = 0.1; // binds, so that it must see the accumulated gradient, not each part's
  const halves = await create({ clip, accumulate: 2, average: true });
  const whole = await create({ clip, average: true }, { batch: 8 });
  for (let step = 0; step < 3; step++) {
    const batch = randomBatch(8, step);
    const before = halves.segments();
    const first = await halves.train(part(batch, 0, 4));
    assert.deepEqual(halves.segments(), before, 'the first half alone must change nothing');
    const second = await halves.train(part(batch, 4, 8));
    const loss = await whole.train(batch);
    assert.ok(Math.abs((first + second) / 2 - loss) < 1e-6);
  }
  const expected = whole.segments();
  for (const [i, { name, values, average }] of halves.segments().entries()) {
    close(values, expected[i].values, 1e-5, name);
    close(average!, expected[i].average!, 1e-5, `average of ${name}`);
  }
});

for (const [what, clip] of [
  ['scales a gradient longer than the limit', 0.05],
  ['leaves a shorter one as it is', 1e3],
] as const) {
  test(`clipping ${what}`, async () => {
    const trainer = await create({ optimizer: plainSgd, clip });
    const batch = randomBatch(4);
    const derivatives = await trainer.differentiate(batch);
    const names = trainer.list.trainable().map(([name]) => name);
    let squares = 0;
    for (const name of names) for (const value of derivatives[`gradient/${name}`]) squares += value * value;
    const factor = Math.min(1, clip / (Math.sqrt(squares) + 1e-6));
    assert.equal(factor < 0.9, clip < 1);
    const before = new Map(names.map((name) => [name, trainer.store.get(name).values.slice()]));
    await trainer.train(batch);
    for (const name of names) {
      const old = before.get(name)!;
      const gradient = derivatives[`gradient/${name}`];
      const expected = Array.from(old, (value, i) => value - plainSgd.learningRate * factor * gradient[i]);
      close(trainer.store.get(name).values, expected, 1e-6, name);
    }
  });
}

test('the moving average follows the weights and running statistics: a ← d a + (1 − d) p', async () => {
  const decay = 0.8;
  const update = { optimizer: adamw, average: true };
  const trainer = await create(update, { model: smallDenseNet, averageDecay: decay });
  assert.ok(trainer.segments().some(({ name }) => name === 'buffers'));
  let expected = trainer.segments().map(({ values, average }) => {
    assert.deepEqual(average, values, 'the average starts at the initial weights');
    return Array.from(values);
  });
  for (let step = 0; step < 4; step++) {
    await trainer.train(randomBatch(4, step));
    const segments = trainer.segments();
    expected = expected.map((old, i) =>
      old.map((value, j) => decay * value + (1 - decay) * segments[i].values[j]),
    );
  }
  trainer.segments().forEach(({ name, average, values }, i) => {
    close(average!, expected[i], 1e-6, name);
    assert.notDeepEqual(average, values);
  });
});

const groupOf = (name: string) => (name.startsWith('head') ? 'classifier' : 'body');

test('a group at rate 0 keeps every bit, has no optimiser state, and the others still move', async () => {
  for (const optimizer of [adamw, sgd]) {
    const groupRates = { body: 0 };
    const trainer = await create({ optimizer, groupRates, average: true, clip: 1 }, { groupOf });
    const before = trainer.list
      .trainable()
      .map(([name]) => [name, trainer.store.get(name).values.slice()] as const);
    assert.ok(trainer.store.names().every((name) => !/^weights\.body\..*:/.test(name)));
    for (let step = 0; step < 3; step++) await trainer.train(randomBatch(4, step));
    for (const [name, old] of before) {
      const now = trainer.store.get(name).values;
      if (groupOf(name) === 'body') assert.deepEqual(now, old, name);
      else assert.notDeepEqual(now, old, name);
    }
  }
});

test("a group's factor scales its step and no other's", async () => {
  const initial = await create({ optimizer: plainSgd }, { groupOf });
  const full = await create({ optimizer: plainSgd }, { groupOf });
  const scaled = await create({ optimizer: plainSgd, groupRates: { body: 0.25 } }, { groupOf });
  await full.train(randomBatch(4));
  await scaled.train(randomBatch(4));
  for (const [name] of initial.list.trainable()) {
    const start = initial.store.get(name).values;
    const factor = groupOf(name) === 'body' ? 0.25 : 1;
    const moved = full.store.get(name).values;
    const expected = Array.from(start, (value, i) => value + factor * (moved[i] - value));
    close(scaled.store.get(name).values, expected, 1e-6, name);
  }
});

test('when every group is frozen there is nothing to train, and it says so', async () => {
  await assert.rejects(
    create({ groupRates: { all: 0 }, clip: 1 }),
    (error) =>
      error instanceof ConfigError &&
      /at least one group must have a factor above 0, got {"all":0}/.test(error.message),
  );
});

test('the same seed gives the same bits, step after step, dropout and batch statistics included', async () => {
  const noisyVit: Model = (scope, x) =>
    vit(scope, x, { patch: 4, width: 16, depth: 2, heads: 2, dropout: 0.2, stochasticDepth: 0.3 }, classes);
  for (const model of [noisyVit, smallDenseNet]) {
    const runs = [];
    for (const seed of [1, 1, 2]) {
      const trainer = await create({ optimizer: adamw, clip: 1, average: true }, { model, seed });
      const losses: number[] = [];
      for (let step = 0; step < 4; step++) losses.push(await trainer.train(randomBatch(4, step)));
      const state = trainer.store.names().map((name) => [name, trainer.store.get(name).values.slice()]);
      runs.push({ losses, state });
    }
    assert.deepEqual(runs[0], runs[1]);
    assert.notDeepEqual(runs[0].losses, runs[2].losses);
  }
});

test('dropout draws anew at every step, and not in evaluation', async () => {
  const model: Model = (scope, x) =>
    vit(scope, x, { patch: 4, width: 16, depth: 1, heads: 2, dropout: 0.5 }, classes);
  const trainer = await create({ optimizer: { ...plainSgd, learningRate: 0 } }, { model });
  const batch = randomBatch(4);
  const losses = [await trainer.train(batch), await trainer.train(batch)];
  assert.notEqual(losses[0], losses[1]);
  assert.deepEqual(await trainer.predict(batch.x), await trainer.predict(batch.x));
});
