/** Cases of convolution and transposed convolution. */
import * as g from '../../../src/graph/index.js';
import { type Case, real } from '../check.js';

interface ConvCase extends g.ConvOptions {
  readonly title: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly bias?: boolean;
  readonly outputPadding?: readonly [number, number];
}

// out < in, out ≥ in and more than four channels in take different ways to the weights' gradient, so all appear with each attribute.
const convolutions: readonly ConvCase[] = [
  { title: '1×1', x: [2, 3, 4, 5], w: [2, 3, 1, 1], bias: true },
  { title: '1×1, stride 2', x: [2, 2, 5, 4], w: [3, 2, 1, 1], strides: [2, 2] },
  { title: '1×1 on one pixel', x: [1, 1, 1, 1], w: [1, 1, 1, 1], bias: true },
  { title: '1×1 with padding', x: [1, 2, 2, 2], w: [2, 2, 1, 1], padding: [1, 0, 2, 1] },
  { title: '3×3, padded', x: [2, 2, 5, 4], w: [3, 2, 3, 3], padding: [1, 1, 1, 1], bias: true },
  { title: '3×3, padded, fewer out', x: [2, 3, 4, 5], w: [2, 3, 3, 3], padding: [1, 1, 1, 1], bias: true },
  { title: '3×3, no padding, fewer out', x: [2, 3, 5, 4], w: [1, 3, 3, 3] },
  { title: 'kernel as large as the image', x: [2, 2, 3, 4], w: [3, 2, 3, 4] },
  { title: '2×3, asymmetric padding', x: [1, 2, 4, 3], w: [2, 2, 2, 3], padding: [1, 2, 0, 1] },
  {
    title: '2×3, asymmetric padding, fewer out',
    x: [2, 3, 4, 3],
    w: [2, 3, 2, 3],
    padding: [0, 2, 1, 0],
  },
  { title: 'padding beyond the reach', x: [1, 1, 3, 2], w: [2, 1, 2, 2], padding: [2, 3, 1, 2] },
  { title: 'padding beyond the reach, fewer out', x: [1, 2, 3, 2], w: [1, 2, 2, 1], padding: [3, 2, 2, 1] },
  { title: 'stride 2', x: [2, 2, 6, 5], w: [3, 2, 3, 3], strides: [2, 2], padding: [1, 1, 1, 1] },
  { title: 'stride 2, fewer out', x: [2, 3, 5, 6], w: [2, 3, 3, 3], strides: [2, 2], padding: [1, 1, 1, 1] },
  { title: 'stride [3, 1], unused rows', x: [1, 2, 9, 4], w: [2, 2, 3, 2], strides: [3, 1] },
  {
    title: 'stride beyond the kernel',
    x: [1, 1, 8, 7],
    w: [2, 1, 2, 1],
    strides: [3, 3],
    padding: [0, 1, 1, 0],
  },
  {
    title: 'dilated',
    x: [1, 2, 6, 7],
    w: [2, 2, 3, 2],
    dilations: [2, 3],
    padding: [2, 1, 2, 1],
    bias: true,
  },
  { title: 'dilated, fewer out', x: [1, 3, 6, 5], w: [2, 3, 2, 3], dilations: [3, 2], padding: [1, 2, 2, 2] },
  {
    title: 'dilated and strided',
    x: [1, 2, 9, 8],
    w: [2, 2, 3, 3],
    dilations: [2, 2],
    strides: [2, 3],
    padding: [1, 2, 0, 1],
  },
  { title: 'two groups', x: [2, 4, 4, 3], w: [6, 2, 3, 3], groups: 2, padding: [1, 1, 1, 1], bias: true },
  { title: 'two groups, fewer out', x: [2, 6, 3, 4], w: [2, 3, 2, 2], groups: 2 },
  { title: 'depthwise', x: [2, 3, 4, 4], w: [3, 1, 3, 3], groups: 3, padding: [1, 1, 1, 1], bias: true },
  { title: 'depthwise with multiplier', x: [1, 2, 5, 4], w: [4, 1, 3, 2], groups: 2, strides: [2, 1] },
  {
    title: 'depthwise, stride 2, dilated',
    x: [1, 2, 7, 7],
    w: [2, 1, 3, 3],
    groups: 2,
    strides: [2, 2],
    dilations: [2, 2],
    padding: [2, 2, 2, 2],
  },
  { title: 'five channels in', x: [2, 5, 3, 3], w: [5, 5, 2, 2], padding: [1, 0, 0, 1] },
  {
    title: 'five channels in, strided',
    x: [1, 5, 5, 4],
    w: [6, 5, 3, 2],
    strides: [2, 1],
    padding: [1, 1, 0, 1],
    bias: true,
  },
  {
    title: 'five channels in, strided and dilated, fewer out',
    x: [1, 5, 6, 6],
    w: [2, 5, 2, 2],
    strides: [2, 3],
    dilations: [3, 2],
    padding: [0, 1, 2, 0],
  },
  { title: 'five channels in, a signal', x: [1, 5, 1, 6], w: [5, 5, 1, 3], padding: [0, 2, 0, 0] },
  { title: 'causal signal', x: [2, 2, 1, 6], w: [3, 2, 1, 3], padding: [0, 2, 0, 0], bias: true },
  {
    title: 'causal signal, dilated, fewer out',
    x: [2, 3, 1, 7],
    w: [2, 3, 1, 3],
    padding: [0, 4, 0, 0],
    dilations: [1, 2],
  },
];

