/**
 * Two-dimensional convolution (cross-correlation, as PyTorch's conv2d) and its adjoints. One-dimensional signals
 * are images of height 1.
 */
import { ShapeError } from '../../errors.js';
import { defineOp, type Emitter } from '../op.js';
import { requireExtents, requireFloat, type Tensor, type TensorType } from '../tensor.js';
import { concat, flip, pad, slice, transpose } from './arrange.js';
import { reshape, sum } from './broadcast.js';
import { matmul } from './matmul.js';

export interface ConvOptions {
  /** Step per axis [rows, columns]; default 1. */
  readonly strides?: readonly [number, number];
  /** Zeros around the image [top, left, bottom, right]; default 0. */
  readonly padding?: readonly [number, number, number, number];
  /** Distance between kernel elements [rows, columns]; default 1. */
  readonly dilations?: readonly [number, number];
  /** Groups of channels that do not mix; default 1. */
  readonly groups?: number;
}
type ConvAttributes = Required<ConvOptions>;

const withDefaults = (options: ConvOptions): ConvAttributes => ({
  strides: options.strides ?? [1, 1],
  padding: options.padding ?? [0, 0, 0, 0],
  dilations: options.dilations ?? [1, 1],
  groups: options.groups ?? 1,
});

const attributesOf = (
  { strides, padding, dilations, groups }: ConvAttributes,
  kernel: readonly number[],
) => ({
  strides: { ints: strides },
  pads: { ints: padding },
  dilations: { ints: dilations },
  group: { int: groups },
  kernel_shape: { ints: kernel },
});

/** @throws ShapeError unless the options are whole numbers in range and x and w are images */
function requireImages(op: string, inputs: readonly TensorType[], attributes: ConvAttributes): void {
  const { strides, padding, dilations, groups } = attributes;
  requireFloat(op, inputs);
  requireExtents(`${op}: strides, dilations and groups`, [...strides, ...dilations, groups]);
  if (padding.some((amount) => !Number.isInteger(amount) || amount < 0)) {
    throw new ShapeError(
      `${op}: padding must be whole and not negative, got [${padding}]; use slice to crop`,
    );
  }
}

const applyConv = defineOp<ConvAttributes>({
  name: 'conv2d',
  infer([x, w, b], attributes) {
    const { strides, padding, dilations, groups } = attributes;
    requireImages('conv2d', b === undefined ? [x, w] : [x, w, b], attributes);
    if (
      x.shape.length !== 4 ||
      w.shape.length !== 4 ||
      x.shape[1] !== w.shape[1] * groups ||
      w.shape[0] % groups !== 0
    ) {
      throw new ShapeError(
        `conv2d: x [n, c, h, w] needs weights [out, c/groups, kh, kw], got [${x.shape}] and [${w.shape}] with ${groups} groups`,
      );
    }
    if (b !== undefined && (b.shape.length !== 1 || b.shape[0] !== w.shape[0])) {
      throw new ShapeError(`conv2d: the bias must have shape [${w.shape[0]}], got [${b.shape}]`);
    }
    const extents = [0, 1].map((i) => {
      const reach = (w.shape[2 + i] - 1) * dilations[i];
      return Math.floor((x.shape[2 + i] + padding[i] + padding[i + 2] - reach - 1) / strides[i]) + 1;
    });
    if (extents.some((extent) => extent < 1)) {
      throw new ShapeError(
        `conv2d: a [${w.shape.slice(2)}] kernel does not fit into [${x.shape.slice(2)}]; pad it`,
      );
    }
    return [{ shape: [x.shape[0], w.shape[0], ...extents], dtype: 'float32' }];
  },
  gradient({ inputs: [x, w], attributes, cotangents: [g], needed }) {
    return [
      needed[0] ? convInputGradient(g!, w, x.shape, attributes) : null,
      needed[1] ? convWeightGradient(x, g!, w.shape, attributes) : null,
      needed[2] ? sum(g!, { axes: [0, 2, 3] }) : null,
    ];
  },
  emit(onnx, inputs, node, attributes) {
    const [x, w] = node.inputs;
    const block = onnx.options.blockedConvolution;
    const onnxAttributes = attributesOf(attributes, w.shape.slice(2));
    // Pointwise kernels gain nothing, and the large kernels of a weight gradient cost more to lay out than they save.
    const taps = w.shape[2] * w.shape[3];
    if (
      block !== undefined &&
      taps > 1 &&
      taps <= 49 &&
      attributes.groups === 1 &&
      x.shape[1] % block === 0 &&
      w.shape[0] % block === 0
    ) {
      return blockedConv(onnx, inputs, w.shape, onnxAttributes, block);
    }
    return onnx.node('Conv', inputs, { attributes: onnxAttributes });
  },
});

/**
 * The CPU provider's blocked-layout convolution. Weights are laid out inside the graph, as
 * [out/B, in/B, kh, kw, B in, B out], so that they may change at every step.
 */
