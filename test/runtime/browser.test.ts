/** The compiled library in a real Chromium. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BrowserPage, noBrowser, openPage } from './browserPage.js';
import { assertLikeCpu } from './deviceComparison.js';

describe('in a browser', { skip: noBrowser ?? false }, () => {
  let page: BrowserPage;
  before(async () => {
    page = await openPage();
  });
  after(() => page.close());

  test('WebAssembly with threads computes kernels as cpu does, and auto picks it over a software adapter', async () => {
    assert.equal(await page.isolated(), true);
    const result = await page.run('kernels', 'auto');
    assert.deepEqual([result.device, result.fellBack], ['wasm', false]);
    assert.match(result.reason ?? '', /the WebGPU adapter computes in software \(google swiftshader/);
    await assertLikeCpu('kernels', result);
  });

  test('WebGPU trains as cpu does, every operator on the device', async () => {
    const result = await page.run('convolution', 'webgpu');
    assert.deepEqual([result.device, result.fellBack], ['webgpu', false]);
    await assertLikeCpu('convolution', result);
  });

  test('a device that only Node has is refused', async () => {
    await assert.rejects(page.run('convolution', 'cpu'), /"cpu" does not work here .*; wasm, webgpu do/);
  });
});
