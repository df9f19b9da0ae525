import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { augmentations } from '../../src/data/index.js';
import { DataError } from '../../src/errors.js';
import {
  type BatchLoader,
  createBatcher,
  type Feeds,
  imageWorkersFor,
  openBatchLoader,
} from '../../src/train/index.js';
import { sampleSource } from './sampleSource.js';

const variation = { seed: 3, epoch: 2, augmentation: augmentations.fundus, modalityDropout: 0.5 };
const batches = [[0, 1], [4, 2], [2, 2], [5, 0], [3], [1, 4], [0, 5], [4, 3]].map((rows) =>
  Int32Array.from(rows),
);

/** Copies of all batches, since each is valid until the next. */
async function all(loader: BatchLoader, epoch = variation.epoch): Promise<Feeds[]> {
  const copies: Feeds[] = [];
  for await (const { rows, feeds } of loader.batches(batches, { ...variation, epoch })) {
    assert.equal(rows, batches[copies.length]);
    copies.push(structuredClone(feeds));
  }
  return copies;
}

function expected(epoch: number): Feeds[] {
  const batcher = createBatcher(sampleSource(), 2);
  return batches.map((rows) => structuredClone(batcher(rows, { ...variation, epoch })));
}

for (const workers of [0, 1, 3, 9]) {
  test(`${workers} workers give the batches of createBatcher, bit for bit and in order`, async () => {
    const loader = openBatchLoader(sampleSource(), 2, workers);
    try {
      for (const epoch of [2, 3]) assert.deepEqual(await all(loader, epoch), expected(epoch));
    } finally {
      await loader.close();
    }
  });
}

test('an epoch that is left half-way leaves nothing to the next', async () => {
  const loader = openBatchLoader(sampleSource(), 2, 2);
  try {
    for (let times = 0; times < 8; times++) {
      for await (const { rows } of loader.batches(batches, variation)) if (rows === batches[times % 3]) break;
    }
    assert.deepEqual(await all(loader), expected(variation.epoch));
  } finally {
    await loader.close();
  }
});

test('no more than 2 batches per worker and one more are made ahead of time', async () => {
  const source = sampleSource();
  let asked = 0;
  const images = {
    ...source.images,
    stored: (path: string) => {
      asked++;
      return source.images.stored(path);
    },
  };
  const single = Array.from({ length: 20 }, () => Int32Array.of(1)); // one image per row
  const loader = openBatchLoader({ ...source, images }, 1, 2);
  try {
    let consumed = 0;
    for await (const _batch of loader.batches(single, variation)) {
      assert.equal(asked, Math.min(20, 5 + consumed));
      consumed++;
    }
    assert.equal(consumed, 20);
  } finally {
    await loader.close();
  }
});

test('an image that is not prepared is named, with workers and without', async () => {
  const source = sampleSource();
  const missing = (path: string): never => {
    throw new DataError('image-not-prepared', 'not prepared', { file: path });
  };
  const images = { ...source.images, stored: missing, read: missing };
  for (const workers of [0, 1]) {
    const loader = openBatchLoader({ ...source, images }, 2, workers);
    await assert.rejects(all(loader), /not prepared \(p1\)/);
    await loader.close();
  }
});

test('a fault in a worker ends the epoch with its reason', async () => {
  const source = sampleSource();
  const wrong = { ...variation, augmentation: { ...augmentations.none, shift: 7 } };
  const loader = openBatchLoader(source, 2, 2);
  const epoch = loader.batches(batches, wrong);
  await assert.rejects(epoch.next(), /shift must lie in 0..0.5, got 7/);
  await loader.close();
});

test('batches that are asked for after the workers have ended are refused', async () => {
  const loader = openBatchLoader(sampleSource(), 2, 2);
  await loader.close();
  await assert.rejects(all(loader), /after it was given back/);
});

test('a loader that nobody closed does not keep its process alive', () => {
  const url = (path: string) => pathToFileURL(join('dist', path)).href;
  const script = `
    import { openBatchLoader } from '${url('src/train/index.js')}';
    import { augmentations } from '${url('src/data/index.js')}';
    import { sampleSource } from '${url('test/train/sampleSource.js')}';
    const loader = openBatchLoader(sampleSource(), 2, 2);
    const rows = Array.from({ length: 9 }, () => Int32Array.of(0, 1));
    const variation = { seed: 1, epoch: 0, augmentation: augmentations.fundus, modalityDropout: 0 };
    for await (const batch of loader.batches(rows, variation)) break;
    console.log('done');`;
  const { status, stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.deepEqual([status, signal, stdout], [0, null, 'done\n']);
});

test('a number of workers that is none is refused', () => {
  for (const workers of [-1, 0.5, Number.NaN]) {
    assert.throws(() => openBatchLoader(sampleSource(), 2, workers), RangeError);
  }
});

test('workers take the processors that the training leaves idle, four at most', () => {
  const cases = [
    [1, 1, 0],
    [2, 2, 0],
    [1, 2, 1],
    [4, 2, 0],
    [2, 16, 4],
  ];
  for (const [threads, processors, workers] of cases) {
    assert.equal(imageWorkersFor(threads, processors), workers, `${threads} of ${processors}`);
  }
});
