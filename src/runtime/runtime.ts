/** Where programs run. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../errors.js';
import { compile, conv2d, type EmitOptions, input, type Program } from '../graph/index.js';
import { Executable } from './executable.js';
import { onnxRuntime } from './onnxruntime.js';
import type { ParameterStore } from './parameters.js';

/** Devices that programs can run on. */
export const devices = ['cpu'] as const;
export type Device = (typeof devices)[number];

export interface RuntimeOptions {
  /** Default `cpu`. */
  readonly device?: string;
  /** Threads within an operator; default the machine's cores. Results may differ in the last bit between counts. */
  readonly threads?: number;
  /** File prefix for ONNX Runtime's profile; default none. */
  readonly profile?: string;
}

/** Released sessions that are kept for a program that is loaded again. */
const mostIdle = 2;

/** A device, opened with a number of threads. Programs for it are compiled with `emitOptions`. */
export class Runtime {
  /** Sessions of released programs by the digest of their model, oldest first. */
  private readonly idle = new Map<string, InferenceSession>();

  private constructor(
    readonly device: Device,
    readonly threads: number,
    /** What programs may use here; pass it to `compile`. */
    readonly emitOptions: EmitOptions,
    private readonly profile: string | undefined,
  ) {}

  /**
   * Opens a device and probes what it can do.
   * @throws ConfigError for an unknown device or a thread count that is no positive integer
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const device = devices.find((name) => name === (options.device ?? 'cpu'));
    if (device === undefined) {
      throw new ConfigError(
        `device: "${options.device}" is not available; choose one of ${devices.join(', ')}`,
        'device',
      );
    }
    const threads = options.threads ?? availableParallelism();
    if (!Number.isInteger(threads) || threads < 1) {
      throw new ConfigError(`threads: must be a positive integer, got ${options.threads}`, 'threads');
    }
    const plain = new Runtime(device, threads, {}, undefined);
    const blockedConvolution = await plain.probeBlockedConvolution();
    return new Runtime(device, threads, { blockedConvolution }, options.profile);
  }

  /**
   * Loads a program. A program that was released a short while ago, as the same one of another fold of a
   * cross-validation, is ready at once.
   * @param parameters the store that its parameters live in; needed when it has any
   */
  async load(program: Program, parameters?: ParameterStore): Promise<Executable> {
    const digest = createHash('sha256').update(program.onnx).digest('hex');
    const session = this.idle.get(digest) ?? (await this.createSession(program));
    this.idle.delete(digest);
    return new Executable(program, session, () => this.keep(digest, session), parameters);
  }

  private async keep(digest: string, session: InferenceSession): Promise<void> {
    const [oldest] = this.idle;
    if (this.idle.has(digest)) return session.release();
    this.idle.set(digest, session);
    if (this.idle.size > mostIdle) {
      this.idle.delete(oldest[0]);
      await oldest[1].release();
    }
  }

  private createSession(program: Program): Promise<InferenceSession> {
    return onnxRuntime().InferenceSession.create(program.onnx, {
      executionProviders: [this.device],
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      // The memory pattern plans every buffer at its largest: 3.8 instead of 2.1 GB for a DenseNet-121 step, no faster.
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(this.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: this.profile }),
    });
  }

  /** The block size (16 or 8 channels) at which the internal blocked convolution gives the plain one's result. */
  private async probeBlockedConvolution(): Promise<number | undefined> {
    const x = Float32Array.from({ length: 16 * 25 }, (_, i) => Math.sin(i));
    const y = conv2d(input('x', [1, 16, 5, 5]), input('w', [16, 16, 3, 3]));
    const w = Float32Array.from({ length: 16 * 16 * 9 }, (_, i) => Math.cos(i * i));
    const plain = await this.load(compile({ y }));
    const { y: expected } = await plain.run({ x, w });
    await plain.release();
    for (const blockedConvolution of [16, 8]) {
      try {
        const executable = await this.load(compile({ y }, { blockedConvolution }));
        const { y: got } = await executable.run({ x, w });
        await executable.release();
        if (got.every((value, i) => Math.abs(value - expected[i]) < 1e-4)) return blockedConvolution;
      } catch {
        // This build has no such operator: plain convolutions are the answer, and `emitOptions` says so.
        return undefined;
      }
    }
    return undefined;
  }
}

/** Evaluates tensors once, for tests and small computations. */
export async function evaluate(
  runtime: Runtime,
  outputs: Parameters<typeof compile>[0],
  feeds: Parameters<Executable['run']>[0],
): Promise<Record<string, Float32Array>> {
  const executable = await runtime.load(compile(outputs, runtime.emitOptions));
  try {
    return await executable.run(feeds, { seed: 0, step: 0 });
  } finally {
    await executable.release();
  }
}
