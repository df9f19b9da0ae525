/** Reshaping, repeating and its adjoint, summing: the ops that every other gradient needs. */
import { ShapeError } from '../../errors.js';
import { defineOp, type Emitter } from '../op.js';
import {
  broadcastShapes,
  normalizeAxes,
  requireExtents,
  type Shape,
  sameShape,
  size,
  type Tensor,
  type TensorType,
} from '../tensor.js';
import { positionSums } from './blocked.js';
import { shaped } from './views.js';

const applyReshape = defineOp<{ shape: Shape }>({
  name: 'reshape',
  infer([x], { shape }) {
    requireExtents('reshape', shape);
    if (size(shape) !== size(x.shape)) {
      throw new ShapeError(
        `reshape: [${x.shape}] holds ${size(x.shape)} elements, [${shape}] holds ${size(shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  gradient: ({ inputs, cotangents }) => [reshape(cotangents[0]!, inputs[0].shape)],
  recompute: 'derived',
  // Where the shape of images is open (see openImages.ts), so is a view's.
  emit: (onnx, [x], _node, { shape }) =>
    onnx.node('Reshape', [x, onnx.int64(shape.length === 4 ? [-1, ...shape.slice(1)] : shape)]),
});

/**
 * The same elements, row-major, under another shape.
 * @param shape at most one extent may be −1 and is then inferred
 * @throws ShapeError when the element counts differ
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const holes = shape.filter((extent) => extent === -1).length;
  const rest = -size(shape);
  if (holes > 1 || (holes === 1 && size(x.shape) % rest !== 0)) {
    throw new ShapeError(`reshape: cannot infer [${shape}] from [${x.shape}]`);
  }
  const full = shape.map((extent) => (extent === -1 ? size(x.shape) / rest : extent));
  if (sameShape(full, x.shape)) return x;
  // A view of a view is one view.
  const { source } = x;
  return source?.node.op.name === 'reshape'
    ? reshape(source.node.inputs[0], full)
    : applyReshape([x], { shape: full })[0];
}

const applyExpand = defineOp<{ shape: Shape }>({
  name: 'expand',
  infer([x], { shape }) {
    requireExtents('expand', shape);
    if (!sameShape(broadcastShapes('expand', x.shape, shape), shape)) {
      throw new ShapeError(`expand: [${x.shape}] does not broadcast to [${shape}]`);
    }
    return [{ shape, dtype: x.dtype }];
  },
  gradient: ({ inputs, cotangents }) => [sumTo(cotangents[0]!, inputs[0].shape)],
  emit: (onnx, [x], _node, { shape }) => onnx.node('Expand', [x, onnx.int64(shape)]),
});

/** Repeats axes of extent 1 (and missing leading axes) up to `shape`. @throws ShapeError when it does not fit */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : applyExpand([x], { shape })[0];
}

const applySum = defineOp<{ axes: readonly number[]; keep: boolean }>({
  name: 'sum',
  infer([x], { axes, keep }) {
    if (x.dtype === 'bool') throw new ShapeError('sum: needs numbers, got bool; cast it');
    return [{ shape: summedShape(x.shape, axes, keep), dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], attributes: { axes }, cotangents }) => [
    expand(reshape(cotangents[0]!, summedShape(x.shape, axes, true)), x.shape),
  ],
  emit: (onnx, [x], node, { axes, keep }) => [emitSum(onnx, x, node.inputs[0], axes, keep)],
  blocked: {
    takes: (_node, { axes }, _block, [held]) =>
      held && axes.includes(2) && axes.includes(3) && !axes.includes(1) ? [0] : null,
    gives: 'plain',
    emit(onnx, [x], node, { axes, keep }) {
      const sums = positionSums(onnx, x, node.inputs[0].shape, axes.includes(0));
      return keep ? onnx.node('Reshape', [sums, onnx.int64(node.outputs[0].shape)]) : [sums];
    },
  },
});

/**
 * internal: the nodes of a sum. Over neighbouring axes it is one fast pass; [0, 2, 3] at once is several times slower. Over
 * the first axes the CPU provider adds number by number, unless it is a product with ones.
 */
export function emitSum(
  onnx: Emitter,
  x: string,
  { shape, dtype }: TensorType,
  axes: readonly number[],
  keep: boolean,
): string {
  const leading = axes.length < shape.length && axes.every((axis, i) => axis === i);
  const onProcessor = onnx.options.blockedConvolution !== undefined;
  if (leading && onProcessor && dtype === 'float32' && size(shape) >= leastToMultiply) {
    const rows = size(shape.slice(0, axes.length));
    const matrix = shaped(onnx, x, [rows, size(shape) / rows]);
    const [sums] = onnx.node('MatMul', [onnx.float(1, [rows]), matrix]);
    const summed = summedShape(shape, axes, keep);
    return summed.length === 1 ? sums : shaped(onnx, sums, summed);
  }
  const trailing = axes.filter((axis, i) => shape.length - axis === axes.length - i);
  const rest = axes.filter((axis) => !trailing.includes(axis));
  let result = x;
  for (const group of [trailing, rest]) {
    if (group.length > 0)
      [result] = onnx.node('ReduceSum', [result, onnx.int64(group)], {
        attributes: { keepdims: { int: Number(keep) } },
      });
  }
  return result;
}

/** Numbers below which laying out what is summed costs more. */
const leastToMultiply = 8192;

const summedShape = (shape: Shape, axes: readonly number[], keep: boolean): Shape =>
  shape.flatMap((extent, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [extent]));

export interface ReduceOptions {
  /** Axes to reduce, negative ones counted from the last; default all. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with extent 1; default false. */
  readonly keepAxes?: boolean;
}

/** internal: the reduced axes of a call, and the shape without them. */
export function reducedAxes(op: string, x: Tensor, axes: readonly number[] | undefined) {
  const normalized = normalizeAxes(op, axes ?? x.shape.map((_, i) => i), x.shape.length);
  return { axes: normalized, dropped: x.shape.filter((_, i) => !normalized.includes(i)) };
}

/** Sum over axes. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { axes } = reducedAxes('sum', x, options.axes);
  return axes.length === 0 ? x : applySum([x], { axes, keep: options.keepAxes ?? false })[0];
}

/** Sums the axes along which `shape` was broadcast to `x.shape`: the adjoint of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  );
  return axes.length === 0 ? x : reshape(sum(x, { axes, keepAxes: true }), shape);
}
