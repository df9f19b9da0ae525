import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { devices, evaluate, ParameterStore, Runtime } from '../../src/runtime/index.js';
import { bitsOf, feeds, initialize, trainingProgram } from './trainingStep.js';

test('the same program on the same values gives the same bits, run after run', async () => {
  const runtime = await Runtime.open({ threads: 2 });
  const program = trainingProgram(runtime.emitOptions);
  const store = new ParameterStore();
  const executable = await runtime.load(program, store);
  const expected = await bitsOf(executable, initialize(store), 3);
  for (let repetition = 1; repetition < 20; repetition++) {
    assert.equal(await bitsOf(executable, initialize(store), 3), expected, `repetition ${repetition}`);
  }
  const other = initialize(new ParameterStore());
  assert.equal(await bitsOf(await runtime.load(program, other), other, 3), expected, 'a second session');
  const again = initialize(new ParameterStore());
  const compiled = trainingProgram(runtime.emitOptions);
  assert.equal(await bitsOf(await runtime.load(compiled, again), again, 3), expected, 'compiled again');
  assert.notEqual(await bitsOf(executable, initialize(store), 3, 8), expected, 'another seed');
});

test('random masks have their probability, follow from seed and step, and differ between steps, seeds and leaves', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const drawn = (probability: number) => g.cast(g.bernoulli([4001], probability), 'float32');
  const outputs = { a: drawn(0.3), b: drawn(0.3), never: drawn(0), always: drawn(1) };
  const executable = await runtime.load(g.compile(outputs));
  const at = (seed: number, step: number) => executable.run({}, { seed, step });
  const first = await at(1, 5);
  assert.deepEqual(await at(1, 5), first);
  const expectAround = (values: Float32Array, probability: number, what: string) => {
    const share = values.reduce((total, value) => total + value, 0) / values.length;
    // Five standard errors.
    const margin = 5 * Math.sqrt((probability * (1 - probability)) / values.length);
    assert.ok(Math.abs(share - probability) < margin, `${what}: ${share} instead of ${probability}`);
  };
  expectAround(first.a, 0.3, 'true');
  for (const other of [await at(1, 6), await at(2, 5), { a: first.b }]) {
    const equal = other.a.map((value, i) => Number(value === first.a[i]));
    expectAround(equal, 0.3 ** 2 + 0.7 ** 2, 'the same');
  }
  assert.ok(first.never.every((value) => value === 0) && first.always.every((value) => value === 1));
  await assert.rejects(executable.run({}), /needs a seed and step/);
  assert.throws(() => g.bernoulli([2], 1.5), /between 0 and 1, got 1.5/);
});

test('inputs that are absent, too long or of another type are refused', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const y = g.add(g.input('x', [2, 3]), g.cast(g.input('i', [3], 'int32'), 'float32'));
  const executable = await runtime.load(g.compile({ y }));
  const x = new Float32Array(6);
  const i = new Int32Array(3);
  const refused = (values: Parameters<typeof executable.run>[0], message: RegExp) =>
    assert.rejects(executable.run(values), { name: 'ShapeError', message });
  await refused({ i }, /^run: input "x" is missing; feed float32 \[2,3\]/);
  await refused({ x: new Float32Array(7), i }, /"x" needs float32 \[2,3\], got Float32Array of length 7/);
  await refused({ x, i: new Float32Array(3) }, /"i" needs int32 \[3\], got Float32Array of length 3/);
  assert.equal((await executable.run({ x, i })).y.length, 6);
});

test('results and previous values are not overwritten by later runs, and feeds never are', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const w = g.parameter('w', [3]);
  const x = g.input('x', [3]);
  const store = new ParameterStore();
  const start = Float32Array.of(1, 2, 3);
  store.set('w', start, [3]);
  const program = g.compile({ now: w, same: x, y: g.mul(w, x) }, { updates: new Map([[w, g.add(w, x)]]) });
  const executable = await runtime.load(program, store);
  const fed = Float32Array.of(10, 20, 30);
  const first = await executable.run({ x: fed });
  const before = store.get('w').values;
  assert.deepEqual([...first.now], [1, 2, 3], 'an output sees the value before the update');
  assert.deepEqual([...before], [11, 22, 33]);
  const second = await executable.run({ x: fed });
  assert.deepEqual([...before], [11, 22, 33], 'the previous state outlives one update');
  assert.deepEqual([...first.now], [1, 2, 3]);
  assert.deepEqual([...first.y], [10, 40, 90]);
  assert.deepEqual([...second.now], [11, 22, 33]);
  assert.deepEqual([...(await executable.run({ x: fed })).now], [21, 42, 63]);
  assert.deepEqual([...first.same], [10, 20, 30]);
  first.same[0] = -1;
  assert.deepEqual([...fed], [10, 20, 30], 'changing a result does not change what was fed');
  assert.deepEqual([...start], [1, 2, 3], 'the store keeps a copy');
});

test('parameters that exchange their values are both read before either is written', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const [a, b] = [g.parameter('a', [2]), g.parameter('b', [2])];
  const store = new ParameterStore();
  store.set('a', Float32Array.of(1, 2), [2]);
  store.set('b', Float32Array.of(3, 4), [2]);
  const updates = new Map([
    [a, b],
    [b, a],
  ]);
  const executable = await runtime.load(g.compile({}, { updates }), store);
  for (const [first, second] of [
    [3, 1],
    [1, 3],
    [3, 1],
  ]) {
    await executable.run({});
    assert.deepEqual([store.get('a').values[0], store.get('b').values[0]], [first, second]);
  }
});

