/** Pooling over windows of an image, which may overlap. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import { constant, requireExtents, requireFloat, size, type Tensor, type TensorType } from '../tensor.js';
import { dilate, pad, slice } from './arrange.js';
import { cast, equal } from './compare.js';
import { add, mul, sub } from './elementwise.js';
import { repeatCells } from './resample.js';

export interface PoolOptions {
  /** Window [rows, columns]. */
  readonly kernel: readonly [number, number];
  /** Step [rows, columns]; default the kernel. */
  readonly strides?: readonly [number, number];
  /** Cells around the image [top, left, bottom, right]; default 0. */
  readonly padding?: readonly [number, number, number, number];
}
type PoolAttributes = Required<PoolOptions>;

const withDefaults = ({ kernel, strides = kernel, padding = [0, 0, 0, 0] }: PoolOptions): PoolAttributes => ({
  kernel,
  strides,
  padding,
});

function inferPool(
  op: string,
  [x]: readonly TensorType[],
  { kernel, strides, padding }: PoolAttributes,
): TensorType[] {
  requireFloat(op, [x]);
  requireExtents(`${op}: window and strides`, [...kernel, ...strides]);
  if (padding.some((amount) => !Number.isInteger(amount) || amount < 0)) {
    throw new ShapeError(
      `${op}: padding must be whole and not negative, got [${padding}]; use slice to crop`,
    );
  }
  if (x.shape.length !== 4)
    throw new ShapeError(`${op}: needs [batch, channel, height, width], got [${x.shape}]`);
  const extents = [0, 1].map(
    (i) => Math.floor((x.shape[2 + i] + padding[i] + padding[i + 2] - kernel[i]) / strides[i]) + 1,
  );
  if (extents.some((extent) => extent < 1) || padding.some((amount, i) => amount >= kernel[i % 2])) {
    throw new ShapeError(`${op}: a [${kernel}] window with padding [${padding}] does not fit [${x.shape}]`);
  }
  return [{ shape: [x.shape[0], x.shape[1], ...extents], dtype: 'float32' }];
}

const onnxAttributes = ({ kernel, strides, padding }: PoolAttributes) => ({
  kernel_shape: { ints: kernel },
  strides: { ints: strides },
  pads: { ints: padding },
});

/** The cell of each window at offset [p, q], from the padded image. */
function cells(
  padded: Tensor,
  extents: readonly number[],
  { strides }: PoolAttributes,
  p: number,
  q: number,
): Tensor {
  const end = [p + (extents[0] - 1) * strides[0] + 1, q + (extents[1] - 1) * strides[1] + 1];
  return slice(padded, [0, 0, p, q], [padded.shape[0], padded.shape[1], ...end], [1, 1, ...strides]);
}

/** Adjoint of taking windows: adds each window cell's value back to the place it was read from. */
function scatterWindows(
  shape: readonly number[],
  attributes: PoolAttributes,
  part: (p: number, q: number) => Tensor,
): Tensor {
  const { kernel, strides, padding } = attributes;
  const padded = [shape[2] + padding[0] + padding[2], shape[3] + padding[1] + padding[3]];
  let total: Tensor | null = null;
  for (let p = 0; p < kernel[0]; p++) {
    for (let q = 0; q < kernel[1]; q++) {
      const spread = dilate(part(p, q), [1, 1, ...strides]);
      const placed = pad(
        spread,
        [0, 0, p, q],
        [0, 0, padded[0] - p - spread.shape[2], padded[1] - q - spread.shape[3]],
      );
      total = total === null ? placed : add(total, placed);
    }
  }
  const start = [0, 0, padding[0], padding[1]];
  return slice(total!, start, [shape[0], shape[1], start[2] + shape[2], start[3] + shape[3]]);
}

const lowest = -3.4028234663852886e38;

const applyMaxPool = defineOp<PoolAttributes>({
  name: 'maxPool2d',
  infer: (inputs, attributes) => inferPool('maxPool2d', inputs, attributes),
  // The first maximum of a window, row by row, takes the whole derivative, as in PyTorch.
  gradient: ({ inputs: [x], attributes, cotangents: [g] }) => [applyMaxPoolGradient([x, g!], attributes)[0]],
  emit: (onnx, inputs, _node, attributes) =>
    onnx.node('MaxPool', inputs, { attributes: onnxAttributes(attributes) }),
});

