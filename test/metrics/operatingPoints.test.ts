import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ConfusionCounts,
  chooseOperatingPoint,
  chooseThreshold,
  confusionCounts,
  decisionCurve,
  decisionThresholds,
  evaluateDecisionCurves,
  evaluateDecisions,
  evaluateMultilabel,
  netBenefit,
  npv,
  ppv,
  sensitivity,
  specificity,
} from '../../src/metrics/index.js';
import { assertEstimate, copiedRows, everyone, resampled, table } from './resampled.js';

const rowsArbitrary = fc.array(
  fc.record({ p: fc.integer({ min: 0, max: 10 }).map((k) => k / 10), y: fc.integer({ min: 0, max: 1 }) }),
  { minLength: 2, maxLength: 40 },
);
const shareArbitrary = fc.constantFrom(0.3, 0.5, 0.8, 0.9, 0.99);

/** Counts at every cut that a threshold could make, from no row positive to all. */
function everyCut(p: readonly number[], y: readonly number[]): readonly ConfusionCounts[] {
  return [2, ...new Set(p)].map((cut) =>
    confusionCounts(
      p.map((probability) => Number(probability >= cut)),
      y,
    ),
  );
}

function decidedAt(p: readonly number[], y: readonly number[], threshold: number): ConfusionCounts {
  return confusionCounts(
    p.map((probability) => Number(probability >= threshold)),
    y,
  );
}

test('a fixed sensitivity keeps it at the highest specificity of all cuts, and the other way round', () => {
  fc.assert(
    fc.property(rowsArbitrary, shareArbitrary, (rows, value) => {
      const [p, y] = [rows.map((row) => row.p), rows.map((row) => row.y)];
      if (new Set(y).size < 2) return;
      for (const [kind, fixed, other] of [
        ['sensitivity', sensitivity, specificity],
        ['specificity', specificity, sensitivity],
      ] as const) {
        const best = Math.max(
          ...everyCut(p, y).map((counts) => (fixed(counts)! >= value ? other(counts)! : -1)),
        );
        const { threshold, reason } = chooseOperatingPoint(p, y, null, { kind, value });
        if (threshold === null) {
          assert.equal(kind, 'specificity');
          assert.deepEqual([best, Math.max(...p)], [0, 1]);
          assert.match(reason, /highest probability is 1/);
          continue;
        }
        const counts = decidedAt(p, y, threshold);
        assert.ok(fixed(counts)! >= value);
        assert.equal(other(counts), best);
      }
    }),
  );
});

test('the point of least cost costs no more than any other cut', () => {
  fc.assert(
    fc.property(rowsArbitrary, fc.constantFrom(0.1, 1, 3, 20), (rows, value) => {
      const [p, y] = [rows.map((row) => row.p), rows.map((row) => row.y)];
      if (new Set(y).size < 2) return;
      const cost = ({ falsePositives, falseNegatives }: ConfusionCounts) =>
        falsePositives + value * falseNegatives;
      const { threshold } = chooseOperatingPoint(p, y, null, { kind: 'cost', value });
      const least = Math.min(...everyCut(p, y).map(cost));
      if (threshold === null) assert.equal(least, value * y.filter((target) => target === 1).length);
      else assert.equal(cost(decidedAt(p, y, threshold)), least);
    }),
  );
});

test('criteria choose what chooseThreshold chooses; absent classes and bad rules say so', () => {
  const [p, y] = [
    [0.1, 0.4, 0.6, 0.8],
    [0, 1, 0, 1],
  ];
  for (const kind of ['youden', 'f1', 'gmean'] as const)
    assert.equal(chooseOperatingPoint(p, y, null, { kind }).threshold, chooseThreshold(p, y, null, kind));
  assert.deepEqual(chooseOperatingPoint(p, [0, 0, 0, 0], null, { kind: 'youden' }), {
    threshold: null,
    reason: 'no positives among 4 rows with a known label',
  });
  assert.deepEqual(chooseOperatingPoint(p, [1, 0, 1, 1], [1, 0, 1, 1], { kind: 'sensitivity', value: 0.9 }), {
    threshold: null,
    reason: 'no negatives among 3 rows with a known label',
  });
  // Nobody: a false negative is cheap, and the highest probability is 0.8.
  assert.equal(chooseOperatingPoint(p, [0, 1, 1, 0], null, { kind: 'cost', value: 0.1 }).threshold, 0.9);
  assert.throws(() => chooseOperatingPoint(p, y, null, { kind: 'cost', value: 0 }), /above 0, got 0/);
  assert.throws(
    () => chooseOperatingPoint(p, y, null, { kind: 'specificity', value: 1 }),
    /a fixed specificity must lie between 0 and 1, got 1/,
  );
});

