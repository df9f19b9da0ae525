/** Cases of pooling. */
import * as g from '../../../src/graph/index.js';
import { type Case, given, real } from '../check.js';

const pools: readonly (g.PoolOptions & { readonly title: string; readonly x: readonly number[] })[] = [
  { title: 'tiles', x: [2, 3, 4, 6], kernel: [2, 3] },
  { title: 'tiles that leave a rest', x: [1, 2, 5, 7], kernel: [2, 3] },
  { title: 'overlapping', x: [2, 1, 6, 5], kernel: [3, 2], strides: [2, 1] },
  { title: 'overlapping, padded', x: [1, 2, 5, 6], kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] },
  { title: 'asymmetric padding', x: [1, 2, 4, 3], kernel: [3, 2], strides: [1, 2], padding: [2, 0, 1, 1] },
  { title: 'stride beyond the window', x: [1, 1, 8, 7], kernel: [2, 1], strides: [3, 3] },
  { title: 'the whole image', x: [2, 2, 3, 5], kernel: [3, 5] },
  { title: 'one pixel', x: [2, 1, 1, 1], kernel: [1, 1] },
  { title: 'one pixel, strided', x: [1, 1, 3, 3], kernel: [1, 1], strides: [2, 2] },
  { title: 'a signal', x: [2, 2, 1, 7], kernel: [1, 3], strides: [1, 2], padding: [0, 1, 0, 1] },
];

export const poolCases: readonly Case[] = [
  ...pools.flatMap(({ title, x, ...options }): Case[] => [
    { name: `maxPool2d, ${title}`, inputs: [real(...x)], build: (t) => g.maxPool2d(t, options) },
    {
      name: `averagePool2d, ${title}`,
      inputs: [real(...x)],
      build: (t) => g.averagePool2d(t, options),
    },
    {
      name: `averagePool2d without counting the padding, ${title}`,
      inputs: [real(...x)],
      build: (t) => g.averagePool2d(t, { ...options, countPadding: false }),
    },
  ]),
  // Differentiated twice.
  ...pools.map(
    ({ title, x, ...options }): Case => ({
      name: `the derivative of maxPool2d, ${title}`,
      inputs: [real(...x), real(...x)],
      build: (t, u) => g.gradients(g.sum(g.exp(g.maxPool2d(g.mul(t, u), options))), [t])[0],
    }),
  ),
  {
    name: 'maxPool2d with ties and negative values at the border',
    inputs: [given([-1, -1, -5, -5, -2, -2, -2, -2, -1, -1, -1, -3, -4, -3, -4, -3], [1, 1, 4, 4])],
    build: (x) => g.maxPool2d(x, { kernel: [3, 3], strides: [1, 2], padding: [1, 1, 1, 1] }),
    kink: true,
  },
];
