import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import { applyStage1, fitStage1, type Stage1Features, type Stage1Settings } from '../../src/risk/index.js';

const n = 60;
const rows = Int32Array.from({ length: n }, (_, row) => row);
const random = randomStream(1, 'bad input');
const age = Float64Array.from(rows, () => 20 + random.integer(40));
const finding = Float32Array.from(age, (value) => (value + 10 * random.normal() > 45 ? 1 : 0));
const good: Stage1Features = {
  size: n,
  patientIndex: rows,
  order: null,
  numeric: [{ name: 'age', kind: 'numeric', values: age }],
  categorical: [{ name: 'HPV', values: Array.from(rows, (row) => (row % 3 === 0 ? 'yes' : 'no')) }],
};
const fast: Stage1Settings = { threshold: { resamples: 0, permutations: 0 } };

const fit = (source: Stage1Features, settings: Stage1Settings = {}, targets = finding) =>
  fitStage1(source, targets, new Uint8Array(n).fill(1), ['finding'], rows, {
    ...settings,
    threshold: { ...fast.threshold, ...settings.threshold },
  });
/** The message of the note with this code; fails unless there is exactly one. */
function noted(
  source: Stage1Features,
  code: string,
  settings: Stage1Settings = {},
  targets = finding,
): string {
  const found = fit(source, settings, targets).notes.filter((note) => note.code === code);
  assert.equal(found.length, 1, `${found.length} notes of code ${code}`);
  return found[0].message;
}
const withNumeric = (name: string, values: Float64Array): Stage1Features => ({
  ...good,
  numeric: [...good.numeric, { name, kind: 'numeric', values }],
});

test('sound data is fitted without a note', () => {
  assert.deepEqual(fit(good, { topN: 2 }).notes, []);
});

test('constant and empty columns are left out, each said once', () => {
  const constant = withNumeric('site', new Float64Array(n).fill(4));
  assert.equal(
    noted(constant, 'constant-column'),
    'column "site" has one recorded value in the training rows; it is left out',
  );
  const empty = withNumeric('income', new Float64Array(n).fill(Number.NaN));
  assert.equal(
    noted(empty, 'empty-column'),
    'column "income" has no recorded training value; it is left out',
  );
  assert.ok(!fit(empty).notes.some(({ code }) => code === 'constant-column'));
  const categorical = (values: (string | null)[]) => ({
    ...good,
    categorical: [...good.categorical, { name: 'ward', values }],
  });
  assert.match(noted(categorical(new Array(n).fill('A')), 'constant-column'), /"ward"/);
  assert.match(noted(categorical(new Array(n).fill(null)), 'empty-column'), /"ward"/);
  for (const source of [constant, empty, categorical(new Array(n).fill('A'))]) {
    const { features } = fit(source);
    assert.ok(features.every(({ column }) => column === 'age' || column === 'HPV'));
    assert.deepEqual(fit(source).labels[0].rules, fit(good).labels[0].rules);
  }
});

test('without any usable column there is one probability and no rule', () => {
  const source = {
    ...good,
    numeric: [{ name: 'site', kind: 'numeric' as const, values: new Float64Array(n).fill(4) }],
    categorical: [],
  };
  assert.match(noted(source, 'few-features'), /only 0 usable features; there is no rule/);
  const model = fit(source, { classifier: 'logistic', threshold: { permutations: 10 } });
  assert.deepEqual(model.labels[0].rules, []);
  const { probabilities } = applyStage1(model, source);
  assert.ok(probabilities.every((p) => p === (model.labels[0].positives + 1) / (n + 2)));
});

test('fewer features than topN: all are used', () => {
  assert.match(
    noted(good, 'few-features', { topN: 5 }),
    /stage1.topN is 5, but there are only 2 usable features/,
  );
  assert.equal(fit(good, { topN: 5 }).labels[0].top.length, 2);
});

test('clinical bins: not ascending or none is refused, a bin without rows is noted', () => {
  for (const cuts of [[45, 30], [30, 30], []]) {
    assert.throws(() => fit(good, { bins: { fixed: { age: cuts } } }), /cut points of "age" must be/);
  }
  assert.throws(() => fit(good, { bins: { fixed: { aeg: [30] } } }), /"aeg"; did you mean "age"/);
  assert.equal(
    noted(good, 'empty-bin', { bins: { fixed: { age: [30, 45, 100, 120] } } }),
    'column "age" has 2 of 5 bins without a training row',
  );
});

