/** Whole networks on every device: forward pass, gradients and training steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, openPage } from './browserPage.js';
import { type CaseName, runCase } from './deviceCases.js';
import { assertLikeCpu, noWebGpu, runOnSwiftShader } from './deviceComparison.js';

test('WebAssembly in Node trains MedFusionNet as cpu does', async () => {
  await assertLikeCpu('medFusionNet', await runCase('medFusionNet', { device: 'wasm', threads: 2 }));
});

for (const name of ['kernels', 'denseNet', 'medFusionNet'] as const satisfies readonly CaseName[]) {
  test(`WebGPU in Node computes ${name} as cpu does`, { skip: noWebGpu ?? false }, async () => {
    const result = await runOnSwiftShader(name);
    assert.equal(result.fellBack, false);
    await assertLikeCpu(name, result);
  });
}

for (const device of ['wasm', 'webgpu']) {
  test(`Chromium trains networks on ${device} as cpu does`, { skip: noBrowser ?? false }, async () => {
    const page = await openPage();
    try {
      for (const name of ['kernels', 'denseNet', 'medFusionNet'] as const) {
        await assertLikeCpu(name, await page.run(name, device));
      }
    } finally {
      await page.close();
    }
  });
}