const transposed: readonly ConvCase[] = [
  { title: 'stride 1', x: [2, 3, 3, 4], w: [3, 2, 2, 3] },
  { title: 'stride 2, doubling', x: [1, 2, 3, 2], w: [2, 3, 2, 2], strides: [2, 2] },
  { title: 'one pixel', x: [1, 1, 1, 1], w: [1, 2, 3, 2], strides: [3, 2] },
  {
    title: 'output padding',
    x: [1, 2, 3, 3],
    w: [2, 2, 3, 3],
    strides: [2, 3],
    padding: [1, 1, 1, 1],
    outputPadding: [1, 2],
  },
  {
    title: 'asymmetric padding and dilation',
    x: [2, 2, 3, 2],
    w: [2, 1, 3, 2],
    strides: [2, 1],
    padding: [1, 0, 2, 1],
    dilations: [2, 3],
  },
  {
    title: 'two groups',
    x: [1, 4, 2, 3],
    w: [4, 3, 2, 2],
    groups: 2,
    strides: [2, 2],
    outputPadding: [1, 0],
  },
  { title: 'depthwise', x: [2, 3, 3, 3], w: [3, 1, 3, 3], groups: 3, padding: [1, 1, 1, 1] },
];

/** Channels in multiples of 16, so that the blocked layout applies where the machine has it. */
const wide: readonly ConvCase[] = [
  { title: '3×3', x: [2, 16, 5, 4], w: [16, 16, 3, 3], padding: [1, 1, 1, 1], bias: true },
  { title: '3×3, fewer out', x: [1, 32, 5, 6], w: [16, 32, 3, 3], padding: [1, 1, 1, 1] },
  {
    title: '3×3, more out, stride 2',
    x: [1, 16, 7, 7],
    w: [48, 16, 3, 3],
    padding: [1, 1, 1, 1],
    strides: [2, 2],
  },
  { title: 'odd kernel and asymmetric padding', x: [1, 16, 4, 7], w: [32, 16, 2, 5], padding: [1, 0, 0, 3] },
  {
    title: 'dilated',
    x: [2, 16, 9, 8],
    w: [16, 16, 3, 3],
    dilations: [2, 3],
    padding: [2, 3, 2, 3],
    bias: true,
  },
  { title: 'signal', x: [2, 16, 1, 9], w: [16, 16, 1, 3], padding: [0, 2, 0, 0] },
  { title: 'padding beyond the reach', x: [1, 16, 3, 3], w: [16, 16, 2, 2], padding: [2, 3, 1, 2] },
  { title: 'kernel of the whole image', x: [3, 32, 3, 3], w: [32, 32, 3, 3] },
  { title: 'two groups, which it does not take', x: [1, 32, 4, 4], w: [32, 16, 3, 3], groups: 2 },
];

const convCase = ({ title, x, w, bias, ...options }: ConvCase): Case => ({
  name: `conv2d, ${title}`,
  inputs: [real(...x), real(...w), ...(bias ? [real(w[0])] : [])],
  build: (image, weights, b) => g.conv2d(image, weights, b, options),
});

export const convCases: readonly Case[] = [
  ...convolutions.map(convCase),
  ...transposed.map(
    ({ title, x, w, ...options }): Case => ({
      name: `convTranspose2d, ${title}`,
      inputs: [real(...x), real(...w)],
      build: (image, weights) => g.convTranspose2d(image, weights, options),
    }),
  ),
  {
    name: 'the derivative of conv2d',
    inputs: [real(1, 2, 4, 3), real(3, 2, 3, 2), real(3)],
    build: (...inputs) =>
      g.gradients(
        g.sum(g.tanh(g.conv2d(inputs[0], inputs[1], inputs[2], { strides: [2, 1], padding: [1, 0, 1, 1] }))),
        inputs,
      ),
  },
  {
    name: 'the derivative of convTranspose2d',
    inputs: [real(1, 2, 2, 3), real(2, 2, 2, 2)],
    build: (...inputs) =>
      g.gradients(
        g.sum(g.tanh(g.convTranspose2d(inputs[0], inputs[1], { strides: [2, 1], outputPadding: [1, 0] }))),
        inputs,
      ),
  },
];

/** Too large for finite differences of every element; the small cases above cover the same rules. */
export const wideConvCases: readonly Case[] = wide.map((item) => ({ ...convCase(item), kink: true }));
