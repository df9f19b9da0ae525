/**
 * Two-dimensional convolution (cross-correlation, as PyTorch's conv2d) and its adjoints. One-dimensional signals
 * are images of height 1.
 */
import { ShapeError } from '../../errors.js';
import { defineOp, type OnnxAttributes } from '../op.js';
import { requireExtents, requireFloat, type Tensor, type TensorType } from '../tensor.js';
import { blockedConv } from './blocked.js';
import { sum } from './broadcast.js';
import { adjointWeights, blockedAdjointWeights, blockedRows, blockedWeights } from './kernelLayouts.js';
import { convWeightGradient } from './weightGradient.js';

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
  emit: (onnx, inputs, node, attributes) =>
    onnx.node('Conv', inputs, { attributes: attributesOf(attributes, node.inputs[1].shape.slice(2)) }),
  blocked: {
    takes({ inputs: [, w] }, attributes, block, [held]) {
      if (makesBlocks(w.shape, attributes, block)) return [];
      return keepsBlocks(w.shape, attributes, block, held) ? [0] : null;
    },
    gives: 'blocks',
    emit(onnx, [x, wName, ...bias], { inputs: [, w] }, attributes, block) {
      const layOut = makesBlocks(w.shape, attributes, block) ? blockedRows : blockedWeights;
      const weights = layOut(onnx, wName, w.shape, block);
      return blockedConv(onnx, [x, weights, ...bias], attributesOf(attributes, w.shape.slice(2)));
    },
  },
});

/** Without groups, and of no more cells than blocks pay for: a weight gradient's kernel costs more to lay out than they save. */
const isCompact = ([, , kh, kw]: readonly number[], { groups }: ConvAttributes): boolean =>
  groups === 1 && kh * kw <= 49;

/** Whether a convolution makes blocks of an image with fewer channels than one, which it takes as it is. */
const makesBlocks = (kernel: readonly number[], attributes: ConvAttributes, block: number): boolean => {
  const [out, inner, kh, kw] = kernel;
  return isCompact(kernel, attributes) && inner < block && out % block === 0 && kh * kw > 1;
};

/**
 * Whether a convolution, or its adjoint, takes its image in blocks. Pointwise kernels gain nothing unless it is there in them.
 * @param kernel [out, in / groups, kh, kw]
 */
function keepsBlocks(
  kernel: readonly number[],
  attributes: ConvAttributes,
  block: number,
  held: boolean,
): boolean {
  const [out, inner, kh, kw] = kernel;
  const whole = out % block === 0 && inner % block === 0;
  return isCompact(kernel, attributes) && whole && (kh * kw > 1 || held);
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
  emit(onnx, inputs, { inputs: [x, w] }, attributes) {
    const { strides, padding, dilations, groups, extents } = attributes;
    const plain = asPlainConv(x.shape, w.shape, attributes);
    if (plain !== null) {
      const weights = adjointWeights(onnx, inputs[1], w.shape, groups);
      return onnx.node('Conv', [inputs[0], weights], { attributes: plain });
    }
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
  blocked: {
    takes({ inputs: [x, w] }, attributes, block, [held]) {
      const plain = asPlainConv(x.shape, w.shape, attributes);
      return plain !== null && keepsBlocks(w.shape, attributes, block, held) ? [0] : null;
    },
    gives: 'blocks',
    emit: (onnx, [x, wName], { inputs: [image, w] }, attributes, block) =>
      blockedConv(
        onnx,
        [x, blockedAdjointWeights(onnx, wName, w.shape, block)],
        asPlainConv(image.shape, w.shape, attributes)!,
      ),
  },
});

/** With stride 1, the attributes of the convolution with turned weights that it equals, twice as fast as ONNX's `ConvTranspose`. */
function asPlainConv(
  x: readonly number[],
  w: readonly number[],
  attributes: TransposedAttributes,
): OnnxAttributes | null {
  const { strides, padding, dilations, extents } = attributes;
  const margin = [0, 1].map((i) => (w[2 + i] - 1) * dilations[i] - padding[i]);
  const turned = [...margin, ...[0, 1].map((i) => extents[i] + padding[i] - x[2 + i])];
  const fits = strides[0] === 1 && strides[1] === 1 && turned.every((amount) => amount >= 0);
  return fits ? { ...attributesOf(attributes, w.slice(2)), pads: { ints: turned } } : null;
}

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
  return applyConvTranspose([g, w], { ...attributes, extents: [shape[2], shape[3]] })[0];
}
