import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { auroc } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import {
  collectEnvironment,
  createRunFolder,
  evaluateRun,
  measurePredictions,
  type Predictions,
  type Provenance,
  parseStudy,
  scoreRows,
  writePredictions,
  writeRunFile,
} from '../../src/study/index.js';

const folder = mkdtempSync(join(tmpdir(), 'medfusion-evaluate-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const yaml = `name: small
data: { table: table.csv, numeric: [age] }
labels: { columns: [a, b] }
split: { method: kfold, folds: 2 }
evaluation: { bootstrap: 50 }
`;
const study = parseStudy(yaml, 'small.yaml');
const provenance: Provenance = {
  seconds: 12.5,
  peakMemoryBytes: 1e8,
  environment: collectEnvironment({ device: 'cpu', threads: 2, reason: null }, 1),
  checksums: { table: 'abc' },
  audit: { accepted: [], notes: [] },
};

/** Predictions of cross-validation over 40 patients with two rows each; label b is unknown in every fifth row. */
function crossValidated(repeats: number, folds: number): Predictions {
  const random = randomStream(5, 'predictions');
  const truth = Uint8Array.from({ length: 160 }, () => random.integer(2));
  const rows = Array.from({ length: repeats * folds * 80 }, (_, i) => {
    const row = i % 80;
    const fold = Math.floor(i / 80) % folds;
    const patient = Math.floor(row / 2);
    const part = patient % folds === fold ? 'test' : patient % 3 === 0 ? 'validation' : 'train';
    return { row, patient, fold, repeat: Math.floor(i / (80 * folds)), part } as const;
  });
  const cells = rows.flatMap(({ row }) => [0, 1].map((label) => ({ row, label })));
  const targets = Float32Array.from(cells, ({ row, label }) => truth[row * 2 + label]);
  return {
    labels: ['a', 'b'],
    ids: rows.map(({ row }) => `r${row}`),
    patients: rows.map(({ patient }) => `p${patient}`),
    splits: rows.map(({ part }) => part),
    repeat: Int32Array.from(rows, ({ repeat }) => repeat),
    fold: Int32Array.from(rows, ({ fold }) => fold),
    targets: targets.map((target, i) => (cells[i].label === 1 && cells[i].row % 5 === 0 ? 0 : target)),
    known: Uint8Array.from(cells, ({ row, label }) => (label === 1 && row % 5 === 0 ? 0 : 1)),
    probabilities: Float64Array.from(targets, (target) => 0.3 * target + 0.7 * random.uniform()),
    tiers: new Uint8Array(cells.length),
    subgroups: [],
  };
}

test('each fold decides by the threshold that its own validation rows choose', () => {
  const predictions = crossValidated(2, 2);
  const { thresholds, test: held } = scoreRows(predictions, 'youden');
  assert.deepEqual([thresholds.length, thresholds[0].length], [2, 4]);
  // Literally: for every split and label, the candidate cut with the best Youden index among validation rows.
  for (const label of [0, 1])
    for (const split of [0, 1, 2, 3]) {
      const rows = predictions.splits.flatMap((part, row) =>
        part === 'validation' &&
        predictions.repeat[row] * 2 + predictions.fold[row] === split &&
        predictions.known[row * 2 + label]
          ? [{ p: predictions.probabilities[row * 2 + label], y: predictions.targets[row * 2 + label] }]
          : [],
      );
      const youden = (cut: number) => {
        const share = (y: number) => {
          const ofClass = rows.filter((row) => row.y === y);
          return ofClass.filter((row) => row.p >= cut).length / ofClass.length;
        };
        return share(1) - share(0);
      };
      const best = Math.max(...rows.map(({ p }) => youden(p)));
      assert.ok(Math.abs(youden(thresholds[label][split]) - best) < 1e-12);
    }
  let row = 0;
  predictions.splits.forEach((part, i) => {
    if (part !== 'test') return;
    assert.equal(held.ids[row], predictions.ids[i]);
    const split = predictions.repeat[i] * 2 + predictions.fold[i];
    for (const label of [0, 1])
      assert.equal(
        held.decisions[row * 2 + label],
        Number(held.probabilities[row * 2 + label] >= thresholds[label][split]),
      );
    row++;
  });
  assert.equal(row, 160, 'every row is tested once per repeat');
});

test('cross-validation pools the out-of-fold rows of a repeat and averages over repeats', () => {
  const predictions = crossValidated(2, 2);
  const measured = measurePredictions(predictions, study);
  const perRepeat = [0, 1].map((repeat) => {
    const rows = predictions.splits.flatMap((part, row) =>
      part === 'test' && predictions.repeat[row] === repeat ? [row] : [],
    );
    return auroc(
      rows.map((row) => predictions.probabilities[row * 2]),
      rows.map((row) => predictions.targets[row * 2]),
    );
  });
  const value = measured.test.labels.a.auroc.value;
  assert.ok(value !== null && Math.abs(value - (perRepeat[0]! + perRepeat[1]!) / 2) < 1e-12);
  assert.equal(measured.test.n, 80);
  assert.equal(measured.test.patients, 40);
  assert.equal(measured.validation, null);
});

test('a hold-out run is measured on its validation rows too', () => {
  const measured = measurePredictions(crossValidated(1, 2), study);
  assert.equal(measured.validation, null);
  const all = crossValidated(1, 2);
  const one = { ...all, fold: new Int32Array(all.fold.length) };
  assert.equal(
    measurePredictions(one, study).validation?.n,
    one.splits.filter((part) => part === 'validation').length,
  );
});

test('validation rows with one class, or none, are named before any metric is computed', () => {
  const predictions = crossValidated(1, 2);
  const onlyNegative = { ...predictions, targets: predictions.targets.map((t, i) => (i % 2 === 1 ? 0 : t)) };
  assert.throws(
    () => scoreRows(onlyNegative, 'youden'),
    /one class for label "b", repeat 0, fold 0; raise split\.validation/,
  );
  const untested = {
    ...predictions,
    splits: predictions.splits.map((part) => (part === 'test' ? ('train' as const) : part)),
  };
  assert.throws(() => scoreRows(untested, 'youden'), /there must be test rows, got none/);
});

test('a run measured again from its predictions gives the same metrics.json', async () => {
  const run = await createRunFolder('small', join(folder, 'run'));
  await writeRunFile(run, 'study', yaml);
  await writePredictions(run, crossValidated(2, 2));
  await assert.rejects(evaluateRun(run), /holds no metrics\.json; the run has not finished/);
  const metrics = await evaluateRun(run, provenance);
  const written = readFileSync(join(run, 'metrics.json'), 'utf8');
  assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(metrics)));
  for (const key of ['test', 'validation', 'seconds', 'environment', 'checksums', 'audit'])
    assert.ok(key in metrics);
  await evaluateRun(run);
  assert.equal(readFileSync(join(run, 'metrics.json'), 'utf8'), written);
  writeFileSync(join(run, 'metrics.json'), '{"seconds":"long"}');
  await assert.rejects(evaluateRun(run), /must be as "medfusion train" wrote it, got at seconds/);
});
