import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, NotFittedError, ShapeError } from '../../src/errors.js';
import { wilsonInterval } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import {
  assignTiers,
  fitTiers,
  overallTiers,
  type Stage1Features,
  type TierModel,
  type TierOverride,
  tierTable,
} from '../../src/risk/index.js';

const one = ['finding'];
const allKnown = (n: number) => new Uint8Array(n).fill(1);

/** Rows with coarse probabilities, so that ties are common, and at least one row of each class. */
const validation = fc.integer({ min: 2, max: 60 }).chain((n) =>
  fc.record({
    probabilities: fc
      .array(fc.integer({ min: 0, max: 12 }), { minLength: n, maxLength: n })
      .map((values) => Float64Array.from(values, (value) => value / 12)),
    targets: fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: n - 2, maxLength: n - 2 })
      .map((values) => Float32Array.from([0, 1, ...values])),
  }),
);

/** Share of rows with the given truth among those with probability ≥ cut. */
function rateAt(probabilities: Float64Array, targets: Float32Array, truth: 0 | 1, cut: number): number {
  const rows = [...targets.keys()].filter((row) => targets[row] === truth);
  return rows.filter((row) => probabilities[row] >= cut).length / rows.length;
}

const ascending = (values: Iterable<number>) => [...new Set(values)].sort((a, b) => a - b);

