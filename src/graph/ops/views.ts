/** Nodes that only arrange an emitted value. */
import type { Emitter } from '../op.js';
import type { Shape } from '../tensor.js';

/** The same numbers under another shape. */
export const shaped = (onnx: Emitter, x: string, shape: Shape): string =>
  onnx.node('Reshape', [x, onnx.int64(shape)])[0];

/** Axes in another order. */
export const moved = (onnx: Emitter, x: string, perm: readonly number[]): string =>
  onnx.node('Transpose', [x], { attributes: { perm: { ints: perm } } })[0];