test('a category never seen in training is counted and treated as missing', () => {
  const model = fit(good);
  const stranger = { ...good, categorical: [{ name: 'HPV', values: new Array(n).fill('pending') }] };
  const missing = { ...good, categorical: [{ name: 'HPV', values: new Array(n).fill(null) }] };
  const applied = applyStage1(model, stranger);
  assert.deepEqual(applied.unseen, [{ column: 'HPV', rows: n }]);
  assert.deepEqual(applied.probabilities, applyStage1(model, missing).probabilities);
});

test('rows of equal or unknown visit order are counted when values are carried forward, else not mentioned', () => {
  const visits: Stage1Features = {
    ...good,
    patientIndex: Int32Array.from(rows, (row) => row >> 2),
    order: Float64Array.from(rows, (row) => (row === 7 ? Number.NaN : row < 4 ? 1 : row % 4)),
  };
  assert.match(
    noted(visits, 'tied-order', { forwardFill: ['age'] }),
    /^training rows that share their visit order .*: 4, in 1 of the patients;/,
  );
  assert.match(
    noted(visits, 'missing-order', { forwardFill: ['age'] }),
    /^training rows without a visit order: 1;/,
  );
  const codes = fit(visits).notes.map(({ code }) => code);
  assert.ok(!codes.includes('tied-order') && !codes.includes('missing-order'));
});

test('too few patients of a kind: fewer folds, then none, then one class', () => {
  const positives = (count: number) => finding.map((_, row) => (row < count ? 1 : 0));
  const loose: Stage1Settings = { univariate: { minSamples: 1 } };
  assert.equal(
    noted(good, 'fewer-folds', loose, positives(3)),
    'label "finding" has 3 training patients with the finding and 57 without; 3 instead of 5 inner folds',
  );
  assert.match(
    noted(good, 'few-patients', loose, positives(1)),
    /has 1 training patients with the finding and 59/,
  );
  assert.match(noted(good, 'one-class', loose, positives(0)), /is absent from all 60 training rows/);
  assert.match(noted(good, 'one-class', loose, positives(n)), /is present in all 60 training rows/);
  // More folds for the tree than for the thresholds: noted too.
  const deeper = { ...loose, threshold: { folds: 3 }, tree: { folds: 4 } };
  assert.match(noted(good, 'fewer-folds', deeper, positives(3)), /3 instead of 4/);
  for (const resampling of ['none', 'smote'] as const) {
    for (const count of [0, 1, 2, 3, n - 1, n]) {
      for (const classifier of ['tree', 'logistic', 'network'] as const) {
        const settings = { ...loose, classifier, resampling, network: { epochs: 2 } };
        const { probabilities } = applyStage1(fit(good, settings, positives(count)), good);
        assert.ok(
          probabilities.every((p) => p > 0 && p < 1),
          `${resampling}, ${classifier}, ${count} positives`,
        );
      }
    }
  }
});

test('no threshold leaves enough rows on both sides', () => {
  assert.match(noted(good, 'no-rule', { univariate: { minSamples: 31 } }), /has no feature with 31 rows/);
});

test('an option out of its range or list is refused by its path', () => {
  const cases: [Stage1Settings, string][] = [
    [{ classifier: 'forest' as 'tree' }, 'stage1.classifier'],
    [{ resampling: 'smot' as 'smote' }, 'stage1.resampling'],
    [{ classWeight: 'equal' as 'none' }, 'stage1.classWeight'],
    [{ threshold: { method: 'grid' as 'search' } }, 'stage1.threshold.method'],
    [{ threshold: { permutations: -1 } }, 'stage1.threshold.permutations'],
    [{ threshold: { step: 0 } }, 'stage1.threshold.step'],
    [{ logistic: { C: 0 } }, 'stage1.logistic.C'],
    [{ logistic: { C: Number.POSITIVE_INFINITY } }, 'stage1.logistic.C'],
    [{ network: { epochs: 0 } }, 'stage1.network.epochs'],
    [{ network: { learningRate: Number.NaN } }, 'stage1.network.learningRate'],
    [{ network: { weightDecay: -1 } }, 'stage1.network.weightDecay'],
    [{ bins: { method: 'kmeans' as 'tree' } }, 'stage1.bins.method'],
    [{ categoricalMissing: 'drop' as 'mode' }, 'stage1.categoricalMissing'],
  ];
  for (const [settings, path] of cases) {
    assert.throws(
      () => fit(good, settings),
      (error) => error instanceof ConfigError && error.path === path && error.message.includes(path),
      path,
    );
  }
});
