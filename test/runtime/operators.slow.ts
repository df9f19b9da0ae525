/** Every operator and its gradient on WebGPU in Node, by SwiftShader. */
import { test } from 'node:test';
import { families } from '../graph/cases/families.js';
import { checkCases } from '../graph/check.js';
import { noWebGpu, seeOnlySwiftShader } from './deviceComparison.js';

if (noWebGpu !== null) test('operators on WebGPU', { skip: noWebGpu });
else {
  seeOnlySwiftShader();
  for (const [family, cases] of Object.entries(families)) {
    checkCases(`${family} on webgpu`, cases, { device: 'webgpu', emit: ({ emitOptions }) => emitOptions });
  }
}
