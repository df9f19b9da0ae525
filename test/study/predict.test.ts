import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { readFitted } from '../../src/study/runRecords.js';
import { quick, readRecords, records, run, scratchFolder, tinyStudy, toCsv, train } from './tinyStudy.js';

type Records = Record<string, string>[];

const folder = scratchFolder('predict');
const data = join(folder, 'data');
const images = join(data, 'images');
const trained = join(folder, 'run');
const labels = ['heart_failure', 'pneumonia', 'fibrosis', 'malignancy', 'tuberculosis'];
/** Raises the tier of everyone seen as an emergency, for one label. */
const override =
  'tiers.overrides=[{label: pneumonia, column: setting, op: "=", value: emergency, tier: high}]';
let table: Records = [];
let own: Records = [];

before(async () => {
  await tinyStudy(data);
  table = readRecords(join(data, 'table.csv'));
  const result = await train(join(data, 'study.yaml'), trained, [...quick, override]);
  assert.equal(result.code, 0, result.err);
  own = readRecords(join(trained, 'predictions.csv'));
});

/** Predicts a table made of the given rows. */
async function predict(rows: Records, ...flags: string[]) {
  const file = join(folder, 'new.csv');
  writeFileSync(file, toCsv(rows));
  const result = await run('predict', trained, '--table', file, '--threads', '1', ...flags);
  return { ...result, rows: result.code === 0 ? records(result.out) : [] };
}

const without = (rows: Records, ...columns: string[]): Records =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name))));
const probabilities = (row: Record<string, string>) => labels.map((label) => row[`${label}:probability`]);

test('the rows a run was tested on get the very digits that it wrote, labels unseen', async () => {
  const held = own.filter((row) => row.split === 'test');
  const ids = new Set(held.map((row) => row.id));
  const unlabelled = without(
    table.filter((row) => ids.has(row.id)),
    ...labels,
  );
  const { code, err, rows } = await predict(unlabelled, '--images', images);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(rows.length, held.length);
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const row of held) {
    const again = byId.get(row.id)!;
    assert.equal(again.patient, row.patient);
    for (const label of labels)
      for (const kind of ['probability', 'tier'])
        assert.equal(again[`${label}:${kind}`], row[`${label}:${kind}`], `${row.id} ${label} ${kind}`);
  }
});

test("a patient's probabilities do not depend on which others are asked about", async () => {
  const patient = table[7].patient;
  const alone = await predict(
    table.filter((row) => row.patient === patient),
    '--images',
    images,
  );
  const all = await predict([...table].reverse(), '--images', images);
  assert.equal(alone.code + all.code, 0);
  for (const row of alone.rows)
    assert.deepEqual(probabilities(row), probabilities(all.rows.find(({ id }) => id === row.id)!));
});

test('fired rules stand beside each label, in words', async () => {
  const { rows } = await predict(table, '--images', images);
  const [{ stage1 }] = await readFitted(trained);
  assert.ok(stage1);
  let fired = 0;
  for (const [l, label] of labels.entries()) {
    const known = new Set(stage1.labels[l].rules.map((rule) => rule.text));
    for (const row of rows) {
      const texts = row[`${label}:rules`].split(' | ').filter((rule) => rule !== '');
      assert.equal(new Set(texts).size, texts.length, 'each rule once');
      for (const text of texts) assert.ok(known.has(text), text);
      fired += texts.length;
    }
  }
  assert.ok(fired > 0);
  // One threshold rule read by hand: it fires where the recorded value passes the cut.
  const isRule = /^(\w+) (≥|<) ([\d.]+) → higher risk:/;
  const label = stage1.labels.find(({ rules }) =>
    rules.some(({ kind, text }) => kind === 'threshold' && isRule.test(text)),
  )!;
  const { text } = label.rules.find((rule) => rule.kind === 'threshold' && isRule.test(rule.text))!;
  const [, column, op, cut] = isRule.exec(text)!;
  const recorded = table.filter((row) => row[column] !== '');
  assert.ok(recorded.length > 0);
  for (const row of recorded) {
    const passes = op === '≥' ? Number(row[column]) >= Number(cut) : Number(row[column]) < Number(cut);
    const cell = rows.find(({ id }) => id === row.id)![`${label.label}:rules`];
    assert.equal(cell.split(' | ').includes(text), passes, `${row.id}: ${text}`);
  }
});

