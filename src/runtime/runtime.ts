/** Where programs run. */
import { ConfigError } from '../errors.js';
import {
  add,
  averagePool2d,
  batchNormTraining,
  channelDot,
  compile,
  constant,
  conv2d,
  type EmitOptions,
  input,
  maxPool2d,
  type Program,
  relu,
  scaleShift,
  slice,
  sum,
} from '../graph/index.js';
import { type Backend, currentPlatform, type Device, devices, type Platform } from './backend.js';
import { DeviceMemory } from './deviceMemory.js';
import { Executable, type Loaded } from './executable.js';
import { explainFailure, firstLine } from './failures.js';
import { fitsIn, type MemoryLimits, requireMemory } from './memoryLimits.js';
import type { ParameterStore } from './parameters.js';

export interface RuntimeOptions {
  /** One of `devices`; default `cpu`, in a browser `wasm`. */
  readonly device?: string;
  /** Threads within an operator; default the machine's cores. Results may differ in the last bit between counts. */
  readonly threads?: number;
  /** Most bytes that a program may take; default what the device has. */
  readonly memoryLimit?: number;
  /** File prefix for ONNX Runtime's profile; default none. Only for `cpu`, `webgpu` and `cuda` in Node. */
  readonly profile?: string;
  /**
   * Folder in which large programs are kept as ONNX Runtime has optimised them, to load faster the next time; it is made
   * where missing. Default: none are kept. Only for `cpu` in Node.
   */
  readonly cache?: string;
}

/** Programs of fewer nodes load in a few tenths of a second anyway. */
const worthKeeping = 1000;

/** Released sessions that are kept for a program that is loaded again. */
const mostIdle = 2;

interface Kept extends Loaded {
  readonly onnx: Uint8Array;
}

/** A device, opened with a number of threads. Programs for it are compiled with `emitOptions`. */
export class Runtime {
  /** Sessions of released programs, oldest first. */
  private readonly idle: Kept[] = [];
  /** The device's memory, where parameters stay in it between runs. */
  readonly memory: DeviceMemory | null;

  private constructor(
    readonly backend: Backend,
    readonly threads: number,
    /** What programs may use here; pass it to `compile`. */
    readonly emitOptions: EmitOptions,
    /** Why `auto` picked this device; null where the caller named it. */
    readonly reason: string | null,
    private readonly limits: MemoryLimits,
    private readonly options: Pick<RuntimeOptions, 'profile' | 'cache'>,
  ) {
    this.memory = backend.state === 'resident' ? new DeviceMemory(backend) : null;
  }

  get device(): Device {
    return this.backend.device;
  }

  /**
   * Whether programs that update parameters had better be compiled with `repeat`: where each run carries all parameters to
   * another device's memory and back, several steps per run save most of that.
   */
  get repeats(): boolean {
    return this.device === 'cuda';
  }

  /** Whether the device has the memory that a program is estimated to take; `load` refuses it otherwise. */
  fits(program: Pick<Program, 'memory'>): boolean {
    return fitsIn(this.limits, program);
  }

  /**
   * Opens a device, tries it out and probes what it can do.
   * @throws ConfigError for an unknown device, one that does not work here (with those that do and what it needs), or a
   *   thread count that is no positive integer
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const platform = await currentPlatform();
    const name = options.device ?? platform.defaultDevice;
    const requested = devices.find((device) => device === name);
    if (requested === undefined) {
      throw new ConfigError(
        `device: "${name}" is not available; choose one of ${devices.join(', ')}`,
        'device',
      );
    }
    const threads = options.threads ?? platform.defaultThreads;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new ConfigError(`threads: must be a positive integer, got ${options.threads}`, 'threads');
    }
    const { device, reason } =
      requested === 'auto' ? await platform.choose() : { device: requested, reason: null };
    const backend = await openBackend(platform, device, threads);
    const total = Math.min(
      backend.limits.total ?? Number.POSITIVE_INFINITY,
      options.memoryLimit ?? Number.POSITIVE_INFINITY,
    );
    const limits = { ...backend.limits, total: Number.isFinite(total) ? total : null };
    const plain = new Runtime(backend, threads, {}, null, backend.limits, {});
    const emitOptions: EmitOptions =
      device === 'cpu'
        ? { blockedConvolution: await plain.probeBlockedConvolution(), openImages: true }
        : {
            restrictedBatchNorm: !(await plain.probeBatchNorm()),
            ...(device === 'wasm' ? { openImages: true } : {}),
            // What every WebGPU device grants a shader (https://www.w3.org/TR/webgpu/#limits).
            ...(device === 'webgpu' ? { buffersPerOperator: 8 } : {}),
          };
    return new Runtime(backend, threads, emitOptions, reason, limits, options);
  }

  /**
   * Loads a program. A program that was released a short while ago, as the same one of another fold of a
   * cross-validation, is ready at once.
   * @param parameters the store that its parameters live in; needed when it has any
   * @throws ConfigError when the device has no kernel for an operator of the program, or not the memory, or when the
   *   cache's folder cannot be written to
   */
  async load(program: Program, parameters?: ParameterStore): Promise<Executable> {
    const { onnx } = program;
    requireMemory(program, this.device, this.limits);
    const place = this.idle.findIndex((idle) => sameBytes(idle.onnx, onnx));
    const loaded = place < 0 ? await this.createSession(program) : this.idle.splice(place, 1)[0];
    return new Executable(program, loaded, () => this.keep(loaded), this, parameters);
  }

