import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OnnxNode } from '../../../src/graph/onnx.js';
import { blockedDomain } from '../../../src/graph/ops/blocked.js';
import { fuseBlocked } from '../../../src/graph/passes/fuseBlocked.js';
import { graphOf, listing, node } from './graphs.js';

const conv = (inputs: string[], output: string): OnnxNode => ({
  ...node('Conv', inputs, [output]),
  domain: blockedDomain,
});

function fused(nodes: readonly OnnxNode[], outputs: readonly string[] = ['y']) {
  const shapes = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, [1, 16, 2, 2]]));
  const graph = fuseBlocked(graphOf(nodes, [], { inputs: shapes(['x', 'z']), outputs: shapes(outputs) }));
  const active = graph.nodes.filter(({ attributes }) => 'activation' in attributes);
  return { nodes: listing(graph), active: active.map(({ outputs: [name] }) => name) };
}

test('a convolution takes in the activation after it', () => {
  const { nodes, active } = fused([conv(['x', 'w'], 'a'), node('Relu', ['a'], ['y'])]);
  assert.deepEqual(nodes, ['y = Conv(x,w)']);
  assert.deepEqual(active, ['y']);
});

test('a sum, on either side, and the activation after that', () => {
  const first = [conv(['x', 'w', 'b'], 'a'), node('Sum', ['a', 'z'], ['s']), node('Relu', ['s'], ['y'])];
  assert.deepEqual(fused(first), { nodes: ['y = Conv(x,w,b,z)'], active: ['y'] });
  const second = [conv(['x', 'w'], 'a'), node('Sum', ['z', 'a'], ['y'])];
  assert.deepEqual(fused(second), { nodes: ['y = Conv(x,w,,z)'], active: [] });
});

test('in the place of the second node, after what else it reads', () => {
  const nodes = [conv(['x', 'w'], 'a'), node('Neg', ['z'], ['n']), node('Sum', ['a', 'n'], ['y'])];
  assert.deepEqual(fused(nodes).nodes, ['n = Neg(z)', 'y = Conv(x,w,,n)']);
});

test('of two convolutions a sum joins one', () => {
  const nodes = [conv(['x', 'w'], 'a'), conv(['z', 'w'], 'c'), node('Sum', ['a', 'c'], ['y'])];
  assert.deepEqual(fused(nodes).nodes, ['c = Conv(z,w)', 'y = Conv(x,w,,c)']);
});

test('not where the value is wanted otherwise too, or an activation or a sum is there already', () => {
  const kept = (nodes: readonly OnnxNode[], outputs?: readonly string[]) =>
    assert.equal(fused(nodes, outputs).nodes.length, nodes.length);
  kept([conv(['x', 'w'], 'a'), node('Relu', ['a'], ['y'])], ['y', 'a']);
  kept([conv(['x', 'w'], 'a'), node('Relu', ['a'], ['y']), node('Neg', ['a'], ['b'])]);
  kept([conv(['x', 'w'], 'a'), node('Sum', ['a', 'a'], ['y'])]);
  kept([node('Conv', ['x', 'w'], ['a']), node('Relu', ['a'], ['y'])]);
  kept([conv(['x', 'w'], 'a'), node('Add', ['a', 'z'], ['y'])]);
  const twice = [conv(['x', 'w'], 'a'), node('Relu', ['a'], ['r']), node('Sum', ['r', 'z'], ['y'])];
  assert.deepEqual(fused(twice).nodes, ['r = Conv(x,w)', 'y = Sum(r,z)']);
  const sums = [conv(['x', 'w'], 'a'), node('Sum', ['a', 'z'], ['s']), node('Sum', ['s', 'x'], ['y'])];
  assert.deepEqual(fused(sums).nodes, ['s = Conv(x,w,,z)', 'y = Sum(s,x)']);
});
