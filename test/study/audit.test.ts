import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Finding } from '../../src/data/index.js';
import type { StudyAudit } from '../../src/study/index.js';
import { realData } from '../data/scratch.js';
import { falseAlarms, published, withoutImages } from './audited.js';
import { quick, readRecords, run, scratchFolder, tinyStudy, toCsv, train } from './tinyStudy.js';

const folder = scratchFolder('audit');
const data = join(folder, 'data');
let table: Record<string, string>[] = [];
let yaml = '';

before(async () => {
  await tinyStudy(data);
  table = readRecords(join(data, 'table.csv'));
  yaml = readFileSync(join(data, 'study.yaml'), 'utf8');
});

/** A study of the same data with a column that repeats a label, and other changes. */
function leaky(name: string, change: (yaml: string) => string = (text) => text): string {
  const rows = table.map((row, i) => ({ ...row, verdict: i % 40 === 0 ? '' : row.heart_failure }));
  writeFileSync(join(data, `${name}.csv`), toCsv(rows));
  const study = join(data, `${name}.yaml`);
  writeFileSync(
    study,
    change(
      yaml.replace('table: table.csv', `table: ${name}.csv`).replace('[age_years', '[verdict, age_years'),
    ),
  );
  return study;
}
const accept =
  (...keys: string[]) =>
  (text: string) =>
    text.replace('data:\n', `data:\n  acceptFindings: ${JSON.stringify(keys)}\n`);
const audit = (study: string, ...more: string[]) =>
  run('audit', study, '--set', 'model.modalities=[tabular, text]', ...more);

test('a clean study: exit code 0', async () => {
  const { code, out, err } = await audit(join(data, 'study.yaml'));
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^0 serious, \d+ to look at, \d+ to know; 0 accepted\n/);
});

test('a leak: message with key and remedy, exit code 2, the same as JSON', async () => {
  const { code, out, err } = await audit(leaky('leaky'));
  assert.equal(code, 2);
  assert.match(out, /^1 serious, .*\n\n {2}serious: column "verdict" gives label "heart_failure" away: /);
  assert.match(
    out,
    /remedy: take "verdict" out of the features.*\n {4}to accept: target-proxy:verdict>heart_failure\n/,
  );
  assert.match(err, /^error: audit: .* got 1 serious finding; .*data\.acceptFindings$/m);
  const json = await audit(leaky('leaky'), '--json');
  const { open, accepted } = JSON.parse(json.out) as StudyAudit;
  assert.deepEqual([json.code, accepted], [2, []]);
  const [finding] = open;
  assert.deepEqual(Object.keys(finding).sort(), [
    'code',
    'columns',
    'count',
    'key',
    'message',
    'remedy',
    'rows',
    'severity',
  ]);
  assert.deepEqual(
    [finding.code, finding.severity, finding.key, finding.columns],
    ['target-proxy', 'serious', 'target-proxy:verdict>heart_failure', ['verdict']],
  );
});

test('JSON holds every row of a finding, text its first twenty lines and how many more there are', async () => {
  const copies = table.slice(0, 25).map((row, i) => ({ ...row, id: `copy-${i}` }));
  writeFileSync(join(data, 'copied.csv'), toCsv([...table, ...copies]));
  const study = join(data, 'copied.yaml');
  writeFileSync(study, yaml.replace('table: table.csv', 'table: copied.csv'));
  const json = await audit(study, '--json');
  const { open } = JSON.parse(json.out) as StudyAudit;
  const repeated = open.find(({ key }) => key === 'duplicate-rows:visits');
  const lines = copies.map((_, i) => table.length + 2 + i);
  assert.deepEqual([repeated?.count, repeated?.rows], [25, lines]);
  const { out } = await audit(study);
  assert.ok(out.includes(`(lines ${lines.slice(0, 20).join(', ')} and 5 more)`), out);
});

