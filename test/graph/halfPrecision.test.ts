/** Programs in float16: which values are, where conversions are, and numbers beside PyTorch's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { precisionRules } from '../../src/graph/halfPrecision.js';
import * as g from '../../src/graph/index.js';
import { reach } from '../../src/graph/reach.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { ParameterStore, Runtime } from '../../src/runtime/index.js';
import { assertClose } from './check.js';
import { compileRounded } from './roundedHalf.js';

test('every op has a rule', () => {
  assert.deepEqual(Object.keys(precisionRules).sort(), [...g.definedOps.keys()].sort());
});

/** Ops of the computation in float16 and the types of their first results, in order. */
function opsOf(outputs: Readonly<Record<string, Tensor>>): string[] {
  const half = g.inHalfPrecision({ outputs, updates: new Map(), bind: new Map() });
  for (const tensor of Object.values(half.outputs)) assert.equal(tensor.dtype, 'float32');
  return reach(Object.values(half.outputs)).nodes.map(({ op, outputs: [y] }) => `${op.name} ${y.dtype}`);
}

const image = g.input('x', [2, 4, 6, 6]);
const kernel = g.parameter('w', [4, 4, 1, 1]);

test('a value is converted once however many read it, and only where it is read', () => {
  const y = g.conv2d(image, kernel);
  const sum = (x: Tensor) => g.sum(x, { keepAxes: true });
  const both = g.add(sum(g.conv2d(y, kernel)), g.add(sum(y), sum(g.softplus(y))));
  assert.deepEqual(opsOf({ both }), [
    'cast float16', // the image
    'cast float16', // the kernel, for both convolutions
    'conv2d float16',
    'conv2d float16',
    'cast float32',
    'sum float32',
    'cast float32', // y, for its sum and its softplus
    'sum float32',
    'softplus float32',
    'sum float32',
    'add float32',
    'add float32',
  ]);
  assert.deepEqual(opsOf({ y }), ['cast float16', 'cast float16', 'conv2d float16', 'cast float32']);
  assert.deepEqual(opsOf({ y: g.mul(image, 2) }), ['mul float32']);
});

test('the largest inputs decide, and weights, constants and masks never do', () => {
  const y = g.conv2d(image, kernel);
  const statistic = g.mean(y, { axes: [0, 2, 3], keepAxes: true }); // float32, [1, 4, 1, 1]
  const kept = g.cast(g.bernoulli(y.shape, 0.5), 'float32');
  for (const same of [g.sub(y, statistic), g.add(y, g.parameter('b', y.shape)), g.mul(y, kept), g.mul(y, 3)])
    assert.ok(opsOf({ same }).at(-2)!.endsWith(' float16'), opsOf({ same }).join(', '));
  assert.equal(opsOf({ both: g.add(y, g.input('z', y.shape)) }).at(-1), 'add float32');
  // The mask is made in the type in which it is wanted, not converted.
  const masked = opsOf({ y: g.mul(y, kept) });
  assert.deepEqual(masked.slice(-3), ['cast float16', 'mul float16', 'cast float32']);
});

test('a flat vector of weights is converted as one, before it is cut', () => {
  const flat = g.parameter('flat', [32]);
  const [w, v] = [g.parameter('w', [4, 4, 1, 1]), g.parameter('v', [4, 4, 1, 1])];
  const parts = g.split(flat, [16, 16], 0).map((part) => g.reshape(part, w.shape));
  const half = g.inHalfPrecision({
    outputs: { y: g.conv2d(g.conv2d(image, w), v) },
    updates: new Map(),
    bind: new Map([
      [w, parts[0]],
      [v, parts[1]],
    ]),
  });
  const casts = reach([half.outputs.y]).nodes.filter(({ op }) => op.name === 'cast');
  assert.deepEqual(
    casts.map(({ outputs: [{ shape, dtype }] }) => [dtype, ...shape]),
    [
      ['float16', 2, 4, 6, 6],
      ['float16', 32],
      ['float32', 2, 4, 6, 6],
    ],
  );
});

test('the derivative of a float16 value is float16, that of a float32 one float32', () => {
  const y = g.conv2d(image, kernel);
  const [dy, dw] = g.gradients(g.sum(g.mul(g.mean(y, { axes: [2, 3], keepAxes: true }), y)), [y, kernel]);
  const half = g.inHalfPrecision({ outputs: { dy, dw }, updates: new Map(), bind: new Map() });
  const large = reach(Object.values(half.outputs)).nodes.flatMap(({ op, outputs: [t] }) =>
    g.size(t.shape) === g.size(y.shape) && op.name !== 'cast' ? [`${op.name} ${t.dtype}`] : [],
  );
  assert.ok(large.includes('expand float16'), large.join(', '));
  assert.ok(!large.includes('expand float32'), large.join(', '));
});

