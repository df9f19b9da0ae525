/** Look-up by index: embeddings. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import { constant, requireExtents, type Tensor } from '../tensor.js';
import { reshape } from './broadcast.js';
import { cast, equal } from './compare.js';
import { matmul } from './matmul.js';

/**
 * 1 at the index, 0 elsewhere, on a new last axis of extent `depth`; all 0 where the index is outside [0, depth).
 * A comparison with 0, 1, 2, …: the CPU provider has no OneHot for int32, and none has it for a scalar.
 */
export function oneHot(indices: Tensor, depth: number): Tensor {
  if (indices.dtype !== 'int32') throw new ShapeError(`oneHot: indices must be int32, got ${indices.dtype}`);
  requireExtents('oneHot', [depth]);
  const classes = constant(
    Array.from({ length: depth }, (_, i) => i),
    [depth],
    'int32',
  );
  return cast(equal(reshape(indices, [...indices.shape, 1]), classes), 'float32');
}

const applyGather = defineOp<object>({
  name: 'gather',
  infer([table, indices]) {
    if (indices.dtype !== 'int32')
      throw new ShapeError(`gather: indices must be int32, got ${indices.dtype}`);
    if (table.shape.length === 0) throw new ShapeError('gather: the table must have rows, got a scalar');
    return [{ shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype }];
  },
  // A matrix product instead of a scatter: the order of additions is fixed, and every device has it.
  gradient({ inputs: [table, indices], cotangents: [g] }) {
    const rows = reshape(oneHot(indices, table.shape[0]), [-1, table.shape[0]]);
    const cotangent = reshape(g!, [rows.shape[0], -1]);
    return [reshape(matmul(rows, cotangent, { transposeA: true }), table.shape), null];
  },
  emit: (onnx, inputs) => onnx.node('Gather', inputs, { attributes: { axis: { int: 0 } } }),
});

/**
 * Rows of a table.
 * @param table [rows, ...]
 * @param indices int32, any shape, each in [0, rows)
 * @returns [...indices.shape, ...]
 */
export function gather(table: Tensor, indices: Tensor): Tensor {
  return applyGather([table, indices], {})[0];
}
