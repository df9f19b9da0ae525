/** Small networks of 3 labels on images of 16 px, batches for them, and what trains them. */
import { denseNet, vit } from '../../src/models/index.js';
import { randomStream } from '../../src/random/index.js';
import type { OptimizerOptions } from '../../src/train/index.js';
import type { Model } from './trainer.js';

export const classes = 3;
export const side = 16;

export const smallVit: Model = (scope, x) =>
  vit(scope, x, { patch: 4, width: 16, depth: 2, heads: 2 }, classes);
export const smallDenseNet: Model = (scope, x) =>
  denseNet(scope, x, { growth: 4, blocks: [2, 2], stemChannels: 8 }, classes);

/** Large enough to learn 32 samples by heart, each with a rate at which it does. */
export const learners: Record<string, { model: Model; learningRate: number }> = {
  'a small DenseNet': {
    model: (scope, x) => denseNet(scope, x, { growth: 8, blocks: [2, 2], stemChannels: 16 }, classes),
    learningRate: 1e-2,
  },
  'a small vision transformer': {
    model: (scope, x) => vit(scope, x, { patch: 4, width: 32, depth: 2, heads: 2 }, classes),
    learningRate: 5e-3,
  },
};

export const sgd = {
  name: 'sgd' as const,
  learningRate: 0.05,
  weightDecay: 0.01,
  momentum: 0.9,
  nesterov: true,
} satisfies OptimizerOptions;

/** Random images with random labels, all known. */
export function randomBatch(rows: number, seed = 1, purpose = 'batch') {
  const random = randomStream(seed, purpose);
  return {
    x: Float32Array.from({ length: rows * 3 * side * side }, () => random.normal()),
    targets: Float32Array.from({ length: rows * classes }, () => Number(random.uniform() < 0.4)),
    mask: new Float32Array(rows * classes).fill(1),
  };
}
