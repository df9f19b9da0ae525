/** Devices in Node: ONNX Runtime's native build for cpu, webgpu and cuda, and its WebAssembly build. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { arch, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { InferenceSession } from 'onnxruntime-common';
import {
  type Backend,
  type CreatedSession,
  type Device,
  type Platform,
  type SessionRequest,
  sessionOptions,
} from './backend.js';
import { chooseBySpeed, type Trial } from './choice.js';
import { keepProgram, programKey, readProgram } from './programCache.js';
import { openWasm } from './wasm.js';

const require = createRequire(import.meta.url);

/** Loaded when something is first to run on it: what needs no network does not wait for its library. */
function nativeRuntime(): typeof import('onnxruntime-node') {
  const runtime: typeof import('onnxruntime-node') = require('onnxruntime-node');
  runtime.env.logLevel = 'fatal';
  return runtime;
}

/** Bytes of the machine, or of the container that this process may not leave. */
const hostMemory = () => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);

function openNative(device: Device): Backend {
  const { Tensor } = nativeRuntime();
  return {
    device,
    state: device === 'webgpu' ? 'resident' : 'written',
    tensor: (dtype, values, shape) => new Tensor(dtype, values as Float32Array, shape),
    // GPUs do not tell Node what they have.
    limits: { total: device === 'cpu' ? hostMemory() : null, largest: null },
    createSession: (onnx, request) => createSession(device, onnx, request),
  };
}

/** Only for the CPU provider are optimised programs known to be whole: others compile parts of them for themselves. */
async function createSession(
  device: Device,
  onnx: Uint8Array,
  { cache, ...request }: SessionRequest,
): Promise<CreatedSession> {
  const { InferenceSession } = nativeRuntime();
  const options = nativeOptions(device, request);
  if (cache === undefined || device !== 'cpu')
    return { session: await InferenceSession.create(onnx, options), fromCache: false };
  const { folder, probed } = cache;
  const key = programKey(onnx, { ...(await processor()), probed });
  const kept = await readProgram(folder, key);
  if (kept !== null) {
    try {
      const ready = { ...options, graphOptimizationLevel: 'disabled' } as const;
      return { session: await InferenceSession.create(kept, ready), fromCache: true };
    } catch {
      // Another build of the same version may refuse it: it is made anew, from the program itself.
    }
  }
  const session = await keepProgram(folder, key, (path) =>
    InferenceSession.create(onnx, {
      ...options,
      optimizedModelFilePath: path,
      // ONNX Runtime's own format: ONNX takes three times as long to load and loses the order of the nodes.
      extra: {
        ...options.extra,
        session: { ...(options.extra?.session as object), save_model_format: 'ORT' },
      },
    }),
  );
  return { session, fromCache: false };
}

/** What ONNX Runtime's optimisations for the CPU go by: its version and the instructions of the processor. */
async function processor(): Promise<Record<string, unknown>> {
  const information = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const instructions = /^(?:flags|Features)\s*:.*$/m.exec(information)?.[0] ?? null;
  const [{ model } = { model: null }] = cpus();
  return { ...nativeRuntime().env.versions, arch, platform, model, instructions };
}

function nativeOptions(device: Device, request: SessionRequest): InferenceSession.SessionOptions {
  const { threads, profile } = request;
  return {
    ...sessionOptions(device, { ...request, allowFallback: request.allowFallback || device === 'cpu' }),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // The memory pattern plans every buffer at its largest: 3.8 instead of 2.1 GB for a DenseNet-121 step, no faster.
    enableMemPattern: false,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
  };
}

const trialSeconds = 10;

/**
 * Tries a device out in a process of its own: a broken driver may end the process that calls it, and a software one
 * takes minutes.
 */
function tryDevice(device: Device): Promise<Trial> {
  const program = fileURLToPath(new URL('./trial.js', import.meta.url));
  const options = { timeout: trialSeconds * 1000, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, [program, device], options, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Trial);
      else if (error.killed)
        resolve({ failure: `no result within ${trialSeconds} s, as from a software driver` });
      else resolve({ failure: `the trial ended with ${error.signal ?? `exit code ${error.code}`}` });
    });
  });
}

export const node: Platform = {
  name: 'Node',
  devices: ['cpu', 'webgpu', 'cuda', 'wasm'],
  defaultDevice: 'cpu',
  defaultThreads: availableParallelism(),
  needs: {
    webgpu: 'it needs a GPU with a driver for Vulkan (Linux on x64), Direct3D 12 (Windows) or Metal (macOS)',
    cuda:
      "it needs Linux on x64, an NVIDIA driver, CUDA 12, cuDNN 9 and ONNX Runtime's library for them: " +
      'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js',
    wasm: 'it needs a package that is not installed by default: npm install onnxruntime-web@1.30',
  },
  open: async (device, threads) =>
    device === 'wasm' ? openWasm(await import('onnxruntime-web'), threads) : openNative(device),
  async working(except) {
    const others = this.devices.filter((device) => device !== except);
    const trials = await Promise.all(others.map(tryDevice));
    return others.filter((_, i) => 'seconds' in trials[i]);
  },
  async choose() {
    // One after another, so that they do not take each other's time.
    const cpu = await tryDevice('cpu');
    const webgpu = await tryDevice('webgpu');
    return chooseBySpeed({ cpu, webgpu, cuda: await tryDevice('cuda') });
  },
};
