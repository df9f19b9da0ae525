import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, describePremise, type Feature, oddsRatio } from '../../src/risk/index.js';
import { describeRule } from '../../src/risk/rules.js';

const numeric = (parts: object): Feature => ({
  kind: 'numeric',
  column: 'Age',
  cuts: null,
  levels: null,
  integer: false,
  ...parts,
});

test('conditions speak in the terms of the table', () => {
  const cases: [Feature, '>=' | '<' | '>' | '<=', number, string][] = [
    [numeric({}), '>=', 35.25, 'Age ≥ 35.25'],
    [numeric({}), '<=', 1 / 3, 'Age ≤ 0.333333'],
    [numeric({ integer: true }), '>', 34.5, 'Age ≥ 35'],
    [numeric({ integer: true }), '<=', 34.5, 'Age < 35'],
    [numeric({ integer: true }), '>=', 35, 'Age ≥ 35'],
    [numeric({ integer: true }), '<', 35, 'Age < 35'],
    [numeric({ cuts: [25, 35.5] }), '>=', 2, 'Age ≥ 35.5'],
    [numeric({ cuts: [25, 35.5] }), '<=', 0.5, 'Age < 25'],
    [numeric({ levels: ['mild', 'moderate', 'severe'] }), '>', 0.5, 'Age ≥ moderate'],
    [numeric({ levels: ['mild', 'moderate', 'severe'] }), '<', 2, 'Age < severe'],
    [{ kind: 'level', column: 'HPV', level: 'yes' }, '>', 0.5, 'HPV = yes'],
    [{ kind: 'level', column: 'HPV', level: 'yes' }, '<', 1, 'HPV ≠ yes'],
    [{ kind: 'missing', column: 'Income' }, '>=', 1, 'Income missing'],
    [{ kind: 'missing', column: 'Income' }, '<=', 0.5, 'Income recorded'],
  ];
  for (const [feature, op, threshold, text] of cases) {
    assert.equal(describePremise([feature], [{ feature: 0, op, threshold }]), text);
  }
});

test('tests of one column become one interval, and what another test implies is left out', () => {
  const features: Feature[] = [
    numeric({}),
    numeric({ column: 'Visits', integer: true }),
    numeric({ column: 'BMI', cuts: [18.5, 25, 30] }),
    numeric({ column: 'Grade', levels: ['mild', 'moderate', 'severe', 'fatal'] }),
    { kind: 'level', column: 'HPV', level: 'yes' },
    { kind: 'level', column: 'HPV', level: 'no' },
    { kind: 'missing', column: 'HPV' },
  ];
  const cases: [[number, Condition['op'], number][], string][] = [
    [
      [
        [0, '>', 30.2],
        [0, '<=', 45.1],
      ],
      '30.2 < Age ≤ 45.1',
    ],
    [
      [
        [0, '>=', 30],
        [0, '<', 45],
      ],
      '30 ≤ Age < 45',
    ],
    [
      [
        [0, '>', 3],
        [0, '>', 5],
      ],
      'Age > 5',
    ],
    [
      [
        [0, '>=', 5],
        [0, '>', 5],
      ],
      'Age > 5',
    ],
    [
      [
        [0, '<=', 5],
        [0, '<=', 3],
      ],
      'Age ≤ 3',
    ],
    [
      [
        [1, '>', 2.5],
        [1, '<=', 5.5],
      ],
      '3 ≤ Visits < 6',
    ],
    [
      [
        [1, '>', 2.5],
        [1, '<=', 3.5],
      ],
      'Visits = 3',
    ],
    [
      [
        [2, '>', 0.5],
        [2, '<=', 2.5],
      ],
      '18.5 ≤ BMI < 30',
    ],
    [
      [
        [2, '>', 1.5],
        [2, '<=', 2.5],
      ],
      '25 ≤ BMI < 30',
    ],
    [
      [
        [3, '>', 0.5],
        [3, '<=', 1.5],
      ],
      'Grade = moderate',
    ],
    [
      [
        [3, '>', 0.5],
        [3, '<=', 2.5],
      ],
      'moderate ≤ Grade < fatal',
    ],
    [
      [
        [4, '<=', 0.5],
        [5, '>', 0.5],
      ],
      'HPV = no',
    ],
    [
      [
        [5, '<=', 0.5],
        [0, '>', 4],
        [4, '<=', 0.5],
      ],
      'HPV ≠ no and Age > 4 and HPV ≠ yes',
    ],
    [
      [
        [6, '<=', 0.5],
        [4, '>', 0.5],
      ],
      'HPV recorded and HPV = yes',
    ],
    [[], ''],
  ];
  for (const [conditions, text] of cases) {
    const list = conditions.map(([feature, op, threshold]) => ({ feature, op, threshold }));
    assert.equal(describePremise(features, list), text);
  }
});

