import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { EmittedValues } from '../../src/graph/layouts.js';
import { reach } from '../../src/graph/reach.js';
import { blockCases } from './cases/blocks.js';
import { build, checkCases } from './check.js';

checkCases('plain', blockCases);
checkCases('in blocks where the machine has them', blockCases, { emit: ({ emitOptions }) => emitOptions });

/** The nodes that a machine with blocks of 16 channels is given, as text; what leaves is plain. */
function emitted(...outputs: g.Tensor[]): string[] {
  const nodes: string[] = [];
  let count = 0;
  const values = new EmittedValues({
    node(type, inputs, { outputs: results = 1, domain = '' } = {}) {
      const names = Array.from({ length: results }, () => `${count++}`);
      nodes.push(`${domain.includes('nchwc') ? 'blocked ' : ''}${type}`);
      assert.ok(inputs.every((name) => name !== undefined));
      return names;
    },
    int64: () => 'shape',
    float: () => 'float',
    scratch: () => 'scratch',
    options: { blockedConvolution: 16 },
  });
  const { nodes: order, leaves } = reach(outputs);
  for (const leaf of leaves) values.set(leaf, leaf.leaf!.kind);
  for (const node of order) values.emit(node);
  for (const output of outputs) values.get(output);
  return nodes.filter((type) => !['Reshape', 'Transpose'].includes(type));
}

const x = g.input('x', [2, 16, 6, 6]);
const weights = (name: string, kernel: number) => g.parameter(name, [16, 16, kernel, kernel]);
const around = { padding: [1, 1, 1, 1] } as const;

test('from the first convolution to the last an image stays in blocks', () => {
  const [scale, bias] = [g.parameter('scale', [16]), g.parameter('bias', [16])];
  const first = g.conv2d(x, weights('first', 3), null, around);
  const normalized = g.relu(g.batchNormTraining(first, scale, bias).y);
  const narrow = g.conv2d(normalized, weights('pointwise', 1));
  const joined = g.concat([g.conv2d(narrow, weights('last', 3), null, around), first], 1);
  const nodes = emitted(g.mean(joined, { axes: [2, 3] }));
  const borders = nodes.filter((type) => /Reorder/.test(type));
  assert.deepEqual(borders, ['blocked ReorderInput'], 'the means of positions are plain anyway');
  assert.ok(!nodes.includes('BatchNormalization') && !nodes.includes('Conv'), nodes.join());
});

test('an image is laid out anew once for all who want it otherwise', () => {
  const first = g.conv2d(x, weights('first', 3), null, around);
  const [a, b] = [g.transpose(first, [0, 2, 3, 1]), g.reshape(first, [2, -1])];
  const nodes = emitted(a, b, g.add(first, x), g.mul(g.relu(first), x));
  assert.equal(nodes.filter((type) => type === 'blocked ReorderInput').length, 1, 'x');
  assert.equal(nodes.filter((type) => type === 'blocked ReorderOutput').length, 3, nodes.join());
});

test('what meets no convolution that gains from blocks stays plain', () => {
  const pointwise = g.relu(g.conv2d(x, weights('pointwise', 1)));
  assert.deepEqual(emitted(g.sum(pointwise)), ['Conv', 'Relu', 'ReduceSum']);
});

test('every op that computes in blocks has a case', () => {
  const covered = new Set<string>();
  for (const item of blockCases) for (const { op } of reach(build(item).outputs).nodes) covered.add(op.name);
  const rules = [...g.definedOps].filter(([, { blocked }]) => blocked !== undefined);
  // One rule serves all functions of one number.
  const shared = [
    ...['neg', 'exp', 'log', 'sqrt', 'reciprocal', 'abs', 'sign', 'tanh', 'sigmoid', 'erf', 'softplus'],
  ];
  const missing = rules.map(([name]) => name).filter((name) => !covered.has(name) && !shared.includes(name));
  assert.deepEqual(missing, []);
});
