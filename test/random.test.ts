import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomStream } from '../src/random/index.js';

test('the same seed and purpose give the same stream, another purpose another', () => {
  const draw = (seed: number, purpose: string) => {
    const random = randomStream(seed, purpose);
    return Array.from({ length: 5 }, () => random.uint32());
  };
  assert.deepEqual(draw(1, 'split'), draw(1, 'split'));
  assert.notDeepEqual(draw(1, 'split'), draw(1, 'init'));
  assert.notDeepEqual(draw(1, 'split'), draw(2, 'split'));
});

test('uniform and normal have the moments of their distributions', () => {
  const random = randomStream(3, 'moments');
  const n = 200_000;
  let [sum, sumSquares, normalSum, normalSquares] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const u = random.uniform();
    const z = random.normal();
    sum += u;
    sumSquares += u * u;
    normalSum += z;
    normalSquares += z * z;
  }
  assert.ok(Math.abs(sum / n - 0.5) < 0.004);
  assert.ok(Math.abs(sumSquares / n - 1 / 3) < 0.004);
  assert.ok(Math.abs(normalSum / n) < 0.012);
  assert.ok(Math.abs(normalSquares / n - 1) < 0.02);
});

test('a restored state continues bit for bit', () => {
  const random = randomStream(9, 'resume');
  random.normal();
  const state = random.state();
  const expected = [random.uniform(), random.normal(), random.integer(17)];
  random.restore(state);
  assert.deepEqual([random.uniform(), random.normal(), random.integer(17)], expected);
});
