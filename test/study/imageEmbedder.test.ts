/** Whose labels an embedding can know: made-up pictures with labels dealt at random. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cohort, NumericColumn } from '../../src/data/index.js';
import { DataError } from '../../src/errors.js';
import { auroc } from '../../src/metrics/index.js';
import { Runtime } from '../../src/runtime/index.js';
import { embedByOthers, embedImages, fitImageEmbedder, ownImages } from '../../src/study/imageEmbedder.js';
import { noiseStudy, study } from './noiseStudy.js';

const runtime = await Runtime.open({ threads: 1 });
const quiet = { message: () => {} };

const all = (cohort: Cohort) => Int32Array.from({ length: cohort.size }, (_, row) => row);
const withLabels = (cohort: Cohort, flipped: (row: number) => boolean): Cohort => ({
  ...cohort,
  targets: cohort.targets.map((target, row) => (flipped(row) ? 1 - target : target)),
});

test('labels of held-out rows leave their embeddings as they are, to the bit; labels of the others do not', async () => {
  const { cohort, images } = noiseStudy(1);
  const rows = all(cohort);
  const others = rows.filter((row) => cohort.patientIndex[row] % 3 !== 0);
  const isHeld = (row: number) => cohort.patientIndex[row] % 3 === 0;
  const short = { ...study, stage1: { ...study.stage1, images: { ...study.stage1.images, epochs: 1 } } };
  const embeddings = (changed: Cohort) =>
    embedByOthers({ study: short, cohort: changed, images, runtime, listener: quiet }, rows, others, 16);
  const reference = await embeddings(cohort);
  assert.ok(new Set(reference).size > cohort.size, 'embeddings tell rows apart');
  assert.deepEqual(await embeddings(withLabels(cohort, isHeld)), reference);
  assert.notDeepEqual(await embeddings(withLabels(cohort, (row) => !isHeld(row))), reference);
});

test('of labels dealt at random, features out of fold know nothing; in-sample ones know them', async () => {
  const { cohort, images } = noiseStudy(2);
  const task = { study, cohort, images, runtime, listener: quiet };
  const { embedder, columns } = await fitImageEmbedder(task, all(cohort));
  const inSample = await embedImages(embedder, task);
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['image embedding 1', 'image embedding 2', 'image embedding 3', 'image embedding 4'],
  );
  // 48 patients: an AUROC by chance has a standard deviation of .08.
  const distance = ({ values }: NumericColumn) =>
    Math.abs(auroc(values, cohort.targets, cohort.known)! - 0.5);
  assert.ok(distance(inSample[0]) > 0.45, `in-sample ${distance(inSample[0])}`);
  assert.ok(distance(columns[0]) < 0.2, `out of fold ${distance(columns[0])}`);
  assert.equal(inSample.length, columns.length);
});

test('a row without an image has no embedding; one patient cannot be dealt into folds', async () => {
  const { cohort, images } = noiseStudy(3);
  const blind = { ...cohort, visits: cohort.visits.map((visits, row) => (row < 5 ? [] : visits)) };
  const images1 = { ...study.stage1.images, epochs: 1, folds: 3 };
  const task = {
    study: { ...study, stage1: { ...study.stage1, images: images1 } },
    cohort: blind,
    images,
    runtime,
    listener: quiet,
  };
  const train = all(cohort).filter((row) => row < 40);
  const { embedder, columns } = await fitImageEmbedder(task, train);
  const again = await embedImages(embedder, task);
  for (const [c, { values }] of columns.entries()) {
    values.forEach((value, row) => {
      assert.equal(Number.isNaN(value), row < 5);
      if (row >= 40) assert.equal(value, again[c].values[row], 'by the network of all training rows');
    });
    assert.ok(train.some((row) => row >= 5 && values[row] !== again[c].values[row]));
  }
  const none = { ...cohort, visits: cohort.visits.map(() => []) };
  for (const { values } of await embedImages(embedder, { ...task, cohort: none }))
    assert.ok(values.every(Number.isNaN));
  const alone = train.filter((row) => cohort.patientIndex[row] === 4);
  await assert.rejects(fitImageEmbedder(task, alone), (error) => {
    assert.ok(error instanceof DataError);
    return /at least 2 patients must have images among the training rows, got 1/.test(error.message);
  });
});

test('of a patient with earlier images a row is embedded by its own', () => {
  const { cohort } = noiseStudy(4);
  const earlier = { ...cohort.visits[0][0], slot: 1 };
  const visits = [cohort.visits[0], [cohort.visits[1][0], earlier], ...cohort.visits.slice(2)];
  const own = ownImages({ ...cohort, slots: 2, visits }, 1);
  assert.deepEqual([own.slots, own.visits], [1, cohort.visits]);
});
