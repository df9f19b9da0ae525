import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  auprc,
  auroc,
  bootstrapTogether,
  brierScore,
  calibration,
  clusterBootstrap,
  confusionCounts,
  countMetrics,
  decisionCurveResampling,
  decisionResampling,
  denseClusters,
  ece,
  evaluateDecisionCurves,
  evaluateDecisions,
  evaluateMultilabel,
  evaluateSubgroups,
  type LabelMetric,
  labelMetrics,
  logLoss,
  type MultilabelPredictions,
  multilabelResampling,
  resampleClusters,
  subgroupResampling,
} from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { table } from './resampled.js';

/** One label's rows, each as often as its patient was drawn, as plain lists. */
function expand(t: MultilabelPredictions, label: number, multiplicity: Int32Array) {
  const { ofRow } = denseClusters(t.patients);
  const p: number[] = [];
  const d: number[] = [];
  const y: number[] = [];
  ofRow.forEach((cluster, row) => {
    const cell = row * 2 + label;
    for (let copy = 0; t.known[cell] === 1 && copy < multiplicity[cluster]; copy++) {
      p.push(t.probabilities[cell]);
      d.push(t.decisions[cell]);
      y.push(t.targets[cell]);
    }
  });
  return { p, d, y };
}

function literal({ p, d, y }: ReturnType<typeof expand>): Record<LabelMetric, number | null> {
  const counts = confusionCounts(d, y);
  const { slope, intercept, inTheLarge } = calibration(p, y);
  const { auroc: _, ...fromCounts } = {
    auroc: null,
    ...Object.fromEntries(Object.entries(countMetrics).map(([name, compute]) => [name, compute(counts)])),
  } as Record<LabelMetric, number | null>;
  return {
    ...fromCounts,
    auroc: auroc(p, y),
    auprc: auprc(p, y),
    brier: brierScore(p, y),
    logLoss: logLoss(p, y),
    ece: ece(p, y),
    calibrationSlope: slope,
    calibrationIntercept: intercept,
    calibrationInTheLarge: inTheLarge,
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const weight = position % 1;
  return sorted[Math.floor(position)] * (1 - weight) + sorted[Math.ceil(position)] * weight;
}

const near = (actual: number, expected: number, what: string, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, expected ${expected}`,
  );

test('every interval equals that of rows copied literally, given the same resamples', () => {
  const t = table(150, 60);
  const resamples = 60;
  const { count } = denseClusters(t.patients);
  const random = randomStream(3, 'bootstrap');
  const multiplicity = new Int32Array(count);
  const draws = Array.from({ length: resamples }, () => {
    resampleClusters(random, multiplicity);
    const perLabel = [0, 1].map((label) => literal(expand(t, label, multiplicity)));
    const pooled = [0, 1].map((label) => expand(t, label, multiplicity));
    return {
      perLabel,
      micro: literal({
        p: pooled.flatMap(({ p }) => p),
        d: pooled.flatMap(({ d }) => d),
        y: pooled.flatMap(({ y }) => y),
      }),
    };
  });
  const evaluation = evaluateMultilabel({ ...t, resamples, seed: 3 });
  const check = (what: string, ci95: readonly [number, number] | null | undefined, values: number[]) => {
    assert.ok(ci95, what);
    // Recalibration stops earlier in a resample.
    const tolerance = what.includes('calibration') ? 1e-5 : 1e-9;
    near(ci95[0], percentile(values, 0.025), `${what} low`, tolerance);
    near(ci95[1], percentile(values, 0.975), `${what} high`, tolerance);
  };
  const everyRow = new Int32Array(count).fill(1);
  for (const metric of labelMetrics) {
    ['a', 'b'].forEach((name, label) => {
      near(evaluation.labels[name][metric].value!, literal(expand(t, label, everyRow))[metric]!, metric);
      check(
        `${name} ${metric}`,
        evaluation.labels[name][metric].ci95,
        draws.map((draw) => draw.perLabel[label][metric]!),
      );
    });
  }
  for (const metric of ['auroc', 'auprc', 'f1', 'brier', 'ece'] as const) {
    check(
      `macro ${metric}`,
      evaluation.macro[metric].ci95,
      draws.map(({ perLabel: [a, b] }) => (a[metric]! + b[metric]!) / 2),
    );
    assert.equal(evaluation.macro[metric].labels, 2);
    if (metric === 'ece') continue;
    check(
      `micro ${metric}`,
      evaluation.micro[metric].ci95,
      draws.map(({ micro }) => micro[metric]!),
    );
  }
  assert.deepEqual(evaluation.accuracy, evaluation.micro.accuracy);
});

test('the same seed gives the same intervals, another seed others', () => {
  const t = table(80, 40);
  const once = evaluateMultilabel({ ...t, resamples: 20, seed: 1 });
  assert.deepEqual(evaluateMultilabel({ ...t, resamples: 20, seed: 1 }), once);
  assert.notDeepEqual(evaluateMultilabel({ ...t, resamples: 20, seed: 2 }).macro.auroc, once.macro.auroc);
});

test('a resample draws as many patients as there are, each equally often on the whole', () => {
  const random = randomStream(1);
  const multiplicity = new Int32Array(50);
  const sums = new Float64Array(50);
  for (let i = 0; i < 2000; i++) {
    resampleClusters(random, multiplicity);
    assert.equal(
      multiplicity.reduce((sum, times) => sum + times, 0),
      50,
    );
    multiplicity.forEach((times, cluster) => {
      sums[cluster] += times;
    });
  }
  // Mean 2000, standard deviation 44.
  for (const sum of sums) assert.ok(Math.abs(sum - 2000) < 220, String(sum));
});

test('intervals widen when rows of a patient repeat each other', () => {
  const t = table(100, 1e6);
  const four = <A extends Float64Array | Float32Array | Uint8Array | Int32Array>(array: A): A => {
    const copies = new (array.constructor as new (n: number) => A)(array.length * 4);
    for (let copy = 0; copy < 4; copy++) copies.set(array, copy * array.length);
    return copies;
  };
  const repeated = {
    labels: t.labels,
    probabilities: four(t.probabilities),
    decisions: four(t.decisions),
    targets: four(t.targets as Float32Array),
    known: four(t.known),
    resamples: 200,
    seed: 1,
  };
  const width = (patients: Int32Array) => {
    const { ci95 } = evaluateMultilabel({ ...repeated, patients }).macro.auroc;
    return ci95![1] - ci95![0];
  };
  const clustered = width(four(t.patients));
  const asIfIndependent = width(Int32Array.from({ length: 400 }, (_, row) => row));
  // Four copies carry the information of one: √4 times as wide.
  assert.ok(clustered > 1.6 * asIfIndependent, `${clustered} against ${asIfIndependent}`);
});

test('repeats are evaluated one by one and averaged, patients drawn together', () => {
  const [first, second] = [table(90, 30), table(90, 30)];
  // The second repeat has other predictions for the same rows, and stands in reverse order.
  second.probabilities.set(second.probabilities.map((p, i) => (i % 5 === 0 ? 1 - p : p * p)));
  const merge = <K extends 'probabilities' | 'decisions' | 'targets' | 'known'>(key: K) => {
    const [a, b] = [first[key], second[key]];
    const reversed = Array.from({ length: 90 }, (_, i) => Array.from(b.subarray((89 - i) * 2, (90 - i) * 2)));
    return [...a, ...reversed.flat()];
  };
  const both = evaluateMultilabel({
    labels: first.labels,
    probabilities: Float64Array.from(merge('probabilities')),
    decisions: Uint8Array.from(merge('decisions')),
    targets: Float32Array.from(merge('targets')),
    known: Uint8Array.from(merge('known')),
    patients: Int32Array.from([...first.patients, ...first.patients.toReversed()]),
    repeat: Int32Array.from({ length: 180 }, (_, row) => (row < 90 ? 0 : 4)),
    resamples: 50,
    seed: 9,
  });
  const one = evaluateMultilabel({ ...first, resamples: 50, seed: 9 });
  const two = evaluateMultilabel({ ...second, resamples: 50, seed: 9 });
  assert.equal(both.n, 90);
  assert.equal(both.repeats, 2);
  assert.equal(both.labels.a.positives, one.labels.a.positives);
  for (const metric of labelMetrics) {
    near(
      both.labels.b[metric].value!,
      (one.labels.b[metric].value! + two.labels.b[metric].value!) / 2,
      metric,
    );
  }
  near(both.micro.auroc.value!, (one.micro.auroc.value! + two.micro.auroc.value!) / 2, 'micro');
  assert.notEqual(one.macro.auroc.value, two.macro.auroc.value);
  assert.throws(
    () =>
      evaluateMultilabel({
        ...first,
        repeat: Int32Array.from(first.patients, (_, row) => Number(row < 40)),
        seed: 1,
      }),
    /every repeat must hold the same rows once, got 50 rows in the first and 40 in number 2/,
  );
});

test('clusterBootstrap: no resamples give values and empty draws; a broken count is refused', () => {
  const options = {
    clusters: 3,
    seed: 1,
    size: 1,
    statistic: (multiplicity: Int32Array, out: Float64Array) => {
      out[0] = multiplicity[0];
    },
  };
  const { values, draws } = clusterBootstrap({ ...options, resamples: 0 });
  assert.deepEqual([values[0], draws[0].length], [1, 0]);
  assert.throws(() => clusterBootstrap({ ...options, resamples: 1.5 }), RangeError);
});

test('evaluations that share their resamples have the results that they have alone', () => {
  const t = table(120, 50);
  const options = { resamples: 60, seed: 4 };
  const points = [{ decisions: t.decisions }, { decisions: t.decisions.map((d) => 1 - d), cost: 3 }];
  const grouping = { groups: ['even', 'odd'], ofRow: t.patients.map((patient) => patient % 2) };
  assert.deepEqual(
    bootstrapTogether(
      [
        multilabelResampling(t),
        decisionCurveResampling(t),
        decisionResampling({ ...t, points }),
        subgroupResampling({ ...t, grouping }),
      ],
      options,
    ),
    [
      evaluateMultilabel({ ...t, ...options }),
      evaluateDecisionCurves({ ...t, ...options }),
      evaluateDecisions({ ...t, points, ...options }),
      evaluateSubgroups({ ...t, grouping, ...options }),
    ],
  );
  const others = multilabelResampling(table(120, 10));
  assert.throws(
    () => bootstrapTogether([multilabelResampling(t), others], options),
    /same clusters, got \d+ and/,
  );
});

test('denseClusters: any integers become 0..count-1 in ascending order', () => {
  const { ofRow, count } = denseClusters(Int32Array.of(7, -3, 2_000_000_000, 7, 0, -3));
  assert.deepEqual([[...ofRow], count], [[2, 0, 3, 2, 1, 0], 4]);
  assert.deepEqual(denseClusters(new Int32Array(0)), { ofRow: new Int32Array(0), count: 0 });
});
