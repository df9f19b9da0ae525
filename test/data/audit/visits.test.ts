import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditCohort, type Visit } from '../../../src/data/index.js';
import { cohortOf, drawn } from './sampleTables.js';

/** 60 patients of one to four visits; order counts them from 1. */
const visitsOf = Array.from(
  drawn(60, 1, (random) => 1 + random.integer(4)),
  (count) => count,
);
const patients = visitsOf.flatMap((count, patient) => new Array<number>(count).fill(patient));
const order = visitsOf.flatMap((count) => Array.from({ length: count }, (_, visit) => visit + 1));
const size = patients.length;
const ill = drawn(size, 2, (random) => random.integer(2));
const value = drawn(size, 3, (random) => Math.round(100 * random.normal()));
const next = (values: ArrayLike<number>) =>
  Float64Array.from(patients, (patient, row) =>
    patients[row + 1] === patient ? values[row + 1] : Number.NaN,
  );

const found = (
  numeric: Record<string, ArrayLike<number>>,
  time: ArrayLike<number> | null = null,
  used = true,
) =>
  auditCohort({
    cohort: cohortOf({ labels: { ill }, numeric, patients, order }),
    splits: [],
    times: { time: time === null ? null : Float64Array.from(time), used },
  })
    .filter(({ code }) => code === 'later-visit' || code === 'visit-order')
    .map(({ severity, key }) => `${severity} ${key}`);

test('columns that hold what the next visit brings are found, those that hold what was are not', () => {
  const before = Float64Array.from(patients, (patient, row) =>
    patients[row - 1] === patient ? value[row - 1] : Number.NaN,
  );
  const number = Float64Array.from(order);
  assert.deepEqual(found({ value, before, number, mirror: ill.map((label) => 1 - label) }), []);
  assert.deepEqual(found({ value, ahead: next(value) }), ['serious later-visit:ahead>value']);
  assert.deepEqual(found({ ahead: next(ill) }), ['serious later-visit:ahead>ill']);
  const total = Float64Array.from(patients, (patient) => visitsOf[patient]);
  assert.deepEqual(found({ total }), ['serious later-visit:total']);
});

test('an order against time: serious where it decides what a row sees', () => {
  const age = order.map((visit) => 40 + visit);
  assert.deepEqual(found({ value }, age), []);
  assert.deepEqual(
    found(
      { value },
      order.map((visit) => 40 - visit),
    ),
    ['serious visit-order'],
  );
  assert.deepEqual(
    found(
      { value },
      order.map((visit) => 40 - visit),
      false,
    ),
    ['warning visit-order'],
  );
  const last = size - 1 - order.toReversed().findIndex((visit) => visit > 1);
  const slip = age.map((years, row) => (row === last ? 1 : years));
  assert.deepEqual(found({ value }, slip), ['warning visit-order']);
});

test('a row that sees a later image is found out', () => {
  const seen = (row: number, own: number): Visit => ({
    path: `${own}.png`,
    slot: row === own ? 0 : 1,
    view: null,
    timeOffset: 0,
    row: own,
  });
  const visits = patients.map((patient, row) => [
    seen(row, row),
    ...(patients[row + 1] === patient ? [seen(row, row + 1)] : []),
  ]);
  const cohort = cohortOf({ labels: { ill }, patients, order, visits });
  const [finding] = auditCohort({ cohort, splits: [] });
  assert.deepEqual([finding.severity, finding.key], ['serious', 'later-visit:images']);
  const backwards = patients.map((patient, row) => [
    seen(row, row),
    ...(patients[row - 1] === patient ? [seen(row, row - 1)] : []),
  ]);
  assert.deepEqual(auditCohort({ cohort: { ...cohort, visits: backwards }, splits: [] }), []);
});
