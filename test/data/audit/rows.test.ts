import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf } from '../../../src/data/audit/parts.js';
import { findSharedPatients } from '../../../src/data/audit/sharedPatients.js';
import { auditCohort, type Cohort } from '../../../src/data/index.js';
import { cohortOf, drawn, thirds } from './sampleTables.js';

const n = 300;
const rows = Array.from({ length: n }, (_, row) => row);
const ill = drawn(n, 1, (random) => random.integer(2));
const columns = Object.fromEntries(
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, c) => [
    name,
    drawn(n, 2 + c, (random) => Math.round(50 + 15 * random.normal())),
  ]),
);
/** Row → the row that it repeats. */
const copied = (values: ArrayLike<number>, copies: Readonly<Record<number, number>>) =>
  Float64Array.from(values, (value, row) => (row in copies ? values[copies[row]] : value));
const withCopies = (copies: Readonly<Record<number, number>>, patients?: number[]) =>
  cohortOf({
    labels: { ill: copied(ill, copies) },
    numeric: Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, copied(values, copies)]),
    ),
    patients,
  });
const found = (cohort: Cohort) =>
  auditCohort({ cohort, splits: [thirds(cohort.size)] })
    .filter(({ code }) => code.endsWith('-rows'))
    .map(({ severity, key, rows: lines }) => [severity, key, lines]);

test('copies of rows: serious across parts, a warning within one, another within a patient', () => {
  assert.deepEqual(found(withCopies({})), []);
  assert.deepEqual(found(withCopies({ 100: 2, 7: 3, 250: 3 })), [
    ['serious', 'duplicate-rows:patients', [9, 102, 252]],
  ]);
  assert.deepEqual(found(withCopies({ 9: 3 })), [['warning', 'duplicate-rows:patients', [11]]]);
  const onePatient = rows.map((row) => (row === 100 ? 2 : row));
  assert.deepEqual(found(withCopies({ 100: 2 }, onePatient)), [['warning', 'duplicate-rows:visits', [102]]]);
});

test('a table of few distinct rows repeats them by chance', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const flag = (column: number) => drawn(n, 100 * seed + column, (random) => random.integer(2));
    const cohort = cohortOf({ labels: { ill }, numeric: { sex: flag(1), smokes: flag(2), grade: flag(3) } });
    assert.deepEqual(
      found(cohort).map(([severity, key]) => `${severity} ${key}`),
      ['note duplicate-rows:patients'],
    );
    const age = drawn(n, 100 * seed, (random) => 20 + random.integer(60));
    const some = cohortOf({ labels: { ill }, numeric: { age, sex: flag(1), smokes: flag(2) } });
    assert.ok(!found(some).some(([severity]) => severity !== 'note'), `seed ${seed}`);
  }
});

test('rows that differ in one column are near copies where what they share is rare', () => {
  const cohort = withCopies({ 100: 2 });
  const changed = {
    ...cohort,
    numeric: cohort.numeric.map((column) =>
      column.name === 'c'
        ? { ...column, values: column.values.map((value, row) => (row === 100 ? value + 1 : value)) }
        : column,
    ),
  };
  const [finding, ...others] = auditCohort({ cohort: changed, splits: [thirds(n)] });
  assert.deepEqual(
    [finding.severity, finding.key, finding.columns, finding.rows],
    ['warning', 'near-duplicate-rows', ['c'], [102]],
  );
  assert.deepEqual(others, []);
  const relabelled = {
    ...cohort,
    targets: cohort.targets.map((value, row) => (row === 100 ? 1 - value : value)),
  };
  assert.deepEqual(
    found(relabelled),
    [['warning', 'near-duplicate-rows', [102]]],
    'the label is a column too',
  );
});

test('redundant columns do not make common rows rare', () => {
  const flag = drawn(n, 50, (random) => (random.uniform() < 0.05 ? 1 : 0));
  const repeated = Object.fromEntries(rows.slice(0, 40).map((c) => [`flag ${c}`, flag]));
  const cohort = cohortOf({ labels: { ill }, numeric: { ...repeated, age: columns.a } });
  assert.deepEqual(
    found(cohort).filter(([, key]) => key === 'near-duplicate-rows'),
    [],
  );
});

test('shared patients of an image-level split, by count and line', () => {
  const split = thirds(n);
  const parts = partsOf([split], n);
  const ids = rows.map((row) => (row < 6 ? 'x' : `patient ${row}`));
  const lines = Int32Array.from(rows, (row) => row + 2);
  const [finding] = findSharedPatients({ column: 'Patient ID', ids }, lines, parts);
  assert.deepEqual(
    [finding.severity, finding.key, finding.count],
    ['serious', 'shared-patients:Patient ID', 6],
  );
  assert.deepEqual(finding.rows, [2, 3, 4, 5, 6, 7]);
  assert.match(finding.message, /^1 patient has rows in two parts/);
  const unknown = { column: 'Patient ID', ids: rows.map(() => null) };
  assert.deepEqual(findSharedPatients(unknown, lines, parts), []);
  const cohort = cohortOf({ labels: { ill }, patients: rows.map((row) => Math.floor(row / 3)) });
  const keys = auditCohort({ cohort, splits: [split] }).map(({ key }) => key);
  assert.deepEqual(keys, ['shared-patients'], 'a split that was not made by patient is found out');
});
