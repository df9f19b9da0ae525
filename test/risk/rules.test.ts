import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCondition, type Feature, oddsRatio } from '../../src/risk/index.js';
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
    [numeric({}), '>=', 35.25, 'Age >= 35.25'],
    [numeric({}), '<=', 1 / 3, 'Age <= 0.333333'],
    [numeric({ integer: true }), '>', 34.5, 'Age >= 35'],
    [numeric({ integer: true }), '<=', 34.5, 'Age < 35'],
    [numeric({ integer: true }), '>=', 35, 'Age >= 35'],
    [numeric({ integer: true }), '<', 35, 'Age < 35'],
    [numeric({ cuts: [25, 35.5] }), '>=', 2, 'Age >= 35.5'],
    [numeric({ cuts: [25, 35.5] }), '<=', 0.5, 'Age < 25'],
    [numeric({ levels: ['mild', 'moderate', 'severe'] }), '>', 0.5, 'Age >= moderate'],
    [numeric({ levels: ['mild', 'moderate', 'severe'] }), '<', 2, 'Age < severe'],
    [{ kind: 'level', column: 'HPV', level: 'yes' }, '>', 0.5, 'HPV = yes'],
    [{ kind: 'level', column: 'HPV', level: 'yes' }, '<', 1, 'HPV != yes'],
    [{ kind: 'missing', column: 'Income' }, '>=', 1, 'Income missing'],
    [{ kind: 'missing', column: 'Income' }, '<=', 0.5, 'Income recorded'],
  ];
  for (const [feature, op, threshold, text] of cases) {
    assert.equal(describeCondition(feature, op, threshold), text);
  }
});

test('a rule is told with its support on both sides', () => {
  const ages = Float64Array.from({ length: 260 }, (_, row) => (row < 60 ? 40 : 30));
  const target = Uint8Array.from({ length: 260 }, (_, row) => (row < 41 || row >= 248 ? 1 : 0));
  const rule = describeRule(
    {
      kind: 'threshold',
      conditions: [{ feature: 0, op: '>=', threshold: 35 }],
      prediction: 'positive',
      score: null,
      pValue: null,
      adjustedPValue: null,
    },
    [numeric({ column: 'age', integer: true })],
    [ages],
    target,
    Int32Array.from(ages.keys()),
  );
  assert.equal(rule.text, 'age >= 35 -> positive; 41 of 60 (68 %) vs 12 of 200 (6 %) without');
  assert.deepEqual(rule.with, { n: 60, positives: 41 });
  assert.deepEqual(rule.without, { n: 200, positives: 12 });
  const value = (41.5 * 188.5) / (19.5 * 12.5);
  const spread = 1.959963984540054 * Math.sqrt(1 / 41.5 + 1 / 188.5 + 1 / 19.5 + 1 / 12.5);
  assert.ok(Math.abs(rule.oddsRatio.value - value) < 1e-12);
  assert.ok(Math.abs(Math.log(rule.oddsRatio.ci95[0]) - Math.log(value) + spread) < 1e-12);
  assert.ok(Math.abs(Math.log(rule.oddsRatio.ci95[1]) - Math.log(value) - spread) < 1e-12);
});

test('an empty cell still gives a finite odds ratio', () => {
  const { value, ci95 } = oddsRatio({ n: 20, positives: 20 }, { n: 30, positives: 0 });
  assert.ok(Number.isFinite(value) && ci95[0] > 1 && Number.isFinite(ci95[1]));
});
