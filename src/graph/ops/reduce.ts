/** Reductions beside the plain sum. */
import { defineOp } from '../op.js';
import { requireFloat, size, type Tensor } from '../tensor.js';
import { expand, type ReduceOptions, reducedAxes, reshape, sum } from './broadcast.js';
import { cast, equal } from './compare.js';
import { add, div, exp, log, maximum, mul, stopGradient, sub } from './elementwise.js';

/** Arithmetic mean over axes. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { dropped } = reducedAxes('mean', x, options.axes);
  return mul(sum(x, options), size(dropped) / size(x.shape));
}

/**
 * Mean over axes of the elements whose mask is 1: Σ x·m / max(Σ m, 1).
 * @param mask float32 0/1, broadcast against x; masked elements must be finite
 */
export function maskedMean(x: Tensor, mask: Tensor, options: ReduceOptions = {}): Tensor {
  const count = sum(expand(mask, x.shape), options);
  return div(sum(mul(x, mask), options), maximum(count, 1));
}

const applyMax = defineOp<{ axes: readonly number[] }>({
  name: 'max',
  infer([x], { axes }) {
    requireFloat('max', [x]);
    return [{ shape: x.shape.map((extent, i) => (axes.includes(i) ? 1 : extent)), dtype: 'float32' }];
  },
  // Equal maxima share the derivative evenly, as torch.amax does.
  comparesExactly: true,
  gradient({ inputs: [x], outputs: [y], attributes: { axes }, cotangents }) {
    const isMax = cast(equal(x, y), 'float32');
    return [mul(isMax, div(cotangents[0]!, sum(isMax, { axes, keepAxes: true })))];
  },
  emit: (onnx, [x], _node, { axes }) =>
    onnx.node('ReduceMax', [x, onnx.int64(axes)], { attributes: { keepdims: { int: 1 } } }),
});

/** Largest element over axes. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { axes, dropped } = reducedAxes('max', x, options.axes);
  // ONNX takes an empty list of axes to mean all of them.
  const kept = axes.length === 0 ? x : applyMax([x], { axes })[0];
  return options.keepAxes ? kept : reshape(kept, dropped);
}

/** log Σ eˣ over axes, shifted by the maximum so that it neither overflows nor underflows. */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { axes, dropped } = reducedAxes('logSumExp', x, options.axes);
  const shift = stopGradient(max(x, { axes, keepAxes: true }));
  const kept = add(log(sum(exp(sub(x, shift)), { axes, keepAxes: true })), shift);
  return options.keepAxes ? kept : reshape(kept, dropped);
}
