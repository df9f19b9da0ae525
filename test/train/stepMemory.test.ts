/**
 * Each derivative of a training step is computed as soon as its cotangent is there, and cheap values are not kept: of the
 * figures measured in ONNX Runtime's profile (docs/decisions/0027) the estimate by its order of nodes must stay near.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input, size } from '../../src/graph/index.js';
import { imageClassifiers } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { compileTraining, labelLoss, layOut, meanLoss } from '../../src/train/index.js';

const batch = 16;
const classes = 14;

function valuesOfStep(model: 'densenet121' | 'deit-s', clip: number | null, average: boolean): number {
  const list = new ParameterList();
  const images = input('images', [batch, 3, 128, 128]);
  const logits = imageClassifiers[model].logits(new Scope(list, true), images, classes);
  const mask = input('mask', [batch, classes]);
  const loss = meanLoss(labelLoss(logits, input('targets', [batch, classes]), mask, { name: 'bce' }), mask);
  const { step } = compileTraining(
    list,
    layOut(list, () => 'all'),
    loss,
    {},
    {
      optimizer: { name: 'adamw', learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999 },
      clip,
      average,
      accumulate: 1,
    },
    { blockedConvolution: 16 },
  );
  const kept = step.parameters.reduce((bytes, { shape }) => bytes + 4 * size(shape), 0);
  return (step.memory.total - kept) / 1e6;
}

for (const [model, measured] of [
  ['densenet121', 204],
  ['deit-s', 262],
] as const) {
  test(`a step of ${model} keeps few values`, () => {
    for (const clip of [null, 1]) {
      const megabytes = valuesOfStep(model, clip, false);
      assert.ok(
        megabytes > 0.8 * measured && megabytes < 1.15 * measured,
        `clip ${clip}: ${megabytes} MB at once, measured ${measured}`,
      );
      // With averages there is one more next value of each weight at the end, and no other order before.
      const averaged = valuesOfStep(model, clip, true);
      assert.ok(averaged < 1.4 * measured, `clip ${clip}, averaged: ${averaged} MB`);
    }
  });
}
