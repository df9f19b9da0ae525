import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  auprc,
  auroc,
  brierScore,
  calibration,
  chooseThreshold,
  confusionCounts,
  ece,
  evaluateMultilabel,
  logLoss,
  type MultilabelEvaluation,
  precisionRecallCurve,
  rank,
  reliabilityBins,
  rocCurve,
  unitWeights,
  weightedAreas,
  weightedEce,
} from '../../src/metrics/index.js';
import { knownRows } from '../../src/metrics/known.js';

// Sixteenths make ties, and zeros and ones, common.
const rowArbitrary = fc.record({
  p: fc.oneof(
    fc.integer({ min: 0, max: 16 }).map((k) => k / 16),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
  y: fc.integer({ min: 0, max: 1 }),
  known: fc.integer({ min: 0, max: 1 }),
  weight: fc.integer({ min: 0, max: 3 }),
});
const rowsArbitrary = fc.array(rowArbitrary, { maxLength: 40 });
type Row = { p: number; y: number; known: number; weight: number };
const column = (rows: readonly Row[], name: keyof Row) => Float64Array.from(rows, (row) => row[name]);

type Metric = (p: ArrayLike<number>, y: ArrayLike<number>, known?: ArrayLike<number> | null) => unknown;

/** Every single-label function, by name. */
const functions: Record<string, Metric> = {
  auroc,
  auprc,
  rocCurve,
  precisionRecallCurve,
  brierScore,
  logLoss,
  calibration,
  ece,
  reliabilityBins,
  confusion: (p, y, known) =>
    confusionCounts(
      Array.from(p, (value) => Number(value >= 0.5)),
      y,
      known,
    ),
  youden: (p, y, known) => chooseThreshold(p, y, known, 'youden'),
  f1: (p, y, known) => chooseThreshold(p, y, known, 'f1'),
  gmean: (p, y, known) => chooseThreshold(p, y, known, 'gmean'),
};

for (const [name, compute] of Object.entries(functions)) {
  test(`${name}: masked equals filtered, whatever stands in masked rows`, () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const filtered = rows.filter((row) => row.known === 1);
        const masked = rows.map((row) => (row.known === 1 ? row : { ...row, p: Number.NaN, y: -1 }));
        assert.deepEqual(
          compute(column(masked, 'p'), column(masked, 'y'), column(masked, 'known')),
          compute(column(filtered, 'p'), column(filtered, 'y')),
        );
      }),
    );
  });
}

test('AUROC is the share of ordered pairs, and its complement for reversed scores', () => {
  fc.assert(
    fc.property(rowsArbitrary, (rows) => {
      let wins = 0;
      let pairs = 0;
      for (const a of rows) {
        for (const b of rows) {
          if (a.y !== 1 || b.y !== 0) continue;
          pairs++;
          wins += a.p > b.p ? 1 : a.p === b.p ? 0.5 : 0;
        }
      }
      const value = auroc(column(rows, 'p'), column(rows, 'y'));
      if (pairs === 0) return assert.equal(value, null);
      assert.ok(Math.abs(value! - wins / pairs) < 1e-12);
      const reversed = auroc(
        column(rows, 'p').map((p) => -p),
        column(rows, 'y'),
      );
      assert.ok(Math.abs(value! + reversed! - 1) < 1e-12);
    }),
  );
});

test('the areas are those under the curves', () => {
  fc.assert(
    fc.property(rowsArbitrary, (rows) => {
      const [p, y] = [column(rows, 'p'), column(rows, 'y')];
      const roc = rocCurve(p, y);
      let area = 0;
      if (roc !== null) {
        const { falsePositiveRate: x, truePositiveRate: t } = roc;
        for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (t[i] + t[i - 1])) / 2;
        assert.ok(Math.abs(area - auroc(p, y)!) < 1e-12);
      }
      const pr = precisionRecallCurve(p, y);
      let average = 0;
      if (pr !== null) {
        for (let i = 1; i < pr.recall.length; i++)
          average += (pr.recall[i] - pr.recall[i - 1]) * pr.precision[i];
        assert.ok(Math.abs(average - auprc(p, y)!) < 1e-12);
      }
    }),
  );
});