test('a float16 value takes two bytes per element, its float32 copy four more', () => {
  const x = g.input('x', [10, 10]);
  const y = g.matmul(x, g.constant(1, [10, 10]));
  const z = g.matmul(y, g.constant(2, [10, 10]));
  // At the start two constants, x, and x in float16; in the end z in both types.
  assert.equal(g.compile({ z }, { precision: 'float16' }).memory.total, 2 * 200 + 400 + 200);
  assert.equal(g.compile({ z }).memory.total, 2 * 400 + 400 + 400);
  const big = g.add(z, g.constant(1, [10, 10])); // z, the constant and the sum; then the sum in both types
  const { total } = g.compile({ big }, { precision: 'float16' }).memory;
  assert.equal(total, 3 * 200 + 400 + 200);
});

test('with float16, the blocked convolution of the processor stays out', () => {
  const y = g.conv2d(g.input('x', [1, 16, 5, 5]), g.parameter('w', [16, 16, 3, 3]));
  const blocks = (precision: g.Precision) =>
    Buffer.from(g.compile({ y }, { precision, blockedConvolution: 16 }).onnx).includes('nchwc');
  assert.deepEqual([blocks('float32'), blocks('float16')], [true, false]);
});

interface Run {
  readonly logits: number[];
  readonly loss: number;
  readonly gradients: Record<string, number[]>;
}
const golden = JSON.parse(readFileSync('test/golden/torch/half.json', 'utf8')) as {
  versions: { torch: string };
  scale: number;
  images: number[];
  targets: number[];
  parameters: Record<string, { shape: number[]; values: number[] }>;
  float32: Run;
  float16: Run;
};

/** The network of make_half.py: its logits, loss and derivatives of `scale` times the loss. */
function network(scale: number) {
  const p = Object.fromEntries(
    Object.entries(golden.parameters).map(([name, { shape }]) => [name, g.parameter(name, shape)]),
  );
  const padding = [1, 1, 1, 1] as const;
  let x: Tensor = g.conv2d(g.input('images', [4, 3, 8, 8]), p.conv1, null, { padding });
  x = g.maxPool2d(g.relu(g.batchNormTraining(x, p.scale1, p.bias1).y), { kernel: [2, 2] });
  x = g.gelu(g.conv2d(x, p.conv2, null, { padding }));
  x = g.add(g.transpose(g.reshape(x, [4, 8, 16]), [0, 2, 1]), p.position);
  const normal = g.layerNorm(x, p.scale2, p.bias2);
  const [q, k, v] = g.split(g.add(g.matmul(normal, p.qkv, { transposeB: true }), p.qkv_bias), [8, 8, 8], 2);
  const scores = g.mul(g.matmul(q, k, { transposeB: true }), 8 ** -0.5);
  x = g.add(x, g.matmul(g.softmax(scores), v));
  const logits = g.add(g.matmul(g.mean(x, { axes: [1] }), p.head, { transposeB: true }), p.head_bias);
  const z = g.inFullPrecision(logits);
  const targets = g.input('targets', [4, 3]);
  const loss = g.mean(g.sub(g.softplus(z), g.mul(targets, z)));
  const names = Object.keys(p);
  const derivatives = g.gradients(
    loss,
    names.map((name) => p[name]),
    g.constant(scale),
  );
  const gradients = names.map(
    (name, i) => [`gradient of ${name}`, g.mul(g.inFullPrecision(derivatives[i]), 1 / scale)] as const,
  );
  return { logits, loss, ...Object.fromEntries(gradients) };
}

async function run(program: g.Program) {
  const store = new ParameterStore();
  for (const [name, { shape, values }] of Object.entries(golden.parameters))
    store.set(name, Float32Array.from(values), shape);
  const runtime = await Runtime.open({ threads: 1 });
  const executable = await runtime.load(program, store);
  const { images, targets } = golden;
  const results = await executable.run({
    images: Float32Array.from(images),
    targets: Float32Array.from(targets),
  });
  await executable.release();
  return results;
}

function assertLike(got: Record<string, Float32Array>, { logits, loss, gradients }: Run, tolerance: number) {
  assertClose(got.logits, logits, tolerance, 'logits');
  assertClose(got.loss, [loss], tolerance, 'loss');
  for (const [name, values] of Object.entries(gradients))
    assertClose(got[`gradient of ${name}`], values, tolerance, `gradient of ${name}`);
}

test('logits and derivatives in float32 are those of PyTorch', async () => {
  assertLike(await run(g.compile(network(1))), golden.float32, 2e-5);
});

test('rounded to float16 they are those of PyTorch in mixed precision, nearer than to float32', async () => {
  const { outputs, updates, bind } = { outputs: network(golden.scale), updates: new Map(), bind: new Map() };
  const got = await run(compileRounded({ outputs, updates, bind }));
  assertLike(got, golden.float16, 3e-3);
  assert.throws(() => assertLike(got, golden.float32, 1e-4), /instead of/);
});

test('the emitted float16 program computes them too', async () => {
  assertLike(await run(g.compile(network(golden.scale), { precision: 'float16' })), golden.float32, 3e-3);
});