/** Which cell of its window each maximum is: for every offset a 0/1 map, first maxima only. */
function chosenCells(x: Tensor, y: Tensor, attributes: PoolAttributes): Tensor[] {
  const { kernel, padding } = attributes;
  const padded = pad(x, [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]], lowest);
  let open: Tensor | null = null;
  const chosen: Tensor[] = [];
  for (let p = 0; p < kernel[0]; p++) {
    for (let q = 0; q < kernel[1]; q++) {
      const isMax: Tensor = cast(equal(cells(padded, y.shape.slice(2), attributes, p, q), y), 'float32');
      const first: Tensor = open === null ? isMax : mul(isMax, open);
      open = open === null ? sub(1, isMax) : sub(open, first);
      chosen.push(first);
    }
  }
  return chosen;
}

/** Adds the cotangent of each window to the place of its maximum. */
const applyMaxPoolGradient = defineOp<PoolAttributes>({
  name: 'maxPool2dGradient',
  infer: ([x]) => [x],
  gradient({ inputs: [x], attributes, cotangents: [u], needed }) {
    if (!needed[1]) return [null, null];
    // Linear in g with the fixed choice of cells; the choice itself is constant almost everywhere.
    const { kernel, padding } = attributes;
    const y = maxPool2d(x, attributes);
    const chosen = chosenCells(x, y, attributes);
    const padded = pad(u!, [0, 0, padding[0], padding[1]], [0, 0, padding[2], padding[3]]);
    const parts = chosen.map((map, k) =>
      mul(map, cells(padded, y.shape.slice(2), attributes, Math.floor(k / kernel[1]), k % kernel[1])),
    );
    return [null, parts.reduce((total, part) => add(total, part))];
  },
  emit(onnx, [x, g], node, attributes) {
    const { shape } = node.inputs[0];
    const length = size(shape);
    const [, indices] = onnx.node('MaxPool', [x], { attributes: onnxAttributes(attributes), outputs: 2 });
    const [zeros] = onnx.node('Expand', [onnx.float32(0, [1]), onnx.int64([length])]);
    const [places] = onnx.node('Reshape', [indices, onnx.int64([-1])]);
    const [values] = onnx.node('Reshape', [g, onnx.int64([-1])]);
    const [sums] = onnx.node('ScatterElements', [zeros, places, values], {
      attributes: { axis: { int: 0 }, reduction: { string: 'add' } },
    });
    return onnx.node('Reshape', [sums, onnx.int64(shape)]);
  },
});

/**
 * Largest value of each window; padding never wins.
 * @param x [batch, channel, height, width], finite
 * @throws ShapeError when the window does not fit or the padding reaches the kernel's extent
 */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  return applyMaxPool([x], withDefaults(options))[0];
}

const applyAveragePool = defineOp<PoolAttributes & { countPadding: boolean }>({
  name: 'averagePool2d',
  infer: (inputs, attributes) => inferPool('averagePool2d', inputs, attributes),
  gradient({ inputs: [x], outputs: [y], attributes, cotangents: [g] }) {
    const { kernel, strides, padding, countPadding } = attributes;
    const share = mul(g!, reciprocalCounts(x.shape, y.shape, attributes, countPadding));
    const tiles = [0, 1].every(
      (i) => kernel[i] === strides[i] && y.shape[2 + i] * kernel[i] === x.shape[2 + i],
    );
    if (tiles && padding.every((amount) => amount === 0)) {
      return [repeatCells(share, kernel[0], kernel[1])];
    }
    return [scatterWindows(x.shape, attributes, () => share)];
  },
  emit: (onnx, inputs, _node, attributes) =>
    onnx.node('AveragePool', inputs, {
      attributes: {
        ...onnxAttributes(attributes),
        count_include_pad: { int: Number(attributes.countPadding) },
      },
    }),
});

/** One over the number of cells that each window averages. */
function reciprocalCounts(
  image: readonly number[],
  result: readonly number[],
  { kernel, strides, padding }: PoolAttributes,
  countPadding: boolean,
): Tensor {
  if (countPadding || padding.every((amount) => amount === 0)) return constant(1 / (kernel[0] * kernel[1]));
  const along = (i: 0 | 1) =>
    Array.from({ length: result[2 + i] }, (_, k) => {
      const start = k * strides[i] - padding[i];
      return Math.min(start + kernel[i], image[2 + i]) - Math.max(start, 0);
    });
  const columns = along(1);
  const values = along(0).flatMap((rows) => columns.map((cols) => 1 / (rows * cols)));
  return constant(values, [1, 1, result[2], result[3]]);
}

/**
 * Mean of each window.
 * @param countPadding count padded cells as zeros (PyTorch's default, true) or leave them out
 */
export function averagePool2d(x: Tensor, options: PoolOptions & { readonly countPadding?: boolean }): Tensor {
  return applyAveragePool([x], { ...withDefaults(options), countPadding: options.countPadding ?? true })[0];
}
