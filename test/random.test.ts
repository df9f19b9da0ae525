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

test('counted integers are those drawn one by one, and the stream goes on from there', () => {
  for (const n of [1, 2, 7, 4096, 200_003]) {
    const [one, many] = [randomStream(5, 'count', n), randomStream(5, 'count', n)];
    const expected = new Int32Array(n);
    const counts = new Int32Array(n);
    for (let draw = 0; draw < 3000; draw++) expected[one.integer(n)]++;
    many.countIntegers(1000, counts);
    many.countIntegers(2000, counts);
    assert.deepEqual(counts, expected);
    assert.deepEqual(many.state(), one.state());
  }
});

test('a mask takes the upper, then the lower half of each 32-bit number, and the stream goes on from there', () => {
  for (const [length, probability] of [
    [1, 0.5],
    [1001, 0.9],
    [1000, 0.0371],
    [10, 0],
    [10, 1],
  ]) {
    const [mask, words] = [randomStream(7, 'mask', length), randomStream(7, 'mask', length)];
    const drawn = new Uint8Array(length);
    mask.fillBernoulli(drawn, probability);
    let word = 0;
    drawn.forEach((value, i) => {
      if (i % 2 === 0) word = words.uint32();
      const half = i % 2 === 0 ? Math.floor(word / 65_536) : word % 65_536;
      assert.equal(value, half < Math.round(65_536 * probability) ? 1 : 0);
    });
    assert.deepEqual(mask.state(), words.state());
  }
});

test('normal numbers that fill an array are those drawn one by one, and the stream goes on from there', () => {
  for (const limit of [Number.POSITIVE_INFINITY, 2, 0.5]) {
    const [one, many] = [randomStream(5, 'normal', limit), randomStream(5, 'normal', limit)];
    const expected = Float32Array.from({ length: 3000 }, () => {
      let draw = one.normal();
      while (Math.abs(draw) > limit) draw = one.normal();
      return draw * 0.7;
    });
    const filled = [new Float32Array(1000), new Float32Array(2000)];
    for (const part of filled) many.fillNormal(part, 0.7, limit);
    assert.deepEqual(Float32Array.of(...filled[0], ...filled[1]), expected);
    assert.deepEqual(many.state(), one.state());
  }
});

test('an integer is the remainder of a 32-bit number below the last whole multiple', () => {
  for (const n of [1, 3, 10, 65_537, 200_000, 1_431_655_766, 2_147_483_649, 4_294_967_295, 4_294_967_296]) {
    const [drawn, words] = [randomStream(6, n), randomStream(6, n)];
    const limit = 2n ** 32n - (2n ** 32n % BigInt(n));
    for (let draw = 0; draw < 2000; draw++) {
      let word = BigInt(words.uint32());
      while (word >= limit) word = BigInt(words.uint32());
      assert.equal(drawn.integer(n), Number(word % BigInt(n)));
    }
  }
});