const rule = {
  kind: 'threshold',
  conditions: [{ feature: 0, op: '>=', threshold: 35 }],
  prediction: 'positive',
  score: null,
  pValue: null,
  adjustedPValue: null,
} as const;
const ages = Float64Array.from({ length: 260 }, (_, row) => (row < 60 ? 40 : 30));
const target = Uint8Array.from({ length: 260 }, (_, row) => (row < 41 || row >= 248 ? 1 : 0));
const describe = (parts: Parameters<typeof describeRule>[0], patients = 260, truth = target) =>
  describeRule(parts, [numeric({ column: 'age', integer: true })], [ages], {
    label: 'Biopsy',
    target: truth,
    rows: Int32Array.from(ages.keys()),
    patientIndex: Int32Array.from(ages.keys(), (row) => row % patients),
  });

test('a rule is told with its support on both sides', () => {
  const told = describe(rule);
  assert.equal(
    told.text,
    'age ≥ 35 → higher risk: 41 of 60 such patients had Biopsy (68 %), 12 of 200 others (6 %)',
  );
  assert.deepEqual(told.with, { n: 60, positives: 41 });
  assert.deepEqual(told.without, { n: 200, positives: 12 });
  assert.equal(told.patients, 60);
  const value = (41.5 * 188.5) / (19.5 * 12.5);
  const spread = 1.959963984540054 * Math.sqrt(1 / 41.5 + 1 / 188.5 + 1 / 19.5 + 1 / 12.5);
  assert.ok(Math.abs(told.oddsRatio.value - value) < 1e-12);
  assert.ok(Math.abs(Math.log(told.oddsRatio.ci95[0]) - Math.log(value) + spread) < 1e-12);
  assert.ok(Math.abs(Math.log(told.oddsRatio.ci95[1]) - Math.log(value) - spread) < 1e-12);
});

test('patients are told apart from rows, and risk is compared with the others, whatever the prediction', () => {
  const rows = describe(rule, 50);
  assert.equal(rows.patients, 50);
  assert.match(rows.text, /: 41 of 60 such rows \(50 patients\) had Biopsy \(68 %\), 12 of 200 others/);
  const below = { ...rule, conditions: [{ feature: 0, op: '<', threshold: 35 }] } as const;
  assert.match(describe(below).text, /^age < 35 → lower risk: 12 of 200 such patients/);
  assert.match(
    describe(rule, 260, new Uint8Array(260)).text,
    /→ equal risk: 0 of 60 .* 0 of 200 others \(0 %\)$/,
  );
  assert.equal(describe({ ...rule, conditions: [] }).text, 'everyone: 53 of 260 patients had Biopsy (20 %)');
});

test('an empty cell still gives a finite odds ratio', () => {
  const { value, ci95 } = oddsRatio({ n: 20, positives: 20 }, { n: 30, positives: 0 });
  assert.ok(Number.isFinite(value) && ci95[0] > 1 && Number.isFinite(ci95[1]));
});
