/** Cases of batch and layer normalisation. */
import * as g from '../../../src/graph/index.js';
import { type Case, given, positive, real } from '../check.js';

const images: readonly (readonly number[])[] = [
  [5, 3],
  [3, 4],
  [5, 4, 1, 1],
  [2, 4, 2, 2],
  [3, 2, 5],
  [2, 3, 4, 3],
  [1, 2, 3, 1],
  [2, 2, 1, 3, 2],
];

export const normCases: readonly Case[] = [
  ...images
    .filter((shape) => shape.length > 2)
    .flatMap(([batch, channels, rows, ...rest]) =>
      [1, 3].map(
        (shifts): Case => ({
          name: `channelGram of [${[batch, channels, rows, ...rest]}] and one channel more, shifts ${shifts}`,
          inputs: [
            real(batch, channels, rows + shifts - 1, ...rest),
            real(batch, channels + 1, rows, ...rest),
          ],
          build: (a, b) => g.channelGram(a, b, shifts),
        }),
      ),
    ),
  ...images.flatMap((shape): Case[] => [
    {
      name: `batchNormTraining of [${shape}]`,
      inputs: [real(...shape), real(shape[1]), real(shape[1])],
      build: (x, scale, bias) => g.batchNormTraining(x, scale, bias).y,
    },
    {
      name: `batchNormTraining of [${shape}] with its statistics`,
      inputs: [real(...shape), real(shape[1]), real(shape[1])],
      build(x, scale, bias) {
        const { y, mean, variance } = g.batchNormTraining(x, scale, bias, 0.01);
        return [y, mean, variance];
      },
    },
    {
      name: `the statistics of batchNormTraining of [${shape}] alone`,
      inputs: [real(...shape), real(shape[1]), real(shape[1])],
      build(x, scale, bias) {
        const { mean, variance } = g.batchNormTraining(x, scale, bias);
        return [mean, g.sqrt(variance)];
      },
    },
    {
      name: `channelDot of [${shape}]`,
      inputs: [real(...shape), real(...shape)],
      build: (a, b) => g.channelDot(a, b),
    },
    {
      name: `scaleShift of [${shape}]`,
      inputs: [real(...shape), real(shape[1]), real(shape[1])],
      build: (x, scale, bias) => g.scaleShift(x, scale, bias),
    },
    {
      name: `batchNormInference of [${shape}]`,
      inputs: [real(...shape), real(shape[1]), real(shape[1]), real(shape[1]), positive(shape[1])],
      build: (x, scale, bias, mean, variance) => g.batchNormInference(x, scale, bias, mean, variance, 0.01),
    },
  ]),
  {
    name: 'two batchNormTraining of one shape beside each other keep their statistics apart',
    inputs: [real(4, 2, 3), real(4, 2, 3), real(2), real(2)],
    build(a, b, scale, bias) {
      const first = g.batchNormTraining(a, scale, bias);
      const second = g.batchNormTraining(b, scale, bias);
      return [first.y, first.mean, first.variance, second.y, second.mean, second.variance];
    },
  },
  {
    name: 'two batchNormTraining of one tensor keep their statistics apart',
    inputs: [real(4, 2, 3), real(2), real(2), real(2)],
    build(x, first, second, bias) {
      const a = g.batchNormTraining(x, first, bias);
      const b = g.batchNormTraining(x, second, bias, 0.5);
      return [a.y, a.mean, a.variance, b.y, b.mean, b.variance];
    },
  },
  {
    name: 'batchNormTraining of a constant channel',
    inputs: [given([3, 1, 3, -1, 3, 2], [3, 2]), real(2), real(2)],
    build: (x, scale, bias) => g.batchNormTraining(x, scale, bias, 0.1).y,
  },
  {
    name: 'the derivative of batchNormTraining',
    inputs: [real(3, 2, 2), real(2), real(2), real(3, 2, 2)],
    build(x, scale, bias, u) {
      const { y, mean, variance } = g.batchNormTraining(x, scale, bias);
      const objective = g.add(g.sum(g.mul(g.tanh(y), u)), g.sum(g.mul(mean, g.exp(variance))));
      return g.gradients(objective, [x, scale, bias]);
    },
  },
  {
    name: 'the derivative of scaleShift',
    inputs: [real(2, 3, 2), real(3), real(3)],
    build: (...inputs) => g.gradients(g.sum(g.tanh(g.scaleShift(inputs[0], inputs[1], inputs[2]))), inputs),
  },
  {
    name: 'the derivative of batchNormInference',
    inputs: [real(2, 3, 2), real(3), real(3), real(3), positive(3)],
    build: (...inputs) =>
      g.gradients(
        g.sum(g.tanh(g.batchNormInference(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], 0.01))),
        inputs,
      ),
  },
  ...[[7], [2, 3, 4]].map(
    (shape): Case => ({
      name: `the derivative of layerNorm of [${shape}]`,
      inputs: [real(...shape), real(shape.at(-1)!), real(shape.at(-1)!)],
      build: (x, scale, bias) =>
        g.gradients(g.sum(g.tanh(g.layerNorm(x, scale, bias, 0.01))), [x, scale, bias]),
    }),
  ),
  ...[[7], [3, 1], [2, 5], [2, 3, 4], [2, 1, 3, 2, 3]].map(
    (shape): Case => ({
      name: `layerNorm of [${shape}]`,
      inputs: [real(...shape), real(shape.at(-1)!), real(shape.at(-1)!)],
      build: (x, scale, bias) => g.layerNorm(x, scale, bias, 0.01),
    }),
  ),
];
