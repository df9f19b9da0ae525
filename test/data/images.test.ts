import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import {
  decodeImage,
  loadCohort,
  openImageStore,
  placeImage,
  prepareImages,
  resizePixels,
  selectRows,
} from '../../src/data/index.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import { realData, scratchFolder } from './scratch.js';

interface Golden {
  files: { name: string; file: string; shape: number[]; bits: number; values: number[] }[];
  resized: {
    from: [number, number, number];
    to: [number, number];
    pixels: number[];
    values: number[];
  }[];
}
const golden: Golden = JSON.parse(readFileSync('test/golden/data/images.json', 'utf8'));

/** A grey PNG of noise. */
const noise = (seed: number, side = 16): Promise<Buffer> => {
  const random = randomStream(seed);
  const pixels = Uint8Array.from({ length: side * side }, () => random.integer(256));
  return sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
};

const refused = (promise: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof DataError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

test('resizePixels agrees with torch interpolate(antialias=True)', () => {
  for (const { from, to, pixels, values } of golden.resized) {
    const out = resizePixels(Float32Array.from(pixels), from, to);
    assert.equal(out.length, values.length);
    out.forEach((value, i) => {
      assert.ok(Math.abs(value - values[i]) < 2e-6, `${from} to ${to} at ${i}: ${value}, torch ${values[i]}`);
    });
  }
});

test('resizing keeps a constant image constant and values in range', () => {
  const side = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (h, w, th, tw, level) => {
      const flat = resizePixels(new Uint8Array(h * w).fill(level), [h, w, 1], [th, tw]);
      assert.ok(flat.every((value) => Math.abs(value - level) < 1e-4));
    }),
  );
});

test('files of every kind decode to the values that PIL reads, 16 bits included', async (t) => {
  const folder = scratchFolder(t);
  for (const { name, file, shape, bits, values } of golden.files) {
    const path = join(folder, 'image');
    writeFileSync(path, Buffer.from(file, 'base64'));
    const [height, width, samples = 1] = shape;
    const side = Math.max(height, width);
    const [left, top] = [Math.floor((side - width) / 2), Math.floor((side - height) / 2)];
    const decoded = await decodeImage(path, { size: side, channels: 3 });
    const grey = await decodeImage(path, { size: side, channels: 1 });
    assert.deepEqual([decoded.bits, decoded.height, decoded.width], [bits, height, width], name);
    // JPEG decoders may differ by one level; everything else is exact.
    const tolerance = (name.includes('JPEG') ? 1.01 : 1e-3) / (2 ** bits - 1) + 1e-7;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (y + top) * side + x + left;
        const stored = [0, 1, 2].map((c) => {
          const value = values[(y * width + x) * samples + (samples === 1 ? 0 : c)] / (2 ** bits - 1);
          const got = decoded.pixels[c * side * side + at];
          assert.ok(Math.abs(got - value) <= tolerance, `${name} at ${y},${x},${c}: ${got}, PIL ${value}`);
          return value;
        });
        const luma = 0.299 * stored[0] + 0.587 * stored[1] + 0.114 * stored[2];
        assert.ok(Math.abs(grey.pixels[at] - luma) <= tolerance + 1e-6, `${name}: grey at ${y},${x}`);
      }
    }
  }
});

test('letterbox keeps the aspect ratio on black, stretch fills the square', async (t) => {
  const wide = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const path = join(scratchFolder(t, { 'wide.png': wide }), 'wide.png');
  const boxed = await decodeImage(path, { size: 8, channels: 1 });
  const rows = Array.from({ length: 8 }, (_, y) => boxed.pixels[y * 8 + 3]);
  assert.deepEqual(
    rows.map((value) => Math.round(value * 1e6) / 1e6),
    [0, 0, 1, 1, 1, 1, 0, 0],
  );
  const stretched = await decodeImage(path, { size: 8, channels: 1, fit: 'stretch' });
  assert.ok(stretched.pixels.every((value) => Math.abs(value - 1) < 1e-6));
  assert.deepEqual(placeImage(30, 10, { size: 9, channels: 1 }), { left: 0, top: 3, width: 9, height: 3 });
  assert.deepEqual(placeImage(1, 1000, { size: 9, channels: 1 }), { left: 4, top: 0, width: 1, height: 9 });
});

