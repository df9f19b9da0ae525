import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Cohort, type CohortSpec, loadCohort } from '../../src/data/index.js';
import { DataError } from '../../src/errors.js';
import { scratchFolder } from './scratch.js';

type Options = Omit<CohortSpec, 'table' | 'labels' | 'images'> & {
  images?: Partial<NonNullable<CohortSpec['images']>>;
};

/** A cohort whose images 1.png … 9.png exist (empty: reading a cohort does not open them). */
const load = (t: TestContext, csv: string, options: Options): Promise<Cohort> => {
  const images = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`images/${n}.png`, '']));
  const folder = scratchFolder(t, { 't.csv': csv, ...images });
  return loadCohort({
    table: join(folder, 't.csv'),
    labels: { columns: [] },
    ...options,
    images: { directory: join(folder, 'images'), columns: ['image'], ...options.images },
  });
};

/** Per row: `slot:file@offset` of every visit. */
const summary = (cohort: Cohort) =>
  cohort.visits.map((visits) =>
    visits.map(({ slot, path, timeOffset }) => `${slot}:${path.slice(-5, -4)}@${timeOffset}`).join(' '),
  );

test('views of a row take the first slots and an empty cell leaves its slot out', async (t) => {
  const csv = 'left,right,view\n1.png,2.png,PA\n,3.png,\n,,AP\n';
  const cohort = await load(t, csv, { view: 'view', images: { columns: ['left', 'right'] } });
  assert.deepEqual(summary(cohort), ['0:1@0 1:2@0', '1:3@0', '']);
  assert.equal(cohort.slots, 2);
  assert.deepEqual(
    cohort.visits.map((visits) => visits.map(({ view, row }) => [view, row])),
    [
      [
        ['PA', 0],
        ['PA', 0],
      ],
      [[null, 1]],
      [],
    ],
  );
});

test('history lends only earlier rows of the same patient, newest first, ties excluded', async (t) => {
  const csv = [
    'p,visit,age,image',
    'a,2,52,1.png',
    'a,0,50,2.png',
    'b,1,40,3.png',
    'a,1,51,4.png',
    'a,2,53,5.png',
    'a,,54,6.png',
    'a,3,55,', // no image of its own, but a history
    'a,4,54,7.png',
  ].join('\n');
  const cohort = await load(t, csv, { patient: 'p', order: 'visit', time: 'age', history: 2 });
  assert.deepEqual(summary(cohort), [
    '0:1@0 1:4@-1 2:2@-2',
    '0:2@0',
    '0:3@0',
    '0:4@0 1:2@-1',
    '0:5@0 1:4@-2 2:2@-3',
    '0:6@0',
    '1:1@-3 2:5@-2',
    '0:7@0 1:1@-2 2:5@-1',
  ]);
  assert.equal(cohort.slots, 3);
  const rows = (code: string) => cohort.notes.find((note) => note.code === code)?.rows;
  assert.deepEqual(rows('tied-visits'), [2, 6]);
  assert.deepEqual(rows('no-visit-order'), [7]);
});

test('no row ever sees an image of its own order or later', async (t) => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i % 3},${(i * 7) % 11},${(i % 9) + 1}.png`);
  const cohort = await load(t, ['p,o,image', ...lines].join('\n'), { patient: 'p', order: 'o', history: 3 });
  let lent = 0;
  cohort.visits.forEach((visits, row) => {
    for (const visit of visits.filter((candidate) => candidate.row !== row)) {
      lent++;
      assert.equal(cohort.patients[visit.row], cohort.patients[row]);
      assert.ok(cohort.order![visit.row] < cohort.order![row]);
      assert.equal(visit.timeOffset, cohort.order![visit.row] - cohort.order![row]);
    }
  });
  assert.ok(lent > 60);
});

test('time that runs against the order is noted and its offset unknown', async (t) => {
  const csv = 'p,o,age,image\na,0,60,1.png\na,1,50,2.png\n';
  const cohort = await load(t, csv, { patient: 'p', order: 'o', time: 'age', history: 1 });
  assert.deepEqual(summary(cohort), ['0:1@0', '0:2@0 1:1@0']);
  assert.deepEqual(
    cohort.notes.map(({ code, rows }) => [code, rows]),
    [['time-reversed', [3]]],
  );
});

test('patients that share an image file are one person, through any chain of files', async (t) => {
  const csv = 'p,image,other\na,1.png,\nb,2.png,\nc,3.png,2.png\nd,4.png,\ne,1.png,3.png\n';
  const cohort = await load(t, csv, { patient: 'p', images: { columns: ['image', 'other'] } });
  assert.deepEqual(cohort.patients, ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual([...cohort.patientIndex], [0, 0, 0, 1, 0]);
  const note = cohort.notes.find(({ code }) => code === 'merged-patients');
  assert.deepEqual(note?.rows, [3, 4, 6]);
});

test('a named file that is absent is an error, a skipped row, or a missing view, as asked', async (t) => {
  const csv = 'left,right\n1.png,absent.png\nabsent.png,gone.png\n2.png,3.png\n,\n';
  const columns = ['left', 'right'];
  await assert.rejects(load(t, csv, { images: { columns } }), (error: unknown) => {
    assert.ok(error instanceof DataError);
    assert.equal(error.code, 'missing-image');
    assert.match(error.message, /no file "absent\.png".*line 2, column "right"/);
    return true;
  });
  const skipped = await load(t, csv, { images: { columns }, onBadRow: 'skip' });
  assert.deepEqual(summary(skipped), ['0:2@0 1:3@0', '']);
  const present = await load(t, csv, { images: { columns, present: true } });
  assert.deepEqual(summary(present), ['0:1@0', '0:2@0 1:3@0']);
  assert.deepEqual(
    present.notes.map(({ code, count, rows }) => [code, count, rows]),
    [
      ['dropped-rows-without-image', 2, undefined],
      ['absent-view', 1, [2]],
    ],
  );
});

test('an extension replaces that of the table, and names without one take it', async (t) => {
  const csv = 'image\n1.nii.jpeg\n./2.JPG\n3\n';
  const options = { images: { extension: 'png' } };
  await assert.rejects(load(t, csv, options), /no file "1\.nii\.png"/);
  const cohort = await load(t, csv.replace('.nii', ''), options);
  assert.deepEqual(summary(cohort), ['0:1@0', '0:2@0', '0:3@0']);
});

test('a folder of images that is not there is one error', async (t) => {
  await assert.rejects(
    load(t, 'image\n1.png\n', { images: { directory: '/no/such/folder' } }),
    /the image folder must be readable, got ENOENT/,
  );
});
