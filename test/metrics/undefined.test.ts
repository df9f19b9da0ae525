import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  auroc,
  brierScore,
  calibration,
  chooseThreshold,
  confusionCounts,
  ece,
  evaluateMultilabel,
  labelMetrics,
  type MultilabelPredictions,
  proportion,
  wilsonInterval,
} from '../../src/metrics/index.js';

/** Ten patients with one row each and one label. */
function single(targets: readonly number[], changes: Partial<MultilabelPredictions> = {}) {
  const n = targets.length;
  const probabilities = Float64Array.from({ length: n }, (_, row) => ((row * 7) % n) / n);
  return {
    labels: ['x'],
    probabilities,
    decisions: Uint8Array.from(probabilities, (p) => Number(p > 0.5)),
    targets: Float32Array.from(targets),
    known: new Uint8Array(n).fill(1),
    patients: Int32Array.from({ length: n }, (_, row) => row),
    seed: 1,
    resamples: 200,
    ...changes,
  };
}

test('without positives each metric that needs them says so, and the others stand', () => {
  const { labels, macro } = evaluateMultilabel(single(new Array(10).fill(0)));
  for (const metric of ['auroc', 'auprc', 'f1', 'gmean', 'sensitivity', 'calibrationSlope'] as const) {
    assert.deepEqual(labels.x[metric], {
      value: null,
      reason: 'no positives among 10 rows with a known label',
    });
  }
  assert.deepEqual(labels.x.allNegativeAccuracy, { value: 1, ci95: [1, 1] });
  assert.deepEqual(labels.x.prevalence, { value: 0, ci95: [0, 0] });
  assert.equal(labels.x.specificity.value, 0.6);
  assert.deepEqual(macro.auroc, { value: null, reason: 'undefined for every label', labels: 0 });
});

test('without known rows nothing has a value', () => {
  const { n, labels } = evaluateMultilabel(single(new Array(10).fill(0), { known: new Uint8Array(10) }));
  assert.equal(n, 10);
  assert.equal(labels.x.unknown, 10);
  for (const metric of labelMetrics) {
    assert.deepEqual(labels.x[metric], { value: null, reason: 'no rows with a known label' });
  }
  assert.deepEqual(labels.x.prevalence, { value: null, reason: 'no rows with a known label' });
});

