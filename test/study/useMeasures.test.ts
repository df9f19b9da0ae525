/** Decision curves, operating points and subgroups of a run, from its predictions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, DataError } from '../../src/errors.js';
import {
  chooseOperatingPoint,
  evaluateSubgroups,
  type OperatingRule,
  sensitivity,
  specificity,
} from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { measurePredictions, type Predictions, parseStudy, scoreRows } from '../../src/study/index.js';
import { subgroupLevels, subgroupValues } from '../../src/study/subgroups.js';

const study = parseStudy(
  `name: small
data:
  table: table.csv
  numeric: [age]
  categorical: [sex]
  ordinal: { stage: [early, late] }
labels: { columns: [a, b] }
evaluation:
  bootstrap: 30
  operatingPoints: { sensitivity: [0.8], specificity: [0.7, 0.9], cost: [5] }
  subgroups: [sex, stage, { column: age, cuts: [40, 60] }]
`,
  'small.yaml',
);

/** Two folds over 150 patients with two rows each; age is missing in every ninth row. */
function predictions(): Predictions {
  const random = randomStream(5, 'predictions');
  const rows = Array.from({ length: 600 }, (_, i) => {
    const [fold, row] = [Math.floor(i / 300), i % 300];
    const patient = Math.floor(row / 2);
    const part = patient % 2 === fold ? 'test' : patient % 3 === 0 ? 'validation' : 'train';
    return { row, patient, fold, part } as const;
  });
  const cells = rows.flatMap(({ row }) => [0, 1].map((label) => ({ row, label })));
  const targets = Float32Array.from(cells, ({ row, label }) => Number((row * 7 + label * 3) % 5 < 2));
  const age = (row: number) => (row % 9 === 0 ? '' : String(20 + ((row * 13) % 60)));
  return {
    labels: ['a', 'b'],
    ids: rows.map(({ row }) => `r${row}`),
    patients: rows.map(({ patient }) => `p${patient}`),
    splits: rows.map(({ part }) => part),
    repeat: new Int32Array(600),
    fold: Int32Array.from(rows, ({ fold }) => fold),
    targets,
    known: new Uint8Array(1200).fill(1),
    probabilities: Float64Array.from(targets, (target) => 0.3 * target + 0.6 * random.uniform()),
    tiers: new Uint8Array(1200),
    subgroups: [
      { column: 'sex', values: rows.map(({ row }) => (row % 3 === 0 ? 'm' : 'f')) },
      { column: 'stage', values: rows.map(({ row }) => (row % 4 === 0 ? 'early' : 'late')) },
      { column: 'age', values: rows.map(({ row }) => age(row)) },
    ],
  };
}

const all = predictions();
const measured = measurePredictions(all, study);

test('each fold’s points are chosen on its validation rows and measured on its test rows', () => {
  const rules: readonly OperatingRule[] = [
    { kind: 'youden' },
    { kind: 'sensitivity', value: 0.8 },
    { kind: 'specificity', value: 0.7 },
    { kind: 'specificity', value: 0.9 },
    { kind: 'cost', value: 5 },
  ];
  for (const [label, name] of all.labels.entries()) {
    const points = measured.test.labels[name].operatingPoints;
    assert.deepEqual(
      points.map(({ rule }) => rule),
      rules,
    );
    for (const point of points) {
      const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
      for (const fold of [0, 1]) {
        const rows = (part: string) =>
          all.splits.flatMap((own, row) => (own === part && all.fold[row] === fold ? [row] : []));
        const column = (matrix: ArrayLike<number>, part: string) =>
          rows(part).map((row) => matrix[row * 2 + label]);
        const { threshold } = chooseOperatingPoint(
          column(all.probabilities, 'validation'),
          column(all.targets, 'validation'),
          null,
          point.rule,
        );
        assert.equal(point.thresholds?.[fold], threshold);
        const targets = column(all.targets, 'test');
        for (const [i, probability] of column(all.probabilities, 'test').entries()) {
          const right = probability >= threshold! === (targets[i] === 1);
          if (targets[i] === 1) counts[right ? 'truePositives' : 'falseNegatives']++;
          else counts[right ? 'trueNegatives' : 'falsePositives']++;
        }
      }
      assert.ok(point.thresholds !== null);
      assert.equal(point.sensitivity.value, sensitivity(counts));
      assert.equal(point.specificity.value, specificity(counts));
      assert.equal(
        point.expectedCost?.value,
        point.rule.kind === 'cost' ? (counts.falsePositives + 5 * counts.falseNegatives) / 300 : undefined,
      );
    }
    assert.deepEqual(points[0].thresholds, measured.thresholds[name]);
    const { sensitivity: atThreshold } = measured.test.labels[name];
    assert.ok(points[0].thresholds !== null);
    assert.deepEqual(points[0].sensitivity, atThreshold);
  }
});

