import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, DataError } from '../../src/errors.js';
import type { Stage1Features } from '../../src/risk/features.js';
import { fitImputer, impute } from '../../src/risk/impute.js';

const NA = Number.NaN;

/** Two patients with three visits each, stored out of order, and one with a single row. */
const visits: Stage1Features = {
  size: 7,
  patientIndex: Int32Array.from([0, 1, 0, 1, 0, 1, 2]),
  order: Float64Array.from([3, 1, 1, 2, 2, 3, 1]),
  numeric: [
    { name: 'weight', kind: 'numeric', values: Float64Array.from([NA, NA, 60, 80, NA, NA, NA]) },
    {
      name: 'grade',
      kind: 'ordinal',
      levels: ['a', 'b', 'c'],
      values: Float64Array.from([0, 1, 2, 2, NA, 1, 0]),
    },
  ],
  categorical: [{ name: 'smoker', values: ['no', null, null, 'yes', 'no', null, 'no'] }],
};
const all = Int32Array.from({ length: 7 }, (_, row) => row);

test('values are carried forward from earlier visits only, then the median stands in', () => {
  const imputer = fitImputer(visits, all, { forwardFill: ['weight', 'smoker'] });
  const { numeric, categorical } = impute(imputer, visits, all);
  // Patient 0: 60 at visit 1, carried to visits 2 and 3. Patient 1: nothing before visit 2, so the median 70.
  assert.deepEqual([...numeric[0].values], [60, 70, 60, 80, 60, 80, 70]);
  assert.deepEqual([...numeric[0].missing], [1, 1, 0, 0, 1, 1, 1], 'missing is what was not recorded');
  assert.deepEqual(categorical[0].values, ['no', null, null, 'yes', 'no', 'yes', 'no']);
});

test('columns that are not declared are never carried forward', () => {
  const { numeric } = impute(fitImputer(visits, all), visits, all);
  assert.deepEqual([...numeric[0].values], [70, 70, 60, 80, 70, 70, 70]);
});

test('ranks take the lower median, so that it is a level', () => {
  const imputer = fitImputer(visits, all);
  assert.equal(imputer.numeric[1].fill, 1);
  const two = {
    ...visits,
    numeric: [{ ...visits.numeric[1], values: Float64Array.from([0, 1, NA, NA, NA, NA, NA]) }],
  };
  assert.equal(fitImputer(two, all).numeric[0].fill, 0);
});

test('visits of equal or unknown order do not fill each other', () => {
  const tied: Stage1Features = {
    ...visits,
    size: 4,
    patientIndex: new Int32Array(4),
    order: Float64Array.from([1, 1, 2, NA]),
    numeric: [{ name: 'weight', kind: 'numeric', values: Float64Array.from([50, NA, NA, NA]) }],
    categorical: [],
  };
  const rows = Int32Array.from([0, 1, 2, 3]);
  const twoValues = {
    ...tied,
    numeric: [{ ...tied.numeric[0], values: Float64Array.from([50, 90, NA, NA]) }],
  };
  const imputer = fitImputer(twoValues, rows, { forwardFill: ['weight'] });
  assert.deepEqual([...impute(imputer, tied, rows).numeric[0].values], [50, 70, 50, 70]);
});

test('a missing category is the most frequent one or its own level; an unseen one counts as missing', () => {
  const train = Int32Array.from([0, 3, 4]);
  const mode = fitImputer(visits, train, { categoricalMissing: 'mode' });
  assert.deepEqual(mode.categorical[0].levels, ['yes', 'no']);
  assert.deepEqual(impute(mode, visits, all).categorical[0].values, [
    'no',
    'no',
    'no',
    'yes',
    'no',
    'no',
    'no',
  ]);
  const stranger = {
    ...visits,
    categorical: [{ name: 'smoker', values: ['pipe', ...visits.categorical[0].values.slice(1)] }],
  };
  const own = impute(fitImputer(visits, train), stranger, all).categorical[0];
  assert.deepEqual([own.values[0], own.missing[0], own.unseen], [null, 1, 1]);
});

test('fitting forgets rows outside training, also as a source to carry forward', () => {
  const train = Int32Array.from([0, 4, 6]);
  const imputer = fitImputer(visits, train, { forwardFill: ['weight'] });
  assert.equal(imputer.numeric[0].fill, null, 'no training row has a weight');
  assert.equal(impute(imputer, visits, train).numeric[0].values[0], 0);
});

test('impossible requests are refused by name', () => {
  assert.throws(
    () => fitImputer(visits, all, { forwardFill: ['wieght'] }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /"wieght"; did you mean "weight"/);
      return true;
    },
  );
  assert.throws(() => fitImputer({ ...visits, order: null }, all, { forwardFill: ['weight'] }), ConfigError);
  const infinite = {
    ...visits,
    numeric: [{ ...visits.numeric[0], values: new Float64Array(7).fill(1 / 0) }],
  };
  assert.throws(() => fitImputer(infinite, all), DataError);
  assert.throws(() => impute(fitImputer(visits, all), { ...visits, numeric: [] }, all), DataError);
});