test('a row of weight k counts as k rows', () => {
  fc.assert(
    fc.property(rowsArbitrary, (rows) => {
      const ranking = rank(knownRows('test', column(rows, 'p'), column(rows, 'y')));
      const weights = Int32Array.from(ranking.rows, (row) => rows[row].weight);
      const copies = rows.flatMap((row) => Array.from({ length: row.weight }, () => row));
      const expanded = rank(knownRows('test', column(copies, 'p'), column(copies, 'y')));
      const actual = new Float64Array(2);
      const expected = new Float64Array(2);
      weightedAreas(ranking, weights, actual);
      weightedAreas(expanded, unitWeights(expanded), expected);
      for (const i of [0, 1]) {
        if (Number.isNaN(expected[i])) assert.ok(Number.isNaN(actual[i]));
        else assert.ok(Math.abs(actual[i] - expected[i]) < 1e-12);
      }
      const error = weightedEce(ranking, weights, 5);
      if (copies.length === 0) assert.ok(Number.isNaN(error));
      else assert.ok(Math.abs(error - ece(column(copies, 'p'), column(copies, 'y'), null, 5)!) < 1e-12);
    }),
  );
});

const tableArbitrary = fc.array(
  fc.record({
    cells: fc.array(rowArbitrary, { minLength: 2, maxLength: 2 }),
    patient: fc.integer({ min: -3, max: 8 }),
  }),
  { minLength: 1, maxLength: 30 },
);
type TableRow = { cells: readonly Row[]; patient: number };

function evaluate(rows: readonly TableRow[], fill = 0): MultilabelEvaluation {
  const cells = rows.flatMap((row) => row.cells);
  return evaluateMultilabel({
    labels: ['a', 'b'],
    probabilities: Float64Array.from(cells, ({ p, known }) => (known ? p : fill)),
    decisions: Uint8Array.from(cells, ({ p, known }) => (known ? Number(p > 0.4) : 7)),
    targets: Float32Array.from(cells, ({ y, known }) => (known ? y : fill)),
    known: Uint8Array.from(cells, ({ known }) => known),
    patients: Int32Array.from(rows, ({ patient }) => patient),
    resamples: 10,
    seed: 5,
  });
}

function assertNear(actual: unknown, expected: unknown, path = ''): void {
  if (typeof expected === 'number') {
    assert.ok(
      Math.abs((actual as number) - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
      `${path}: ${actual}, expected ${expected}`,
    );
  } else if (typeof expected === 'object' && expected !== null) {
    assert.deepEqual(Object.keys(actual as object), Object.keys(expected), path);
    for (const [key, value] of Object.entries(expected)) {
      assertNear((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
    }
  } else assert.equal(actual, expected, path);
}

test('evaluateMultilabel: the order of rows and the contents of unknown cells change nothing', () => {
  fc.assert(
    fc.property(tableArbitrary, (rows) => {
      const expected = evaluate(rows);
      assertNear(evaluate([...rows].reverse()), expected);
      assert.deepEqual(evaluate(rows, Number.NaN), expected);
    }),
  );
});

test('evaluateMultilabel: a label masked row by row equals the table without those rows', () => {
  fc.assert(
    fc.property(tableArbitrary, (rows) => {
      const masked = rows.map((row) => ({
        ...row,
        cells: row.cells.map((cell) => ({ ...cell, known: row.cells[0].known })),
      }));
      const filtered = masked.filter((row) => row.cells[0].known === 1);
      if (filtered.length === 0) return;
      const { labels: actual } = evaluate(masked);
      const { labels: expected } = evaluate(filtered);
      for (const label of ['a', 'b']) {
        assert.equal(actual[label].unknown, rows.length - filtered.length);
        for (const [metric, estimate] of Object.entries(expected[label])) {
          if (metric === 'unknown') continue;
          const got = actual[label][metric as keyof typeof actual.a];
          if (typeof estimate === 'number') assert.equal(got, estimate, metric);
          else assert.deepEqual((got as typeof estimate).value, estimate.value, metric);
        }
      }
    }),
  );
});

test('calibration recovers that probabilities were distorted on the logit scale', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.2, max: 3, noNaN: true }),
      fc.double({ min: -2, max: 2, noNaN: true }),
      (scale, shift) => {
        // Ten rows at each logit, positives in proportion to the true probability.
        const logits = [-2, -1, 0, 1, 2];
        const positives = [1, 3, 5, 7, 9];
        const y = positives.flatMap((k) => Array.from({ length: 10 }, (_, i) => Number(i < k)));
        const p = (distort: (z: number) => number) =>
          logits.flatMap((z) => new Array<number>(10).fill(1 / (1 + Math.exp(-distort(z)))));
        const truth = calibration(
          p((z) => z),
          y,
        );
        const distorted = calibration(
          p((z) => scale * z + shift),
          y,
        );
        // logit p = scale z + shift, so a + b z = (a − b shift / scale) + (b / scale) logit p.
        assert.ok(Math.abs(distorted.slope! - truth.slope! / scale) < 1e-9);
        assert.ok(
          Math.abs(distorted.intercept! - (truth.intercept! - (truth.slope! * shift) / scale)) < 1e-9,
        );
      },
    ),
  );
});
