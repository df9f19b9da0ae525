import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OnnxGraph, OnnxInitializer, OnnxNode } from '../../../src/graph/onnx.js';
import { foldConstants } from '../../../src/graph/passes/constantFolding.js';
import { optimize } from '../../../src/graph/passes/index.js';
import { compareOnRandomGraphs, float32, graphOf, int64, listing, node, run } from './graphs.js';

/** A graph whose output y is x plus the last of the given nodes' results. */
const plus = (
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxInitializer[],
  shape: readonly number[],
) =>
  graphOf([...nodes, node('Add', ['x', nodes.at(-1)!.outputs[0]], ['y'])], initializers, {
    inputs: { x: shape },
    outputs: { y: shape },
  });

const values = (graph: OnnxGraph, name: string) => [
  ...new Float32Array(graph.initializers.find((one) => one.name === name)!.bytes.slice().buffer),
];

const a = float32('#a', [1, 2, 3, 4, 5, 6], [2, 3]);
const axis = (i: number) => ({ axis: { int: i } });

/** Nodes from #a to #r, further initialisers, and the values of #r written down. */
const cases: Record<
  string,
  { nodes: OnnxNode[]; more?: OnnxInitializer[]; shape: number[]; expected: number[] }
> = {
  Add: {
    nodes: [node('Add', ['#a', '#b'], ['#r'])],
    more: [float32('#b', [10, 20], [2, 1])],
    shape: [2, 3],
    expected: [11, 12, 13, 24, 25, 26],
  },
  Sub: {
    nodes: [node('Sub', ['#b', '#a'], ['#r'])],
    more: [float32('#b', [1], [])],
    shape: [2, 3],
    expected: [0, -1, -2, -3, -4, -5],
  },
  Mul: {
    nodes: [node('Mul', ['#a', '#b'], ['#r'])],
    more: [float32('#b', [1, 0, -1], [3])],
    shape: [2, 3],
    expected: [1, 0, -3, 4, 0, -6],
  },
  Div: {
    nodes: [node('Div', ['#b', '#a'], ['#r'])],
    more: [float32('#b', [1], [])],
    shape: [2, 3],
    expected: [1, 0.5, Math.fround(1 / 3), 0.25, Math.fround(0.2), Math.fround(1 / 6)],
  },
  Max: {
    nodes: [node('Max', ['#a', '#b'], ['#r'])],
    more: [float32('#b', [3], [])],
    shape: [2, 3],
    expected: [3, 3, 3, 4, 5, 6],
  },
  'Greater and Cast': {
    nodes: [node('Greater', ['#a', '#b'], ['#m']), node('Cast', ['#m'], ['#r'], { to: { int: 1 } })],
    more: [float32('#b', [3], [])],
    shape: [2, 3],
    expected: [0, 0, 0, 1, 1, 1],
  },
  'Equal and Cast': {
    nodes: [node('Equal', ['#a', '#b'], ['#m']), node('Cast', ['#m'], ['#r'], { to: { int: 1 } })],
    more: [float32('#b', [1, 5, 9], [1, 3])],
    shape: [2, 3],
    expected: [1, 0, 0, 0, 1, 0],
  },
  'Cast to bool and back': {
    nodes: [
      node('Cast', ['#b'], ['#m'], { to: { int: 9 } }),
      node('Cast', ['#m'], ['#r'], { to: { int: 1 } }),
    ],
    more: [float32('#b', [0, -0, 0.25, -3], [4])],
    shape: [4],
    expected: [0, 0, 1, 1],
  },
  Reshape: {
    nodes: [node('Reshape', ['#a', '#s'], ['#r'])],
    more: [int64('#s', [3, 2])],
    shape: [3, 2],
    expected: [1, 2, 3, 4, 5, 6],
  },
  Transpose: {
    nodes: [node('Transpose', ['#a'], ['#r'], { perm: { ints: [1, 0] } })],
    shape: [3, 2],
    expected: [1, 4, 2, 5, 3, 6],
  },
  Expand: {
    nodes: [node('Expand', ['#b', '#s'], ['#r'])],
    more: [float32('#b', [7, 8], [2, 1]), int64('#s', [2, 2, 3])],
    shape: [2, 2, 3],
    expected: [7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8],
  },
  Concat: {
    nodes: [node('Concat', ['#a', '#b'], ['#r'], axis(1))],
    more: [float32('#b', [8, 9], [2, 1])],
    shape: [2, 4],
    expected: [1, 2, 3, 8, 4, 5, 6, 9],
  },
  Slice: {
    nodes: [node('Slice', ['#a', '#from', '#to', '#axes', '#steps'], ['#r'])],
    more: [int64('#from', [-1, 0]), int64('#to', [9, 3]), int64('#axes', [0, 1]), int64('#steps', [1, 2])],
    shape: [1, 2],
    expected: [4, 6],
  },
  ReduceSum: {
    nodes: [node('ReduceSum', ['#a', '#axes'], ['#r'], { keepdims: { int: 0 } })],
    more: [int64('#axes', [1])],
    shape: [2],
    expected: [6, 15],
  },
};

