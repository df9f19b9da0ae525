import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Cohort, kFold } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';
import { assignTiers, fitStage1, fitTiers, stage1Firings } from '../../src/risk/index.js';
import {
  collectEnvironment,
  countMissing,
  countRules,
  createRunFolder,
  dumpStudy,
  evaluateRun,
  type FittedSplit,
  logEpoch,
  type Predictions,
  parseStudy,
  readEpochs,
  readFitted,
  readRunJson,
  reportRun,
  summarizeColumns,
  writeDataRecord,
  writeFitted,
  writePredictions,
  writeRunFile,
} from '../../src/study/index.js';

const folder = mkdtempSync(join(tmpdir(), 'medfusion-report-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const size = 240;
const random = randomStream(3, 'report');
const age = Float64Array.from({ length: size }, () => 20 + Math.floor(60 * random.uniform()));
const cohort: Cohort = {
  size,
  ids: Array.from({ length: size }, (_, i) => `r${i}`),
  patients: Array.from({ length: size }, (_, i) => `p${i}`),
  patientIndex: Int32Array.from({ length: size }, (_, i) => i),
  lines: Int32Array.from({ length: size }, (_, i) => i + 2),
  order: null,
  labels: ['ill', 'tired'],
  targets: Float32Array.from({ length: size * 2 }, (_, i) =>
    age[i >> 1] + 30 * random.normal() > 55 ? 1 : 0,
  ),
  known: new Uint8Array(size * 2).fill(1),
  numeric: [{ name: 'age', values: age, kind: 'numeric' }],
  categorical: [],
  text: [],
  visits: [],
  slots: 0,
  notes: [],
};
const study = parseStudy(
  `name: small
data: { table: table.csv, numeric: [age] }
labels: { columns: [ill, tired] }
split: { method: kfold, folds: 2, repeats: 2, validation: 0.3 }
evaluation: { bootstrap: 20 }
`,
  'small.yaml',
);

/** A finished run whose network is the age itself. */
async function finishedRun(): Promise<string> {
  const run = await createRunFolder('small', join(folder, 'run'));
  await writeRunFile(run, 'study', dumpStudy(study));
  const splits = kFold(cohort, { folds: 2, repeats: 2, validation: 0.3, seed: 1 });
  const fitted: FittedSplit[] = [];
  const rows: { row: number; part: Predictions['splits'][number]; split: number; tiers: Uint8Array }[] = [];
  const probabilityOf = (row: number) => 1 / (1 + Math.exp((55 - age[row]) / 20));
  for (const [s, { repeat, fold, train, validation, test: held }] of splits.entries()) {
    const stage1 = fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, train, {
      threshold: { resamples: 20 },
    });
    const cells = Array.from(validation).flatMap((row) => [2 * row, 2 * row + 1]);
    const tiers = fitTiers(
      Float64Array.from(cells, (cell) => probabilityOf(cell >> 1)),
      Float32Array.from(cells, (cell) => cohort.targets[cell]),
      Uint8Array.from(cells, (cell) => cohort.known[cell]),
      cohort.labels,
      study.tiers,
    );
    fitted.push({ repeat, fold, stage1, tiers });
    for (const [part, members] of Object.entries({ train, validation, test: held }))
      for (const row of members)
        rows.push({
          row,
          part: part as Predictions['splits'][number],
          split: s,
          tiers: assignTiers(tiers, Float64Array.of(probabilityOf(row), probabilityOf(row))),
        });
    if (s === 0) {
      const rules = countRules(stage1Firings(stage1, cohort), cohort, held);
      const missing = countMissing(cohort, [train, validation, held]);
      await writeDataRecord(run, { ...summarizeColumns(cohort), missing, rules });
    }
    for (const epoch of [1, 2])
      await logEpoch(run, {
        repeat,
        fold,
        epoch,
        trainLoss: 0.7 / epoch,
        validationLoss: 0.6,
        validationAuroc: 0.7,
        learningRate: 1e-3,
        seconds: 1,
        improved: epoch === 1,
      });
  }
  await writeFitted(run, fitted);
  const predictions: Predictions = {
    labels: cohort.labels,
    ids: rows.map(({ row }) => cohort.ids[row]),
    patients: rows.map(({ row }) => cohort.patients[row]),
    splits: rows.map(({ part }) => part),
    repeat: Int32Array.from(rows, ({ split }) => splits[split].repeat),
    fold: Int32Array.from(rows, ({ split }) => splits[split].fold),
    targets: Float32Array.from(rows.flatMap(({ row }) => [...cohort.targets.subarray(2 * row, 2 * row + 2)])),
    known: new Uint8Array(2 * rows.length).fill(1),
    probabilities: Float64Array.from(rows.flatMap(({ row }) => [probabilityOf(row), probabilityOf(row)])),
    tiers: Uint8Array.from(rows.flatMap(({ tiers }) => [...tiers])),
    subgroups: [],
  };
  await writePredictions(run, predictions);
  await evaluateRun(run, {
    seconds: 3,
    peakMemoryBytes: 1e8,
    environment: collectEnvironment({ device: 'cpu', threads: 2, reason: null }, 1),
    checksums: { 'table.csv': 'abc' },
    audit: { accepted: [], notes: [{ code: 'dropped-rows', message: 'rows left out', count: 3 }] },
  });
  return run;
}

/** The measured part of metrics.json that the test looks at. */
async function readMetricsFile(run: string) {
  return (await readRunJson(run, 'metrics')) as {
    test: { labels: Record<string, { auroc: { value: number; ci95: [number, number] } }> };
  };
}

test('a report is rendered from the run folder alone, twice the same', async () => {
  const run = await finishedRun();
  const path = await reportRun(run);
  const html = readFileSync(path, 'utf8');
  assert.ok(!/(src|href)="https?:/.test(html), 'nothing is fetched');
  const stage1 = (await readFitted(run))[0].stage1;
  const rule = stage1?.labels[0].rules[0].text ?? assert.fail('stage 1 kept no rule');
  const escaped = rule.replaceAll('>', '&gt;').replaceAll('<', '&lt;');
  for (const text of [
    escaped,
    'repeat 2, fold 1 of 2',
    'test (out of fold)',
    'rows left out',
    'training rows of the first fold',
  ])
    assert.ok(html.includes(text), `the report lacks "${text}"`);
  const card = readFileSync(join(run, 'model-card.md'), 'utf8');
  assert.ok(card.startsWith('# Model card: small\n') && card.includes('rows left out (3)'));
  const metrics = await readMetricsFile(run);
  for (const label of ['ill', 'tired']) {
    const { value, ci95 } = metrics.test.labels[label].auroc;
    const numbers = [value, ...ci95].map((number) => number.toFixed(3));
    assert.ok(html.includes(`${numbers[0]} <span class="ci">${numbers[1]} to ${numbers[2]}</span>`), label);
    assert.ok(card.includes(`| ${label} | "${label}" is 1, true, yes or Y |`), label);
  }
  await reportRun(run);
  assert.equal(readFileSync(path, 'utf8'), html);

  await logEpoch(run, { ...(await readEpochs(run))[0], seconds: 7 });
  const epochs = await readEpochs(run);
  assert.equal(epochs.length, 8, 'an epoch logged again after a resume counts once');
  assert.equal(epochs[0].seconds, 7);

  writeFileSync(
    join(run, 'stage1.json'),
    '{"splits":[{"repeat":0,"fold":0,"stage1":{"format":"other"},"tiers":{}}]}',
  );
  await assert.rejects(
    reportRun(run),
    /must be as "medfusion train" wrote it, got at splits\.0\.stage1\.format/,
  );
});
