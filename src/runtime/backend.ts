/**
 * The seam between programs and the builds of ONNX Runtime: what a device must offer, and which platform's devices
 * there are. `node.ts` and `browser.ts` implement it; whichever fits is imported when a device is first opened, so that
 * this folder loads in a browser as it stands.
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import type { DType } from '../graph/index.js';
import type { MemoryLimits } from './memoryLimits.js';

/** Devices that programs can run on; `auto` picks one of the others. */
export const devices = ['cpu', 'webgpu', 'cuda', 'wasm', 'auto'] as const;
export type Device = Exclude<(typeof devices)[number], 'auto'>;

export type Values = Float32Array | Int32Array | Uint8Array;

/** Where a session's output is to lie after a run. */
export type Location = 'cpu' | 'gpu-buffer';

export interface SessionRequest {
  readonly threads: number;
  /** File prefix for a profile. */
  readonly profile?: string;
  /** By output name; `cpu` where absent. */
  readonly outputs?: Readonly<Record<string, Location>>;
  /** Whether nodes that the device lacks a kernel for may run on the host's processor. */
  readonly allowFallback: boolean;
  /** Where the optimised program is kept; absent where it is not worth it. */
  readonly cache?: CacheRequest;
}

export interface CacheRequest {
  readonly folder: string;
  /** What the optimised program depends on and only a probe tells. */
  readonly probed: unknown;
}

/** A session, and whether it was made from an optimised program that was kept. */
export interface CreatedSession {
  readonly session: InferenceSession;
  readonly fromCache: boolean;
}

/** One device, ready to load models. */
export interface Backend {
  readonly device: Device;
  /**
   * How the next values of parameters come back from a run: as new arrays (`returned`), in arrays that the run is given
   * (`written`; the binding hands out a copy nonetheless), or as buffers that stay in the device's memory (`resident`).
   */
  readonly state: 'returned' | 'written' | 'resident';
  /** A tensor around `values`, which are not copied. */
  tensor(dtype: DType | 'int64', values: Values | BigInt64Array, shape: readonly number[]): OrtTensor;
  readonly limits: MemoryLimits;
  createSession(onnx: Uint8Array, request: SessionRequest): Promise<CreatedSession>;
}

/** What `auto` picked, and why. */
export interface Choice {
  readonly device: Device;
  readonly reason: string;
}

/** Where this code runs, and the devices it can have there. */
export interface Platform {
  readonly name: string;
  readonly devices: readonly Device[];
  readonly defaultDevice: Device;
  /** Threads where the caller names no number. */
  readonly defaultThreads: number;
  /** What a device needs, as advice to the user. */
  readonly needs: Readonly<Partial<Record<Device, string>>>;
  /** @throws Error when the build of ONNX Runtime for the device is not installed */
  open(device: Device, threads: number): Promise<Backend>;
  /** Devices that work here, tried out, without the one that is known not to. */
  working(except: Device): Promise<readonly Device[]>;
  choose(): Promise<Choice>;
}

/** The platform that this code runs on. */
export async function currentPlatform(): Promise<Platform> {
  const inNode = typeof process === 'object' && process.versions?.node !== undefined;
  return inNode ? (await import('./node.js')).node : (await import('./browser.js')).browser;
}

/** Session options that all builds share. */
export function sessionOptions(
  device: Device,
  { outputs, allowFallback }: SessionRequest,
): InferenceSession.SessionOptions {
  return {
    // ONNX Runtime would lay images out as [batch, height, width, channel] for WebGPU, with a transposition that runs on
    // the host at every step where weights are inputs.
    executionProviders: [device === 'webgpu' ? { name: device, preferredLayout: 'NCHW' } : device],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // what fails is thrown
    ...(outputs === undefined ? {} : { preferredOutputLocation: outputs }),
    extra: {
      // It drops the mean that a layer normalisation hands out, also where the backward pass reads it.
      optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' },
      ...(allowFallback ? {} : { session: { disable_cpu_ep_fallback: '1' } }),
    },
  };
}
