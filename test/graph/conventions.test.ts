import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as g from '../../src/graph/index.js';
import { randomStream } from '../../src/random/index.js';
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

/** The first maximum of each window, row by row, gets 1, written as four loops. */
function firstMaxima(values: readonly number[], [height, width]: readonly number[], options: g.PoolOptions) {
  const { kernel, strides = kernel, padding = [0, 0, 0, 0] } = options;
  const result = values.map(() => 0);
  for (let top = -padding[0]; top + kernel[0] <= height + padding[2]; top += strides[0]) {
    for (let left = -padding[1]; left + kernel[1] <= width + padding[3]; left += strides[1]) {
      let place = -1;
      for (let i = Math.max(0, top); i < Math.min(height, top + kernel[0]); i++) {
        for (let j = Math.max(0, left); j < Math.min(width, left + kernel[1]); j++) {
          if (place === -1 || values[i * width + j] > values[place]) place = i * width + j;
        }
      }
      result[place]++;
    }
  }
  return result;
}

test('among many ties too, whatever window, stride and padding', async () => {
  const stream = randomStream(1, 'ties');
  for (const options of [
    { kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] },
    { kernel: [3, 2], strides: [1, 2], padding: [2, 0, 1, 1] },
    { kernel: [2, 3], strides: [3, 1] },
    { kernel: [4, 4], strides: [3, 2], padding: [3, 1, 0, 2] },
    { kernel: [1, 1], strides: [2, 3] },
  ] as const satisfies g.PoolOptions[]) {
    const values = Array.from({ length: 9 * 7 }, () => stream.integer(3) - 2);
    const derivative = await slope((x) => g.maxPool2d(x, options), values, [1, 1, 9, 7]);
    assert.deepEqual(derivative, firstMaxima(values, [9, 7], options), JSON.stringify(options));
  }
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
