/**
 * Images in the layout in which ONNX Runtime's CPU provider convolves fastest: blocks of B channels,
 * [batch, channel / B, height, width, B], though the runtime goes on to call them [batch, channel, height, width]. What works
 * element by element, or joins and cuts whole blocks of channels, works on them as it is.
 */
import type { Emitter, OnnxAttributes } from '../op.js';
import type { Node, Shape } from '../tensor.js';

export const blockedDomain = 'com.microsoft.nchwc';

/** Whether an image's channels are whole blocks. */
export const fitsBlocks = (shape: Shape, block: number): boolean =>
  shape.length === 4 && shape[1] % block === 0;

/** Whether a tensor is a scalar per channel of an image. */
export const isPerChannel = (shape: Shape, image: Shape): boolean =>
  shape.length === 4 && shape[1] === image[1] && shape[0] === 1 && shape[2] === 1 && shape[3] === 1;

/** The rule of ops that compute in blocks where their first input, an image, is there in blocks. */
export const followsImage = (
  _node: Node,
  _attributes: object,
  _block: number,
  [held]: readonly boolean[],
): readonly number[] | null => (held ? [0] : null);

export const toBlocks = (onnx: Emitter, x: string): string =>
  onnx.node('ReorderInput', [x], { domain: blockedDomain })[0];

export const fromBlocks = (onnx: Emitter, x: string, channels: number): string =>
  onnx.node('ReorderOutput', [x], { domain: blockedDomain, attributes: { channels: { int: channels } } })[0];

/**
 * The convolution of blocks.
 * @param inputs x, weights as [out / B, in / B, kh, kw, B in, B out], and a bias or none
 */
export const blockedConv = (onnx: Emitter, inputs: readonly string[], attributes: OnnxAttributes): string[] =>
  onnx.node('Conv', inputs, { domain: blockedDomain, attributes });

/**
 * gain · x + shift, one of each per channel: a convolution of each channel by itself.
 * @param gain as many numbers as channels, of any shape; null: 1
 * @param shift [channel]; null: 0
 * @param more attributes, to tell apart nodes that would be merged
 */
export function scaledChannels(
  onnx: Emitter,
  x: string,
  channels: number,
  gain: string | null,
  shift: string | null,
  more: OnnxAttributes = {},
): string[] {
  const kernels = [channels, 1, 1, 1];
  const weights =
    gain === null ? onnx.float(1, kernels) : onnx.node('Reshape', [gain, onnx.int64(kernels)])[0];
  return blockedConv(onnx, [x, weights, ...(shift === null ? [] : [shift])], {
    ...attributesOfEach(channels, [1, 1]),
    ...more,
  });
}

/** Means of each channel, [channel]. */
export function channelMeans(onnx: Emitter, x: string, shape: Shape): string {
  return overBatch(onnx, 'ReduceMean', positionMeans(onnx, x), shape);
}

/** Sums over the positions of each channel and, if asked, over the batch: [batch, channel] or [channel]. */
export function positionSums(onnx: Emitter, x: string, shape: Shape, alsoOverBatch: boolean): string {
  const means = positionMeans(onnx, x);
  const sums = alsoOverBatch ? overBatch(onnx, 'ReduceSum', means, shape) : perImage(onnx, means, shape);
  return onnx.node('Mul', [sums, onnx.float(shape[2] * shape[3])])[0];
}

/**
 * Sums of a · b over all axes but the channels', [channel]: each channel of each image convolved with a kernel as large as
 * itself, which writes no products to memory.
 */
export function channelProducts(onnx: Emitter, a: string, b: string, shape: Shape): string {
  const [batch, channels, rows, columns] = shape;
  const images = batch * channels;
  const [x] = onnx.node('Reshape', [a, onnx.int64([1, images, rows, columns])]);
  const [kernels] = onnx.node('Reshape', [b, onnx.int64([images, 1, rows, columns])]);
  const [sums] = blockedConv(onnx, [x, kernels], attributesOfEach(images, [rows, columns]));
  return overBatch(onnx, 'ReduceSum', sums, shape);
}

/** [batch, channel, 1, 1], numbers in which there is one layout. */
const positionMeans = (onnx: Emitter, x: string): string =>
  onnx.node('GlobalAveragePool', [x], { domain: blockedDomain })[0];

const perImage = (onnx: Emitter, numbers: string, [batch, channels]: Shape): string =>
  onnx.node('Reshape', [numbers, onnx.int64([batch, channels])])[0];

const overBatch = (onnx: Emitter, type: 'ReduceSum' | 'ReduceMean', numbers: string, shape: Shape): string =>
  onnx.node(type, [perImage(onnx, numbers, shape), onnx.int64([0])], {
    attributes: { keepdims: { int: 0 } },
  })[0];

/** Of a convolution of each channel by itself, without steps and margins. */
const attributesOfEach = (channels: number, kernel: readonly [number, number]): OnnxAttributes => ({
  kernel_shape: { ints: kernel },
  strides: { ints: [1, 1] },
  dilations: { ints: [1, 1] },
  pads: { ints: [0, 0, 0, 0] },
  group: { int: channels },
});
