import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compile,
  conv2d,
  gradients,
  input,
  matmul,
  mean,
  mul,
  parameter,
  relu,
  square,
  sub,
  sum,
} from '../../src/graph/index.js';
import { evaluate, ParameterStore, Runtime } from '../../src/runtime/index.js';

test('a program with updates descends along the gradient, and its parameters stay in the store', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const x = input('x', [4, 2]);
  const target = input('target', [4, 1]);
  const w = parameter('w', [2, 1]);
  const loss = mean(square(sub(matmul(x, w), target)));
  const [dw] = gradients(loss, [w]);
  const program = compile(
    { loss },
    { updates: new Map([[w, sub(w, mul(dw, 0.1))]]), ...runtime.emitOptions },
  );
  const store = new ParameterStore();
  store.set('w', Float32Array.of(0, 0), [2, 1]);
  const executable = await runtime.load(program, store);
  const feeds = { x: Float32Array.of(1, 0, 0, 1, 1, 1, 2, 1), target: Float32Array.of(3, -1, 2, 5) };
  let last = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 200; step++) {
    const result = await executable.run(feeds);
    assert.ok(result.loss[0] <= last + 1e-9);
    last = result.loss[0];
  }
  assert.ok(Math.abs(store.get('w').values[0] - 3) < 1e-3 && Math.abs(store.get('w').values[1] + 1) < 1e-3);
});

test('the blocked convolution equals the plain one', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const x = input('x', [2, 32, 7, 6]);
  const w = input('w', [16, 32, 3, 3]);
  const y = relu(conv2d(x, w, null, { padding: [1, 1, 1, 1], strides: [2, 2] }));
  const feeds = {
    x: Float32Array.from({ length: 2 * 32 * 42 }, (_, i) => Math.sin(i)),
    w: Float32Array.from({ length: 16 * 32 * 9 }, (_, i) => Math.cos(i * 1.7)),
  };
  const plain = await runtime.load(compile({ y }));
  const expected = (await plain.run(feeds)).y;
  const got = (await evaluate(runtime, { y, total: sum(y) }, feeds)).y;
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-4);
  });
});
