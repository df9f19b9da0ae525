import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeImage, resizePixels } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';
import { scratchFolder } from './scratch.js';

/** Weights of one output along one axis, written literally in float64. */
function weightsOf(from: number, to: number, i: number): { at: number; weight: number }[] {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  const centre = (i + 0.5) * scale;
  const all = Array.from({ length: from }, (_, at) => ({
    at,
    weight: Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach),
  })).filter(({ weight }) => weight > 0);
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  return all.map(({ at, weight }) => ({ at, weight: weight / total }));
}

type Shape = readonly [number, number, number];

function literal(pixels: ArrayLike<number>, [height, width, channels]: Shape, to: readonly [number, number]) {
  return (y: number, x: number, c: number): number => {
    let sum = 0;
    for (const { at: row, weight: down } of weightsOf(height, to[0], y)) {
      for (const { at: column, weight: across } of weightsOf(width, to[1], x)) {
        sum += down * across * pixels[(row * width + column) * channels + c];
      }
    }
    return sum;
  };
}

const cases: readonly (readonly [Shape, readonly [number, number]])[] = [
  [
    [700, 2100, 3],
    [64, 50],
  ], // several bands of input
  [
    [9, 8, 3],
    [700, 801],
  ], // several bands of output
  [
    [900, 1400, 1],
    [899, 1401],
  ], // both
  [
    [3, 40000, 1],
    [2, 37],
  ],
  [
    [40, 30, 2],
    [17, 13],
  ],
  [
    [1, 1, 3],
    [5, 7],
  ],
];

test('large and small images of every kind of sample are resized as a literal filter does, band by band', () => {
  for (const [shape, to] of cases) {
    const random = randomStream(1, ...shape);
    const length = shape[0] * shape[1] * shape[2];
    const kinds = [
      { pixels: Uint8Array.from({ length }, () => random.integer(256)), most: 255 },
      { pixels: Uint16Array.from({ length }, () => random.integer(65536)), most: 65535 },
      { pixels: Float32Array.from({ length }, () => random.uniform()), most: 1 },
    ];
    for (const { pixels, most } of kinds) {
      const out = resizePixels(pixels, shape, to);
      assert.equal(out.length, to[0] * to[1] * shape[2]);
      const expected = literal(pixels, shape, to);
      for (let k = 0; k < 60; k++) {
        const [y, x, c] = [random.integer(to[0]), random.integer(to[1]), random.integer(shape[2])];
        const got = out[(y * to[1] + x) * shape[2] + c];
        const error = Math.abs(got - expected(y, x, c)) / most;
        assert.ok(error < 2e-6, `${shape} to ${to}, ${most}: at ${y}, ${x}, ${c} wrong by ${error}`);
      }
    }
  }
});

test('a file of several bands of filtered rows is read through to its end', async (t) => {
  const path = join(scratchFolder(t), 'large.png');
  const [height, width] = [700, 2100];
  const random = randomStream(2);
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i >> 6) + random.integer(40));
  const file = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png({ adaptiveFiltering: true })
    .toBuffer();
  writeFileSync(path, file);
  const size = 48;
  const decoded = await decodeImage(path, { size, channels: 3, fit: 'stretch' });
  const plain = resizePixels(pixels, [height, width, 3], [size, size]);
  for (let i = 0; i < size * size * 3; i++) {
    const got = decoded.pixels[(i % 3) * size * size + Math.floor(i / 3)];
    assert.ok(Math.abs(got - plain[i] / 255) < 1e-6, `value ${i}: ${got}, ${plain[i] / 255}`);
  }
});
