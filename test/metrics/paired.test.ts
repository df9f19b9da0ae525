import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  auroc,
  bootstrapPValue,
  brierScore,
  compareMultilabel,
  evaluateMultilabel,
  type ModelPredictions,
  type MultilabelPredictions,
} from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { assertEstimate, copiedRows, everyone, resampled, table } from './resampled.js';

const t = table(150, 60);
const noise = randomStream(1, 'noise');
const worse: ModelPredictions = {
  probabilities: t.probabilities.map((p) => (p + noise.uniform()) / 2),
  decisions: t.decisions.map((d) => (noise.uniform() < 0.2 ? 1 - d : d)),
};
const { probabilities, decisions, ...shared } = t;
const better: ModelPredictions = { probabilities, decisions };

test('differences have the values of both evaluations and the intervals of copied rows', () => {
  const resamples = 80;
  const compared = compareMultilabel({ ...shared, a: better, b: worse, resamples, seed: 3 });
  const [a, b] = [better, worse].map((model) =>
    evaluateMultilabel({ ...shared, ...model, resamples: 0, seed: 3 }),
  );
  const draws = resampled(t.patients, resamples, 3);
  for (const [metric, compute] of [
    ['auroc', auroc],
    ['brier', brierScore],
  ] as const) {
    const of = (model: ModelPredictions, label: number, multiplicity: Int32Array) => {
      const rows = copiedRows(t, label, multiplicity);
      const column = (matrix: ArrayLike<number>) => rows.map((row) => matrix[row * 2 + label]);
      return compute(column(model.probabilities), column(t.targets))!;
    };
    const gap = (label: number) => (multiplicity: Int32Array) =>
      of(better, label, multiplicity) - of(worse, label, multiplicity);
    for (const [label, name] of t.labels.entries()) {
      const { [metric]: found } = compared.labels[name];
      assert.deepEqual([found.a, found.b], [a.labels[name][metric].value, b.labels[name][metric].value]);
      const gaps = draws.map(gap(label));
      assertEstimate(found.difference, gap(label)(everyone(t.patients)), gaps, `${name} ${metric}`);
      const atMost = gaps.filter((d) => d <= 0).length;
      const atLeast = gaps.filter((d) => d >= 0).length;
      assert.equal(found.pValue, Math.min(1, (2 * (1 + Math.min(atMost, atLeast))) / (resamples + 1)));
    }
    const macro = (multiplicity: Int32Array) => (gap(0)(multiplicity) + gap(1)(multiplicity)) / 2;
    assertEstimate(
      compared.macro[metric].difference,
      macro(everyone(t.patients)),
      draws.map(macro),
      `macro ${metric}`,
    );
    assert.deepEqual(
      [compared.macro[metric].a, compared.micro[metric].b],
      [a.macro[metric].value, b.micro[metric].value],
    );
  }
  assert.ok(compared.labels.a.auroc.difference.value! > 0);
  assert.deepEqual([compared.n, compared.repeats], [a.n, 1]);
});

test('a model compared with itself differs by 0 with p = 1; swapping models swaps signs', () => {
  const same = compareMultilabel({ ...shared, a: better, b: better, resamples: 40, seed: 1 });
  assert.deepEqual(same.macro.auprc.difference, { value: 0, ci95: [0, 0] });
  assert.equal(same.macro.auprc.pValue, 1);
  const forth = compareMultilabel({ ...shared, a: better, b: worse, resamples: 40, seed: 1 }).labels.b.gmean;
  const back = compareMultilabel({ ...shared, a: worse, b: better, resamples: 40, seed: 1 }).labels.b.gmean;
  assert.deepEqual([back.a, back.b, back.pValue], [forth.b, forth.a, forth.pValue]);
  assert.equal(back.difference.value, -forth.difference.value!);
});

test('a label that one model leaves undefined counts in neither macro mean', () => {
  const nobody = { ...worse, decisions: worse.decisions.map((d, cell) => (cell % 2 === 1 ? 0 : d)) };
  const { macro, labels, micro } = compareMultilabel({
    ...shared,
    a: better,
    b: nobody,
    resamples: 0,
    seed: 1,
  });
  assert.deepEqual([labels.b.ppv.b, labels.b.ppv.difference.value, labels.b.ppv.pValue], [null, null, null]);
  assert.match(labels.b.ppv.difference.reason!, /no rows decided positive/);
  assert.equal(typeof labels.b.ppv.a, 'number');
  assert.deepEqual([macro.ppv.a, macro.ppv.b], [labels.a.ppv.a, labels.a.ppv.b]);
  assert.equal(typeof micro.ppv.difference.value, 'number');
  const never: MultilabelPredictions = { ...t, targets: new Float32Array(300) };
  const none = compareMultilabel({ ...never, a: better, b: worse, resamples: 0, seed: 1 });
  assert.match(none.macro.auroc.difference.reason!, /undefined for every label/);
});

test('the p-value under no difference falls below 0.1 in a tenth of the samples', () => {
  const random = randomStream(2, 'null');
  let small = 0;
  const samples = 150;
  for (let sample = 0; sample < samples; sample++) {
    const signal = Float64Array.from({ length: 60 }, () => random.normal());
    const model = (): ModelPredictions => {
      const own = signal.map((z) => 1 / (1 + Math.exp(-(z + random.normal()))));
      return { probabilities: own, decisions: Uint8Array.from(own, (p) => Number(p > 0.5)) };
    };
    const { labels } = compareMultilabel({
      labels: ['x'],
      targets: signal.map((z) => Number(z + random.normal() > 0)),
      known: new Uint8Array(60).fill(1),
      patients: Int32Array.from(signal, (_, row) => row),
      a: model(),
      b: model(),
      resamples: 39,
      seed: sample,
    });
    if (labels.x.auroc.pValue! <= 0.1) small++;
  }
  // Binomial(150, 0.1) has a standard deviation of 3.7 around 15.
  assert.ok(small >= 4 && small <= 27, `${small} of ${samples}`);
});

test('bootstrapPValue leaves undefined draws out and is never 0', () => {
  assert.equal(bootstrapPValue(Float64Array.of(1, 2, 3)), 0.5);
  assert.equal(bootstrapPValue(Float64Array.of(1, -2, 3, Number.NaN)), 1);
  assert.equal(bootstrapPValue(new Float64Array(0)), 1);
});