test('files that are missing, damaged, of another kind or of absurd size are refused by name', async (t) => {
  const png = await noise(1, 64);
  const jpeg = await sharp(png).jpeg().toBuffer();
  const damaged = Buffer.from(png);
  damaged[png.length >> 1] ^= 0xff;
  const folder = scratchFolder(t, {
    'text.png': 'not an image',
    'empty.png': '',
    'half.png': png.subarray(0, png.length >> 1),
    'half.jpg': jpeg.subarray(0, jpeg.length >> 1),
    'damaged.png': damaged,
    'webp.png': await sharp(png).webp().toBuffer(),
    'tiny.png': await noise(1, 4),
    'bomb.png': await sharp({ create: { width: 20000, height: 6000, channels: 3, background: '#000' } })
      .png()
      .toBuffer(),
  });
  const at = (name: string) => decodeImage(join(folder, name), { size: 8, channels: 1 });
  await refused(at('absent.png'), 'missing-image', /ENOENT.*absent\.png/);
  for (const name of ['text.png', 'empty.png', 'half.png', 'half.jpg', 'damaged.png']) {
    await refused(at(name), 'corrupt-image', new RegExp(`whole image.*${name.replace('.', '\\.')}`));
  }
  await refused(at('webp.png'), 'unsupported-image', /got webp.*webp\.png/);
  await refused(at('tiny.png'), 'image-size', /got 4 × 4.*tiny\.png/);
  await refused(at('bomb.png'), 'image-size', /got 20000 × 6000.*bomb\.png/);
  for (const size of [0, 7, 8.5, 5000, Number.NaN]) {
    assert.throws(() => openImageStore({ size, channels: 1, cache: null }), ConfigError);
  }
});

/** A folder with eight images and a store over a cache beside them. */
async function storeOf(t: TestContext) {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 7; i++) files[`images/${i}.png`] = await noise(i);
  const deep = golden.files.find(({ name }) => name.startsWith('12-bit'))!;
  files['images/deep.png'] = Buffer.from(deep.file, 'base64');
  const folder = scratchFolder(t, files);
  const cache = join(folder, 'cache');
  const paths = Object.keys(files).map((name) => join(folder, name));
  return { folder, cache, paths, open: () => openImageStore({ size: 8, channels: 1, cache }) };
}

test('a store gives back what was decoded, within half a storage level, at any offset', async (t) => {
  const { paths, open } = await storeOf(t);
  const store = open();
  const progress: string[] = [];
  const prepared = await store.prepare([...paths, paths[0]], {
    onProgress: (done, total) => progress.push(`${done}/${total}`),
  });
  assert.deepEqual([prepared.decoded, prepared.reused, progress.at(-1)], [8, 0, '8/8']);
  for (const path of paths) {
    const into = new Float32Array(3 * store.length).fill(-1);
    store.read(path, into, store.length);
    const { pixels, bits } = await decodeImage(path, { size: 8, channels: 1 });
    pixels.forEach((value, i) => {
      assert.ok(Math.abs(into[store.length + i] - value) <= 0.5001 / (2 ** bits - 1), `${path} at ${i}`);
    });
    assert.ok(into.subarray(0, store.length).every((value) => value === -1));
    assert.ok(into.subarray(2 * store.length).every((value) => value === -1));
  }
  assert.throws(() => store.read('/absent.png', new Float32Array(64)), /prepared before/);
  assert.throws(() => store.read(paths[0], new Float32Array(64), 1), RangeError);
});