test('training stops at it before a run folder is made', async () => {
  const runs = join(folder, 'runs');
  mkdirSync(runs);
  const { code, out, err } = await train(leaky('stopped'), join(runs, 'synthetic-1'), quick);
  assert.deepEqual([code, out], [2, '']);
  assert.match(
    err,
    /error: audit: .*\n {2}serious: column "verdict".*\n.*remedy.*\n {4}to accept: target-proxy:verdict>heart_failure\n/,
  );
  assert.deepEqual(
    readdirSync(runs).filter((name) => name !== '.cache'),
    [],
  );
});

test('an accepted finding goes into metrics.json and onto the first screen of the report; a stale key is noted', async () => {
  const key = 'target-proxy:verdict>heart_failure';
  const study = leaky('accepted', accept(key, 'target-proxy:verdict>pneumonja'));
  const { code, out } = await audit(study);
  assert.equal(code, 0);
  assert.match(
    out,
    /^0 serious, .* 1 accepted\n[\s\S]*Accepted by the study:\n\n {2}serious: column "verdict"/,
  );
  assert.match(out, /note: data\.acceptFindings names "target-proxy:verdict>pneumonja", which is not found/);
  const folderOut = join(folder, 'accepted');
  const settings = [...quick, 'model.modalities=[tabular]', 'training.batchSize=8'];
  const trained = await train(study, folderOut, settings);
  assert.equal(trained.code, 0, trained.err);
  const metrics = JSON.parse(readFileSync(join(folderOut, 'metrics.json'), 'utf8'));
  assert.deepEqual(
    metrics.audit.accepted.map(({ code }: Finding) => code),
    ['target-proxy'],
  );
  const report = readFileSync(join(folderOut, 'report.html'), 'utf8');
  const place = report.indexOf('Accepted audit finding');
  assert.ok(place > 0 && place < report.indexOf('<section'), 'before the first section');
  assert.match(report.slice(place, place + 300), /target-proxy.*verdict.*heart_failure/);
});

test('a column that names patients, unused: rows of one patient are in two parts; lists that share one are reported', async () => {
  const unnamed = (text: string) =>
    text
      .replace(/ {2}patient: patient\n/, '')
      .replace(/ {2}(order|time|history): .*\n/g, '')
      .replace(/ {2}forwardFill: .*\n/, '  enabled: true\n')
      .replace('verdict, ', '');
  const { code, out } = await audit(leaky('unnamed', unnamed));
  assert.equal(code, 2);
  assert.match(out, /to accept: shared-patients:patient\n/);
  const several = table.find(({ visit }) => visit === '2')!.patient;
  const [first] = table.filter(({ patient }) => patient === several);
  writeFileSync(join(data, 'list.txt'), [first.id, ...table.slice(0, 20).map(({ id }) => id)].join('\n'));
  const lists = await audit(join(data, 'study.yaml'), '--set', 'split={method: lists, test: list.txt}');
  assert.equal(lists.code, 2);
  assert.match(lists.out, /a patient is in one part[\s\S]*to accept: shared-patients:lists/);
});

test('generated studies raise no serious finding', async () => {
  for (const seed of [11, 12, 13]) {
    const findings = await falseAlarms(join(folder, `clean-${seed}`), { seed, patients: 200 });
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'serious'),
      [],
      `seed ${seed}`,
    );
  }
});

// The data as published.

const byKey = (findings: readonly Finding[], key: string) => findings.find((finding) => finding.key === key);
const example = (name: string) => readFileSync(join('examples', `${name}.yaml`), 'utf8');

