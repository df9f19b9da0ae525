/** The whole of MedFusionNet in float16, rounded as a device rounds: a graph of tens of thousands of nodes. */
import { test } from 'node:test';
import { assertLikeSingle, halfModels } from './halfNetworks.js';

test('MedFusionNet in float16, rounded as a device rounds, differs from float32 by rounding', () =>
  assertLikeSingle(halfModels.medFusionNet, true));