test('full white is exactly 1 after storage in 8 and 16 bits', async (t) => {
  const white = new Uint16Array(64).fill(65535);
  const deep = sharp(white, { raw: { width: 8, height: 8, channels: 1 } })
    .toColourspace('grey16')
    .png();
  const flat = sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } }).png();
  const folder = scratchFolder(t, { 'deep.png': await deep.toBuffer(), 'flat.png': await flat.toBuffer() });
  const store = openImageStore({ size: 8, channels: 1, cache: null });
  for (const name of ['deep.png', 'flat.png']) {
    await store.prepare([join(folder, name)]);
    const into = new Float32Array(64);
    store.read(join(folder, name), into);
    assert.deepEqual(new Set(into), new Set([1]), name);
  }
});

test('the second epoch and the second run do not decode; another format does', async (t) => {
  const { cache, paths, open } = await storeOf(t);
  const first = open();
  await first.prepare(paths);
  assert.equal((await first.prepare(paths)).decoded, 0, 'second epoch');
  const second = open();
  const prepared = await second.prepare(paths);
  assert.deepEqual([prepared.decoded, prepared.reused], [0, 8], 'second run');
  for (const path of paths) {
    const [a, b] = [new Float32Array(64), new Float32Array(64)];
    first.read(path, a);
    second.read(path, b);
    assert.deepEqual(a, b);
  }
  for (const options of [
    { size: 9 },
    { channels: 3 as const },
    { fit: 'stretch' as const },
    { contrast: 'local' as const },
  ]) {
    const other = openImageStore({ size: 8, channels: 1, cache, ...options });
    assert.equal((await other.prepare(paths)).decoded, 8, JSON.stringify(options));
  }
  for (const name of readdirSync(cache)) assert.ok(!/\.png|tmp/.test(name), `${name} left in the cache`);
  assert.equal(statSync(cache).mode & 0o077, 0, 'the cache is its owner\u2019s alone');
});

test('an image that was replaced is decoded anew, and only that one', async (t) => {
  const { paths, open } = await storeOf(t);
  await open().prepare(paths);
  writeFileSync(paths[2], await noise(99));
  utimesSync(paths[2], new Date(), new Date(Date.now() + 5000));
  const store = open();
  const prepared = await store.prepare(paths);
  assert.deepEqual([prepared.decoded, prepared.reused], [1, 7]);
  const into = new Float32Array(64);
  store.read(paths[2], into);
  const { pixels } = await decodeImage(paths[2], { size: 8, channels: 1 });
  assert.ok(pixels.every((value, i) => Math.abs(value - into[i]) < 0.51 / 255));
});

test('stores that decode at the same time leave a cache that serves both', async (t) => {
  const { paths, open } = await storeOf(t);
  await Promise.all([
    open().prepare(paths.slice(0, 5)),
    open().prepare(paths.slice(3)),
    open().prepare(paths.slice(0, 5)),
  ]);
  assert.equal((await open().prepare(paths)).decoded, 0);
});

test('a damaged cache file is reported and its images decoded again', async (t) => {
  const { cache, paths, open } = await storeOf(t);
  await open().prepare(paths);
  const [name] = readdirSync(cache);
  const whole = readFileSync(join(cache, name));
  const damages: [string, () => void][] = [
    ['cut in the samples', () => truncateSync(join(cache, name), whole.length - 40)],
    ['cut in the index', () => truncateSync(join(cache, name), 30)],
    ['empty', () => truncateSync(join(cache, name), 0)],
    ['another magic', () => writeFileSync(join(cache, name), Buffer.from(whole).fill(7, 0, 8))],
    ['no JSON', () => writeFileSync(join(cache, name), Buffer.from(whole).fill(7, 12, 20))],
  ];
  for (const [damage, act] of damages) {
    act();
    const prepared = await open().prepare(paths);
    assert.deepEqual([prepared.damaged, prepared.decoded], [[name], 8], damage);
    assert.deepEqual(readFileSync(join(cache, name)), whole, `${damage}: the pack is written again`);
  }
});

