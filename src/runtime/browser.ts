/** Devices in a browser: ONNX Runtime's WebAssembly build, on the processor and through WebGPU. */
import { type Choice, type Device, type Platform, sessionOptions } from './backend.js';
import { openWasm } from './wasm.js';

/** What is read here of a WebGPU adapter (https://www.w3.org/TR/webgpu/#gpuadapterinfo). */
interface Adapter {
  readonly limits: { readonly maxStorageBufferBindingSize: number };
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
}

interface BrowserNavigator {
  readonly gpu?: { requestAdapter(): Promise<Adapter | null> };
  readonly hardwareConcurrency: number;
}

const browserNavigator = (globalThis as unknown as { navigator: BrowserNavigator }).navigator;
const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

const requestAdapter = async () => (await browserNavigator.gpu?.requestAdapter()) ?? null;

async function choose(): Promise<Choice> {
  const adapter = await requestAdapter();
  if (adapter === null) return { device: 'wasm', reason: 'the browser offers no WebGPU adapter' };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, description].filter((part) => part !== '').join(' ');
  if (isFallbackAdapter === true || /swiftshader|llvmpipe/i.test(name))
    return { device: 'wasm', reason: `the WebGPU adapter computes in software (${name})` };
  return { device: 'webgpu', reason: `the browser offers a WebGPU adapter (${name})` };
}

export const browser: Platform = {
  name: 'the browser',
  devices: ['wasm', 'webgpu'],
  defaultDevice: 'wasm',
  // Threads share memory, which a page may do only when it is isolated from other origins.
  defaultThreads: isolated ? browserNavigator.hardwareConcurrency : 1,
  needs: { webgpu: 'it needs a browser with WebGPU, a secure context (https or localhost) and a GPU' },
  async open(device, threads) {
    if (device === 'wasm') return openWasm(await import('onnxruntime-web/wasm'), threads);
    const adapter = await requestAdapter();
    const { InferenceSession, Tensor, env } = await import('onnxruntime-web/webgpu');
    env.logLevel = 'fatal';
    return {
      device,
      state: 'resident',
      tensor: (dtype, values, shape) => new Tensor(dtype, values as Float32Array, shape),
      limits: { total: null, largest: adapter?.limits.maxStorageBufferBindingSize ?? null },
      createSession: async (onnx, request) => ({
        session: await InferenceSession.create(onnx, sessionOptions('webgpu', request)),
        fromCache: false,
      }),
    };
  },
  working: async (except): Promise<readonly Device[]> =>
    except === 'webgpu' || (await requestAdapter()) === null ? ['wasm'] : ['wasm', 'webgpu'],
  choose,
};
