/** Look-up by index: embeddings. */
import { ShapeError } from '../../errors.js';
import { defineOp } from '../op.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './broadcast.js';
import { matmul } from './matmul.js';

const applyOneHot = defineOp<{ depth: number }>({
  name: 'oneHot',
  infer([indices], { depth }) {
    if (indices.dtype !== 'int32')
      throw new ShapeError(`oneHot: indices must be int32, got ${indices.dtype}`);
    return [{ shape: [...indices.shape, depth], dtype: 'float32' }];
  },
  gradient: 'none',
  emit: (onnx, [indices], _node, { depth }) =>
    onnx.node('OneHot', [indices, onnx.int64([depth]), onnx.float32([0, 1], [2])], {
      attributes: { axis: { int: -1 } },
    }),
});

/** 1 at the index, 0 elsewhere, on a new last axis of extent `depth`. */
export function oneHot(indices: Tensor, depth: number): Tensor {
  return applyOneHot([indices], { depth })[0];
}

const applyGather = defineOp<object>({
  name: 'gather',
  infer([table, indices]) {
    if (indices.dtype !== 'int32')
      throw new ShapeError(`gather: indices must be int32, got ${indices.dtype}`);
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