test('two programs share the parameters of one store', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const w = g.parameter('w', []);
  const store = new ParameterStore();
  store.set('w', Float32Array.of(1), []);
  const train = await runtime.load(g.compile({}, { updates: new Map([[w, g.mul(w, 2)]]) }), store);
  const read = await runtime.load(g.compile({ y: g.neg(w) }), store);
  for (const expected of [-2, -4, -8]) {
    await train.run({});
    assert.equal((await read.run({})).y[0], expected);
  }
});

test('a program with state refuses to run twice at once, and goes on afterwards', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const w = g.parameter('w', []);
  const store = new ParameterStore();
  store.set('w', Float32Array.of(1), []);
  const executable = await runtime.load(g.compile({}, { updates: new Map([[w, g.mul(w, 2)]]) }), store);
  const first = executable.run({});
  await assert.rejects(executable.run({}), /cannot run twice at once/);
  await first;
  await executable.run({});
  assert.equal(store.get('w').values[0], 4);
});

test('a run that fails leaves the parameters as they were', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const w = g.parameter('w', [2]);
  const i = g.input('i', [1], 'int32');
  const store = new ParameterStore();
  store.set('w', Float32Array.of(1, 2), [2]);
  const updates = new Map([[w, g.mul(w, g.gather(w, i))]]);
  const executable = await runtime.load(g.compile({}, { updates }), store);
  await assert.rejects(executable.run({ i: Int32Array.of(5) }), /indices/);
  assert.deepEqual([...store.get('w').values], [1, 2]);
  await executable.run({ i: Int32Array.of(1) });
  assert.deepEqual([...store.get('w').values], [2, 4]);
});

test('a batch of NaN does not spoil the statistics of later batches', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const x = g.input('x', [4, 2]);
  const ones = g.constant(1, [2]);
  const { y, mean, variance } = g.batchNormTraining(x, ones, g.constant(0, [2]));
  const [dx] = g.gradients(g.sum(g.mul(g.exp(y), g.add(mean, variance))), [x]);
  const executable = await runtime.load(g.compile({ dx, mean }));
  const good = { x: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 9) };
  const expected = await executable.run(good);
  const spoilt = await executable.run({ x: good.x.map(() => Number.NaN) });
  assert.ok(spoilt.dx.every(Number.isNaN));
  assert.deepEqual(await executable.run(good), expected);
});

test('a released program is ready at once when it is loaded again, with the state of its new store', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const program = trainingProgram(runtime.emitOptions);
  const store = initialize(new ParameterStore());
  const executable = await runtime.load(program, store);
  const expected = await bitsOf(executable, store, 3);
  await executable.release();
  await executable.release(); // twice is once
  await assert.rejects(bitsOf(executable, store, 1), /released program cannot run/);
  const again = initialize(new ParameterStore());
  const second = await runtime.load(trainingProgram(runtime.emitOptions), again);
  const third = await runtime.load(program, initialize(new ParameterStore()));
  assert.equal(await bitsOf(second, again, 3), expected);
  // More programs than are kept: the oldest go.
  for (let i = 0; i < 5; i++) {
    await (await runtime.load(g.compile({ y: g.add(g.input('x', [1]), i) }))).release();
  }
  await second.release();
  await third.release();
});

test('integers and masks come back as numbers', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const x = g.input('x', [3]);
  const outputs = { whole: g.cast(x, 'int32'), positive: g.greater(x, 0) };
  const got = await evaluate(runtime, outputs, { x: Float32Array.of(-1.5, 0, 2.7) });
  assert.deepEqual(got.whole, Float32Array.of(-1, 0, 2));
  assert.deepEqual(got.positive, Float32Array.of(0, 0, 1));
});

test('unknown devices and impossible thread counts are refused', async () => {
  await assert.rejects(Runtime.open({ device: 'abacus' }), {
    name: 'ConfigError',
    message: `device: "abacus" is not available; choose one of ${devices.join(', ')}`,
    path: 'device',
  });
  for (const threads of [0, -1, 1.5, Number.NaN]) {
    await assert.rejects(Runtime.open({ threads }), { name: 'ConfigError', path: 'threads' });
  }
});

test('the training step does the same with one thread and with two, up to rounding', async () => {
  const losses: number[] = [];
  for (const threads of [1, 2]) {
    const runtime = await Runtime.open({ threads });
    const store = initialize(new ParameterStore());
    const executable = await runtime.load(trainingProgram(runtime.emitOptions), store);
    for (let step = 0; step < 3; step++)
      losses.push((await executable.run(feeds, { seed: 1, step })).loss[0]);
  }
  for (let step = 0; step < 3; step++) {
    assert.ok(Math.abs(losses[step] - losses[step + 3]) < 1e-4 * Math.abs(losses[step]), `${losses}`);
  }
});

test('a store refuses what it does not hold', () => {
  const store = new ParameterStore();
  assert.throws(() => store.set('w', new Float32Array(3), [2]), /w of shape \[2\] got 3 values/);
  assert.throws(() => store.get('v'), /v has no value/);
  store.set('w', Float32Array.of(1, 2, 3), [3]);
  assert.throws(() => store.setView('v', 'w', 2, [2]), /view v leaves w/);
  store.setView('v', 'w', 1, [2]);
  assert.deepEqual([...store.get('v').values], [2, 3]);
  assert.deepEqual(store.names(), ['w']);
});
