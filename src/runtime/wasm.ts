/** ONNX Runtime's WebAssembly build on the processor, in a browser as in Node. */
import type { Env, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import { type Backend, sessionOptions } from './backend.js';

/** Bytes that WebAssembly can address. */
const addressSpace = 2 ** 32;

/** The part of ONNX Runtime's modules for the web that is used here. */
interface WebRuntime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: Env;
}

/** @param threads  counts for the first session of the process or page; later ones share its threads */
export function openWasm({ InferenceSession, Tensor, env }: WebRuntime, threads: number): Backend {
  env.logLevel = 'fatal';
  env.wasm.numThreads = threads;
  return {
    device: 'wasm',
    // Arrays that are given for outputs are not written to.
    state: 'returned',
    tensor: (dtype, values, shape) => new Tensor(dtype, values as Float32Array, shape),
    limits: { total: addressSpace, largest: addressSpace },
    createSession: async (onnx, request) => ({
      session: await InferenceSession.create(
        onnx,
        sessionOptions('wasm', { ...request, allowFallback: true }),
      ),
      fromCache: false,
    }),
  };
}
