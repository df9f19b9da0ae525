import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { evaluate, Runtime } from '../../src/runtime/index.js';

let runtime: Runtime;
before(async () => {
  runtime = await Runtime.open({ threads: 1 });
});

/** The derivative of Σ f(x) at a point, through ONNX Runtime. */
async function slope(f: (x: g.Tensor) => g.Tensor, values: readonly number[], shape = [values.length]) {
  const x = g.input('x', shape);
  const [dx] = g.gradients(g.sum(f(x)), [x]);
  return [...(await evaluate(runtime, { dx }, { x: Float32Array.from(values) })).dx];
}

test('at their kinks, relu and abs have the derivative 0', async () => {
  assert.deepEqual(await slope(g.relu, [-1e-30, 0, 1e-30]), [0, 0, 1]);
  assert.deepEqual(await slope(g.abs, [-2, 0, 3]), [-1, 0, 1]);
});

test('at its borders, clip has the derivative 1', async () => {
  assert.deepEqual(await slope((x) => g.clip(x, -1, 2), [-1.5, -1, 0, 2, 2.5]), [0, 1, 1, 1, 0]);
});

test('equal operands of maximum and minimum take half of the derivative each', async () => {
  assert.deepEqual(await slope((x) => g.maximum(x, 1), [0, 1, 2]), [0, 0.5, 1]);
  assert.deepEqual(await slope((x) => g.minimum(x, 1), [0, 1, 2]), [1, 0.5, 0]);
});

test('equal maxima of a reduction share the derivative evenly', async () => {
  const values = [3, 1, 3, 3, 5, 2, 0, 1];
  assert.deepEqual(
    await slope((x) => g.max(x, { axes: [1] }), values, [2, 4]),
    [1 / 3, 0, 1 / 3, 1 / 3, 1, 0, 0, 0].map(Math.fround),
  );
});

test('the first of equal maxima in a pooling window takes the whole derivative', async () => {
  const values = [1, 2, 2, 2, 2, 0, 0, 2, 2];
  const pool = (x: g.Tensor) => g.maxPool2d(x, { kernel: [2, 2], strides: [1, 1] });
  assert.deepEqual(await slope(pool, values, [1, 1, 3, 3]), [0, 2, 0, 1, 1, 0, 0, 0, 0]);
});

test('the branch that where does not take contributes no NaN', async () => {
  const f = (x: g.Tensor) => g.where(g.greater(x, 0), g.log(x), g.mul(x, 2));
  assert.deepEqual(await slope(f, [-1, 4]), [2, 0.25]);
});

test('gradients of several paths add up; of none they are zero; of the objective itself they are the seed', async () => {
  const x = g.input('x', [2]);
  const unused = g.input('unused', [3]);
  const y = g.mul(x, x);
  const objective = g.sum(g.add(y, g.mul(g.stopGradient(y), x)));
  const [dx, dy, du, self] = g.gradients(objective, [x, y, unused, objective]);
  const got = await evaluate(runtime, { dx, dy, du, self }, { x: Float32Array.of(3, -2) });
  assert.deepEqual([...got.dx], [2 * 3 + 9, 2 * -2 + 4]);
  assert.deepEqual([...got.dy], [1, 1]);
  assert.deepEqual([...got.du], [0, 0, 0]);
  assert.deepEqual([...got.self], [1]);
});

test('indices outside the classes have no 1 in a one-hot', async () => {
  const i = g.input('i', [4], 'int32');
  const { y } = await evaluate(runtime, { y: g.oneHot(i, 3) }, { i: Int32Array.of(-1, 2, 3, 0) });
  assert.deepEqual([...y], [0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
});
