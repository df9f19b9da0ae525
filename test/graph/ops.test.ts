import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, conv2d, definedOps, input, type Program, type Tensor } from '../../src/graph/index.js';
import { Runtime } from '../../src/runtime/index.js';
import { wideConvCases } from './cases/conv.js';
import { families } from './cases/families.js';
import { build, checkCases } from './check.js';
import { reference } from './reference.js';

test('every op has a literal implementation and at least two cases', () => {
  const counts = new Map([...definedOps.keys()].map((name) => [name, 0]));
  for (const item of Object.values(families).flat()) {
    const names = new Set<string>();
    const visit = ({ source }: Tensor) => {
      if (source === null) return;
      names.add(source.node.op.name);
      source.node.inputs.forEach(visit);
    };
    build(item).outputs.forEach(visit);
    for (const name of names) counts.set(name, counts.get(name)! + 1);
  }
  assert.deepEqual(Object.keys(reference).sort(), [...definedOps.keys()].sort());
  for (const [name, count] of counts) assert.ok(count >= 2, `op ${name} has ${count} cases`);
});

test('case names are unique', () => {
  const names = Object.values(families).flatMap((cases) => cases.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
});

for (const [family, cases] of Object.entries(families)) checkCases(family, cases);
checkCases('plain convolution of many channels', wideConvCases);
checkCases('blocked convolution where the machine has it', wideConvCases, {
  emit: ({ emitOptions }) => emitOptions,
});
checkCases('as WebGPU needs it', [...families.arrange, ...families.norm], {
  emit: () => ({ restrictedBatchNorm: true, buffersPerOperator: 2 }),
});
for (const [family, cases] of Object.entries(families))
  checkCases(`${family} in float16`, cases, { half: 4e-3 });

const usesBlocks = (program: Program) => Buffer.from(program.onnx).includes('com.microsoft.nchwc');

test('the blocked convolution is found on x64, used where channels fit, and never without asking', async (t) => {
  const { emitOptions } = await Runtime.open({ threads: 1 });
  const { blockedConvolution: block } = emitOptions;
  if (process.arch === 'x64') assert.ok(block === 8 || block === 16, `block of ${block} channels`);
  if (block === undefined) return t.skip('this machine has no blocked convolution');
  const image = (channels: number) => input('x', [1, channels, 5, 5]);
  const weights = (out: number, channels: number, kernel = 3) => input('w', [out, channels, kernel, kernel]);
  const fitting = conv2d(image(block), weights(2 * block, block));
  assert.equal(usesBlocks(compile({ y: fitting }, emitOptions)), true);
  assert.equal(usesBlocks(compile({ y: fitting })), false);
  assert.equal(usesBlocks(compile({ y: conv2d(image(3), weights(block, 3)) }, emitOptions)), true);
  for (const y of [
    conv2d(image(block), weights(block + 1, block)),
    conv2d(image(block + 1), weights(block, block + 1)),
    conv2d(image(block), weights(block, block, 1)),
    conv2d(image(2 * block), weights(block, block), null, { groups: 2 }),
  ]) {
    assert.equal(usesBlocks(compile({ y }, emitOptions)), false);
  }
});
