import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { chooseBySpeed } from '../../src/runtime/choice.js';
import { Runtime } from '../../src/runtime/index.js';
import { requireMemory } from '../../src/runtime/memoryLimits.js';
import { runCase } from './deviceCases.js';
import { assertLikeCpu, noWebGpu, runOnSwiftShader } from './deviceComparison.js';

for (const name of ['convolution', 'kernels', 'denseNet'] as const) {
  test(`WebAssembly in Node computes ${name} as cpu does`, async () => {
    const result = await runCase(name, { device: 'wasm', threads: 2 });
    assert.deepEqual([result.device, result.fellBack], ['wasm', false]);
    await assertLikeCpu(name, result);
  });
}

test('WebGPU in Node trains as cpu does, every operator on the device', {
  skip: noWebGpu ?? false,
}, async () => {
  const result = await runOnSwiftShader('convolution');
  assert.deepEqual([result.device, result.fellBack], ['webgpu', false]);
  await assertLikeCpu('convolution', result);
});

test('a device that does not work is refused with those that do and what it needs', async (context) => {
  const cause = await Runtime.open({ device: 'cuda', threads: 1 }).then(
    () => null,
    (error: unknown) => error as Error & { path?: string },
  );
  if (cause === null) return context.skip('CUDA works here');
  assert.deepEqual([cause.name, cause.path], ['ConfigError', 'device']);
  assert.match(
    cause.message,
    // Others are tried out under a time limit, which a busy machine may miss.
    /^device: "cuda" does not work here \(.+\); cpu(?:, .+)? do(?:es)?; it needs .*CUDA 12/,
  );
});

test('an operator without a kernel on the device is named', async () => {
  const runtime = await Runtime.open({ device: 'wasm', threads: 2 });
  const y = g.conv2d(g.input('x', [1, 16, 5, 5]), g.input('w', [16, 16, 3, 3]));
  await assert.rejects(runtime.load(g.compile({ y }, { blockedConvolution: 16 })), {
    name: 'ConfigError',
    path: 'device',
    message: /^device: "wasm" has no kernel for the operator \S+, .*cpu has all of them/,
  });
});

test('auto picks the fastest device that is at least twice as fast as the processor', () => {
  const cpu = { seconds: 0.02 };
  const device = (trials: Omit<Parameters<typeof chooseBySpeed>[0], 'cpu'>) =>
    chooseBySpeed({ cpu, ...trials }).device;
  assert.equal(device({ webgpu: { seconds: 0.002 }, cuda: { seconds: 0.001 } }), 'cuda');
  assert.equal(device({ webgpu: { seconds: 0.001 }, cuda: { failure: 'no driver' } }), 'webgpu');
  assert.equal(device({ webgpu: { seconds: 0.015 } }), 'cpu');
  assert.equal(device({ webgpu: { seconds: 9 }, cuda: { failure: 'no driver' } }), 'cpu');
  assert.equal(
    chooseBySpeed({ cpu, webgpu: { seconds: 0.002 }, cuda: { failure: 'no driver' } }).reason,
    'the fastest: webgpu is 10 times as fast as cpu; cuda does not work here (no driver)',
  );
  assert.equal(
    chooseBySpeed({ cpu, webgpu: { seconds: 0.04 } }).reason,
    'none is at least 2 times as fast as cpu: webgpu is 0.50 times as fast as cpu',
  );
});

test('auto says what it picked and why', async () => {
  const { device, reason } = await Runtime.open({ device: 'auto' });
  assert.ok(['cpu', 'webgpu', 'cuda'].includes(device));
  assert.match(reason ?? '', /webgpu (does not work here|is .* times as fast).*cuda (does not|is .* times)/);
  assert.equal((await Runtime.open({ device: 'cpu' })).reason, null);
});

test('a program that the device has not the memory for is refused with the batch that would fit', async () => {
  const program = g.compile({ y: g.exp(g.input('x', [64, 1000])) });
  const inputs = program.inputs;
  const memory = { total: 9e9, parameters: 1e9, largest: 2e9 };
  const limit = (total: number | null, largest: number | null) => () =>
    requireMemory({ inputs, memory }, 'cpu', { total, largest });
  const batch = { name: 'ConfigError', path: 'training.batchSize' };
  // 1 GB and twice 8 GB for 64 rows.
  limit(17e9, null)();
  limit(null, 2e9)();
  limit(null, null)();
  const message = 'load: a program for a batch of 64 needs about 17.0 GB, and "cpu" has 9.00 GB; ';
  assert.throws(limit(9e9, null), {
    ...batch,
    message: `${message}a batch of 32 would fit (training.batchSize)`,
  });
  assert.throws(limit(9e9, 5e8), /a batch of 16 would fit/);
  assert.throws(limit(null, 5e8), /has a value of 2.00 GB, and "cpu" takes 0.500 GB at most; a batch of 16 /);
  assert.throws(limit(9e8, null), /not even a batch of 1 would fit, choose a smaller model/);
  const runtime = await Runtime.open({ threads: 1 });
  const huge = g.compile({ y: g.sum(g.exp(g.input('x', [2 ** 20, 2 ** 22]))) });
  await assert.rejects(runtime.load(huge), batch);
});
