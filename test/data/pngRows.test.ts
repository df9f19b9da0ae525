import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage } from '../../src/data/index.js';
import { readPngRows } from '../../src/data/pngRows.js';
import { type Random, randomStream } from '../../src/random/index.js';
import { scratchFolder } from './scratch.js';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

type Chunk = readonly [type: string, data: Uint8Array];

/** A picture with flat parts, slopes and noise. */
function picture(random: Random, channels: number): Picture {
  const [width, height] = [8 + random.integer(40), 8 + random.integer(40)];
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) =>
    i % 3 === 0 ? random.integer(256) : (i >> 2) + random.integer(1 + random.integer(9)),
  );
  return { width, height, channels, pixels };
}

/** PNG rows, each filtered as `filterOf` says, straight from the formulas of the standard. */
function filtered({ width, height, channels, pixels }: Picture, filterOf: (y: number) => number): Uint8Array {
  const stride = width * channels;
  const at = (y: number, i: number) => (y < 0 || i < 0 ? 0 : pixels[y * stride + i]);
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const filter = filterOf(y);
    rows[y * (stride + 1)] = filter;
    for (let i = 0; i < stride; i++) {
      const [a, b, c] = [at(y, i - channels), at(y - 1, i), i < channels ? 0 : at(y - 1, i - channels)];
      const p = a + b - c;
      const distances = [a, b, c].map((value) => Math.abs(p - value));
      const paeth = [a, b, c][distances.indexOf(Math.min(...distances))];
      const predicted = [0, a, b, (a + b) >> 1, paeth][filter];
      rows[y * (stride + 1) + 1 + i] = pixels[y * stride + i] - predicted;
    }
  }
  return rows;
}

function header(width: number, height: number, depth: number, colour: number, interlace = 0): Chunk {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, colour, 0, 0, interlace], 8);
  return ['IHDR', data];
}

const end: Chunk = ['IEND', new Uint8Array(0)];

function fileOf(chunks: readonly Chunk[]): Buffer {
  const parts = chunks.map(([type, data]) => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const whole = Buffer.alloc(named.length + 8);
    whole.writeUInt32BE(data.length);
    named.copy(whole, 4);
    whole.writeUInt32BE(crc32(named), named.length + 4);
    return whole;
  });
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

function chunksOf(shown: Picture, filterOf: (y: number) => number, parts = 1): Chunk[] {
  const data = deflateSync(filtered(shown, filterOf));
  const cut = (part: number) => Math.round((part * data.length) / parts);
  const colour = shown.channels === 1 ? 0 : 2;
  return [
    header(shown.width, shown.height, 8, colour),
    ...Array.from({ length: parts }, (_, k): Chunk => ['IDAT', data.subarray(cut(k), cut(k + 1))]),
    end,
  ];
}

const rowsOf = (file: Buffer) => readPngRows(file, 1e6, 8);

