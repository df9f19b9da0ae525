import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';

/** A value of `size` bytes under a name. */
const input = (name: string, bytes: number) => g.input(name, [bytes / 4]);

test('a value lives from the node that makes it to the last that reads it', () => {
  const x = input('x', 400);
  const a = g.exp(x); // x a
  const b = g.sum(a, { axes: [0], keepAxes: true }); // a b, as nothing reads x any more
  const y = g.neg(b); // b y
  const { total, parameters, largest } = g.compile({ y }).memory;
  assert.deepEqual({ total, parameters, largest }, { total: 800, parameters: 0, largest: 400 });
  // Read once more at the end, x lives beside everything.
  const later = g.compile({ y: g.add(x, g.exp(g.exp(x))) }).memory;
  assert.equal(later.total, 1200);
});

test('a reshaped value is the same memory, for as long as either is read', () => {
  const x = g.input('x', [10, 10]);
  const a = g.exp(x);
  const flat = g.reshape(a, [100]);
  const y = g.add(g.sum(flat), g.sum(g.neg(a), { axes: [0, 1] }));
  // a and −a at once, beside the scalar that is the sum of flat.
  assert.equal(g.compile({ y }).memory.total, 804);
});

test('next values of parameters and outputs live to the end', () => {
  const [w, v] = [g.parameter('w', [100]), g.parameter('v', [50])];
  const program = g.compile({ out: g.exp(v) }, { updates: new Map([[w, g.mul(w, 2)]]) });
  const { total, parameters } = program.memory;
  assert.equal(parameters, 400 + 200);
  assert.equal(total, parameters + 400 + 200); // the factor 2 is gone by then: the last result runs first
});

test('a stand-in is the memory of what stands for it', () => {
  const w = g.parameter('w', [10]);
  const flat = g.parameter('flat', [30]);
  const [part] = g.split(flat, [10, 20], 0);
  const bound = g.compile({ y: g.exp(w) }, { bind: new Map([[w, part]]) }).memory;
  // flat, both parts; the second is not read; then the first beside y.
  assert.equal(bound.total, 120 + 120);
});

test('values of a mask take a byte each', () => {
  const x = input('x', 400);
  assert.equal(g.compile({ y: g.cast(g.greater(x, g.exp(x)), 'float32') }).memory.total, 900);
});

test('a run of several steps holds what it updates once more', () => {
  const w = g.parameter('w', [100]);
  const fixed = g.parameter('fixed', [50]);
  const updates = new Map([[w, g.mul(w, 2)]]);
  const [once, repeated] = [false, true].map(
    (repeat) => g.compile({ out: g.exp(fixed) }, { updates, repeat }).memory,
  );
  assert.equal(repeated.total, once.total + 400);
  assert.equal(repeated.parameters, once.parameters + 400);
});

test('nodes run from the last result to the first, and what each reads from the last made to the first', () => {
  const x = input('x', 400);
  const small = g.sum(g.exp(x), { axes: [0], keepAxes: true });
  const [a, b] = [g.exp(x), g.neg(x)];
  // x, a, b and their sum; in the order in which they were made, the small sum would lie beside them.
  assert.equal(g.compile({ first: small, last: g.add(a, b) }).memory.total, 4 * 400);
});
