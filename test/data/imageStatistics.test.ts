import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Cohort,
  type ImageStatistics,
  type ImageStore,
  imageStatisticColumns,
  imageStatisticNames,
  imageStatistics,
} from '../../src/data/index.js';
import { ShapeError } from '../../src/errors.js';

interface Golden {
  cases: { name: string; shape: [number, number, number]; pixels: number[]; statistics: ImageStatistics }[];
}
const golden = JSON.parse(readFileSync('test/golden/data/image_statistics.json', 'utf8')) as Golden;

for (const { name, shape, pixels, statistics } of golden.cases) {
  test(`statistics agree with numpy, scipy and scikit-image: ${name}`, () => {
    const found = imageStatistics(Float32Array.from(pixels), ...shape);
    for (const statistic of imageStatisticNames) {
      const [value, expected] = [found[statistic], statistics[statistic]];
      assert.ok(Math.abs(value - expected) < 1e-9, `${statistic} ${value} is not ${expected}`);
    }
  });
}

test('an image one pixel wide has one direction; a single pixel or a wrong size is refused', () => {
  const { contrast, homogeneity } = imageStatistics(Float32Array.of(0, 1), 1, 2, 1);
  assert.deepEqual([contrast, homogeneity], [31 ** 2, 1 / (1 + 31 ** 2)]);
  assert.throws(() => imageStatistics(Float32Array.of(0), 1, 1, 1), ShapeError);
  assert.throws(() => imageStatistics(new Float32Array(8), 2, 2, 2), ShapeError);
  assert.throws(() => imageStatistics(new Float32Array(5), 1, 2, 2), ShapeError);
});

test('columns hold the images of the row itself; absent ones are missing', () => {
  const brightness: Record<string, number> = { a: 0.25, b: 0.5, c: 0.75 };
  const images: ImageStore = {
    format: { size: 2, channels: 1, fit: 'letterbox', contrast: 'recorded' },
    length: 4,
    prepare: () => Promise.reject(new Error('not needed')),
    has: (path) => path in brightness,
    stored: () => assert.fail('not needed'),
    read: (path, into) => {
      into.fill(brightness[path]);
    },
  };
  const visit = (path: string, slot: number, row: number) => ({ path, slot, row, view: null, timeOffset: 0 });
  const cohort: Pick<Cohort, 'size' | 'visits'> = {
    size: 4,
    visits: [
      [visit('a', 0, 0), visit('b', 1, 0)],
      [visit('c', 1, 1), visit('a', 2, 0)],
      [],
      [visit('broken', 0, 3)],
    ],
  };
  const columns = imageStatisticColumns(cohort, images, 2);
  assert.equal(columns.length, 2 * imageStatisticNames.length, 'no column for slots of earlier rows');
  const mean = (name: string) => [...columns.find((column) => column.name === name)!.values];
  assert.deepEqual(mean('image 1: mean'), [0.25, Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual(mean('image 2: mean'), [0.5, 0.75, Number.NaN, Number.NaN]);
  const none = imageStatisticColumns({ size: 1, visits: [[]] }, images, 1);
  assert.deepEqual(
    none.map(({ name, values }) => [name, ...values]),
    imageStatisticNames.map((name) => [`image 1: ${name}`, Number.NaN]),
  );
});
