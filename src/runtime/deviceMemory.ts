/** Moves values between the host and a device's memory. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { compile, input, reshape } from '../graph/index.js';
import type { Backend, Location } from './backend.js';

/**
 * Copies through programs that hand their inputs on: the build of ONNX Runtime for Node has no other way to read a
 * buffer of the device.
 */
export class DeviceMemory {
  private readonly sessions = new Map<string, Promise<InferenceSession>>();

  constructor(private readonly backend: Backend) {}

  /** Copies arrays into the device's memory; dispose of the tensors when they are no longer needed. */
  upload(
    arrays: readonly { readonly values: Float32Array; readonly shape: readonly number[] }[],
  ): Promise<OrtTensor[]> {
    return this.copy(
      arrays.map(({ values, shape }) => this.backend.tensor('float32', values, shape)),
      'gpu-buffer',
    );
  }

  /** New arrays with the values of tensors in the device's memory. */
  async download(tensors: readonly OrtTensor[]): Promise<Float32Array[]> {
    return (await this.copy(tensors, 'cpu')).map(({ data }) => data as Float32Array);
  }

  private async copy(tensors: readonly OrtTensor[], to: Location): Promise<OrtTensor[]> {
    if (tensors.length === 0) return [];
    const shapes = tensors.map(({ dims }) => dims);
    const key = `${to} ${JSON.stringify(shapes)}`;
    const session = this.sessions.get(key) ?? this.createSession(shapes, to);
    this.sessions.set(key, session);
    const results = await (await session).run(
      Object.fromEntries(tensors.map((tensor, i) => [`from.${i}`, tensor])),
    );
    return tensors.map((_, i) => results[`to.${i}`] as OrtTensor);
  }

  private async createSession(
    shapes: readonly (readonly number[])[],
    to: Location,
  ): Promise<InferenceSession> {
    const copies = shapes.map((shape, i) => [`to.${i}`, reshape(input(`from.${i}`, shape), shape)] as const);
    const { session } = await this.backend.createSession(compile(Object.fromEntries(copies)).onnx, {
      threads: 1,
      outputs: Object.fromEntries(copies.map(([name]) => [name, to])),
      allowFallback: false,
    });
    return session;
  }
}