  private async keep(loaded: Kept): Promise<void> {
    if (this.idle.some(({ onnx }) => sameBytes(onnx, loaded.onnx))) return loaded.session.release();
    this.idle.push(loaded);
    if (this.idle.length > mostIdle) await this.idle.shift()!.session.release();
  }

  private async createSession(program: Program): Promise<Kept> {
    const { backend, threads, memory, emitOptions } = this;
    const { profile, cache } = this.options;
    const { onnx } = program;
    const keeps = cache !== undefined && !program.embeds && program.nodeCount >= worthKeeping;
    const create = (allowFallback: boolean) =>
      backend.createSession(onnx, {
        threads,
        profile,
        allowFallback,
        outputs: memory === null ? undefined : outputLocations(program),
        ...(keeps ? { cache: { folder: cache, probed: emitOptions } } : {}),
      });
    try {
      if (backend.device === 'cpu' || backend.device === 'wasm')
        return { onnx, ...(await create(true)), fallsBack: false };
      return await create(false).then(
        (created) => ({ onnx, ...created, fallsBack: false }),
        async (error: unknown) => {
          if (!/fallback to CPU EP has been explicitly disabled/.test(firstLine(error))) throw error;
          return { onnx, ...(await create(true)), fallsBack: true };
        },
      );
    } catch (error) {
      throw explainFailure(error, backend.device);
    }
  }

  /** Whether batch normalisation has a kernel that computes the statistics. */
  private async probeBatchNorm(): Promise<boolean> {
    const { mean } = batchNormTraining(input('x', [2, 1, 1, 2]), constant(1, [1]), constant(0, [1]));
    try {
      const executable = await this.load(compile({ mean }));
      const result = await executable.run({ x: Float32Array.of(1, 2, 3, 4) });
      await executable.release();
      return result.mean[0] === 2.5;
    } catch {
      // No such kernel, as on WebGPU: reductions are the answer, and `emitOptions` says so.
      return false;
    }
  }

  /** The block size (16 or 8 channels) at which what is computed in blocks equals what is computed without. */
  private async probeBlockedConvolution(): Promise<number | undefined> {
    const x = Float32Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i));
    const w = Float32Array.from({ length: 16 * 16 * 9 }, (_, i) => Math.cos(i * i) / 12);
    const kernels = input('w', [16, 16, 3, 3]);
    const around = { padding: [1, 1, 1, 1] } as const;
    const first = conv2d(input('x', [1, 3, 8, 8]), slice(kernels, [0, 0, 0, 0], [16, 3, 3, 3]), null, around);
    const active = relu(scaleShift(first, constant(2, [16]), constant(0.1, [16])));
    const pooled = averagePool2d(maxPool2d(active, { kernel: [3, 3], strides: [2, 2], ...around }), {
      kernel: [2, 2],
    });
    const last = add(conv2d(pooled, kernels, null, around), pooled);
    const outputs = { y: last, sums: sum(last, { axes: [0, 2, 3] }), squares: channelDot(last, last) };
    const results = async (options: EmitOptions) => {
      const executable = await this.load(compile(outputs, options));
      const found = await executable.run({ x, w });
      await executable.release();
      return Object.keys(outputs).flatMap((name) => [...found[name]]);
    };
    const expected = await results({});
    for (const blockedConvolution of [16, 8]) {
      try {
        const got = await results({ blockedConvolution });
        if (got.every((value, i) => Math.abs(value - expected[i]) < 1e-3)) return blockedConvolution;
      } catch {
        // This build has no such operators: plain ones are the answer, and `emitOptions` says so.
        return undefined;
      }
    }
    return undefined;
  }
}

/** Opens a device and runs a sum on it. */
async function openBackend(platform: Platform, device: Device, threads: number): Promise<Backend> {
  try {
    if (!platform.devices.includes(device)) throw new Error(`${platform.name} has no such device`);
    const backend = await platform.open(device, threads);
    const x = input('x', [1]);
    const program = compile({ y: add(x, x) });
    const created = await backend.createSession(program.onnx, { threads, allowFallback: true });
    const loaded = { ...created, fallsBack: false };
    const executable = new Executable(program, loaded, () => created.session.release(), {
      backend,
      memory: null,
    });
    const { y } = await executable.run({ x: Float32Array.of(1) });
    await executable.release();
    if (y[0] !== 2) throw new Error(`1 + 1 gave ${y[0]}`);
    return backend;
  } catch (error) {
    const working = await platform.working(device);
    const needs = platform.needs[device];
    throw new ConfigError(
      `device: "${device}" does not work here (${firstLine(error)}); ` +
        `${working.join(', ')} ${working.length === 1 ? 'does' : 'do'}` +
        (needs === undefined ? '' : `; ${needs}`),
      'device',
    );
  }
}

/** Next values of parameters stay on the device; what the caller asked for comes back. */
function outputLocations({ outputs, updates }: Program): Record<string, 'cpu' | 'gpu-buffer'> {
  return Object.fromEntries([
    ...outputs.map(({ name }) => [name, 'cpu'] as const),
    ...[...updates.values()].map((name) => [name, 'gpu-buffer'] as const),
  ]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
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
