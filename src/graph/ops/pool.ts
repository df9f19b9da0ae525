/** Pooling over windows of an image, which may overlap. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import { constant, requireExtents, requireFloat, type Tensor, type TensorType } from '../tensor.js';
import { concat, dilate, pad, slice } from './arrange.js';
import { blockedDomain, followsImage } from './blocked.js';
import { reshape } from './broadcast.js';
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
  // The first maximum of a window, row by row, takes the whole derivative, as in PyTorch: of the rows that reach it the
  // first, and in that row the first cell. So the derivative goes down the rows, then along them.
  comparesExactly: true,
  gradient({ inputs: [x], outputs: [y], attributes, cotangents: [g] }) {
    const { kernel, strides, padding } = attributes;
    const along = {
      kernel: [1, kernel[1]],
      strides: [1, strides[1]],
      padding: [0, padding[1], 0, padding[3]],
    } as const;
    const ofRows = maxPool2d(x, along);
    return [unpool(x, ofRows, unpool(ofRows, y, g!, 2, attributes), 3, attributes)];
  },
  emit: (onnx, inputs, _node, attributes) =>
    onnx.node('MaxPool', inputs, { attributes: onnxAttributes(attributes) }),
  blocked: {
    takes: followsImage,
    gives: 'blocks',
    emit: (onnx, inputs, _node, attributes) =>
      onnx.node('MaxPool', inputs, { domain: blockedDomain, attributes: onnxAttributes(attributes) }),
  },
});

/**
 * Adds the cotangent g of each window along one axis to the first cell of x that equals the window's maximum y. The
 * windows' cells are read as one strided slice per offset; cells an equal distance modulo the stride apart are put
 * together again as one map, and the maps are interleaved.
 */
function unpool(x: Tensor, y: Tensor, g: Tensor, axis: 2 | 3, attributes: PoolAttributes): Tensor {
  const [kernel, stride] = [attributes.kernel[axis - 2], attributes.strides[axis - 2]];
  const before = attributes.padding[axis - 2];
  const [extent, windows] = [x.shape[axis], y.shape[axis]];
  if (kernel === 1 && stride === 1) return g;
  const at = (along: number, elsewhere: number) => [0, 1, 2, 3].map((i) => (i === axis ? along : elsewhere));
  const reach = (windows - 1) * stride + kernel;
  const length = Math.ceil(Math.max(reach, before + extent) / stride);
  const padded = pad(x, at(before, 0), at(Math.max(0, reach - before - extent), 0), lowest);
  const maps: (Tensor | null)[] = new Array(stride).fill(null);
  let rest = g;
  for (let offset = 0; offset < kernel; offset++) {
    let part = rest;
    if (offset < kernel - 1) {
      const end = padded.shape.map((full, i) => (i === axis ? offset + (windows - 1) * stride + 1 : full));
      const cells = slice(padded, at(offset, 0), end, at(stride, 1));
      part = mul(rest, cast(equal(cells, y), 'float32'));
      rest = sub(rest, part);
    }
    const shift = Math.floor(offset / stride);
    const placed = pad(part, at(shift, 0), at(length - windows - shift, 0));
    const map = maps[offset % stride];
    maps[offset % stride] = map === null ? placed : add(map, placed);
  }
  const mapShape = y.shape.map((full, i) => (i === axis ? length : full));
  const interleaved = interleave(
    maps.map((map) => map ?? constant(0, mapShape)),
    axis,
  );
  const end = interleaved.shape.map((full, i) => (i === axis ? before + extent : full));
  return slice(interleaved, at(before, 0), end);
}

/** Maps of one shape merged along an axis: the first of each, the second of each, … */
function interleave(maps: readonly Tensor[], axis: number): Tensor {
  if (maps.length === 1) return maps[0];
  const { shape } = maps[0];
  const column = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const merged = concat(
    maps.map((map) => reshape(map, column)),
    axis + 1,
  );
  return reshape(
    merged,
    shape.map((full, i) => (i === axis ? full * maps.length : full)),
  );
}

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
    onnx.node('AveragePool', inputs, { attributes: averagingAttributes(attributes) }),
  blocked: {
    takes: followsImage,
    gives: 'blocks',
    emit: (onnx, inputs, _node, attributes) =>
      onnx.node('AveragePool', inputs, {
        domain: blockedDomain,
        attributes: averagingAttributes(attributes),
      }),
  },
});

const averagingAttributes = (attributes: PoolAttributes & { countPadding: boolean }) => ({
  ...onnxAttributes(attributes),
  count_include_pad: { int: Number(attributes.countPadding) },
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
