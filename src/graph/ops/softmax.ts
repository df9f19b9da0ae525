/** Softmax and its logarithm. */
import { defineOp } from '../op.js';
import type { Tensor } from '../tensor.js';
import { sum } from './broadcast.js';
import { mul, sub } from './elementwise.js';
import { logSumExp } from './reduce.js';

const applySoftmax = defineOp<{ axis: number }>({
  name: 'softmax',
  infer: ([x]) => [x],
  gradient({ outputs: [y], attributes: { axis }, cotangents: [g] }) {
    const product = mul(g!, y);
    return [sub(product, mul(y, sum(product, { axes: [axis], keepAxes: true })))];
  },
  emit: (onnx, inputs, _node, { axis }) =>
    onnx.node('Softmax', inputs, { attributes: { axis: { int: axis } } }),
});

/** eˣ / Σ eˣ along an axis (default the last), stable for any finite x. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return applySoftmax([x], { axis: axis < 0 ? axis + x.shape.length : axis })[0];
}

/** log softmax along an axis (default the last). */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return sub(x, logSumExp(x, { axes: [axis], keepAxes: true }));
}