test('a rule that no threshold fulfils in one fold leaves the point undefined, with the reason', () => {
  const certain = {
    ...all,
    probabilities: all.probabilities.map((p, cell) =>
      cell % 2 === 0 && all.splits[cell >> 1] === 'validation' && all.fold[cell >> 1] === 1 ? 1 : p,
    ),
  };
  const { a, b } = measurePredictions(certain, study).test.labels;
  const [, , specific] = a.operatingPoints;
  assert.deepEqual([specific.thresholds, 'sensitivity' in specific], [null, false]);
  assert.match(specific.thresholds === null ? specific.reason : '', /no threshold lies above it/);
  assert.ok(b.operatingPoints.every(({ thresholds }) => thresholds !== null));
});

test('subgroups are measured on the test rows, by category, level and interval', () => {
  const { subgroups, decisionCurve } = measured.test.labels.b;
  assert.equal(decisionCurve.length, 50);
  assert.deepEqual(Object.keys(subgroups), ['sex', 'stage', 'age']);
  const names = (column: string) => subgroups[column].groups.map(({ group }) => group);
  assert.deepEqual(names('sex'), ['f', 'm']);
  assert.deepEqual(names('stage'), ['early', 'late']);
  assert.deepEqual(names('age'), ['< 40', '40 to < 60', '≥ 60']);
  const { test: part } = scoreRows(all, 'youden');
  const tested = all.splits.flatMap((own, row) => (own === 'test' ? [row] : []));
  assert.equal(subgroups.age.ungrouped, tested.filter((row) => all.subgroups[2].values[row] === '').length);
  const literal = evaluateSubgroups({
    ...part,
    grouping: {
      groups: ['f', 'm'],
      ofRow: Int32Array.from(tested, (row) => Number(all.subgroups[0].values[row] === 'm')),
    },
    resamples: 30,
    seed: study.seed,
  });
  assert.deepEqual(subgroups.sex, literal.b);
  assert.equal(measured.validation, null);
  const one = { ...all, fold: new Int32Array(600) };
  const held = measurePredictions(one, { ...study, evaluation: { ...study.evaluation, subgroups: [] } });
  assert.deepEqual(held.test.labels.a.subgroups, {});
  assert.ok(held.validation !== null);
  const [, sensitive] = held.validation.labels.a.operatingPoints;
  assert.ok(sensitive.thresholds !== null && sensitive.sensitivity.value! >= 0.8);
});

test('a cut belongs to the interval above it', () => {
  const [, , age] = subgroupLevels(all.subgroups, study);
  assert.deepEqual([...age.grouping(['39.9', '40', '60', '', '1e3']).ofRow], [0, 1, 2, -1, 2]);
});

test('values of subgroups are the cells of the table: categories, level names, numbers', () => {
  const cohort = {
    numeric: [
      { name: 'age', kind: 'numeric', values: Float64Array.of(34.5, Number.NaN) },
      { name: 'stage', kind: 'ordinal', values: Float64Array.of(1, 0), levels: ['early', 'late'] },
    ],
    categorical: [{ name: 'sex', values: [null, 'f'] }],
  } as const;
  assert.deepEqual(subgroupValues(cohort, study.evaluation.subgroups), [
    { column: 'sex', values: ['', 'f'] },
    { column: 'stage', values: ['late', 'early'] },
    { column: 'age', values: ['34.5', ''] },
  ]);
  const many = {
    numeric: [],
    categorical: [{ name: 'sex', values: Array.from({ length: 21 }, (_, i) => `c${i}`) }],
  };
  assert.throws(
    () => subgroupValues(many, [{ column: 'sex', cuts: null }]),
    (error) => error instanceof ConfigError && /at most 20 categories, got 21 in "sex"/.test(error.message),
  );
  assert.throws(() => subgroupValues(many, [{ column: 'sx', cuts: null }]), /got "sx"; did you mean "sex"\?/);
});

test('predictions that do not hold what the study names are refused', () => {
  const without = { ...all, subgroups: all.subgroups.slice(1) };
  assert.throws(
    () => measurePredictions(without, study),
    (error) => error instanceof DataError && /must hold the column "subgroup:sex"/.test(error.message),
  );
  const [sex, stage, age] = all.subgroups;
  const broken = { ...age, values: age.values.map((value, row) => (row === 4 ? 'old' : value)) };
  assert.throws(
    () => measurePredictions({ ...all, subgroups: [sex, stage, broken] }, study),
    /must be a number, got "old" \(column "subgroup:age"\)/,
  );
  const unknown = { ...stage, values: stage.values.map(() => 'middle') };
  assert.throws(
    () => measurePredictions({ ...all, subgroups: [sex, unknown, age] }, study),
    /must be one of its levels, got "middle"/,
  );
});
