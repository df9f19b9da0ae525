import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { mostSteps, ParameterStore, Runtime, type Values } from '../../src/runtime/index.js';

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ threads: 1 });
});

/** A small training step: a weight with momentum, a kept count, noise, a mask, an index and a scalar. */
function compileStep(repeat: boolean): g.Program {
  const x = g.input('x', [4, 3]);
  const rate = g.input('rate', []);
  const keep = g.input('keep', [4, 1], 'bool');
  const row = g.input('row', [1], 'int32');
  const w = g.parameter('w', [3, 2]);
  const momentum = g.parameter('momentum', [3, 2]);
  const fixed = g.parameter('fixed', [2]);
  const count = g.parameter('count', []);
  const noisy = g.add(g.add(g.matmul(x, w), fixed), g.mul(g.cast(g.bernoulli([4, 2], 0.5), 'float32'), 0.1));
  const kept = g.where(keep, noisy, g.constant(0));
  const loss = g.mean(g.square(g.sub(kept, g.gather(g.constant([1, 2, 3, 4], [2, 2]), row))));
  const [dw] = g.gradients(loss, [w]);
  const next = g.add(g.mul(momentum, 0.9), dw);
  return g.compile(
    { loss, kept, same: rate },
    {
      repeat,
      updates: new Map([
        [w, g.sub(w, g.mul(next, rate))],
        [momentum, next],
        [count, g.add(count, 1)],
      ]),
    },
  );
}

function store(): ParameterStore {
  const parameters = new ParameterStore();
  parameters.set('w', Float32Array.of(0.1, -0.2, 0.3, 0.4, -0.5, 0.6), [3, 2]);
  parameters.set('momentum', new Float32Array(6), [3, 2]);
  parameters.set('fixed', Float32Array.of(0.25, -0.75), [2]);
  parameters.set('count', Float32Array.of(7), []);
  return parameters;
}

const feeds = (step: number): Record<string, Values> => ({
  x: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + 5 * step)),
  rate: Float32Array.of(0.1 / (step + 1)),
  keep: Uint8Array.from([1, step % 2, 1, 0]),
  row: Int32Array.of(step % 2),
});
const draw = (step: number) => ({ seed: 3, step });

test('steps in one run give the bits of as many runs', async () => {
  const [alone, together] = [store(), store()];
  const single = await runtime.load(compileStep(false), alone);
  const several = await runtime.load(compileStep(true), together);
  let step = 0;
  for (const count of [1, mostSteps, 3]) {
    const expected: Record<string, Float32Array>[] = [];
    for (let i = 0; i < count; i++) {
      expected.push(await single.run(feeds(step + i), draw(step + i)));
      several.add(feeds(step + i), draw(step + i));
    }
    assert.equal(several.waiting, count);
    assert.deepEqual(await several.runAdded(), expected);
    step += count;
    for (const name of ['w', 'momentum', 'count', 'fixed'])
      assert.deepEqual(together.get(name), alone.get(name), name);
  }
  assert.equal(together.get('count').values[0], 7 + step);
  assert.deepEqual(await several.run(feeds(step), draw(step)), await single.run(feeds(step), draw(step)));
  assert.deepEqual(await several.runAdded(), []);
  await single.release();
  await several.release();
});

test('what a run returns of the parameters, and what one hands to another, are their values before its step', async () => {
  const [a, b] = [g.parameter('a', [2]), g.parameter('b', [2])];
  const bound = g.parameter('standIn', [2, 1]);
  const program = g.compile(
    {
      before: a,
      same: g.reshape(g.mul(a, 1), [2, 1]),
      seen: g.reshape(a, [2, 1]),
      bound: g.reshape(bound, [2]),
    },
    {
      repeat: true,
      bind: new Map([[bound, g.reshape(b, [2, 1])]]),
      updates: new Map([
        [a, b],
        [b, g.add(a, 1)],
      ]),
    },
  );
  for (const count of [1, 2, 5]) {
    let [first, second] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
    const parameters = new ParameterStore();
    parameters.set('a', first, [2]);
    parameters.set('b', second, [2]);
    const executable = await runtime.load(program, parameters);
    const expected: Record<string, Float32Array>[] = [];
    for (let step = 0; step < count; step++) {
      executable.add({});
      expected.push({ before: first, same: first, seen: first, bound: second });
      [first, second] = [second, first.map((value) => value + 1)];
    }
    assert.deepEqual(await executable.runAdded(), expected);
    assert.deepEqual(parameters.get('a').values, first);
    assert.deepEqual(parameters.get('b').values, second);
    await executable.release();
  }
});

test('an added step is copied, checked at once, and not kept after a run', async () => {
  const several = await runtime.load(compileStep(true), store());
  const reused = feeds(0);
  several.add(reused, draw(0));
  assert.throws(
    () => several.add({ ...reused, x: new Float32Array(5) }, draw(1)),
    /"x" needs float32 \[4,3\]/,
  );
  assert.throws(() => several.add(reused), /needs a seed and step/);
  assert.equal(several.waiting, 1);
  const [first] = await several.runAdded();
  (reused.x as Float32Array).fill(9);
  assert.equal(several.waiting, 0);
  const other = await runtime.load(compileStep(false), store());
  assert.deepEqual(first, await other.run(feeds(0), draw(0)));
  assert.throws(() => other.add(feeds(0), draw(0)), /compiled with repeat/);
  for (let i = 0; i < mostSteps; i++) several.add(feeds(i), draw(i));
  assert.throws(() => several.add(feeds(0), draw(0)), /await runAdded/);
  await several.release();
  await other.release();
});
