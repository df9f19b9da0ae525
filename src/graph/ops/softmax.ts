/** Softmax and its logarithm. */
import { defineOp } from '../op.js';
import { normalizeAxis, requireFloat, type Tensor } from '../tensor.js';
import { sum } from './broadcast.js';
import { exp, log, mul, stopGradient, sub } from './elementwise.js';
import { max } from './reduce.js';

const applySoftmax = defineOp<{ axis: number }>({
  name: 'softmax',
  infer([x]) {
    requireFloat('softmax', [x]);
    return [x];
  },
  gradient({ outputs: [y], attributes: { axis }, cotangents: [g] }) {
    const product = mul(g!, y);
    return [sub(product, mul(y, sum(product, { axes: [axis], keepAxes: true })))];
  },
  emit: (onnx, inputs, _node, { axis }) =>
    onnx.node('Softmax', inputs, { attributes: { axis: { int: axis } } }),
});

/** eˣ / Σ eˣ along an axis (default the last), stable for any finite x. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return applySoftmax([x], { axis: normalizeAxis('softmax', axis, x.shape.length) })[0];
}

/** log softmax along an axis (default the last): z − log Σ e^z with z = x − max x, precise wherever x lies. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const over = { axes: [axis], keepAxes: true };
  const shifted = sub(x, stopGradient(max(x, over)));
  return sub(shifted, log(sum(exp(shifted), over)));
}
