import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropDeadCode } from '../../../src/graph/passes/deadCode.js';
import { compareOnRandomGraphs, float32, graphOf, listing, node } from './graphs.js';

test('what no output needs goes, with its initialisers; what is left keeps its order', () => {
  const graph = graphOf(
    [
      node('Neg', ['x'], ['#a']),
      node('Add', ['#a', '#unused'], ['#b']),
      node('Split', ['x', ''], ['#c', '#d']),
      node('Exp', ['#b'], ['#e']),
      node('Mul', ['#d', '#used'], ['y']),
    ],
    [float32('#unused', [1], []), float32('#used', [2], [])],
    { inputs: { x: [2] }, outputs: { y: [1] } },
  );
  const pruned = dropDeadCode(graph);
  assert.deepEqual(listing(pruned), ['#c,#d = Split(x,)', 'y = Mul(#d,#used)']);
  assert.deepEqual(
    pruned.initializers.map(({ name }) => name),
    ['#used'],
  );
  assert.deepEqual([pruned.inputs, pruned.outputs], [graph.inputs, graph.outputs]);
});

test('an initialiser that is an output stays', () => {
  const graph = graphOf([], [float32('#one', [1], [])], { outputs: { '#one': [] } });
  assert.deepEqual(dropDeadCode(graph), graph);
});

test('random graphs give the same bits with fewer nodes', async () => {
  const nodes = await compareOnRandomGraphs(dropDeadCode);
  assert.ok(nodes.after < 0.8 * nodes.before, JSON.stringify(nodes));
});
