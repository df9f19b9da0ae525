import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findDuplicateImages } from '../../../src/data/audit/duplicateImages.js';
import { eachNearPair, HASH_BANDS, HASH_WORDS, hammingDistance } from '../../../src/data/audit/imageHash.js';
import { partsOf } from '../../../src/data/audit/parts.js';
import { type ImageStore, resizePixels, type Visit } from '../../../src/data/index.js';
import { drawPatients } from '../../../src/data/synthetic/patients.js';
import { renderPhantom } from '../../../src/data/synthetic/phantom.js';
import { randomStream } from '../../../src/random/index.js';
import { cohortOf, thirds } from './sampleTables.js';

/** Bits set, the slow way. */
const popcount = (word: number) => [...(word >>> 0).toString(2)].filter((bit) => bit === '1').length;

test('near pairs are those that comparing all pairs finds, each once', () => {
  const word = fc.constantFrom<number>(0, 1, 3, 0x80000000, 0xffff0000, 0x12345678);
  const hashes = fc.array(fc.array(word, { minLength: HASH_WORDS, maxLength: HASH_WORDS }), {
    maxLength: 14,
  });
  fc.assert(
    fc.property(hashes, fc.integer({ min: 0, max: HASH_BANDS - 1 }), (list, distance) => {
      const flat = Uint32Array.from(list.flat());
      const found: string[] = [];
      eachNearPair(flat, distance, (a, b) => found.push(`${a} ${b}`));
      const expected = list.flatMap((one, a) =>
        list.flatMap((other, b) => {
          const bits = one.reduce((sum, w, i) => sum + popcount(w ^ other[i]), 0);
          if (b > a) assert.equal(hammingDistance(flat, a, b), bits);
          const blank = [one, other].some((hash) => hash.every((w) => w === 0));
          return b > a && bits <= distance && !blank ? [`${a} ${b}`] : [];
        }),
      );
      assert.deepEqual(found.sort(), expected.sort());
    }),
  );
});

test('of 20,000 hashes few pairs are compared', () => {
  const count = 20_000;
  const random = randomStream(3, 'hashes');
  const hashes = Uint32Array.from({ length: count * HASH_WORDS }, () => random.uint32());
  hashes.copyWithin(5000 * HASH_WORDS, 0, HASH_WORDS);
  hashes[5000 * HASH_WORDS] ^= 0b101;
  const pairs: [number, number][] = [];
  const compared = eachNearPair(hashes, 15, (a, b) => pairs.push([a, b]));
  assert.deepEqual(pairs, [[0, 5000]]);
  assert.ok(compared < 0.001 * ((count * (count - 1)) / 2), `${compared} comparisons`);
});

/** A store of ready pictures. */
function storeOf(pictures: Readonly<Record<string, Float32Array>>, size: number): ImageStore {
  return {
    format: { size, channels: 1, fit: 'letterbox', contrast: 'recorded' },
    length: size * size,
    has: (path) => path in pictures,
    prepare: () => Promise.reject(new Error('internal: the pictures are ready')),
    stored: () => assert.fail('the pictures are read'),
    read: (path, into, offset = 0) => into.set(pictures[path], offset),
  };
}

const size = 64;
/** One generated chest picture per patient. */
const chests = drawPatients(5, 40, 0)
  .filter(({ number }) => number === 1)
  .map(({ anatomy, exposure }) =>
    Float32Array.from(renderPhantom(anatomy, exposure, [], size).pixels, (value) => value / 255),
  );

/** What the check finds when these pictures belong to one patient each, or to the patients given. */
function findingsOf(pictures: readonly Float32Array[], patients?: readonly number[]) {
  const paths = pictures.map((_, row) => `${row}.png`);
  const visits = paths.map((path, row): Visit[] => [{ path, slot: 0, view: null, timeOffset: 0, row }]);
  const cohort = cohortOf({ labels: { ill: pictures.map((_, row) => row % 2) }, visits, patients });
  const store = storeOf(Object.fromEntries(paths.map((path, row) => [path, pictures[row]])), size);
  return findDuplicateImages(cohort, store, partsOf([thirds(pictures.length)], pictures.length));
}

test('pictures of different patients are not alike; the same picture scaled, brightened or noisy is', () => {
  assert.deepEqual(findingsOf(chests), []);
  const random = randomStream(8, 'noise');
  const small = resizePixels(chests[0], [size, size, 1], [48, 48]);
  const rescaled = resizePixels(small, [48, 48, 1], [size, size]);
  const brighter = chests[0].map((value) => Math.min(1, 1.1 * value + 0.02));
  const noisy = chests[0].map((value) => Math.min(1, Math.max(0, value + 0.004 * random.normal())));
  for (const [name, copy] of Object.entries({ same: chests[0], rescaled, brighter, noisy })) {
    const [finding, ...others] = findingsOf([...chests, copy]);
    assert.equal(others.length, 0);
    const apart = chests.length % 3 !== 0;
    assert.deepEqual(
      [finding?.key, finding?.severity, finding?.rows],
      ['duplicate-images', apart ? 'serious' : 'warning', [2, chests.length + 2]],
      name,
    );
  }
});

test('the same picture is no alarm within a patient, and a warning within one part', () => {
  const pictures = [...chests.slice(0, 3), chests[0]];
  assert.deepEqual(findingsOf(pictures, [0, 1, 2, 0]), []);
  assert.equal(findingsOf(pictures)[0].severity, 'warning', 'rows 0 and 3 are both trained on');
});

test('black pictures are not taken for one another', () => {
  assert.deepEqual(findingsOf([new Float32Array(size * size), new Float32Array(size * size), chests[0]]), []);
});
