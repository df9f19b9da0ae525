/** Training really learns: small models fit 32 random images with random labels by heart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denseNet, vit } from '../../src/models/index.js';
import { randomStream } from '../../src/random/index.js';
import { type Model, Trainer } from './trainer.js';

const rows = 32;
const side = 16;
const classes = 3;
const limit = 400;

const models: Record<string, { model: Model; learningRate: number }> = {
  'a small DenseNet': {
    model: (scope, x) => denseNet(scope, x, { growth: 8, blocks: [2, 2], stemChannels: 16 }, classes),
    learningRate: 1e-2,
  },
  'a small vision transformer': {
    model: (scope, x) => vit(scope, x, { patch: 4, width: 32, depth: 2, heads: 2 }, classes),
    learningRate: 5e-3,
  },
};

for (const [name, { model, learningRate }] of Object.entries(models)) {
  test(`${name} overfits 32 random samples to a loss below 0.01`, async () => {
    const random = randomStream(1, 'overfit');
    const feeds = {
      x: Float32Array.from({ length: rows * 3 * side * side }, () => random.normal()),
      targets: Float32Array.from({ length: rows * classes }, () => Number(random.uniform() < 0.4)),
      mask: new Float32Array(rows * classes).fill(1),
    };
    const trainer = await Trainer.create({
      model,
      batch: rows,
      side,
      classes,
      update: {
        optimizer: { name: 'adamw', learningRate, weightDecay: 0.01, beta1: 0.9, beta2: 0.999 },
        clip: 1,
        average: false,
        accumulate: 1,
      },
    });
    const losses: number[] = [];
    do losses.push(await trainer.train(feeds));
    while (losses.at(-1)! >= 0.01 && losses.length < limit);
    assert.ok(losses[0] > 0.5, `the first loss is ${losses[0]}: the labels must not be given away`);
    assert.ok(losses.at(-1)! < 0.01, `after ${losses.length} steps the loss is ${losses.at(-1)}`);
    // The running statistics and everything else that differs in evaluation must carry what was learnt.
    const logits = await trainer.predict(feeds.x);
    const right = logits.filter((logit, i) => Number(logit > 0) === feeds.targets[i]).length;
    assert.equal(right, rows * classes, `in evaluation mode ${right} of ${rows * classes} labels are right`);
  });
}
