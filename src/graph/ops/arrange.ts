/** Ops that move elements: transpose, concat, split, slice, pad, flip. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import {
  constant,
  normalizeAxes,
  normalizeAxis,
  requireExtents,
  requireFloat,
  type Shape,
  type Tensor,
} from '../tensor.js';
import { fitsBlocks } from './blocked.js';
import { reshape } from './broadcast.js';

const applyTranspose = defineOp<{ order: readonly number[] }>({
  name: 'transpose',
  infer([x], { order }) {
    const sorted = [...order].sort((a, b) => a - b);
    if (order.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw new ShapeError(`transpose: [${order}] is no permutation of the axes of [${x.shape}]`);
    }
    return [{ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
  gradient: ({ attributes: { order }, cotangents }) => [
    transpose(
      cotangents[0]!,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
  recompute: 'derived',
  emit: (onnx, inputs, _node, { order }) =>
    onnx.node('Transpose', inputs, { attributes: { perm: { ints: order } } }),
});

/** Axes in another order: axis i of the result is axis `order[i]` of x. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  return order.length === x.shape.length && order.every((axis, i) => axis === i)
    ? x
    : applyTranspose([x], { order })[0];
}

const applyConcat = defineOp<{ axis: number; again?: boolean }>({
  name: 'concat',
  infer(inputs, { axis }) {
    const [first] = inputs;
    for (const { shape, dtype } of inputs) {
      if (
        shape.length !== first.shape.length ||
        dtype !== first.dtype ||
        shape.some((e, i) => i !== axis && e !== first.shape[i])
      ) {
        throw new ShapeError(
          `concat: shapes may differ at axis ${axis} alone, got ${inputs.map((t) => `[${t.shape}]`).join(' ')}`,
        );
      }
    }
    const total = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return [{ shape: first.shape.map((extent, i) => (i === axis ? total : extent)), dtype: first.dtype }];
  },
  gradient: ({ inputs, attributes: { axis }, cotangents }) =>
    split(
      cotangents[0]!,
      inputs.map(({ shape }) => shape[axis]),
      axis,
    ),
  // What was joined step by step is joined at once, so that no part of it waits for the next; vectors are kept.
  recompute: ({ inputs, outputs, attributes }): readonly Tensor[] =>
    outputs[0].shape.length === 1
      ? outputs
      : applyConcat(
          inputs.flatMap((part) => partsOf(part, attributes.axis) ?? [part]),
          { ...attributes, again: true },
        ),
  // Counted from the end, the axis makes another node of it.
  emit: (onnx, inputs, node, { axis, again = false }) =>
    onnx.node('Concat', inputs, {
      attributes: { axis: { int: again ? axis - node.inputs[0].shape.length : axis } },
    }),
  blocked: {
    takes: ({ inputs }, { axis }, block, held) =>
      axis === 1 && held.includes(true) && inputs.every(({ shape }) => fitsBlocks(shape, block))
        ? [...inputs.keys()]
        : null,
    gives: 'blocks',
  },
});

/** The tensors that a tensor joins along an axis; null where it is no such join. */
export function partsOf(x: Tensor, axis: number): readonly Tensor[] | null {
  const node = x.source?.node;
  return node?.op.name === 'concat' && (node.attributes as { axis: number }).axis === axis
    ? node.inputs
    : null;
}

/** Joins tensors along an axis. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 0) throw new ShapeError('concat: needs at least one tensor');
  return tensors.length === 1
    ? tensors[0]
    : applyConcat(tensors, { axis: normalizeAxis('concat', axis, tensors[0].shape.length) })[0];
}

const applySplit = defineOp<{ sizes: readonly number[]; axis: number }>({
  name: 'split',
  infer([x], { sizes, axis }) {
    requireExtents('split', sizes);
    if (sizes.reduce((sum, part) => sum + part, 0) !== x.shape[axis]) {
      throw new ShapeError(`split: parts [${sizes}] do not add up to axis ${axis} of [${x.shape}]`);
    }
    return sizes.map((part) => ({ shape: x.shape.map((e, i) => (i === axis ? part : e)), dtype: x.dtype }));
  },
  gradient: ({ outputs, attributes: { axis }, cotangents }) => [
    concat(
      cotangents.map((cotangent, i) => cotangent ?? constant(0, outputs[i].shape)),
      axis,
    ),
  ],
  emit(onnx, [x], _node, { sizes, axis }) {
    if (sizes.length >= (onnx.options.buffersPerOperator ?? Number.POSITIVE_INFINITY)) {
      const axes = onnx.int64([axis]);
      let end = 0;
      return sizes.flatMap((part) => {
        const start = end;
        end += part;
        return onnx.node('Slice', [x, onnx.int64([start]), onnx.int64([end]), axes]);
      });
    }
    return onnx.node('Split', [x, onnx.int64(sizes)], {
      attributes: { axis: { int: axis } },
      outputs: sizes.length,
    });
  },
  blocked: {
    takes: (_node, { sizes, axis }, block, [held]) =>
      held && axis === 1 && sizes.every((part) => part % block === 0) ? [0] : null,
    gives: 'blocks',
  },
});

/** Cuts an axis into parts of the given sizes. @throws ShapeError when they do not add up to its extent */
export function split(x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] {
  return applySplit([x], { sizes, axis: normalizeAxis('split', axis, x.shape.length) });
}

/** @throws ShapeError unless each list holds one integer per axis */
function requirePerAxis(op: string, shape: Shape, lists: readonly (readonly number[])[]): void {
  if (lists.some((list) => list.length !== shape.length || list.some((value) => !Number.isInteger(value)))) {
    const given = lists.map((list) => `[${list}]`).join(' ');
    throw new ShapeError(`${op}: needs one integer per axis of [${shape}], got ${given}`);
  }
}