test('cervical, all columns as features: repeats, constants, proxies', async (t) => {
  const header = realData(t, 'cervical/risk_factors_cervical_cancer.csv');
  if (header === null) return;
  const columns = readFileSync(header, 'utf8').split('\n', 1)[0].trim().split(',');
  const study = (label: string) => `name: cervical
data:
  table: cervical/risk_factors_cervical_cancer.csv
  missing: ["?"]
  numeric: ${JSON.stringify(columns.filter((column) => column !== label))}
labels: { columns: ["${label}"] }
split: { method: kfold }
`;
  const findings = (await published(t, study('Biopsy')))!;
  const copies = byKey(findings, 'duplicate-rows:patients');
  assert.deepEqual([copies?.severity, copies?.count], ['serious', 23]);
  for (const other of ['Hinselmann', 'Schiller', 'Cytology'])
    assert.equal(byKey(findings, `target-proxy:${other}>Biopsy`)?.severity, 'serious', other);
  const constant = findings
    .filter(({ code }) => code === 'constant-column')
    .flatMap((finding) => finding.columns);
  assert.deepEqual(constant, ['STDs:cervical condylomatosis', 'STDs:AIDS']);
  const pair = byKey(findings, 'target-proxy:Dx:HPV>Dx:Cancer');
  assert.deepEqual([pair?.severity, pair?.count], ['warning', 4]);
  assert.equal(
    findings.filter(({ severity }) => severity === 'serious').length,
    4,
    'no risk factor is accused',
  );
  const cancer = (await published(t, study('Dx:Cancer')))!;
  assert.equal(byKey(cancer, 'target-proxy:Dx:HPV>Dx:Cancer')?.severity, 'serious');
});

test('odir with keywords, as published: rows twice, ages of 1, keywords that are the diagnosis', async (t) => {
  const text = example('odir')
    .replace('  id: ID\n', '')
    .replace('dropDuplicateRows: true', 'dropDuplicateRows: false')
    .replace(/ {2}valid:\n.*\n/, '')
    .replace(
      '  categorical:',
      '  text: [Left-Diagnostic Keywords, Right-Diagnostic Keywords]\n  categorical:',
    )
    .replace('model:\n', 'model:\n  modalities: [tabular, text]\n');
  const findings = await published(t, text);
  if (findings === null) return;
  const twice = byKey(findings, 'duplicate-rows:visits');
  assert.deepEqual([twice?.severity, twice?.count], ['warning', 2429]);
  const ages = byKey(findings, 'implausible-values:Patient Age');
  assert.deepEqual([ages?.severity, ages?.count], ['note', 21]);
  for (const key of ['label-words:Left-Diagnostic Keywords>G', 'giveaway-words:Right-Diagnostic Keywords>D'])
    assert.equal(byKey(findings, key)?.severity, 'serious', key);
  assert.match(byKey(findings, 'giveaway-words:Right-Diagnostic Keywords>D')!.remedy, /"retinopathy"/);
});

test('nih without its patient column: shared patients', async (t) => {
  const text = example('nih')
    .replace('  patient: Patient ID\n', '')
    .replace('  history: 2\n', '')
    .replace(/split: .*\n/, '')
    .replace('model:\n', 'model:\n  modalities: [tabular]\n');
  const findings = await published(t, text);
  if (findings === null) return;
  const shared = byKey(findings, 'shared-patients:Patient ID');
  assert.equal(shared?.severity, 'serious');
  assert.ok(shared.count > 50, `${shared.count} rows`);
});

test('covid without masked words: notes that name the finding', async (t) => {
  const text = example('covid')
    .replace(/ {2}maskWords:\n( {4}- .*\n)+/, '')
    .replace('model:\n', 'model:\n  modalities: [tabular, text]\n');
  const findings = await published(t, text);
  if (findings === null) return;
  for (const label of ['COVID-19', 'Pneumocystis', 'SARS'])
    assert.equal(byKey(findings, `label-words:clinical_notes>${label}`)?.severity, 'serious', label);
});

for (const file of readdirSync('examples').filter((name) => name.endsWith('.yaml'))) {
  test(`examples/${file} without its images: nothing serious but what it accepts`, async (t) => {
    const text = readFileSync(join('examples', file), 'utf8');
    const findings = await published(t, text, withoutImages);
    assert.deepEqual(findings?.filter(({ severity }) => severity === 'serious') ?? [], []);
  });
}

test('covid: five pictures of one patient under another number', async (t) => {
  const findings = await published(t, example('covid').replace(/ {2}acceptFindings: .*\n/, ''));
  if (findings === null) return;
  const pictures = byKey(findings, 'duplicate-images');
  assert.deepEqual(
    [pictures?.severity, pictures?.rows],
    ['serious', [152, 188, 189, 190, 191, 317, 318, 319, 320, 359]],
  );
});

test('the audit leaves nothing beside the study', () => {
  assert.ok(!existsSync(join(data, 'runs')));
});
