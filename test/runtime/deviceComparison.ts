/** Holds what a device computed against what `cpu` computes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type CaseName, type CaseResult, type Computed, runCase } from './deviceCases.js';

/**
 * Largest difference from `cpu` per case, as a share of the largest value of its kind. Devices sum in other orders, which
 * alone gives 1e-6 to 1e-5. Where a rectifier's input is zero up to rounding it falls on either side, and single derivatives
 * differ by up to 1e-2: of eight draws of MedFusionNet's inputs two had such.
 */
export const tolerances = {
  convolution: 1e-5,
  kernels: 1e-5,
  denseNet: 1e-5,
  medFusionNet: 1e-4,
} as const satisfies Record<CaseName, number>;

const references = new Map<CaseName, Promise<CaseResult>>();

/** Requires that a device computed a case as `cpu` does. */
export async function assertLikeCpu(name: CaseName, { device, values }: CaseResult): Promise<void> {
  const reference = references.get(name) ?? runCase(name, { device: 'cpu', threads: 2 });
  references.set(name, reference);
  const expected = (await reference).values;
  assert.deepEqual(Object.keys(values).sort(), Object.keys(expected).sort());
  const largest = scales(expected);
  for (const [what, numbers] of Object.entries(expected)) {
    const bound = tolerances[name] * largest[kind(what)];
    numbers.forEach((value, i) => {
      const difference = Math.abs(values[what][i] - value);
      assert.ok(difference <= bound, `${name} on ${device}: ${what}[${i}] ${values[what][i]}, cpu ${value}`);
    });
  }
}

/** Derivatives are compared with the largest of them all: beside it, a derivative that is zero by symmetry is rounding. */
const kind = (what: string) => (what.startsWith('gradient of') ? 'gradient' : what);

function scales(values: Computed): Record<string, number> {
  const largest: Record<string, number> = {};
  for (const [what, numbers] of Object.entries(values)) {
    largest[kind(what)] = numbers.reduce(
      (most, value) => Math.max(most, Math.abs(value)),
      largest[kind(what)] ?? 0,
    );
  }
  return largest;
}

const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Why WebGPU cannot be tried in Node here; null where it can. */
export const noWebGpu =
  process.platform !== 'linux' || process.arch !== 'x64'
    ? 'the software driver is looked for on Linux x64 only'
    : existsSync(driver)
      ? null
      : `no software driver for Vulkan in ${driver}; install the package chromium`;

/** Lets this process, before it opens WebGPU, see no other driver than the software one. */
export function seeOnlySwiftShader(): void {
  process.env.VK_ICD_FILENAMES = driver;
}

/** Computes a case on WebGPU by SwiftShader, in a process that sees no other driver. */
export async function runOnSwiftShader(name: CaseName): Promise<CaseResult> {
  const program = fileURLToPath(new URL('./deviceRun.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, name, 'webgpu'], {
    env: { ...process.env, VK_ICD_FILENAMES: driver },
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout) as CaseResult;
}
