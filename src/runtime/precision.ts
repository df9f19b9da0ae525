/** Whether a device can compute in float16. */
import { ConfigError } from '../errors.js';
import {
  add,
  compile,
  constant,
  conv2d,
  input,
  matmul,
  type Precision,
  reshape,
  sum,
} from '../graph/index.js';
import { firstLine } from './failures.js';
import type { Runtime } from './runtime.js';

/** What a device needs for float16. */
const needs = {
  cuda: 'it needs an NVIDIA GPU of compute capability 5.3 or later',
  webgpu: "it needs a GPU and driver with WebGPU's feature shader-f16",
} as const;

/**
 * Tries a small program on the device.
 * @param path dotted key of the choice, for the error
 * @throws ConfigError for float16 where the device has no kernels for it, or fails the trial
 */
export async function requirePrecision(runtime: Runtime, precision: Precision, path: string): Promise<void> {
  const { device } = runtime;
  if (precision === 'float32') return;
  if (device === 'cpu' || device === 'wasm') {
    throw new ConfigError(
      `${path}: float16 gains nothing on "${device}", where ONNX Runtime computes in float32 all the same, for want ` +
        'of kernels; choose float32, or a device that has them (--device cuda or webgpu)',
      path,
    );
  }
  const failure = await tryHalf(runtime).catch(firstLine);
  if (failure === null) return;
  throw new ConfigError(
    `${path}: "${device}" does not compute in float16 here (${failure}); ${needs[device]}; choose float32`,
    path,
  );
}

/** The sum of a convolution's and a matrix product's results, which float16 holds exactly; null where it is right. */
async function tryHalf(runtime: Runtime): Promise<string | null> {
  const x = input('x', [1, 2, 3, 3]);
  const convolved = conv2d(x, constant(0.5, [2, 2, 1, 1])); // every element 1.5
  const product = matmul(reshape(convolved, [6, 3]), constant(2, [3, 4])); // every element 9
  const y = sum(add(product, 1));
  const executable = await runtime.load(compile({ y }, { ...runtime.emitOptions, precision: 'float16' }));
  try {
    if (executable.fallsBack) return 'an operator has no kernel there';
    const { y: got } = await executable.run({ x: new Float32Array(18).fill(1.5) });
    return got[0] === 240 ? null : `a sum of 240 became ${got[0]}`;
  } finally {
    await executable.release();
  }
}
