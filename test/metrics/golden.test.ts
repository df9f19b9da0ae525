import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  auprc,
  auroc,
  brierScore,
  calibration,
  chooseThreshold,
  confusionCounts,
  countMetrics,
  ece,
  evaluateMultilabel,
  logLoss,
  percentileEstimate,
  precisionRecallCurve,
  reliabilityBins,
  rocCurve,
  sensitivity,
  specificity,
  wilsonInterval,
} from '../../src/metrics/index.js';

interface Curve {
  fpr: number[];
  tpr: number[];
  recall: number[];
  precision: number[];
  thresholds: number[];
}
interface Golden {
  tables: {
    name: string;
    p: number[];
    y: number[];
    expected: Record<string, number | null> & { bins: number[][]; roc?: Curve; pr?: Curve };
  }[];
  multilabel: Record<'macro' | 'micro', Record<'auroc' | 'auprc' | 'f1' | 'sensitivity' | 'ppv', number>> & {
    p: number[];
    d: number[];
    y: number[];
    labels: number;
  };
  intervals: { wilson: number[][]; draws: number[]; percentiles: number[] };
}
const golden: Golden = JSON.parse(readFileSync('test/golden/metrics/metrics.json', 'utf8'));

function near(actual: number | null, expected: number | null, what: string): void {
  if (actual === null || expected === null) assert.equal(actual, expected, what);
  else assert.ok(Math.abs(actual - expected) <= 1e-9, `${what}: ${actual}, expected ${expected}`);
}
function allNear(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  expected.forEach((value, i) => {
    near(actual[i], value, `${what}[${i}]`);
  });
}

for (const { name, p, y, expected } of golden.tables) {
  test(`metrics equal scikit-learn's and scipy's: ${name}`, () => {
    near(auroc(p, y), expected.auroc, 'auroc');
    near(auprc(p, y), expected.auprc, 'auprc');
    near(brierScore(p, y), expected.brier, 'brier');
    near(logLoss(p, y), expected.logLoss, 'logLoss');
    near(ece(p, y), expected.ece, 'ece');
    near(ece(p, y, null, 4), expected.ece4, 'ece4');
    const counts = confusionCounts(
      p.map((probability) => Number(probability >= 0.5)),
      y,
    );
    for (const [metric, compute] of Object.entries(countMetrics))
      near(compute(counts), expected[metric], metric);

    const { slope, intercept, inTheLarge, reason } = calibration(p, y);
    // Coefficients on all but equal predictors are huge; there 1e-9 is relative.
    const scale = (value: number | null) => Math.max(1, Math.abs(value ?? 1));
    const scaled = (value: number | null, by: number) => (value === null ? null : value / by);
    for (const [what, actual, wanted] of [
      ['slope', slope, expected.calibrationSlope],
      ['intercept', intercept, expected.calibrationIntercept],
      ['inTheLarge', inTheLarge, expected.calibrationInTheLarge],
    ] as const) {
      near(scaled(actual, scale(wanted)), scaled(wanted, scale(wanted)), what);
    }
    assert.equal(reason === null, slope !== null);
  });

  test(`reliability bins and curves equal numpy's and scikit-learn's: ${name}`, () => {
    const bins = reliabilityBins(p, y);
    assert.equal(bins.length, expected.bins.length);
    bins.forEach((bin, i) => {
      allNear(
        [bin.low, bin.high, bin.count, bin.positives, bin.meanProbability],
        expected.bins[i],
        `bin ${i}`,
      );
      near(bin.observed.value, expected.bins[i][3] / expected.bins[i][2], 'observed');
    });
    const roc = rocCurve(p, y);
    assert.equal(roc === null, expected.roc === undefined);
    if (roc !== null && expected.roc !== undefined) {
      allNear(roc.falsePositiveRate, expected.roc.fpr, 'false-positive rate');
      allNear(roc.truePositiveRate, expected.roc.tpr, 'true-positive rate');
      assert.equal(roc.thresholds[0], Number.POSITIVE_INFINITY);
      allNear(roc.thresholds.subarray(1), expected.roc.thresholds, 'threshold');
    }
    const pr = precisionRecallCurve(p, y);
    assert.equal(pr === null, expected.pr === undefined);
    if (pr !== null && expected.pr !== undefined) {
      assert.deepEqual([pr.recall[0], pr.precision[0], pr.thresholds[0]], [0, 1, Number.POSITIVE_INFINITY]);
      allNear(pr.recall.subarray(1), expected.pr.recall, 'recall');
      allNear(pr.precision.subarray(1), expected.pr.precision, 'precision');
      allNear(pr.thresholds.subarray(1), expected.pr.thresholds, 'threshold');
    }
  });

  test(`the chosen threshold attains the best value of its criterion: ${name}`, () => {
    for (const [criterion, best, attained] of [
      ['youden', expected.youden, (c) => sensitivity(c)! + specificity(c)! - 1],
      ['f1', expected.bestF1, countMetrics.f1],
      ['gmean', expected.bestGmean, countMetrics.gmean],
    ] as const satisfies [string, unknown, (c: ReturnType<typeof confusionCounts>) => number | null][]) {
      const threshold = chooseThreshold(p, y, null, criterion);
      if (best === undefined) {
        assert.equal(threshold, null);
        continue;
      }
      const decisions = p.map((probability) => Number(probability >= threshold!));
      near(attained(confusionCounts(decisions, y)), best, criterion);
    }
  });
}

test('macro and micro averages equal scikit-learn’s', () => {
  const { p, d, y, labels, ...expected } = golden.multilabel;
  const n = p.length / labels;
  const evaluation = evaluateMultilabel({
    labels: ['a', 'b', 'c'],
    probabilities: Float64Array.from(p),
    decisions: Uint8Array.from(d),
    targets: Float32Array.from(y),
    known: new Uint8Array(p.length).fill(1),
    patients: Int32Array.from({ length: n }, (_, row) => row),
    resamples: 0,
    seed: 1,
  });
  for (const kind of ['macro', 'micro'] as const) {
    for (const metric of ['auroc', 'auprc', 'f1', 'sensitivity', 'ppv'] as const) {
      near(evaluation[kind][metric].value, expected[kind][metric], `${kind} ${metric}`);
    }
  }
});

test('Wilson intervals equal scipy’s', () => {
  for (const [successes, trials, low, high] of golden.intervals.wilson) {
    allNear(wilsonInterval(successes, trials), [low, high], `${successes} of ${trials}`);
  }
});

test('percentile intervals equal numpy’s', () => {
  const { draws, percentiles } = golden.intervals;
  const { ci95 } = percentileEstimate(0, Float64Array.from(draws), 50, () => 'unused');
  allNear(ci95!, percentiles, 'percentile');
});
