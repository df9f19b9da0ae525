import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeCommonSubexpressions } from '../../../src/graph/passes/commonSubexpressions.js';
import { compareOnRandomGraphs, float32, graphOf, listing, node } from './graphs.js';

const alpha = (value: number) => ({ alpha: { float: value }, beta: { float: 0.5 } });

test('equal nodes become the first of them, and so do those that then are equal', () => {
  const graph = graphOf(
    [
      node('Exp', ['x'], ['#a']),
      node('Neg', ['x'], ['#b']),
      node('Exp', ['x'], ['#c']),
      node('Add', ['#a', '#b'], ['#d']),
      node('Add', ['#c', '#b'], ['#e']),
      node('Add', ['#b', '#a'], ['#f']),
      node('Concat', ['#d', '#e', '#f'], ['y'], { axis: { int: 0 } }),
    ],
    [],
    { inputs: { x: [2] }, outputs: { y: [6] } },
  );
  assert.deepEqual(listing(mergeCommonSubexpressions(graph)), [
    '#a = Exp(x)',
    '#b = Neg(x)',
    '#d = Add(#a,#b)',
    '#f = Add(#b,#a)',
    'y = Concat(#d,#d,#f)',
  ]);
});

test('attributes in another order are equal; other values, types, domains and numbers of outputs are not', () => {
  const graph = graphOf(
    [
      node('HardSigmoid', ['x'], ['#a'], alpha(0.2)),
      node('HardSigmoid', ['x'], ['#b'], { beta: { float: 0.5 }, alpha: { float: 0.2 } }),
      node('HardSigmoid', ['x'], ['#c'], alpha(0.3)),
      node('Sigmoid', ['x'], ['#d'], alpha(0.2)),
      { ...node('HardSigmoid', ['x'], ['#e'], alpha(0.2)), domain: 'other' },
      node('HardSigmoid', ['x'], ['#f', '#g'], alpha(0.2)),
      node('Sum', ['#a', '#b', '#c', '#d', '#e', '#f'], ['y']),
    ],
    [],
    { inputs: { x: [2] }, outputs: { y: [2] } },
  );
  assert.equal(listing(mergeCommonSubexpressions(graph)).at(-1), 'y = Sum(#a,#a,#c,#d,#e,#f)');
});

test('equal initialisers of the compiler become one; 0 and −0, and published names, stay', () => {
  const graph = graphOf(
    [
      node('Add', ['x', '#zero'], ['#a']),
      node('Add', ['x', '#again'], ['#b']),
      node('Add', ['x', '#minus'], ['#c']),
      node('Add', ['x', 'weight'], ['#d']),
      node('Sum', ['#a', '#b', '#c', '#d'], ['y']),
    ],
    [
      float32('weight', [0, 0], [2]),
      float32('#zero', [0, 0], [2]),
      float32('#again', [0, 0], [2]),
      float32('#minus', [0, -0], [2]),
    ],
    { inputs: { x: [2] }, outputs: { y: [2] } },
  );
  const merged = mergeCommonSubexpressions(graph);
  assert.deepEqual(
    merged.initializers.map(({ name }) => name),
    ['weight', '#zero', '#minus'],
  );
  assert.equal(listing(merged).at(-1), 'y = Sum(#a,#a,#c,#d)');
});

test('an output keeps the node that gives it its name', () => {
  const graph = graphOf([node('Exp', ['x'], ['y']), node('Exp', ['x'], ['z'])], [], {
    inputs: { x: [2] },
    outputs: { y: [2], z: [2] },
  });
  assert.deepEqual(listing(mergeCommonSubexpressions(graph)), ['y = Exp(x)', 'z = Exp(x)']);
});

test('random graphs give the same bits with fewer nodes', async () => {
  const nodes = await compareOnRandomGraphs(mergeCommonSubexpressions);
  assert.ok(nodes.after < 0.95 * nodes.before, JSON.stringify(nodes));
});