function blockedConv(
  onnx: Emitter,
  [x, w, b]: readonly string[],
  [out, inner, kh, kw]: readonly number[],
  attributes: ReturnType<typeof attributesOf>,
  block: number,
): string[] {
  const domain = 'com.microsoft.nchwc';
  const [tiles] = onnx.node('Reshape', [w, onnx.int64([out / block, block, inner / block, block, kh, kw])]);
  const [turned] = onnx.node('Transpose', [tiles], { attributes: { perm: { ints: [0, 2, 4, 5, 3, 1] } } });
  const [weights] = onnx.node('Reshape', [turned, onnx.int64([out, inner, kh, kw])]);
  const [blocked] = onnx.node('ReorderInput', [x], { domain });
  const [y] = onnx.node('Conv', b === undefined ? [blocked, weights] : [blocked, weights, b], {
    domain,
    attributes,
  });
  return onnx.node('ReorderOutput', [y], { domain, attributes: { channels: { int: out } } });
}

/**
 * Convolution.
 *   y[n, o, i, j] = b[o] + Σ_{c,p,q} w[o, c, p, q] · x[n, c, i·s + p·d − pad, j·s + q·d − pad]
 * @param x [batch, channel, height, width]
 * @param w [out, channel / groups, kernel height, kernel width]
 * @param b [out], optional
 * @returns [batch, out, height', width'] with extent' = ⌊(extent + pads − d·(k − 1) − 1) / s⌋ + 1
 * @throws ShapeError when channels, groups and kernel do not fit
 */
export function conv2d(x: Tensor, w: Tensor, b?: Tensor | null, options: ConvOptions = {}): Tensor {
  return applyConv(b ? [x, w, b] : [x, w], withDefaults(options))[0];
}

interface TransposedAttributes extends ConvAttributes {
  readonly extents: readonly [number, number];
}

const applyConvTranspose = defineOp<TransposedAttributes>({
  name: 'convTranspose2d',
  infer([x, w], attributes) {
    const { groups, extents } = attributes;
    requireImages('convTranspose2d', [x, w], attributes);
    if (
      x.shape.length !== 4 ||
      w.shape.length !== 4 ||
      x.shape[1] !== w.shape[0] ||
      x.shape[1] % groups !== 0
    ) {
      throw new ShapeError(
        `convTranspose2d: x [n, c, h, w] needs weights [c, out/groups, kh, kw], got [${x.shape}] and [${w.shape}] with ${groups} groups`,
      );
    }
    requireExtents('convTranspose2d: the result', extents);
    return [{ shape: [x.shape[0], w.shape[1] * groups, ...extents], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, w], attributes, cotangents: [g], needed }) => [
    needed[0] ? conv2d(g!, w, null, attributes) : null,
    needed[1] ? convWeightGradient(g!, x, w.shape, attributes) : null,
  ],
  emit(onnx, inputs, node, attributes) {
    const [x, w] = node.inputs;
    const { strides, padding, dilations, extents } = attributes;
    const natural = [0, 1].map(
      (i) =>
        (x.shape[2 + i] - 1) * strides[i] +
        (w.shape[2 + i] - 1) * dilations[i] +
        1 -
        padding[i] -
        padding[i + 2],
    );
    return onnx.node('ConvTranspose', inputs, {
      attributes: {
        ...attributesOf(attributes, w.shape.slice(2)),
        output_padding: { ints: natural.map((extent, i) => extents[i] - extent) },
      },
    });
  },
});

/**
 * Transposed convolution: the adjoint of `conv2d` with the same options.
 * @param x [batch, channel, height, width]
 * @param w [channel, out / groups, kernel height, kernel width]
 * @param outputPadding extra rows and columns [bottom, right], less than the stride
 * @throws ShapeError when channels, groups, kernel and padding do not fit
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  options: ConvOptions & { readonly outputPadding?: readonly [number, number] } = {},
): Tensor {
  const attributes = withDefaults(options);
  const { outputPadding = [0, 0] } = options;
  if (
    outputPadding.some((extra, i) => !Number.isInteger(extra) || extra < 0 || extra >= attributes.strides[i])
  ) {
    throw new ShapeError(
      `convTranspose2d: output padding must be below the stride [${attributes.strides}], got [${outputPadding}]`,
    );
  }
  const extent = (i: 0 | 1) =>
    (x.shape[2 + i] - 1) * attributes.strides[i] +
    (w.shape[2 + i] - 1) * attributes.dilations[i] +
    1 -
    attributes.padding[i] -
    attributes.padding[i + 2] +
    outputPadding[i];
  return applyConvTranspose([x, w], { ...attributes, extents: [extent(0), extent(1)] })[0];
}

/** Derivative of a convolution with respect to its input. */
function convInputGradient(
  g: Tensor,
  w: Tensor,
  shape: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { strides, padding, dilations, groups } = attributes;
  const reach = [0, 1].map((i) => (w.shape[2 + i] - 1) * dilations[i]);
  const mirrored = [0, 1, 2, 3].map((i) => reach[i % 2] - padding[i]);
  if (strides[0] !== 1 || strides[1] !== 1 || mirrored.some((amount) => amount < 0)) {
    return applyConvTranspose([g, w], { ...attributes, extents: [shape[2], shape[3]] })[0];
  }
  // Stride 1: a plain convolution with flipped, transposed weights is twice as fast as ConvTranspose.
  const [out, inner, kh, kw] = w.shape;
  const grouped = reshape(flip(w, [2, 3]), [groups, out / groups, inner, kh, kw]);
  const turned = reshape(transpose(grouped, [0, 2, 1, 3, 4]), [groups * inner, out / groups, kh, kw]);
  return conv2d(g, turned, null, {
    dilations,
    groups,
    padding: mirrored as [number, number, number, number],
  });
}

