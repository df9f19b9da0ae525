/** Cases of reductions, softmax, matrix products and resampling. */
import * as g from '../../../src/graph/index.js';
import { type Case, given, indices, positive, real } from '../check.js';

const reductions = { sum: g.sum, mean: g.mean, max: g.max, logSumExp: g.logSumExp };
const reducedAxes: readonly { shape: readonly number[]; axes?: readonly number[]; keepAxes?: boolean }[] = [
  { shape: [2, 3, 5] },
  { shape: [] },
  { shape: [4], axes: [-1], keepAxes: true },
  { shape: [2, 3, 5], axes: [0, 2] },
  { shape: [2, 1, 3], axes: [1] },
  { shape: [2, 3, 2, 4, 1], axes: [-1, 0, 2], keepAxes: true },
  { shape: [3, 2], axes: [] },
];

const products: readonly { a: readonly number[]; b: readonly number[] }[] = [
  { a: [3, 5], b: [5, 2] },
  { a: [1, 1], b: [1, 1] },
  { a: [2, 3, 4], b: [2, 4, 1] },
  { a: [2, 3, 4], b: [4, 5] },
  { a: [3, 4], b: [2, 1, 4, 2] },
  { a: [3, 1, 2, 4], b: [1, 2, 4, 3] },
];
const turned = (shape: readonly number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

export const reduceCases: readonly Case[] = [
  ...Object.entries(reductions).flatMap(([name, apply]) =>
    reducedAxes.map(
      ({ shape, ...options }): Case => ({
        name: `${name} of [${shape}] over ${JSON.stringify(options)}`,
        inputs: [real(...shape)],
        build: (x) => apply(x, options),
      }),
    ),
  ),
  { name: 'sum of integers', inputs: [indices(9, 2, 3)], build: (x) => g.sum(x, { axes: [1] }) },
  {
    name: 'maskedMean, one row without any',
    inputs: [real(3, 4), given([1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1], [3, 4])],
    build: (x, mask) => g.maskedMean(x, g.stopGradient(mask), { axes: [1] }),
    kink: true,
  },
  {
    name: 'maskedMean with a mask that broadcasts',
    inputs: [real(2, 3, 4)],
    build: (x) => g.maskedMean(x, g.constant([1, 0, 1], [3, 1]), { axes: [1, 2], keepAxes: true }),
  },
  ...[
    { shape: [7] },
    { shape: [2, 1] },
    { shape: [2, 3, 5] },
    { shape: [2, 3, 5], axis: 1 },
    { shape: [3, 2, 2, 2], axis: 0 },
  ].flatMap(({ shape, axis }): Case[] => [
    {
      name: `softmax of [${shape}] over ${axis}`,
      inputs: [real(...shape)],
      build: (x) => g.softmax(x, axis),
    },
    {
      name: `logSoftmax of [${shape}] over ${axis}`,
      inputs: [real(...shape)],
      build: (x) => g.logSoftmax(x, axis),
    },
  ]),
  ...[
    [1000, -1000, 0],
    [-1000, -1001, -1000.5],
    [1000, 999, 1000.5],
  ].flatMap((values): Case[] => [
    { name: `softmax at ${values}`, inputs: [given(values)], build: (x) => g.softmax(x) },
    { name: `logSoftmax at ${values}`, inputs: [given(values)], build: (x) => g.logSoftmax(x) },
    { name: `logSumExp at ${values}`, inputs: [given(values)], build: (x) => g.logSumExp(x) },
  ]),
  ...products.flatMap(({ a, b }) =>
    [false, true].flatMap((transposeA) =>
      [false, true].map(
        (transposeB): Case => ({
          name: `matmul [${a}]${transposeA ? 'ᵀ' : ''} by [${b}]${transposeB ? 'ᵀ' : ''}`,
          inputs: [real(...(transposeA ? turned(a) : a)), real(...(transposeB ? turned(b) : b))],
          build: (x, y) => g.matmul(x, y, { transposeA, transposeB }),
        }),
      ),
    ),
  ),
  { name: 'matmul of a matrix with itself', inputs: [real(3, 3)], build: (x) => g.matmul(x, x) },
  {
    name: 'attention',
    inputs: [real(2, 3, 4), real(2, 5, 4), real(2, 5, 3)],
    build: (q, k, v) => g.matmul(g.softmax(g.mul(g.matmul(q, k, { transposeB: true }), 0.5)), v),
  },
  {
    name: 'the derivative of softmax, matmul and gelu',
    inputs: [real(2, 3), real(3, 4)],
    build: (a, b) => g.gradients(g.sum(g.square(g.gelu(g.softmax(g.matmul(a, b))))), [a, b]),
  },
  ...[
    [
      [3, 5],
      [7, 4],
    ],
    [
      [1, 1],
      [3, 2],
    ],
    [
      [6, 4],
      [3, 4],
    ],
    [
      [2, 3],
      [2, 3],
    ],
  ].flatMap(([[h, w], [rows, columns]]): Case[] => [
    {
      name: `resizeBilinear ${h}×${w} to ${rows}×${columns}`,
      inputs: [real(2, 3, h, w)],
      build: (x) => g.resizeBilinear(x, rows, columns),
    },
    {
      name: `adaptiveAveragePool ${h}×${w} to ${rows}×${columns}`,
      inputs: [real(2, 3, h, w)],
      build: (x) => g.adaptiveAveragePool(x, rows, columns),
    },
  ]),
  {
    name: 'resizeBilinear beyond the size of one joint product',
    inputs: [positive(1, 1, 2, 3)],
    build: (x) => g.mean(g.resizeBilinear(x, 210, 211), { axes: [2] }),
  },
];
