/** A backward pass that computes cheap values anew gives the same derivatives; test/train/stepMemory.test.ts sees to what it saves. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { type ImageClassifierName, imageClassifiers } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { ParameterStore, Runtime } from '../../src/runtime/index.js';

const batch = 4;

function programs(model: ImageClassifierName, side: number, options: g.EmitOptions) {
  const list = new ParameterList();
  const images = g.input('images', [batch, 3, side, side]);
  const logits = imageClassifiers[model].logits(new Scope(list, true), images, 3);
  const loss = g.mean(g.softplus(logits));
  const weights = list.trainable();
  const leaves = weights.map(([, { tensor }]) => tensor);
  const compiled = (recompute: boolean) => {
    const derivatives = g.gradients(loss, leaves, undefined, recompute);
    const outputs = Object.fromEntries(weights.map(([name], i) => [`d ${name}`, derivatives[i]]));
    return g.compile({ loss, ...outputs }, options);
  };
  return { list, kept: compiled(false), anew: compiled(true) };
}

function storeOf(list: ParameterList): ParameterStore {
  const store = new ParameterStore();
  for (const { name, shape, values } of list.initialValues(1)) store.set(name, values, shape);
  return store;
}

function imagesOf(side: number) {
  const images = new Float32Array(batch * 3 * side * side);
  randomStream(2, 'images').fillNormal(images, 1);
  return { images };
}

for (const [model, side] of [
  ['densenet-small', 64],
  ['resnet50', 64],
  ['deit-s', 32],
] as const) {
  test(`${model}: the same derivatives`, async () => {
    const runtime = await Runtime.open({ threads: 2 });
    const { list, kept, anew } = programs(model, side, runtime.emitOptions);
    const results: Record<string, Float32Array>[] = [];
    for (const program of [kept, anew]) {
      const executable = await runtime.load(program, storeOf(list));
      results.push(await executable.run(imagesOf(side), { seed: 1, step: 0 }));
      await executable.release();
    }
    const [expected, got] = results;
    assert.deepEqual(got.loss, expected.loss);
    for (const [name, values] of Object.entries(expected)) {
      const largest = (numbers: Float32Array) => numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const scale = largest(values);
      const worst = largest(values.map((value, i) => value - got[name][i]));
      // Biases in front of batch normalisation have derivatives that are zero up to rounding.
      assert.ok(worst <= 2e-4 * scale + 1e-6, `${name}: ${worst} of ${scale}`);
    }
  });
}

/** How often the operators ran that the derivative of a loss by a parameter takes, without and with `recompute`. */
async function countedRuns(
  loss: g.Tensor,
  by: g.Tensor,
  feeds: Readonly<Record<string, Float32Array>>,
  operators: readonly string[],
): Promise<Record<string, number>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-recompute-'));
  try {
    const counted: Record<string, number>[] = [];
    for (const recompute of [false, true]) {
      const prefix = join(folder, String(recompute));
      const runtime = await Runtime.open({ threads: 1, profile: prefix });
      const [derivative] = g.gradients(loss, [by], undefined, recompute);
      const store = new ParameterStore();
      const values = new Float32Array(g.size(by.shape));
      randomStream(3, 'parameter').fillNormal(values, 1);
      store.set(by.leaf!.kind === 'parameter' ? by.leaf!.name : '', values, by.shape);
      const executable = await runtime.load(g.compile({ loss, derivative }, runtime.emitOptions), store);
      await executable.run(feeds);
      executable.endProfiling();
      await executable.release();
      const [profile] = readdirSync(folder)
        .filter((name) => name.startsWith(`${recompute}_`))
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .filter((text) => text.includes(operators[0]) && text.includes('Reduce'));
      const events = JSON.parse(profile) as { name: string; args?: { op_name?: string } }[];
      const count = (op: string) =>
        events.filter(({ name, args }) => name.endsWith('_kernel_time') && args?.op_name === op).length;
      counted.push(Object.fromEntries(operators.map((op) => [op, count(op)])));
    }
    return counted;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the runtime does not make one of a value and its second computation', async () => {
  const x = g.input('x', [2, 8, 6, 6]);
  const width = g.parameter('width', [4, 6]);
  const joined = g.concat([g.sigmoid(x), g.tanh(x)], 1);
  const wide = g.matmul(joined, g.transpose(width, [1, 0]));
  const active = g.gelu(g.layerNorm(wide, g.constant(1, [4]), g.constant(0, [4])));
  const loss = g.sum(g.square(g.matmul(active, width)));
  const feeds = { x: new Float32Array(g.size(x.shape)).fill(0.3) };
  const [once, twice] = await countedRuns(loss, width, feeds, ['LayerNormalization', 'Concat', 'Gelu']);
  assert.deepEqual(once, { LayerNormalization: 1, Concat: 1, Gelu: 1 });
  assert.deepEqual(twice, { LayerNormalization: 2, Concat: 2, Gelu: 2 });
});

test('nor of images in blocks', async (t) => {
  const { emitOptions } = await Runtime.open({ threads: 1 });
  if (emitOptions.blockedConvolution === undefined) return t.skip('this machine has no blocked convolution');
  const x = g.input('x', [2, 16, 6, 6]);
  const kernels = g.parameter('kernels', [16, 16, 3, 3]);
  const convolved = (image: g.Tensor) => g.conv2d(image, kernels, null, { padding: [1, 1, 1, 1] });
  const normalized = g.batchNormTraining(convolved(x), g.constant(1, [16]), g.constant(0, [16])).y;
  const loss = g.sum(g.square(convolved(g.relu(normalized))));
  const feeds = { x: Float32Array.from({ length: g.size(x.shape) }, (_, i) => Math.sin(i)) };
  const [once, twice] = await countedRuns(loss, kernels, feeds, ['Conv', 'GlobalAveragePool']);
  assert.equal(twice.Conv, once.Conv + 1, 'normalisation and activation, which are one node');
  assert.equal(twice.GlobalAveragePool, once.GlobalAveragePool);
});