test('one positive patient has values but no interval for what needs positives', () => {
  const { labels } = evaluateMultilabel(single([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  const { auroc: area, accuracy } = labels.x;
  assert.equal(typeof area.value, 'number');
  assert.equal(area.ci95, null);
  assert.match(area.reason!, /^defined in only 1\d\d of 200 resamples of patients; too few patients/);
  assert.ok(accuracy.ci95);
});

test('separated, constant and all-negative decisions each have their reason', () => {
  const separated = single([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], {
    probabilities: Float64Array.from({ length: 10 }, (_, row) => row / 10),
    decisions: new Uint8Array(10),
  });
  const x = evaluateMultilabel(separated).labels.x;
  assert.match(x.calibrationSlope.reason!, /separate the classes completely/);
  assert.equal(typeof x.calibrationInTheLarge.value, 'number');
  assert.match(x.ppv.reason!, /no rows decided positive among 10 rows/);
  const constant = { ...separated, probabilities: new Float64Array(10).fill(0.25) };
  assert.match(evaluateMultilabel(constant).labels.x.calibrationSlope.reason!, /same probability/);
});

test('an undefined label is left out of the macro mean, and the count of labels says so', () => {
  const targets = [0, 1, 0, 1, 0, 1, 0, 1, 0, 0];
  const one = single(targets);
  const two = evaluateMultilabel({
    ...one,
    labels: ['x', 'never'],
    probabilities: Float64Array.from(targets.flatMap((_, row) => [one.probabilities[row], 0.1])),
    decisions: Uint8Array.from(targets.flatMap((_, row) => [one.decisions[row], 0])),
    targets: Float32Array.from(targets.flatMap((y) => [y, 0])),
    known: new Uint8Array(20).fill(1),
  });
  assert.equal(two.macro.auroc.value, two.labels.x.auroc.value);
  assert.equal(two.macro.auroc.labels, 1);
  assert.equal(two.macro.accuracy.labels, 2);
});

test('intervals that cannot be found say why', () => {
  const targets = [0, 1, 0, 1, 0, 1];
  assert.deepEqual(
    evaluateMultilabel(single(targets, { patients: new Int32Array(6) })).labels.x.accuracy.reason,
    'one patient alone cannot be resampled',
  );
  assert.deepEqual(
    evaluateMultilabel({ ...single(targets), resamples: 0 }).labels.x.accuracy.reason,
    'no bootstrap resamples were asked for',
  );
});

test('no estimate holds a NaN or an infinity, whatever the table', () => {
  const tables = [
    single([1]),
    single([0, 1]),
    single([1, 1, 1], { probabilities: Float64Array.of(0, 1, 0) }),
    single([0, 1, 0, 1], { probabilities: Float64Array.of(0, 1, 1, 0) }),
  ];
  for (const table of tables) {
    const text = JSON.stringify(evaluateMultilabel(table), (_, value) =>
      typeof value === 'number' && !Number.isFinite(value) ? 'not finite' : value,
    );
    assert.ok(!text.includes('not finite'), text);
  }
});

test('input that breaks a rule is refused with the rule, the value and the row', () => {
  assert.throws(() => auroc([0.1, Number.NaN], [0, 1]), /auroc: scores must be finite .* got NaN in row 1/);
  assert.throws(() => auroc([0.1, 0.2], [0, 2]), /targets must be 0 or 1 .* got 2 in row 1/);
  assert.throws(() => auroc([0.1, 0.2], [0]), { name: 'ShapeError' });
  assert.throws(() => auroc([0.1, 0.2], [0, 1], [1, 2]), /auroc: known must be 0 or 1, got 2 in row 1/);
  assert.throws(
    () => brierScore([1.2], [1]),
    /brierScore: probabilities must lie in \[0, 1\], got 1.2 in row 0/,
  );
  assert.throws(() => confusionCounts([0.5], [1]), /decisions must be 0 or 1, got 0.5 in row 0/);
  assert.throws(() => ece([0.5], [1], null, 0), /bins must be an integer of at least 1, got 0/);
  assert.throws(() => chooseThreshold([0.5], [1], null, 'j' as 'youden'), {
    name: 'ConfigError',
    message: /criterion must be one of youden, f1, gmean, got "j"/,
  });
  assert.throws(() => wilsonInterval(3, 2), RangeError);
  assert.throws(() => wilsonInterval(0, 0), RangeError);
  const table = single([0, 1, 1]);
  for (const [changes, message] of [
    [
      { probabilities: Float64Array.of(0.1, 0.2) },
      /probabilities must be \[row, label\] = \[3, 1\], got 2 entries/,
    ],
    [{ probabilities: Float64Array.of(0.1, 0.2, Number.NaN) }, /got NaN for label "x" in row 2/],
    [{ decisions: Uint8Array.of(0, 3, 0) }, /decisions must be 0 or 1, got 3 for label "x" in row 1/],
    [{ targets: Float32Array.of(0.5, 0, 1) }, /targets must be 0 or 1, got 0.5 for label "x" in row 0/],
    [{ known: Uint8Array.of(2, 1, 1) }, /known must be 0 or 1, got 2 for label "x" in row 0/],
    [{ repeat: Int32Array.of(0) }, /repeat must have one entry per row, got 1 for 3 rows/],
    [{ patients: new Int32Array(0) }, /there must be rows and labels, got 0 rows/],
    [{ labels: ['x', 'x'] }, /labels must be unique/],
  ] as const) {
    assert.throws(() => evaluateMultilabel({ ...table, ...changes }), message);
  }
});

test('thresholds lie between neighbouring probabilities, and the highest of equals is taken', () => {
  assert.equal(chooseThreshold([0.1, 0.2, 0.6, 0.8], [0, 0, 1, 1], null, 'youden'), 0.4);
  // J is 1/2 both above 0.5 and above 0.3.
  assert.equal(chooseThreshold([0.1, 0.4, 0.6, 0.8], [0, 1, 0, 1], null, 'youden'), 0.7);
  assert.equal(chooseThreshold([0.3, 0.3], [0, 1], null, 'f1'), 0.3);
  assert.equal(chooseThreshold([0.3, 0.4], [1, 1], null, 'f1'), null);
  const next = 0.5 + 2 ** -53;
  assert.equal(chooseThreshold([0.5, next], [0, 1], null, 'youden'), next);
});

test('proportion and calibration of nothing are undefined with a reason', () => {
  assert.deepEqual(proportion(0, 0), { value: null, reason: 'no rows' });
  assert.deepEqual(calibration([], []), {
    slope: null,
    intercept: null,
    inTheLarge: null,
    reason: 'no rows with a known label',
  });
});
