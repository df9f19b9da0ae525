import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OnnxInitializer, OnnxNode } from '../../../src/graph/onnx.js';
import { dropIdentities } from '../../../src/graph/passes/identities.js';
import { compareOnRandomGraphs, float32, graphOf, int64, listing, node } from './graphs.js';

/** The nodes left of a chain from x to y, of which the last is `y = Exp`. */
function left(nodes: readonly OnnxNode[], initializers: readonly OnnxInitializer[] = []): string[] {
  const last = node('Exp', [nodes.at(-1)!.outputs[0]], ['y']);
  const graph = graphOf([...nodes, last], initializers, { inputs: { x: [2, 3] }, outputs: { y: [2, 3] } });
  return listing(dropIdentities(graph));
}

const transposed = (from: string, to: string, perm: number[]) =>
  node('Transpose', [from], [to], { perm: { ints: perm } });

test('a negation undoes another', () => {
  assert.deepEqual(left([node('Neg', ['x'], ['#a']), node('Neg', ['#a'], ['#b'])]), [
    '#a = Neg(x)',
    'y = Exp(x)',
  ]);
  const three = [node('Neg', ['x'], ['#a']), node('Neg', ['#a'], ['#b']), node('Neg', ['#b'], ['#c'])];
  assert.deepEqual(left(three), ['#a = Neg(x)', '#c = Neg(x)', 'y = Exp(#c)']);
});

test('a view of a view is one, unless an extent speaks of the first', () => {
  const views = [node('Reshape', ['x', '#6'], ['#a']), node('Reshape', ['#a', '#s'], ['#b'])];
  const six = int64('#6', [6]);
  assert.deepEqual(left(views, [six, int64('#s', [3, 2])]), [
    '#a = Reshape(x,#6)',
    '#b = Reshape(x,#s)',
    'y = Exp(#b)',
  ]);
  assert.equal(left(views, [six, int64('#s', [-1, 2])])[1], '#b = Reshape(x,#s)');
  assert.equal(left(views, [six, int64('#s', [0, 1])])[1], '#b = Reshape(#a,#s)');
});

test('a view under the shape that a value has already goes, if that shape is known', () => {
  const nodes = [
    node('Reshape', ['x', '#6'], ['#a']),
    node('Reshape', ['#a', '#s'], ['#b']),
    node('Exp', ['#b'], ['y']),
  ];
  const shapes = { inputs: { x: [2, 3] }, outputs: { y: [2, 3] } };
  const graph = graphOf(nodes, [int64('#6', [6]), int64('#s', [2, 3])], shapes);
  assert.equal(listing(dropIdentities(graph)).at(-1), 'y = Exp(#b)');
  const known = dropIdentities({ ...graph, shapes: new Map([['x', [2, 3]]]) });
  assert.equal(listing(known).at(-1), 'y = Exp(x)');
  const other = dropIdentities({ ...graph, shapes: new Map([['x', [3, 2]]]) });
  assert.equal(listing(other).at(-1), 'y = Exp(#b)');
});

test('transpositions that cancel go; others stay', () => {
  const cycle = [transposed('x', '#a', [1, 2, 0]), transposed('#a', '#b', [2, 0, 1])];
  assert.equal(left(cycle).at(-1), 'y = Exp(x)');
  const onward = [transposed('x', '#a', [1, 2, 0]), transposed('#a', '#b', [1, 2, 0])];
  assert.deepEqual(left(onward), ['#a = Transpose(x)', '#b = Transpose(#a)', 'y = Exp(#b)']);
});

test('a product with the scalar 1 goes, on either side; with other shapes, which may broadcast, and values it stays', () => {
  const times = (a: string, b: string) => [node('Mul', [a, b], ['#a'])];
  assert.deepEqual(left(times('x', '#1'), [float32('#1', [1], [])]), ['y = Exp(x)']);
  assert.deepEqual(left(times('#1', 'x'), [float32('#1', [1], [])]), ['y = Exp(x)']);
  assert.equal(left(times('x', '#1'), [float32('#1', [1], [1, 1, 1])]).length, 2);
  assert.equal(left(times('x', '#2'), [float32('#2', [2], [])]).length, 2);
});

test('nodes of other domains are none of its business', () => {
  const foreign = (from: string, to: string) => ({ ...node('Neg', [from], [to]), domain: 'other' });
  assert.equal(left([foreign('x', '#a'), foreign('#a', '#b')]).length, 3);
});

test('random graphs give the same bits with fewer nodes', async () => {
  const nodes = await compareOnRandomGraphs(dropIdentities);
  assert.ok(nodes.after < 0.95 * nodes.before, JSON.stringify(nodes));
});
