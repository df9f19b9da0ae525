import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodeGreyscalePng } from '../../src/data/png.js';
import { ShapeError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';

// 300 × 300 needs two stored blocks; libpng checks both checksums.
for (const [width, height] of [
  [1, 1],
  [7, 3],
  [300, 300],
]) {
  test(`libpng reads back the pixels of a ${width} × ${height} image`, async () => {
    const random = randomStream(1, 'png', width);
    const pixels = Uint8Array.from({ length: width * height }, () => random.integer(256));
    const png = encodeGreyscalePng(pixels, width, height);
    const { data, info } = await sharp(png, { failOn: 'warning' })
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [width, height, 1]);
    assert.deepEqual(new Uint8Array(data), pixels);
    assert.equal((await sharp(png).metadata()).channels, 1);
  });
}

test('a size that does not fit the pixels is refused', () => {
  assert.throws(() => encodeGreyscalePng(new Uint8Array(5), 2, 3), ShapeError);
  assert.throws(() => encodeGreyscalePng(new Uint8Array(0), 0, 3), ShapeError);
});
