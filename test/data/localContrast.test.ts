import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localContrast } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';

/** The same, written literally: a two-dimensional sum per pixel, in float64. */
function literal(pixels: Float32Array, channels: number, side: number): Float64Array {
  const sigma = side / 16;
  const radius = Math.ceil(3 * sigma);
  const brightest = Math.max(...pixels);
  const at = (c: number, y: number, x: number) => pixels[(c * side + y) * side + x];
  const inView = (y: number, x: number) => {
    if (y < 0 || x < 0 || y >= side || x >= side) return false;
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += at(c, y, x) / channels;
    return mean > 0.04 * brightest;
  };
  const result = new Float64Array(pixels.length).fill(0.5);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        if (!inView(y, x)) continue;
        let [sum, weights] = [0, 0];
        for (let dy = -radius; dy <= radius; dy++) {
          for (let dx = -radius; dx <= radius; dx++) {
            if (!inView(y + dy, x + dx)) continue;
            const weight = Math.exp(-(dx ** 2 + dy ** 2) / (2 * sigma ** 2));
            sum += weight * at(c, y + dy, x + dx);
            weights += weight;
          }
        }
        const value = 0.5 + (4 * (at(c, y, x) - sum / weights)) / brightest;
        result[(c * side + y) * side + x] = Math.min(1, Math.max(0, value));
      }
    }
  }
  return result;
}

/** A disc of noise on black, as a fundus photograph is. */
function disc(side: number, channels: number, seed: number): Float32Array {
  const random = randomStream(seed, 'disc');
  const pixels = new Float32Array(channels * side * side);
  for (let i = 0; i < pixels.length; i++) {
    const [y, x] = [Math.floor((i % side ** 2) / side), i % side];
    const inside = Math.hypot(y - side / 2, x - side / 2) < 0.4 * side;
    pixels[i] = inside ? 0.3 + 0.5 * random.uniform() : 0;
  }
  return pixels;
}

test('local contrast is the difference from the blurred field of view', () => {
  for (const [side, channels] of [
    [32, 3],
    [48, 1],
    [9, 1],
  ]) {
    const pixels = disc(side, channels, side);
    const expected = literal(pixels, channels, side);
    const got = localContrast(pixels, channels, side);
    assert.ok(expected.some((value) => value !== 0.5));
    got.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 1e-5, `${side} px, ${i}: ${value}, expected ${expected[i]}`);
    });
  }
});

test('exposure leaves no trace in local contrast, nor does what is black', () => {
  const pixels = disc(32, 3, 1);
  const bright = localContrast(pixels, 3, 32);
  const dark = localContrast(
    pixels.map((value) => value / 16),
    3,
    32,
  );
  dark.forEach((value, i) => {
    assert.ok(Math.abs(value - bright[i]) < 1e-5);
  });
  assert.equal(bright[0], 0.5);
  assert.ok(localContrast(new Float32Array(64), 1, 8).every((value) => value === 0.5));
  assert.ok(
    localContrast(new Float32Array(64).fill(0.7), 1, 8).every((value) => Math.abs(value - 0.5) < 1e-6),
  );
});