for (const [name, { nodes, more = [], shape, expected }] of Object.entries(cases)) {
  test(`${name} gives what is written down, and what ONNX Runtime gives`, async () => {
    const graph = plus(nodes, [a, ...more], shape);
    const folded = foldConstants(graph);
    assert.deepEqual(listing(folded), ['y = Add(x,#r)']);
    assert.deepEqual(folded.initializers.find(({ name }) => name === '#r')!.shape, shape);
    assert.deepEqual(values(folded, '#r'), expected);
    const feeds = { x: new Float32Array(expected.length).fill(0.1) };
    assert.deepEqual(await run(folded, feeds), await run(graph, feeds));
  });
}

test('what a rule leaves out is left to the runtime', () => {
  const kept = (last: OnnxNode, more: readonly OnnxInitializer[]) =>
    assert.equal(foldConstants(plus([last], more, [2, 3])).nodes.length, 2, last.type);
  kept(node('Exp', ['#a'], ['#r']), [a]);
  kept(node('Max', ['#a', '#a', '#a'], ['#r']), [a]);
  kept(node('Reshape', ['#a', '#s'], ['#r']), [a, int64('#s', [0, -1])]);
  kept(node('ReduceSum', ['#b', '#axes'], ['#r']), [float32('#b', [0.1, 0.2], [2]), int64('#axes', [0])]);
  kept(node('ReduceSum', ['#b', '#axes'], ['#r']), [float32('#b', [2 ** 24, 1], [2]), int64('#axes', [0])]);
  kept(node('Div', ['#zero', '#zero'], ['#r']), [float32('#zero', [0], [])]);
  kept({ ...node('Add', ['#a', '#a'], ['#r']), domain: 'other' }, [a]);
  kept(node('Expand', ['#b', '#s'], ['#r']), [float32('#b', [1], []), int64('#s', [4097])]);
  kept(node('Reshape', ['#b', '#s'], ['#r']), [
    float32('#b', new Array<number>(4097).fill(1), [4097]),
    int64('#s', [4097, 1]),
  ]);
});

test('what has a name of its own is no constant: weights that are stored in a file keep theirs', () => {
  const graph = plus(
    [node('Neg', ['x'], ['#n']), node('Add', ['weight', 'weight'], ['#r'])],
    [float32('weight', [1], [1])],
    [1],
  );
  assert.deepEqual(foldConstants(graph), graph);
});

test('an output is computed under its name', () => {
  const graph = graphOf([node('Add', ['#a', '#a'], ['y'])], [a], { outputs: { y: [2, 3] } });
  assert.deepEqual(foldConstants(graph), graph);
});

test('random graphs give the same bits with fewer nodes, by this pass and by all in their order', async () => {
  const folded = await compareOnRandomGraphs(foldConstants);
  assert.ok(folded.after < 0.9 * folded.before, JSON.stringify(folded));
  const optimized = await compareOnRandomGraphs(optimize);
  assert.ok(optimized.after < 0.6 * optimized.before, JSON.stringify(optimized));
});
