/** Cases of what ops make of images that a convolution left in blocks of 16 channels. */
import * as g from '../../../src/graph/index.js';
import { type Case, positive, real } from '../check.js';

const channels = 32;
const shape = [2, 16, 4, 3];
const image = real(...shape);
const kernels = real(channels, 16, 3, 3);
const perChannel = real(1, channels, 1, 1);
const vector = real(channels);
const around = { padding: [1, 1, 1, 1] } as const;

/** A case that continues from an image [2, 32, 4, 3] in blocks. */
function after(
  name: string,
  build: (y: g.Tensor, ...more: g.Tensor[]) => g.Tensor | readonly g.Tensor[],
  inputs: Case['inputs'] = [],
): Case {
  return {
    name: `${name} of an image in blocks`,
    inputs: [image, kernels, ...inputs],
    // Finite differences over as many numbers take long; plain cases of the same ops have them.
    kink: true,
    build: (x, w, ...more) => build(g.conv2d(x, w, null, around), ...more),
  };
}

const plainImage = real(2, channels, 4, 3);

export const blockCases: readonly Case[] = [
  after('relu', g.relu),
  after('gelu', g.gelu),
  after('positive', (y) => g.mul(g.positive(y), y)),
  after('sum with a plain image', g.add, [plainImage]),
  after('difference from a plain image', (y, other) => g.sub(other, y), [plainImage]),
  after('product with itself', (y) => g.mul(y, y)),
  after('quotient by a plain image', g.div, [positive(2, channels, 4, 3)]),
  after('maximum with a plain image', g.maximum, [plainImage]),
  after('minimum with a number', (y) => g.minimum(y, 0.1)),
  after('product with a number', (y) => g.mul(3, y)),
  after('product with a number of five axes', g.mul, [real(1, 1, 1, 1, 1)]),
  after('quotient by a number', (y) => g.div(y, 3)),
  after('difference from a number', (y) => g.sub(1, y)),
  after('sum with a number per channel', g.add, [perChannel]),
  after('sum of a number per channel and itself', (y, numbers) => g.add(numbers, y), [perChannel]),
  after('difference from a number per channel', g.sub, [perChannel]),
  after('difference between a number per channel and itself', (y, numbers) => g.sub(numbers, y), [
    perChannel,
  ]),
  after('product with a number per channel', (y, numbers) => g.mul(numbers, y), [perChannel]),
  after('quotient by a number per channel', g.div, [positive(1, channels, 1, 1)]),
  after('product with a number per image', g.mul, [real(2, 1, 1, 1)]),
  after('product with a number per position', g.mul, [real(4, 3)]),
  after('concat', (y, other) => g.relu(g.concat([y, other, y], 1)), [plainImage]),
  after('concat with channels that are no block', (y, other) => g.concat([y, other], 1), [real(2, 5, 4, 3)]),
  after('concat of rows', (y) => g.concat([y, y], 2)),
  after('split', (y) => g.split(g.relu(y), [16, 16], 1).map(g.square)),
  after('split into parts that are no block', (y) => g.split(y, [24, 8], 1)),
  after('split of rows', (y) => g.split(y, [1, 3], 2)),
  after('sum over positions', (y) => g.sum(y, { axes: [2, 3] })),
  after('sum over positions, axes kept,', (y) => g.sum(y, { axes: [2, 3], keepAxes: true })),
  after('sum over images and positions', (y) => g.sum(y, { axes: [0, 2, 3] })),
  after('sum over images and positions, axes kept,', (y) => g.sum(y, { axes: [0, 2, 3], keepAxes: true })),
  after('sum over channels', (y) => g.sum(y, { axes: [1] })),
  after('sum over rows', (y) => g.sum(y, { axes: [2] })),
  after('mean', (y) => g.mean(y, { axes: [2, 3] })),
  after(
    'batchNormTraining',
    (y, scale, bias) => {
      const { y: normalized, mean, variance } = g.batchNormTraining(y, scale, bias, 0.01);
      return [g.relu(normalized), mean, variance];
    },
    [vector, vector],
  ),
  after(
    'batchNormTraining by joined statistics',
    (y, other, scale, bias) => {
      const joined = g.concat([g.concat([y, other], 1), g.relu(y)], 1);
      const { y: normalized, mean, variance } = g.batchNormTraining(joined, scale, bias, 0.01);
      return [normalized, mean, variance];
    },
    [plainImage, real(3 * channels), real(3 * channels)],
  ),
  after(
    'batchNormInference',
    (y, scale, bias, mean, variance) => g.batchNormInference(y, scale, bias, mean, variance, 0.01),
    [vector, vector, vector, positive(channels)],
  ),
  after('channelDot with a plain image', g.channelDot, [plainImage]),
  after('channelDot with itself', (y) => g.channelDot(y, y)),
  // By groups and joined, where there are more channels than positions; rows that are blocks, and rows that are not.
  ...[
    [5, 8, 1],
    [40, 8, 1],
    [5, 8, 3],
    [3, 16, 3],
    [40, 16, 3],
    [2, 32, 2],
  ].map(([count, width, shifts]) => ({
    name: `channelGram of ${count} plain channels and an image in blocks ${width} wide, shifts ${shifts}`,
    inputs: [real(2, 16, 4, width), kernels, real(2, count, 3 + shifts, width)],
    kink: true,
    build: (x: g.Tensor, w: g.Tensor, a: g.Tensor) => g.channelGram(a, g.conv2d(x, w, null, around), shifts),
  })),
  after('channelGram of a plain image and one whose positions are no block', (y, a) => g.channelGram(a, y), [
    real(2, 5, 4, 3),
  ]),
  after('channelGram with itself', (y) => g.channelGram(y, y)),
  ...[false, true].flatMap((keepAxes) =>
    [[0], [0, 1]].map((axes) => ({
      name: `sum over axes ${axes} of many numbers${keepAxes ? ', axes kept' : ''}`,
      inputs: [real(3, 7, 512)],
      kink: true,
      build: (x: g.Tensor) => g.sum(x, { axes, keepAxes }),
    })),
  ),
  after('scaleShift', (y, scale, bias) => g.scaleShift(y, scale, bias), [vector, vector]),
  after('pointwise conv2d', (y, w, b) => g.conv2d(y, w, b), [real(16, channels, 1, 1), real(16)]),
  after('strided pointwise conv2d', (y, w) => g.conv2d(y, w, null, { strides: [2, 2] }), [
    real(16, channels, 1, 1),
  ]),
  after('conv2d', (y, w) => g.conv2d(y, w, null, around), [real(16, channels, 3, 3)]),
  after('conv2d to few channels', (y, w) => g.conv2d(y, w, null, around), [real(3, channels, 3, 3)]),
  after('convTranspose2d', (y, w) => g.convTranspose2d(y, w, around), [real(channels, 16, 3, 3)]),
  after('pointwise convTranspose2d', (y, w) => g.convTranspose2d(y, w), [real(channels, 16, 1, 1)]),
  after('strided convTranspose2d', (y, w) => g.convTranspose2d(y, w, { strides: [2, 2] }), [
    real(channels, 16, 2, 2),
  ]),
  after('a residual', (y, w) => g.relu(g.add(g.conv2d(g.relu(y), w, null, around), y)), [
    real(channels, channels, 3, 3),
  ]),
  after('maxPool2d', (y) => g.maxPool2d(y, { kernel: [2, 2], strides: [1, 1] })),
  after('maxPool2d with margins', (y) =>
    g.relu(g.maxPool2d(y, { kernel: [3, 3], strides: [2, 2], ...around })),
  ),
  after('averagePool2d', (y) => g.relu(g.averagePool2d(y, { kernel: [2, 2] }))),
  after('averagePool2d with margins', (y) =>
    g.averagePool2d(y, { kernel: [3, 3], strides: [2, 2], ...around }),
  ),
  after('averagePool2d with margins that do not count', (y) =>
    g.averagePool2d(y, { kernel: [3, 3], strides: [2, 2], ...around, countPadding: false }),
  ),
  after('reshape', (y) => g.reshape(y, [2, -1])),
  {
    name: 'conv2d to blocks of an image of three channels',
    inputs: [real(2, 3, 9, 7), real(16, 3, 3, 5), real(16)],
    kink: true,
    build: (x, w, b) => g.relu(g.conv2d(x, w, b, { strides: [2, 1], padding: [1, 2, 0, 1] })),
  },
  after('two uses, in blocks and plain,', (y) => [g.relu(y), g.transpose(y, [0, 2, 3, 1])]),
];
