/** Networks in float16: logits, loss and derivatives beside those in float32. */
import { test } from 'node:test';
import { assertLikeSingle, halfModels } from './halfNetworks.js';

for (const name of ['denseNet', 'vit'] as const) {
  test(`${name} in float16, rounded as a device rounds, differs from float32 by rounding`, () =>
    assertLikeSingle(halfModels[name], true));
}

test('MedFusionNet in float16, as the processor computes it, differs from float32 by rounding', () =>
  assertLikeSingle(halfModels.medFusionNet, false));