test('declared overrides raise the tier of new patients', async () => {
  const on = (setting: string) =>
    predict(
      table.map((row) => ({ ...row, setting })),
      '--images',
      images,
    );
  const [outpatients, emergencies] = [await on('outpatient'), await on('emergency')];
  assert.ok(outpatients.rows.some((row) => row['pneumonia:tier'] !== 'high'));
  assert.ok(emergencies.rows.every((row) => row['pneumonia:tier'] === 'high'));
  assert.ok(
    emergencies.rows.some((row) => row['fibrosis:tier'] !== 'high'),
    'the rule names pneumonia alone',
  );
});

test('a column that the table lacks counts as missing everywhere and is named once', async () => {
  const { code, err, rows } = await predict(without(table, 'crp_mg_l'), '--images', images);
  assert.equal(code, 0);
  assert.match(
    err,
    /^the table lacks 1 column that the model reads; every value counts as missing: "crp_mg_l"\n$/,
  );
  const emptied = await predict(
    table.map((row) => ({ ...row, crp_mg_l: '' })),
    '--images',
    images,
  );
  assert.deepEqual(rows, emptied.rows);
  const mistyped = await predict(
    table.map(({ crp_mg_l, ...row }) => ({ ...row, crp_mgl: crp_mg_l })),
    '--images',
    images,
  );
  assert.match(mistyped.err, /"crp_mg_l" \(did you mean "crp_mgl"\?\)/);
});

test('pictures, notes or the whole table may be missing: the modality is masked', async () => {
  const first = table.filter((row) => row.image !== '' && row.notes !== '' && row.visit === '1').slice(0, 8);
  const full = await predict(first, '--images', images);
  const noPicture = await predict(without(first, 'image', 'view'));
  const emptyPicture = await predict(first.map((row) => ({ ...row, image: '', view: '' })));
  const noNote = await predict(without(first, 'notes'), '--images', images);
  const pictureOnly = await predict(
    first.map(({ id, patient, visit, image, view }) => ({ id, patient, visit, image, view })),
    '--images',
    images,
  );
  for (const result of [full, noPicture, emptyPicture, noNote, pictureOnly])
    assert.equal(result.code, 0, result.err);
  assert.deepEqual(noPicture.rows.map(probabilities), emptyPicture.rows.map(probabilities));
  for (const other of [noPicture, noNote, pictureOnly])
    assert.notDeepEqual(other.rows.map(probabilities), full.rows.map(probabilities));
  assert.match(pictureOnly.err, /lacks 12 columns .*"age_years"/);
  // The table masked whole: nothing of it reaches the network, so two patients' pictures alone decide.
  const swapped = await predict(
    [first[1], first[0]].map(({ id, patient, visit, image, view }) => ({ id, patient, visit, image, view })),
    '--images',
    images,
  );
  assert.deepEqual(
    swapped.rows.map(probabilities),
    [1, 0].map((i) => probabilities(pictureOnly.rows[i])),
  );
});

test('without ids, patients and visit numbers rows are named by line and stand alone', async () => {
  const { code, err, rows } = await predict(
    without(table, 'id', 'patient', 'visit').slice(0, 3),
    '--images',
    images,
  );
  assert.equal(code, 0);
  assert.deepEqual(
    rows.map(({ id, patient }) => [id, patient]),
    [2, 3, 4].map((line) => [`row-${line}`, `row-${line}`]),
  );
  assert.match(err, /lacks column "id": rows are named by their line/);
  assert.match(err, /lacks column "patient": every row counts as a patient of its own/);
  assert.match(err, /lacks column "visit": no row looks at earlier ones/);
});

test('categories that training never saw are counted and count as missing', async () => {
  const strange = table.map((row, i) => (i < 3 ? { ...row, setting: 'airship' } : row));
  const empty = table.map((row, i) => (i < 3 ? { ...row, setting: '' } : row));
  const { err, rows } = await predict(strange, '--images', images);
  assert.match(
    err,
    /column "setting": 3 rows hold categories that training never saw; they count as missing/,
  );
  assert.deepEqual(rows, (await predict(empty, '--images', images)).rows);
});