/** What the image library reads, under the rules of `decodeImage`; null where it refuses. */
async function throughSharp(file: Buffer): Promise<{ width: number; height: number; data: Buffer } | null> {
  try {
    const open = () => sharp(file, { limitInputPixels: false, ignoreIcc: true });
    const { space, depth } = await open().metadata();
    if (depth !== 'uchar') return null;
    const { data, info } = await open()
      .autoOrient()
      .flatten({ background: '#000' })
      .toColourspace(space === 'b-w' ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch {
    return null;
  }
}

/** The file decodes to just these samples. */
async function assertDecoded(path: string, file: Buffer, shown: Picture): Promise<void> {
  writeFileSync(path, file);
  const { width, height, channels, pixels: samples } = shown;
  const size = Math.max(width, height);
  const { pixels } = await decodeImage(path, { size, channels: channels === 1 ? 1 : 3 });
  const [left, top] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
  for (let i = 0; i < samples.length; i++) {
    const pixel = Math.floor(i / channels);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const got = pixels[((i % channels) * size + y + top) * size + x + left];
    assert.ok(Math.abs(got - samples[i] / 255) < 1e-6, `sample ${i}: ${got}, written ${samples[i]}`);
  }
}

test('every filter, alone and mixed, gives back the samples that were written, and those the library reads', async (t) => {
  const path = join(scratchFolder(t), 'image.png');
  for (const channels of [1, 3] as const) {
    for (let seed = 0; seed < 12; seed++) {
      const random = randomStream(seed, 'png', channels);
      const shown = picture(random, channels);
      const filterOf = seed < 5 ? () => seed : () => random.integer(5);
      const file = fileOf(chunksOf(shown, filterOf, 1 + (seed % 4)));
      assert.notEqual(rowsOf(file), null, 'it is taken');
      assert.deepEqual(new Uint8Array((await throughSharp(file))!.data), shown.pixels);
      await assertDecoded(path, file, shown);
    }
  }
});

test('chunks that leave samples alone are passed over; all that is unusual is left to the library', async () => {
  const shown = picture(randomStream(1), 3);
  const [head, pixels] = chunksOf(shown, () => 4);
  const data = Buffer.from(pixels[1]);
  const { width, height } = shown;
  const gamma: Chunk = ['gAMA', Buffer.from([0, 0, 0xb1, 0x8f])];
  const density: Chunk = ['pHYs', Buffer.from([0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1])];
  const taken = { gAMA: gamma, pHYs: density, sRGB: ['sRGB', Buffer.of(0)] as Chunk };
  for (const [name, chunk] of Object.entries(taken)) {
    const file = fileOf([head, chunk, pixels, end]);
    assert.notEqual(rowsOf(file), null, name);
    assert.deepEqual(new Uint8Array((await throughSharp(file))!.data), shown.pixels, name);
  }
  const whole = fileOf([head, pixels, end]);
  const spoilt = Buffer.from(whole);
  spoilt[60] ^= 1;
  const badFilter = filtered(shown, () => 0);
  badFilter[3 * (1 + width * 3)] = 5;
  const badSum = Buffer.from(data);
  badSum[badSum.length - 1] ^= 1;
  const left: Record<string, Buffer> = {
    'nothing at all': Buffer.alloc(0),
    'another kind of file': Buffer.from('GIF89a and more of it'),
    'no header': fileOf([pixels, end]),
    'no pixels': fileOf([head, end]),
    'no end': fileOf([head, pixels]),
    'bytes after the end': Buffer.concat([whole, Buffer.of(0)]),
    'a wrong check sum of a chunk': spoilt,
    'a wrong check sum of the pixels': fileOf([head, ['IDAT', badSum], end]),
    'an unknown filter': fileOf([head, ['IDAT', deflateSync(badFilter)], end]),
    'too few rows': fileOf([header(width, height + 1, 8, 2), pixels, end]),
    'too many rows': fileOf([header(width, height - 1, 8, 2), pixels, end]),
    'more after the compressed data': fileOf([head, ['IDAT', Buffer.concat([data, data])], end]),
    'a chunk between the pixels': fileOf([
      head,
      ['IDAT', data.subarray(0, 40)],
      density,
      ['IDAT', data.subarray(40)],
      end,
    ]),
    'a chunk twice': fileOf([head, gamma, gamma, pixels, end]),
    'a chunk of another length': fileOf([head, ['gAMA', Buffer.alloc(5)], pixels, end]),
    'a colour profile': fileOf([head, ['iCCP', Buffer.from('icc\0\0rubbish')], pixels, end]),
    transparency: fileOf([head, ['tRNS', Buffer.from([0, 1, 0, 2, 0, 3])], pixels, end]),
    'an unknown chunk': fileOf([head, ['abCd', Buffer.alloc(3)], pixels, end]),
    interlacing: fileOf([header(width, height, 8, 2, 1), pixels, end]),
    'a palette': await sharp(whole).png({ palette: true }).toBuffer(),
    '16 bits': await sharp(whole).toColourspace('rgb16').png().toBuffer(),
    alpha: await sharp(whole).ensureAlpha(0.5).png().toBuffer(),
    'one bit': await sharp(whole).threshold().png({ palette: true, colours: 2 }).toBuffer(),
    'more pixels than are decoded': fileOf(
      chunksOf({ width: 1001, height: 1000, channels: 1, pixels: new Uint8Array(1001000) }, () => 0),
    ),
    'a side below the shortest': fileOf(
      chunksOf({ width: 7, height: 9, channels: 1, pixels: new Uint8Array(63) }, () => 0),
    ),
    'a width of 2^31': fileOf([header(2 ** 31, 8, 8, 0), pixels, end]),
  };
  for (const [name, file] of Object.entries(left)) assert.equal(rowsOf(file), null, name);
});

test('a damaged file is left to the library, or read as the library reads it', async (t) => {
  const path = join(scratchFolder(t), 'image.png');
  let taken = 0;
  for (let seed = 0; seed < 600; seed++) {
    const random = randomStream(seed, 'damage');
    const shown = picture(random, seed % 2 === 0 ? 1 : 3);
    const chunks = chunksOf(shown, () => random.integer(5), 1 + random.integer(3));
    let file = fileOf(chunks);
    const way = random.integer(4);
    if (way === 0) file = file.subarray(0, random.integer(file.length));
    else if (way === 1) file[random.integer(file.length)] ^= 1 << random.integer(8);
    else {
      // Behind a right check sum, so that what reads the chunks themselves is met.
      const damaged = chunks.map(([type, data]): Chunk => [type, Buffer.from(data)]);
      const [, data] = damaged[way === 2 ? 0 : 1 + random.integer(damaged.length - 2)];
      const last =
        way === 2 ? data.length : Math.min(data.length, random.integer(2) === 0 ? 12 : data.length);
      for (let k = 0; k <= random.integer(3); k++) data[random.integer(last)] ^= 1 << random.integer(8);
      file = fileOf(damaged);
    }
    if (way === 3) {
      // Behind a right check sum of the pixels too: other values, filters and lengths.
      const raw = filtered(shown, () => random.integer(5));
      for (let k = 0; k < 3; k++) raw[random.integer(raw.length)] = random.integer(256);
      const [head] = chunks;
      file = fileOf([head, ['IDAT', deflateSync(raw.subarray(0, raw.length - random.integer(2)))], end]);
    }
    const rows = rowsOf(file);
    if (rows === null) continue;
    taken++;
    const read = await throughSharp(file);
    assert.ok(read !== null, `seed ${seed}: the library refuses what is taken`);
    const { width, height, channels } = rows;
    assert.deepEqual([width, height, width * height * channels], [read.width, read.height, read.data.length]);
    await assertDecoded(path, file, { width, height, channels, pixels: read.data });
  }
  assert.ok(taken > 5 && taken < 200, `${taken} of 600 were taken`);
});
