/** The whole of MedFusionNet's image side really learns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant, reshape, type Tensor } from '../../src/graph/index.js';
import { type MedFusionConfig, medFusionGroup, medFusionNet } from '../../src/models/index.js';
import type { Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { everything } from '../models/medfusionSample.js';
import { Trainer } from './trainer.js';

const [rows, side, classes, limit] = [32, 32, 3, 200];

test('MedFusionNet nano overfits 32 random images with random labels to a loss below 0.01', async () => {
  const config: MedFusionConfig = {
    ...everything,
    labels: classes,
    image: { side, channels: 3, slots: 1, views: 1, mirror: false },
    tabular: null,
    text: null,
    prevalence: new Array<number>(classes).fill(0.4),
    priorLogits: new Array<number>(classes).fill(0),
  };
  const random = randomStream(1, 'overfit');
  const feeds = {
    x: Float32Array.from({ length: rows * 3 * side * side }, () => random.normal()),
    targets: Float32Array.from({ length: rows * classes }, () => Number(random.uniform() < 0.4)),
    mask: new Float32Array(rows * classes).fill(1),
  };
  const model = (scope: Scope, x: Tensor) =>
    medFusionNet(
      scope,
      {
        images: reshape(x, [rows, 1, 3, side, side]),
        visitMask: constant(1, [rows, 1]),
        visitTime: constant(0, [rows, 1]),
        visitView: constant(new Int32Array(rows), [rows, 1], 'int32'),
        present: constant(1, [rows, 3]),
      },
      config,
    );
  const trainer = await Trainer.create({
    model,
    batch: rows,
    side,
    classes,
    groupOf: medFusionGroup,
    threads: 1,
    update: {
      optimizer: { name: 'adamw', learningRate: 2e-3, weightDecay: 0.01, beta1: 0.9, beta2: 0.999 },
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
  const logits = await trainer.predict(feeds.x);
  const right = logits.filter((logit, i) => Number(logit > 0) === feeds.targets[i]).length;
  assert.equal(right, rows * classes, `in evaluation mode ${right} of ${rows * classes} labels are right`);
});