test('a cache that cannot be written is one error and leaves no file behind', async (t) => {
  const { folder, paths } = await storeOf(t);
  writeFileSync(join(folder, 'file'), '');
  const store = openImageStore({ size: 8, channels: 1, cache: join(folder, 'file', 'cache') });
  await refused(store.prepare(paths), 'cache-unwritable', /ENOTDIR/);
});

test('a bad image stops, or is skipped with its rows noted; good images stay cached', async (t) => {
  const { folder, cache, paths, open } = await storeOf(t);
  writeFileSync(paths[1], 'damaged');
  const table = join(folder, 't.csv');
  writeFileSync(table, 'p,o,image,y\na,0,0.png,1\na,1,1.png,0\na,2,2.png,1\nb,0,3.png,0\n');
  const cohort = await loadCohort({
    table,
    patient: 'p',
    order: 'o',
    history: 2,
    labels: { columns: ['y'] },
    numeric: ['o'].slice(1),
    images: { directory: join(folder, 'images'), columns: ['image'] },
  });
  await refused(prepareImages(open(), cohort), 'corrupt-image', /whole image.*1\.png.*line 3/);
  assert.ok(readdirSync(cache).length > 0, 'what was decoded before the fault is kept');
  const { cohort: rest, prepared } = await prepareImages(open(), cohort, { onBadImage: 'skip' });
  assert.equal(prepared.failed.length, 1);
  assert.deepEqual(rest.ids, ['row-2', 'row-4', 'row-5']);
  assert.deepEqual([...rest.targets, ...rest.patientIndex, ...rest.lines], [1, 1, 0, 0, 0, 1, 2, 4, 5]);
  assert.deepEqual(
    rest.visits.map((visits) => visits.map(({ path, row }) => `${path.at(-5)}@${row}`)),
    [['0@0'], ['2@1', '0@0'], ['3@2']],
  );
  assert.deepEqual(
    rest.notes.map(({ code, rows }) => [code, rows]),
    [['skipped-corrupt-image', [3]]],
  );
  assert.deepEqual(selectRows(cohort, Int32Array.of(0, 1, 2, 3)), cohort);
});

test('many files are decoded in threads, to the same bits, and their faults are reported as without', async (t) => {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 150; i++) files[`${i}.png`] = await noise(i, 12 + (i % 7));
  files['30.png'] = Buffer.from(golden.files.find(({ name }) => name.startsWith('12-bit'))!.file, 'base64');
  files['31.png'] = await sharp(files['31.png']).jpeg().toBuffer();
  const folder = scratchFolder(t, files);
  const paths = Object.keys(files).map((name) => join(folder, name));
  const open = (concurrency: number) => openImageStore({ size: 9, channels: 1, cache: null, concurrency });
  const [threads, here] = [open(2), open(1)];
  let done = 0;
  assert.equal((await threads.prepare(paths, { onProgress: (count) => (done = count) })).decoded, 150);
  assert.equal(done, 150);
  await here.prepare(paths);
  for (const path of paths) assert.deepEqual(threads.stored(path), here.stored(path), path);

  truncateSync(paths[77], 60);
  const [skipping, reference] = await Promise.all(
    [2, 1].map((concurrency) => open(concurrency).prepare(paths, { onBadImage: 'skip' })),
  );
  assert.equal(skipping.decoded, 149);
  assert.deepEqual(skipping.failed, reference.failed);
  assert.match(skipping.failed[0].error.message, /whole image.*77\.png/);
  await refused(open(2).prepare(paths), 'corrupt-image', /77\.png/);
});

test('radiographs of many sizes, as published, all decode', async (t) => {
  const directory = realData(t, 'covid/images');
  if (directory === null) return;
  const store = openImageStore({ size: 32, channels: 1, cache: null });
  const prepared = await store.prepare(readdirSync(directory).map((file) => join(directory, file)));
  assert.equal(prepared.decoded, 724);
});
