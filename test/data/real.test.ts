import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cohort, fromLists, holdOut, kFold, loadCohort, summarizeSplit } from '../../src/data/index.js';
import { realData } from './scratch.js';

const positives = (cohort: Cohort) =>
  Object.fromEntries(
    cohort.labels.map((label, l) => [
      label,
      cohort.targets.filter((value, i) => i % cohort.labels.length === l && value === 1).length,
    ]),
  );
/** Rows per kind of note. */
const counts = (cohort: Cohort) => {
  const sums: Record<string, number> = {};
  for (const { code, count } of cohort.notes) sums[code] = (sums[code] ?? 0) + count;
  return sums;
};

test('cervical: 858 rows, four labels, missing as published, five even folds', async (t) => {
  const table = realData(t, 'cervical/risk_factors_cervical_cancer.csv');
  if (table === null) return;
  const cohort = await loadCohort({
    table,
    labels: { columns: ['Hinselmann', 'Schiller', 'Cytology', 'Biopsy'] },
    numeric: ['Age', 'STDs: Time since first diagnosis', 'STDs: Time since last diagnosis'],
  });
  assert.equal(cohort.size, 858);
  assert.deepEqual(positives(cohort), { Hinselmann: 35, Schiller: 74, Cytology: 44, Biopsy: 55 });
  assert.deepEqual(
    cohort.numeric.map(({ values }) => values.filter(Number.isNaN).length),
    [0, 787, 787],
  );
  for (const split of kFold(cohort, { folds: 5, repeats: 5, validation: 0.15, seed: 1 })) {
    const { labels, rows } = summarizeSplit(cohort, split).test;
    assert.ok(Math.abs(rows - 171.6) < 4 && Math.abs(labels.Biopsy.positives - 11) <= 1);
    assert.deepEqual(split.notes, []);
  }
});

test('odir: stray spaces, rows listed twice, two views, age codes, patient-disjoint hold-out', async (t) => {
  const table = realData(t, 'odir/odir.csv');
  const directory = realData(t, 'odir/images');
  if (table === null || directory === null) return;
  const cohort = await loadCohort({
    table,
    id: 'ID',
    patient: 'ID',
    dropDuplicateRows: true,
    images: { directory, columns: ['Left-Fundus', 'Right-Fundus'], present: true },
    numeric: ['Patient Age'],
    valid: { 'Patient Age': [2, 120] },
    categorical: ['Patient Sex'],
    labels: { columns: { N: 'Normal', D: 'Diabetes', A: 'Age related Macular Degeneration' } },
  });
  assert.equal(cohort.size, 2689);
  assert.deepEqual(positives(cohort), { N: 863, D: 905, A: 125 });
  assert.equal(cohort.slots, 2);
  assert.equal(cohort.visits.flat().length, 5118);
  assert.deepEqual(counts(cohort), {
    'dropped-duplicate-rows': 2429,
    'absent-view': 260,
    'out-of-range': 11,
  });
  for (const seed of [1, 2, 3]) {
    const split = holdOut(cohort, { test: 0.2, validation: 0.15, seed });
    const { rows, labels } = summarizeSplit(cohort, split).test;
    assert.ok(Math.abs(rows - 538) < 15);
    assert.equal(labels.A.positives, 25);
  }
});

test('nih: the full table joined with the images present, history and the official test list', async (t) => {
  const table = realData(t, 'nih/Data_Entry_2017_v2020.csv.gz');
  const directory = realData(t, 'nih/images');
  const list = realData(t, 'nih/test_list.txt');
  if (table === null || directory === null || list === null) return;
  const cohort = await loadCohort({
    table,
    id: 'Image Index',
    patient: 'Patient ID',
    order: 'Follow-up #',
    time: 'Patient Age',
    history: 3,
    view: 'View Position',
    images: { directory, columns: ['Image Index'], present: true },
    labels: { column: 'Finding Labels', delimiter: '|', none: 'No Finding' },
  });
  assert.deepEqual([cohort.size, new Set(cohort.patients).size, cohort.slots], [1463, 1256, 4]);
  assert.equal(cohort.labels.length, 14);
  assert.equal(positives(cohort).Hernia, 68);
  assert.deepEqual(counts(cohort), { 'dropped-rows-without-image': 112120 - 1463 });
  assert.ok(cohort.visits.some((visits) => visits.length === 4));
  const split = await fromLists(cohort, { test: list, validation: 0.15, seed: 1 });
  assert.equal(split.test.length, 459);
  assert.equal(split.train.length + split.validation.length, 1463 - 459);
  assert.deepEqual(
    split.notes.map(({ code, count }) => [code, count]),
    [['ids-not-in-cohort', 25596 - 459]],
  );
});

test('covid: radiographs only, unknown findings, sparse values, two people under four ids', async (t) => {
  const table = realData(t, 'covid/metadata.csv');
  const directory = realData(t, 'covid/images');
  if (table === null || directory === null) return;
  const cohort = await loadCohort({
    table,
    patient: 'patientid',
    order: 'offset',
    view: 'view',
    missing: ['', '?', 'todo'],
    rows: [{ column: 'modality', in: ['X-ray'] }],
    images: { directory, columns: ['filename'], extension: 'jpg', present: true },
    numeric: ['age', 'temperature', 'pO2_saturation', 'leukocyte_count'],
    categorical: ['sex'],
    text: ['clinical_notes'],
    labels: { column: 'finding', delimiter: ', ', none: 'No Finding', names: ['COVID-19', 'ARDS'] },
  });
  assert.equal(cohort.size, 653);
  assert.deepEqual(positives(cohort), { 'COVID-19': 451, ARDS: 16 });
  assert.equal(cohort.known.filter((known) => known === 0).length, 2 * 78);
  assert.equal(counts(cohort)['merged-patients'], 5);
  const split = holdOut(cohort, { test: 0.2, validation: 0.15, seed: 1 });
  const filesOf = (rows: Int32Array) =>
    new Set([...rows].flatMap((row) => cohort.visits[row].map(({ path }) => path)));
  const tested = filesOf(split.test);
  for (const path of [...filesOf(split.train), ...filesOf(split.validation)]) assert.ok(!tested.has(path));
});
