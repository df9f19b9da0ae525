/** Which devices are taken for float16, and what the others are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLine } from '../../src/runtime/failures.js';
import { Runtime, requirePrecision } from '../../src/runtime/index.js';
import { noWebGpu, seeOnlySwiftShader } from './deviceComparison.js';

test('the processor is refused, as it would only seem to compute in float16', async () => {
  for (const device of ['cpu', 'wasm']) {
    const runtime = await Runtime.open({ device, threads: 1 });
    await requirePrecision(runtime, 'float32', 'training.precision');
    await assert.rejects(requirePrecision(runtime, 'float16', 'training.precision'), {
      name: 'ConfigError',
      path: 'training.precision',
      message: /^training\.precision: float16 gains nothing on "(cpu|wasm)", .*; choose float32, or a device/,
    });
  }
});

test('WebGPU without shader-f16, as by SwiftShader, is refused with what it needs', {
  skip: noWebGpu ?? false,
}, async () => {
  seeOnlySwiftShader();
  const runtime = await Runtime.open({ device: 'webgpu', threads: 1 });
  await requirePrecision(runtime, 'float32', 'precision');
  await assert.rejects(requirePrecision(runtime, 'float16', 'precision'), {
    name: 'ConfigError',
    path: 'precision',
    message:
      /^precision: "webgpu" does not compute in float16 here \(.*f16.*\); it needs .*shader-f16; choose float32$/,
  });
});

test('a failed node is not what the user is told of', () => {
  const message =
    "Non-zero status code returned while running Cast node. Name:'' Status Message: shader_helper.cc:416 " +
    'GenerateSourceCode Program Cast requires f16 but the device does not support it.';
  assert.equal(
    firstLine(new Error(message)),
    'Program Cast requires f16 but the device does not support it.',
  );
});
