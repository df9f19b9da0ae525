/** Augmentation in a real Chromium. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { augmentations, createAugmenter } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';
import { noBrowser, openPage } from '../runtime/browserPage.js';

test('a browser augments to the same bits', { skip: noBrowser ?? false }, async () => {
  const shape = { channels: 3, height: 37, width: 50 };
  const image = Array.from({ length: 5550 }, (_, i) => (i * i) % 251);
  const page = await openPage();
  try {
    for (const settings of [augmentations.radiograph, augmentations.fundus]) {
      const there = await page.evaluate<number[]>(`
        Promise.all([import('/dist/src/data/augment.js'), import('/dist/src/random/index.js')]).then(
          ([{ createAugmenter }, { randomStream }]) => {
            const output = new Float32Array(5550);
            const { apply } = createAugmenter(${JSON.stringify(settings)}, ${JSON.stringify(shape)});
            apply(Uint8Array.from(${JSON.stringify(image)}), output, 0, randomStream(4));
            return [...output];
          })`);
      const here = new Float32Array(5550);
      createAugmenter(settings, shape).apply(Uint8Array.from(image), here, 0, randomStream(4));
      assert.ok(new Set(here).size > 1000);
      assert.deepEqual(Float32Array.from(there), here);
    }
  } finally {
    await page.close();
  }
});
