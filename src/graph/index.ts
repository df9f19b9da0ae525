/**
 * The symbolic engine: tensors with static shapes, ops, reverse-mode gradients and compilation to ONNX.
 *
 * @example
 * const x = input('x', [2, 3]);
 * const w = parameter('w', [3, 1]);
 * const loss = mean(square(matmul(x, w)));
 * const [dw] = gradients(loss, [w]);
 * const program = compile({ loss }, { updates: new Map([[w, sub(w, mul(dw, 0.1))]]) });
 */
export { gradients } from './autodiff.js';
export { type CompileOptions, compile, type Program, type ProgramValue } from './compile.js';
export { multiplyAdds } from './flops.js';
export { type Computation, inHalfPrecision } from './halfPrecision.js';
export type { MemoryEstimate } from './memory.js';
export { definedOps, type EmitOptions } from './op.js';
export * from './ops/arrange.js';
export { expand, reshape, sum, sumTo } from './ops/broadcast.js';
export { channelGram } from './ops/channelGram.js';
export * from './ops/compare.js';
export * from './ops/conv.js';
export * from './ops/elementwise.js';
export * from './ops/indexing.js';
export * from './ops/matmul.js';
export * from './ops/norm.js';
export * from './ops/pool.js';
export * from './ops/reduce.js';
export * from './ops/resample.js';
export * from './ops/softmax.js';
export { stepCount } from './repeat.js';
export {
  bernoulli,
  broadcastShapes,
  constant,
  type DType,
  input,
  type Precision,
  parameter,
  precisions,
  type Shape,
  sameShape,
  size,
  type Tensor,
} from './tensor.js';