/**
 * Derivative of a convolution with respect to its weights: as a rule one matrix product whose inner dimension is batch ×
 * positions. The side with fewer channels is unfolded, one shifted copy per kernel element.
 */
function convWeightGradient(
  x: Tensor,
  g: Tensor,
  shape: readonly number[],
  attributes: ConvAttributes,
): Tensor {
  const { strides, padding, dilations, groups } = attributes;
  const [out, inner, kh, kw] = shape;
  const taps = kh * kw;
  const reach = [(kh - 1) * dilations[0], (kw - 1) * dilations[1]];
  const channelFirst = (t: Tensor) => transpose(t, [1, 0, 2, 3]);
  const dense = strides[0] === 1 && strides[1] === 1 && padding.every((amount, i) => amount <= reach[i % 2]);

  const positions = g.shape[2] * g.shape[3];
  if (groups === 1 && taps === 1 && dense && out * inner <= positions * (out + inner)) {
    // A pointwise kernel: one product per image and a sum is less to move than both sides channel first.
    const perImage = (t: Tensor) => reshape(t, [t.shape[0], t.shape[1], positions]);
    const products = matmul(perImage(g), perImage(x), { transposeB: true }); // [batch, out, inner]
    return reshape(sum(products, { axes: [0] }), shape);
  }
  if (groups === 1 && taps > 1 && dense && out < inner) {
    // dw[o, c, k] = Σ_q x[c, q] · g[o, q − k·d + pad]: unfold the cotangent, which is the smaller side.
    const margin = [0, 1, 2, 3].map((i) => reach[i % 2] - padding[i]);
    const padded = pad(channelFirst(g), [0, 0, margin[0], margin[1]], [0, 0, margin[2], margin[3]]);
    const unfolded = unfold(padded, [x.shape[2], x.shape[3]], [kh, kw], [1, 1], dilations);
    const product = matmul(reshape(unfolded, [taps * out, -1]), reshape(channelFirst(x), [inner, -1]), {
      transposeB: true,
    });
    // Shifts run against the kernel, so the last copy belongs to the first element.
    const turned = flip(reshape(product, [kh, kw, out, inner]), [0, 1]);
    return transpose(turned, [2, 3, 0, 1]);
  }
  if (groups === 1 && taps > 1 && inner <= 4) {
    // Few input channels: a convolution over positions with the batch as channels needs no unfolded copy.
    const product = conv2d(channelFirst(x), channelFirst(g), null, {
      padding,
      strides: dilations,
      dilations: strides,
    });
    const cropped = slice(product, [0, 0, 0, 0], [inner, out, kh, kw]);
    return transpose(cropped, [1, 0, 2, 3]);
  }
  const padded = pad(channelFirst(x), [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]]);
  const unfolded = unfold(padded, [g.shape[2], g.shape[3]], [kh, kw], strides, dilations);
  const channels = inner * groups;
  if (groups === 1) {
    const product = matmul(reshape(channelFirst(g), [out, -1]), reshape(unfolded, [taps * channels, -1]), {
      transposeB: true,
    });
    return transpose(reshape(product, [out, kh, kw, inner]), [0, 3, 1, 2]);
  }
  const perGroup = transpose(reshape(unfolded, [taps, groups, inner, -1]), [1, 0, 2, 3]);
  const cotangent = reshape(channelFirst(g), [groups, out / groups, -1]);
  const product = matmul(cotangent, reshape(perGroup, [groups, taps * inner, -1]), { transposeB: true });
  return reshape(transpose(reshape(product, [groups, out / groups, kh, kw, inner]), [0, 1, 4, 2, 3]), shape);
}

/** Shifted copies of [channel, batch, h, w], one per kernel element, joined on the first axis. */
function unfold(
  x: Tensor,
  extents: readonly [number, number],
  kernel: readonly [number, number],
  strides: readonly [number, number],
  dilations: readonly [number, number],
): Tensor {
  const copies: Tensor[] = [];
  for (let p = 0; p < kernel[0]; p++) {
    for (let q = 0; q < kernel[1]; q++) {
      const start = [0, 0, p * dilations[0], q * dilations[1]];
      const end = [
        x.shape[0],
        x.shape[1],
        start[2] + (extents[0] - 1) * strides[0] + 1,
        start[3] + (extents[1] - 1) * strides[1] + 1,
      ];
      copies.push(slice(x, start, end, [1, 1, ...strides]));
    }
  }
  return concat(copies, 0);
}
