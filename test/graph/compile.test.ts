import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { evaluate, Runtime } from '../../src/runtime/index.js';

test('leaves and outputs need names of their own', () => {
  const twice = () => g.compile({ y: g.add(g.input('x', [2]), g.parameter('x', [2])) });
  assert.throws(twice, /"x" is taken/);
  const x = g.input('x', [2]);
  assert.throws(() => g.compile({ x: g.neg(x) }), /"x" is taken/);
  assert.throws(() => g.compile({ '#0': g.neg(x) }), /"#0" is taken/);
  const w = g.parameter('w', [2]);
  assert.throws(() => g.compile({ 'w:next': w }, { updates: new Map([[w, g.neg(w)]]) }), /"w:next" is taken/);
});

test('names that look like internal ones are kept apart from them (regression: t0 met the first node)', async () => {
  const t0 = g.input('t0', [2]);
  const c1 = g.input('c1', [2]);
  const y = g.mul(g.add(t0, 2), g.sub(c1, 3));
  const runtime = await Runtime.open({ threads: 1 });
  const got = await evaluate(runtime, { y }, { t0: Float32Array.of(1, 2), c1: Float32Array.of(4, 5) });
  assert.deepEqual([...got.y], [3, 8]);
});

test('updates, stand-ins and embedded values must fit their parameters', () => {
  const w = g.parameter('w', [2, 3]);
  const flat = g.parameter('flat', [6]);
  const message = /^compile: the new value of parameter "w" must be float32 \[2,3\], got float32 \[6\]/;
  assert.throws(() => g.compile({}, { updates: new Map([[w, flat]]) }), { name: 'ShapeError', message });
  assert.throws(() => g.compile({ y: g.neg(w) }, { bind: new Map([[w, flat]]) }), {
    name: 'ShapeError',
    message,
  });
  assert.throws(() => g.compile({ y: w }, { embed: () => new Float32Array(5) }), {
    name: 'ShapeError',
    message: /parameter "w" of shape \[2,3\] was given 5 values/,
  });
  const self = new Map([[w, g.mul(w, 2)]]);
  assert.throws(() => g.compile({ y: g.neg(w) }, { bind: self }), /a stand-in depends on parameter "w"/);
});

test('embedded parameters leave nothing to feed', async () => {
  const x = g.input('x', [2]);
  const w = g.parameter('w', [2]);
  const program = g.compile({ y: g.mul(x, w) }, { embed: () => Float32Array.of(3, 4) });
  assert.deepEqual(program.parameters, []);
  const executable = await (await Runtime.open({ threads: 1 })).load(program);
  assert.deepEqual([...(await executable.run({ x: Float32Array.of(1, 2) })).y], [3, 8]);
});

test('equal small constants are stored once, and 0 is not −0', async () => {
  const x = g.input('x', [1]);
  const bytes = (other: number) =>
    g.compile({ y: g.add(g.mul(x, g.constant(7)), g.constant(other)) }).onnx.length;
  assert.ok(bytes(7) < bytes(8));
  const runtime = await Runtime.open({ threads: 1 });
  const outputs = { up: g.div(x, g.constant(0)), down: g.div(x, g.constant(-0)) };
  const got = await evaluate(runtime, outputs, { x: Float32Array.of(1) });
  assert.deepEqual([got.up[0], got.down[0]], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
});

test('only what the outputs need is compiled', () => {
  const x = g.input('x', [2]);
  const unused = g.input('unused', [2]);
  g.exp(unused);
  const program = g.compile({ y: g.neg(x) });
  assert.deepEqual(
    program.inputs.map(({ name }) => name),
    ['x'],
  );
  assert.equal(program.nodeCount, 1);
});
