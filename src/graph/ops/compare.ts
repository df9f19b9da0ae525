/** Comparisons, selection and conversion between element types. */
import { ShapeError } from '../../errors.js';
import { onnxType } from '../onnx.js';
import { defineOp } from '../op.js';
import { broadcastShapes, constant, type DType, type Tensor } from '../tensor.js';
import { sumTo } from './broadcast.js';
import { asTensor, type Operand } from './elementwise.js';

function comparison(name: string, type: string, ordered: boolean) {
  const apply = defineOp<object>({
    name,
    infer([a, b]) {
      if (a.dtype !== b.dtype)
        throw new ShapeError(`${name}: compares like with like, got ${a.dtype} and ${b.dtype}`);
      if (ordered && a.dtype === 'bool') throw new ShapeError(`${name}: needs numbers, got bool; cast it`);
      return [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: 'bool' }];
    },
    gradient: 'none',
    emit: (onnx, inputs) => onnx.node(type, inputs),
  });
  return (a: Operand, b: Operand): Tensor => apply([asTensor(a), asTensor(b)], {})[0];
}

/** a > b, as bool */
export const greater = comparison('greater', 'Greater', true);
/** a ≥ b, as bool */
export const greaterEqual = comparison('greaterEqual', 'GreaterOrEqual', true);
/** a = b, as bool */
export const equal = comparison('equal', 'Equal', false);

const applyWhere = defineOp<object>({
  name: 'where',
  infer([condition, a, b]) {
    if (condition.dtype !== 'bool')
      throw new ShapeError(`where: the condition must be bool, got ${condition.dtype}`);
    if (a.dtype !== b.dtype)
      throw new ShapeError(`where: both branches need one type, got ${a.dtype} and ${b.dtype}`);
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape));
    return [{ shape, dtype: a.dtype }];
  },
  gradient({ inputs: [condition, a, b], cotangents: [g], needed }) {
    const zero = constant(0);
    return [
      null,
      needed[1] ? sumTo(where(condition, g!, zero), a.shape) : null,
      needed[2] ? sumTo(where(condition, zero, g!), b.shape) : null,
    ];
  },
  emit: (onnx, inputs) => onnx.node('Where', inputs),
});

/** a where the condition holds, else b; the branch not taken contributes nothing to the derivative, not even NaN. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  return applyWhere([condition, asTensor(a), asTensor(b)], {})[0];
}

const applyCast = defineOp<{ dtype: DType }>({
  name: 'cast',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  gradient: 'none',
  emit: (onnx, inputs, _node, { dtype }) =>
    onnx.node('Cast', inputs, { attributes: { to: { int: onnxType[dtype] } } }),
});

/** Converts the element type (bool to 0/1, float to int by truncation); no derivative passes. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : applyCast([x], { dtype })[0];
}
