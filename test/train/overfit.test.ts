/** Training really learns: small models fit 32 random images with random labels by heart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classes, learners, randomBatch, side } from './smallNetworks.js';
import { Trainer } from './trainer.js';

const rows = 32;
const limit = 400;

for (const [name, { model, learningRate }] of Object.entries(learners)) {
  test(`${name} overfits 32 random samples to a loss below 0.01`, async () => {
    const feeds = randomBatch(rows, 1, 'overfit');
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
