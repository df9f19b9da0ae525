/** With labels dealt to other patients there is nothing to learn: whatever looks like skill would be leakage. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateStudy } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';
import { trainStudy } from '../../src/study/index.js';
import { readRecords, toCsv } from './tinyStudy.js';

const silent = { epochStart() {}, batch() {}, epochEnd() {}, message() {} };

/** Gives every patient another patient's labels: visit k those of the other's visit k, or of the last there is. */
function dealLabels(table: string, labels: readonly string[]): void {
  const rows = readRecords(table);
  const byPatient = new Map<string, typeof rows>();
  for (const row of rows) byPatient.set(row.patient, [...(byPatient.get(row.patient) ?? []), row]);
  const patients = [...byPatient.keys()];
  const others = patients.slice();
  randomStream(1, 'deal labels').shuffle(others);
  const dealt = patients.flatMap((patient, i) => {
    const from = byPatient.get(others[i])!;
    return byPatient.get(patient)!.map((row, visit) => {
      const source = from[Math.min(visit, from.length - 1)];
      return { ...row, ...Object.fromEntries(labels.map((label) => [label, source[label]])) };
    });
  });
  writeFileSync(table, toCsv(dealt));
}

test('macro AUROC is 0.5 within its interval with labels shuffled between patients, and above it without', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-permutation-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { study } = await generateStudy({
    directory: join(folder, 'data'),
    patients: 300,
    seed: 1,
    imageSize: 32,
    epochs: 8,
  });
  const interval = async (labels: string) => {
    const { metrics } = await trainStudy({
      studyFile: study,
      out: join(folder, labels),
      threads: 1,
      listener: silent,
    });
    const { auroc } = metrics.test.macro;
    assert.ok(auroc.value !== null && auroc.ci95 !== null, JSON.stringify(auroc));
    const [low, high] = auroc.ci95;
    t.diagnostic(`${labels}: ${auroc.value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`);
    return { low, high };
  };
  // Without this the shuffled labels could give one half because nothing is learnt at all.
  const own = await interval('own labels');
  assert.ok(own.low > 0.5, `the study's own labels are learnt: [${own.low}, ${own.high}]`);

  const names = /columns: \[(.*)\]\nsplit/.exec(readFileSync(study, 'utf8'))![1].split(', ');
  dealLabels(join(folder, 'data', 'table.csv'), names);
  const shuffled = await interval('shuffled labels');
  assert.ok(shuffled.low <= 0.5 && 0.5 <= shuffled.high, `0.5 in [${shuffled.low}, ${shuffled.high}]`);
});