interface SliceAttributes {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

const applySlice = defineOp<SliceAttributes>({
  name: 'slice',
  infer([x], { starts, ends, steps }) {
    requirePerAxis('slice', x.shape, [starts, ends, steps]);
    const shape = x.shape.map((extent, axis) => {
      if (starts[axis] < 0 || ends[axis] > extent || starts[axis] >= ends[axis] || steps[axis] < 1) {
        throw new ShapeError(`slice: [${starts}] to [${ends}] by [${steps}] leaves [${x.shape}] or is empty`);
      }
      return Math.ceil((ends[axis] - starts[axis]) / steps[axis]);
    });
    return [{ shape, dtype: x.dtype }];
  },
  gradient({ inputs: [x], attributes: { starts, steps }, cotangents }) {
    const spread = dilate(cotangents[0]!, steps);
    const after = x.shape.map((extent, axis) => extent - starts[axis] - spread.shape[axis]);
    // A strided slice may leave a tail shorter than a step, which dilation already stops before.
    return [pad(spread, starts, after)];
  },
  emit(onnx, [x], node, { starts, ends, steps }) {
    const axes = starts.flatMap((start, axis) =>
      start === 0 && ends[axis] === node.inputs[0].shape[axis] && steps[axis] === 1 ? [] : [axis],
    );
    const pick = (values: readonly number[]) => onnx.int64(axes.map((axis) => values[axis]));
    return onnx.node('Slice', [x, pick(starts), pick(ends), onnx.int64(axes), pick(steps)]);
  },
});

/**
 * Elements `starts[i] ≤ index < ends[i]` of each axis, every `steps[i]`-th.
 * @throws ShapeError when a range is empty or leaves the tensor
 */
export function slice(
  x: Tensor,
  starts: readonly number[],
  ends: readonly number[],
  steps?: readonly number[],
): Tensor {
  const by = steps ?? starts.map(() => 1);
  const whole =
    starts.length === x.shape.length &&
    x.shape.every((extent, axis) => starts[axis] === 0 && ends[axis] === extent && by[axis] === 1);
  return whole ? x : applySlice([x], { starts, ends, steps: by })[0];
}

/** The part of one axis from `start` to before `end`, every `step`-th of it. */
export function sliceAxis(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  return slice(
    x,
    x.shape.map((_, i) => (i === at ? start : 0)),
    x.shape.map((extent, i) => (i === at ? end : extent)),
    x.shape.map((_, i) => (i === at ? step : 1)),
  );
}

const applyPad = defineOp<{ before: readonly number[]; after: readonly number[]; value: number }>({
  name: 'pad',
  infer([x], { before, after }) {
    requireFloat('pad', [x]);
    requirePerAxis('pad', x.shape, [before, after]);
    if ([...before, ...after].some((amount) => amount < 0)) {
      throw new ShapeError(`pad: amounts must not be negative, got [${before}] and [${after}]; use slice`);
    }
    return [{ shape: x.shape.map((extent, axis) => extent + before[axis] + after[axis]), dtype: x.dtype }];
  },
  gradient: ({ inputs: [x], attributes: { before }, cotangents }) => [
    slice(
      cotangents[0]!,
      before,
      before.map((amount, axis) => amount + x.shape[axis]),
    ),
  ],
  emit: (onnx, [x], _node, { before, after, value }) =>
    onnx.node('Pad', [x, onnx.int64([...before, ...after]), onnx.float(value)]),
});

/** Adds `before[i]` and `after[i]` constant elements around each axis. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  const none = before.length === x.shape.length && [...before, ...after].every((amount) => amount === 0);
  return none ? x : applyPad([x], { before, after, value })[0];
}

/** Inserts `steps[i] − 1` zeros between neighbours of each axis; extent n becomes (n − 1)·step + 1. */
export function dilate(x: Tensor, steps: readonly number[]): Tensor {
  requirePerAxis('dilate', x.shape, [steps]);
  requireExtents('dilate', steps);
  if (steps.every((step) => step === 1)) return x;
  const interleaved = x.shape.flatMap((extent) => [extent, 1]);
  const zeros = steps.flatMap((step) => [0, step - 1]);
  const padded = pad(reshape(x, interleaved), new Array<number>(zeros.length).fill(0), zeros);
  const spread = reshape(
    padded,
    x.shape.map((extent, axis) => extent * steps[axis]),
  );
  return slice(
    spread,
    steps.map(() => 0),
    x.shape.map((extent, axis) => (extent - 1) * steps[axis] + 1),
  );
}

const applyFlip = defineOp<{ axes: readonly number[] }>({
  name: 'flip',
  infer: ([x]) => [x],
  gradient: ({ attributes: { axes }, cotangents }) => [flip(cotangents[0]!, axes)],
  emit(onnx, [x], node, { axes }) {
    const each = (value: number) => onnx.int64(axes.map(() => value));
    const beforeFirst = onnx.int64(axes.map((axis) => -node.inputs[0].shape[axis] - 1));
    return onnx.node('Slice', [x, each(-1), beforeFirst, onnx.int64(axes), each(-1)]);
  },
});

/** Reverses the order of elements along axes, negative ones counted from the last. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  const long = normalizeAxes('flip', axes, x.shape.length).filter((axis) => x.shape[axis] > 1);
  return long.length === 0 ? x : applyFlip([x], { axes: long })[0];
}