test('the low tier keeps the sensitivity asked for and could not end higher', () => {
  fc.assert(
    fc.property(
      validation,
      fc.constantFrom(0.5, 0.8, 0.9, 0.95),
      ({ probabilities, targets }, lowSensitivity) => {
        const model = fitTiers(probabilities, targets, allKnown(targets.length), one, { lowSensitivity });
        const { low } = model.labels[0];
        assert.ok(low !== null);
        const [lowest, second] = ascending(probabilities.filter((p) => p >= low));
        assert.ok(rateAt(probabilities, targets, 1, lowest) >= lowSensitivity - 1e-12);
        if (second !== undefined) assert.ok(rateAt(probabilities, targets, 1, second) < lowSensitivity);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

for (const high of ['specificity', 'ppv'] as const) {
  test(`the high tier starts where its ${high} is first reached, but not inside the low tier`, () => {
    fc.assert(
      fc.property(validation, fc.constantFrom(0.5, 0.75, 0.9), ({ probabilities, targets }, highValue) => {
        const model = fitTiers(probabilities, targets, allKnown(targets.length), one, { high, highValue });
        const value = (cut: number) => {
          const called = [...targets.keys()].filter((row) => probabilities[row] >= cut);
          return high === 'ppv'
            ? called.filter((row) => targets[row] === 1).length / called.length
            : 1 - rateAt(probabilities, targets, 0, cut);
        };
        const first = ascending(probabilities).find((cut) => value(cut) >= highValue - 1e-12);
        const { low, high: start } = model.labels[0];
        const codes = model.notes.map((note) => note.code);
        assert.ok(low !== null);
        if (first === undefined) {
          assert.equal(start, null);
          assert.deepEqual(codes, ['tier-no-high']);
          return;
        }
        assert.ok(start !== null);
        const begins = Math.min(...probabilities.filter((p) => p >= start));
        const lowEnds = Math.min(...probabilities.filter((p) => p >= low));
        assert.equal(begins, Math.max(first, lowEnds));
        assert.deepEqual(codes, first <= lowEnds ? ['tier-no-medium'] : []);
      }),
      { seed: 2, numRuns: 300 },
    );
  });
}

test('tiers follow the cuts, and the overall tier is the highest', () => {
  const model: TierModel = {
    ...fitTiers(Float64Array.from([0.1, 0.9]), Float32Array.from([0, 1]), allKnown(2), one),
    labels: [
      { label: 'a', low: 0.2, high: 0.6 },
      { label: 'b', low: null, high: null },
    ],
  };
  const tiers = assignTiers(model, Float64Array.from([0.19, 0, 0.2, 1, 0.6, 0.5]));
  assert.deepEqual([...tiers], [0, 1, 1, 1, 2, 1]);
  assert.deepEqual([...overallTiers(tiers, 2)], [1, 1, 2]);
  assert.throws(() => assignTiers(model, Float64Array.from([0.5])), ShapeError);
  assert.throws(() => assignTiers(model, Float64Array.from([0.5, Number.NaN])), RangeError);
  assert.throws(() => assignTiers({ ...model, version: 2 as 1 }, new Float64Array(2)), NotFittedError);
});

test('a label without both classes leaves everybody medium, and says so', () => {
  const probabilities = Float64Array.from([0.1, 0.9, 0.5]);
  const model = fitTiers(probabilities, Float32Array.from([0, 0, 1]), Uint8Array.from([1, 1, 0]), one);
  assert.deepEqual(model.labels[0], { label: 'finding', low: null, high: null });
  assert.match(model.notes[0].message, /"finding" has 0 positives and 2 negatives/);
  assert.deepEqual([...assignTiers(model, probabilities)], [1, 1, 1]);
});

const table: Stage1Features = {
  size: 4,
  patientIndex: Int32Array.from([0, 1, 2, 3]),
  order: null,
  numeric: [
    { name: 'STDs', kind: 'numeric', values: Float64Array.from([0, 2, Number.NaN, 3]) },
    {
      name: 'grade',
      kind: 'ordinal',
      levels: ['mild', 'severe'],
      values: Float64Array.from([1, 0, 0, Number.NaN]),
    },
  ],
  categorical: [{ name: 'HPV', values: ['no', 'yes', null, 'no'] }],
};

function overridden(overrides: TierOverride[]): number[] {
  const labels = ['a', 'b'];
  const cuts = Float64Array.from([0.1, 0.1, 0.9, 0.9]);
  const model = fitTiers(cuts, Float32Array.from([0, 0, 1, 1]), allKnown(4), labels, { overrides });
  return [...assignTiers(model, new Float64Array(8), table)];
}

test('declared rules raise tiers, never lower them, and a missing value fires none', () => {
  assert.deepEqual(overridden([]), [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(
    overridden([
      { label: 'a', column: 'HPV', op: '=', value: 'yes', tier: 'medium' },
      { column: 'STDs', op: '>=', value: 2, tier: 'high' },
      { column: 'STDs', op: '>=', value: 2, tier: 'medium' },
    ]),
    [0, 0, 2, 2, 0, 0, 2, 2],
  );
  assert.deepEqual(
    overridden([{ label: 'a', column: 'HPV', op: '=', value: 'yes', tier: 'medium' }]),
    [0, 0, 1, 0, 0, 0, 0, 0],
  );
  assert.deepEqual(
    overridden([{ label: 'b', column: 'HPV', op: '!=', value: 'yes', tier: 'high' }]),
    [0, 2, 0, 0, 0, 0, 0, 2],
  );
  assert.deepEqual(
    overridden([{ label: 'a', column: 'grade', op: '>=', value: 'severe', tier: 'high' }]),
    [2, 0, 0, 0, 0, 0, 0, 0],
  );
});

test('rules that cannot be meant are refused', () => {
  const rule: TierOverride = { column: 'HPV', op: '=', value: 'yes', tier: 'high' };
  const refused: [Partial<TierOverride>, RegExp][] = [
    [{ label: 'c' }, /must name a label, got "c"/],
    [{ column: 'a' }, /"a" states the diagnosis of label "a"/],
    [{ column: 'HVP' }, /did you mean "HPV"/],
    [{ op: '>=' }, /categorical and has no order/],
    [{ op: '~' as '=' }, /compares by one of/],
    [{ tier: 'low' as 'high' }, /raises to medium or high, got "low"/],
    [{ column: 'STDs', value: 'two' }, /numeric/],
    [{ column: 'grade', value: 'grave' }, /levels mild, severe/],
  ];
  for (const [change, message] of refused) {
    assert.throws(
      () => overridden([{ ...rule, ...change }]),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  }
  const fit = (settings: object) =>
    fitTiers(Float64Array.from([0.1]), Float32Array.from([0]), allKnown(1), one, settings);
  assert.throws(() => fit({ overrides: [rule], diagnosisColumns: { finding: ['HPV'] } }), ConfigError);
  assert.throws(() => fit({ lowSensitivity: 1 }), ConfigError);
  assert.throws(() => fit({ high: 'npv' }), ConfigError);
  assert.throws(() => assignTiers(fit({ overrides: [rule] }), Float64Array.from([0.5])), ConfigError);
  assert.throws(() => fitTiers(new Float64Array(2), new Float32Array(1), allKnown(2), one), ShapeError);
});

test('the tier table counts known rows and uses the Wilson interval when each patient has one row', () => {
  const tiers = Uint8Array.from([0, 0, 0, 1, 1, 2, 2, 2]);
  const targets = Float32Array.from([0, 0, 1, 0, 1, 1, 1, 1]);
  const known = Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 0]);
  const [result] = tierTable(tiers, targets, known, one, Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  assert.equal(result.unknown, 1);
  assert.deepEqual(
    result.tiers.map(({ tier, n, patients, positives }) => [tier, n, patients, positives]),
    [
      ['low', 3, 3, 1],
      ['medium', 2, 2, 1],
      ['high', 2, 2, 2],
    ],
  );
  assert.deepEqual(result.tiers[0].observedRisk, { value: 1 / 3, ci95: wilsonInterval(1, 3) });
  assert.equal(result.monotone, true);
});

test('tiers that do not order risk are said not to; empty tiers are passed over', () => {
  const patients = Int32Array.from([0, 1, 2, 3]);
  const falling = tierTable(
    Uint8Array.from([0, 0, 2, 2]),
    Float32Array.from([1, 1, 0, 1]),
    allKnown(4),
    one,
    patients,
  )[0];
  assert.equal(falling.monotone, false);
  assert.match(falling.statement, /falls from tier low \(100\.0 %\) to high \(50\.0 %\)/);
  assert.deepEqual(falling.tiers[1].observedRisk, { value: null, reason: 'no rows' });
  const alone = tierTable(new Uint8Array(4), new Float32Array(4), allKnown(4), one, patients)[0];
  assert.equal(alone.monotone, null);
  assert.throws(
    () => tierTable(new Uint8Array(3), new Float32Array(4), allKnown(4), one, patients),
    ShapeError,
  );
});

test('rows of one patient do not narrow the interval; over patients it covers at its level', () => {
  const random = randomStream(5, 'coverage');
  const patients = Int32Array.from({ length: 200 }, (_, row) => row >> 2);
  let covered = 0;
  const trials = 400;
  for (let trial = 0; trial < trials; trial++) {
    // 50 patients of four rows; a patient's risk is 0.1 or 0.5, 0.3 on average.
    const targets = new Float32Array(200);
    for (let patient = 0; patient < 50; patient++) {
      const risk = random.uniform() < 0.5 ? 0.1 : 0.5;
      for (let visit = 0; visit < 4; visit++) targets[patient * 4 + visit] = random.uniform() < risk ? 1 : 0;
    }
    const { ci95 } = tierTable(new Uint8Array(200), targets, allKnown(200), one, patients)[0].tiers[0]
      .observedRisk;
    assert.ok(ci95);
    if (ci95[0] <= 0.3 && 0.3 <= ci95[1]) covered++;
  }
  assert.ok(covered / trials > 0.92 && covered / trials < 0.98, `coverage ${covered / trials}`);

  const copies = tierTable(new Uint8Array(200), new Float32Array(200), allKnown(200), one, patients)[0];
  assert.deepEqual(
    copies.tiers[0].observedRisk.ci95,
    wilsonInterval(0, 50),
    'nobody has it: patients count once',
  );
});
