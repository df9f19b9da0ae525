/** ONNX Runtime, loaded when something is first to run on it: what needs no network does not wait for its library. */
import { createRequire } from 'node:module';
import type { Tensor } from 'onnxruntime-node';

const require = createRequire(import.meta.url);

/** The module `onnxruntime-node`. */
export function onnxRuntime(): typeof import('onnxruntime-node') {
  return require('onnxruntime-node');
}

/** A tensor of ONNX Runtime around `values`, which are not copied. */
export function ortTensor(
  dtype: 'float32' | 'int32' | 'bool',
  values: Float32Array | Int32Array | Uint8Array,
  shape: readonly number[],
): Tensor {
  const { Tensor } = onnxRuntime();
  return new Tensor(dtype, values as Float32Array, shape);
}