test('decisions are measured with the intervals of copied rows', () => {
  const t = table(150, 60);
  const cuts = [0.3, 0.6];
  const points = cuts.map((cut) => ({
    decisions: Uint8Array.from(t.probabilities, (p) => Number(p >= cut)),
    cost: 4,
  }));
  const measured = evaluateDecisions({
    ...t,
    points: [...points, { decisions: t.decisions }],
    resamples: 50,
    seed: 3,
  });
  const draws = resampled(t.patients, 50, 3);
  for (const [point, cut] of cuts.entries())
    for (const [label, name] of t.labels.entries()) {
      const counts = (multiplicity: Int32Array) => {
        const rows = copiedRows(t, label, multiplicity);
        return decidedAt(
          rows.map((row) => t.probabilities[row * 2 + label]),
          rows.map((row) => t.targets[row * 2 + label]),
          cut,
        );
      };
      const size = (c: ConfusionCounts) =>
        c.truePositives + c.falsePositives + c.trueNegatives + c.falseNegatives;
      for (const [metric, compute] of Object.entries({
        sensitivity,
        specificity,
        ppv,
        npv,
        flagged: (c: ConfusionCounts) => (c.truePositives + c.falsePositives) / size(c),
        expectedCost: (c: ConfusionCounts) => (c.falsePositives + 4 * c.falseNegatives) / size(c),
      })) {
        const estimate = measured[point][name][metric as 'ppv'];
        const of = (multiplicity: Int32Array) => compute(counts(multiplicity));
        assertEstimate(estimate, of(everyone(t.patients)), draws.map(of), `${name} ${metric} at ${cut}`);
      }
    }
  const all = evaluateMultilabel({ ...t, resamples: 50, seed: 3 });
  assert.deepEqual(measured[2].b.ppv, all.labels.b.ppv);
  assert.equal('expectedCost' in measured[2].a, false);
  assert.deepEqual(evaluateDecisions({ ...t, points: [], seed: 1 }), []);
});

test('a decision curve has the intervals of copied rows, and says why there is none', () => {
  const t = table(150, 60);
  const curves = evaluateDecisionCurves({ ...t, resamples: 40, seed: 3 });
  const draws = resampled(t.patients, 40, 3);
  assert.equal(curves.b.length, 50);
  for (const i of [0, 9, 29, 49]) {
    const { threshold, model, treatAll } = curves.b[i];
    const of = (multiplicity: Int32Array) => {
      const rows = copiedRows(t, 1, multiplicity);
      const [p, y] = [t.probabilities, t.targets].map((m) => rows.map((row) => m[row * 2 + 1]));
      return decisionCurve(p, y, [threshold])[0];
    };
    assertEstimate(
      model,
      of(everyone(t.patients)).model,
      draws.map((draw) => of(draw).model),
      `at ${threshold}`,
    );
    assert.ok(Math.abs(treatAll! - of(everyone(t.patients)).treatAll!) < 1e-12);
  }
  const unknown = evaluateDecisionCurves({ ...t, known: new Uint8Array(300), resamples: 0, seed: 1 });
  assert.deepEqual(unknown.a[0], {
    threshold: 0.01,
    model: { value: null, reason: 'no rows with a known label' },
    treatAll: null,
  });
});

test('net benefit of a threshold is the prevalence less nothing when every positive alone is acted on', () => {
  const counts = { truePositives: 3, falsePositives: 0, falseNegatives: 0, trueNegatives: 7 };
  assert.equal(netBenefit(counts, 0.4), 0.3);
  assert.equal(netBenefit({ ...counts, truePositives: 0, trueNegatives: 0 }, 0.4), null);
  assert.throws(() => netBenefit(counts, 1), /a threshold must lie in \[0, 1\), got 1/);
});

test('thresholds run to 0.5, for rare outcomes to at most ten times the prevalence, in decimal steps', () => {
  for (const [prevalence, step, last] of [
    [0.3, 0.01, 0.5],
    [0, 0.01, 0.5],
    [0.05, 0.01, 0.5],
    [0.03, 0.005, 0.25],
    [0.002, 0.0002, 0.01],
    [0.0004, 0.00005, 0.0025],
  ]) {
    const thresholds = decisionThresholds(prevalence);
    assert.deepEqual([thresholds.length, thresholds[0], thresholds.at(-1)], [50, step, last]);
    if (prevalence > 0) assert.ok(last <= 10 * prevalence);
  }
  assert.equal(decisionThresholds(0.3)[6], 0.07);
});