test('a row of which nothing is recorded stops the run, or is skipped and listed', async () => {
  const blank = Object.fromEntries(
    Object.entries(table[0]).map(([name, value]) => [
      name,
      ['id', 'patient', 'visit'].includes(name) ? value : '',
    ]),
  );
  const rows = [{ ...blank, id: 'X1', patient: 'X' }, ...table.slice(0, 4)];
  const stopped = await predict(rows, '--images', images);
  assert.deepEqual([stopped.code, stopped.out], [2, '']);
  assert.match(
    stopped.err,
    /predict: a row must have an image, a note or a recorded value .* got nothing; .*--on-bad-row skip \(.*new\.csv, line 2\)/,
  );
  const skipped = await predict(rows, '--images', images, '--on-bad-row', 'skip');
  assert.equal(skipped.code, 0);
  assert.deepEqual(
    skipped.rows.map(({ id }) => id),
    table.slice(0, 4).map(({ id }) => id),
  );
  assert.match(skipped.err, /skipped rows: a row must have .* \(1 row: line 2\)/);
});

test('an image that is named and absent or damaged stops the run with its line, or its row is skipped', async () => {
  const broken = join(images, 'broken.png');
  writeFileSync(broken, readFileSync(join(images, table[0].image)).subarray(0, 60));
  const rows = [{ ...table[0], image: 'broken.png' }, { ...table[1], image: 'absent.png' }, table[2]];
  const absent = await predict(rows, '--images', images);
  assert.equal(absent.code, 2);
  assert.match(absent.err, /no file "absent\.png"; add the file, empty the cell.*line 3, column "image"/);
  const damaged = await predict([rows[0], rows[2]], '--images', images);
  assert.equal(damaged.code, 2);
  assert.match(damaged.err, /broken\.png.*new\.csv, line 2, column "image"/);
  const skipped = await predict(rows, '--images', images, '--on-bad-row', 'skip');
  assert.deepEqual(
    skipped.rows.map(({ id }) => id),
    [table[2].id],
  );
  assert.match(skipped.err, /\(1 row: line 3\)[\s\S]*cannot be decoded \(1 row: line 2\)/);
});

test('where the study takes absent files for missing images, so does prediction, and drops no row', async () => {
  const tolerant = join(folder, 'tolerant');
  cpSync(trained, tolerant, { recursive: true });
  const study = readFileSync(join(trained, 'study.yaml'), 'utf8');
  writeFileSync(join(tolerant, 'study.yaml'), study.replace('present: false', 'present: true'));
  const file = join(folder, 'absent.csv');
  const rows = table.filter(({ visit }) => visit === '1').slice(0, 3);
  writeFileSync(file, toCsv(rows.map((row, i) => (i === 0 ? { ...row, image: 'absent.png' } : row))));
  const flags = ['--images', images, '--threads', '1'];
  const { code, out, err } = await run('predict', tolerant, '--table', file, ...flags);
  assert.equal(code, 0, err);
  assert.match(err, /images of column "image" that are not on disk count as missing \(1 row: line 2\)/);
  const masked = await predict(
    rows.map((row, i) => (i === 0 ? { ...row, image: '' } : row)),
    '--images',
    images,
  );
  assert.deepEqual(records(out), masked.rows);
});

test('a table without any column of the model is refused', async () => {
  const { code, err } = await predict([{ weight: '80', height: '180' }]);
  assert.equal(code, 2);
  assert.match(err, /must have a column that the model reads, got none of "image", .*new\.csv, line 1/);
});

test('--out writes a new file and never over an old one', async () => {
  const out = join(folder, 'results', 'out.csv');
  const first = await predict(table.slice(0, 2), '--images', images, '--out', out);
  assert.deepEqual([first.code, first.out], [0, `${out}\n`]);
  const written = readFileSync(out, 'utf8');
  assert.equal(records(written).length, 2);
  const second = await predict(table, '--images', images, '--out', out);
  assert.equal(second.code, 2);
  assert.match(second.err, /--out must name a new file, got .*out\.csv, which exists/);
  assert.equal(readFileSync(out, 'utf8'), written);
  const failed = join(folder, 'results', 'failed.csv');
  assert.equal((await predict([{ ...table[0], image: 'absent.png' }], '--out', failed)).code, 2);
  assert.equal(existsSync(failed), false);
});

test('a folder that holds no finished run is bad input', async () => {
  const unfinished = join(folder, 'unfinished');
  const file = join(folder, 'new.csv');
  writeFileSync(file, toCsv(table));
  const absent = await run('predict', unfinished, '--table', file);
  assert.equal(absent.code, 2);
  assert.match(absent.err, /no such folder/);
  const started = await run('predict', data, '--table', file);
  assert.equal(started.code, 2);
  assert.match(started.err, /holds no model\.safetensors; the run has not finished/);
});
