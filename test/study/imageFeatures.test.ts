import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { imageStatisticNames } from '../../src/data/index.js';
import { readFitted, readStage1Predictor } from '../../src/study/runRecords.js';
import { quick, readRecords, records, run, scratchFolder, tinyStudy, toCsv, train } from './tinyStudy.js';

type Records = Record<string, string>[];

const folder = scratchFolder('image-features');
const data = join(folder, 'data');
const images = join(data, 'images');
const study = join(data, 'study.yaml');
const labels = ['heart_failure', 'pneumonia', 'fibrosis', 'malignancy', 'tuberculosis'];
const statistics = 'stage1.images.statistics=true';
const fewResamples = ['evaluation.bootstrap=20', 'stage1.threshold={resamples: 0, permutations: 0}'];
/** No table column and no note is left: stage 1 sees the images alone. */
const imagesAlone = [
  'data.numeric=[]',
  'data.categorical=[]',
  'data.ordinal={}',
  'data.text=[]',
  'stage1.forwardFill=[]',
];
const everyPart = ['train', 'validation', 'test'];
let table: Records = [];
/** A row of which nothing is seen cannot be predicted from. */
const pictured = () => table.filter(({ image }) => image !== '');

before(async () => {
  await tinyStudy(data);
  table = readRecords(join(data, 'table.csv'));
});

function stratify(out: string, settings: readonly string[], ...more: string[]) {
  const set = settings.flatMap((setting) => ['--set', setting]);
  return run('stratify', study, '--out', out, ...set, ...more);
}

/** Predicts a table of the study's patients without its labels. */
async function predict(trained: string, rows: Records) {
  const file = join(folder, 'new.csv');
  const unlabelled = rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !labels.includes(name))),
  );
  writeFileSync(file, toCsv(unlabelled));
  return run('predict', trained, '--table', file, '--images', images);
}

/** Rows of some parts are predicted anew with the very digits of predictions.csv. */
async function assertSamePredictions(
  trained: string,
  parts: readonly string[],
  rows: Records = table,
): Promise<void> {
  const { code, out, err } = await predict(trained, rows);
  assert.deepEqual([code, err], [0, '']);
  const again = new Map(records(out).map((row) => [row.id, row]));
  const own = readRecords(join(trained, 'predictions.csv')).filter(
    ({ id, split }) => parts.includes(split) && again.has(id),
  );
  assert.ok(own.length > 10);
  for (const row of own)
    for (const label of labels)
      for (const kind of ['probability', 'tier'])
        assert.equal(again.get(row.id)![`${label}:${kind}`], row[`${label}:${kind}`], `${row.id} ${label}`);
}

test('stratify sees image statistics beside the table, and predict applies them', async () => {
  const out = join(folder, 'stratified');
  const { code, err } = await stratify(out, [...fewResamples, statistics, 'stage1.topN=12']);
  assert.equal(code, 0, err);
  assert.match(err, /^notes are left out: stage 1 reads table columns and image features alone\n/);
  const { stage1, image } = (await readStage1Predictor(out))!;
  const columns = stage1.imputer.numeric.map(({ column }) => column);
  for (const name of imageStatisticNames) assert.ok(columns.includes(`image 1: ${name}`), name);
  assert.ok(columns.includes('crp_mg_l'));
  assert.equal(image?.size, 32);
  const texts = stage1.labels.flatMap(({ rules }) => rules.map(({ text }) => text));
  assert.ok(
    texts.some((text) => /^image 1: \w+ [≥<] [\d.]+ → /.test(text)),
    'rules name what they test',
  );
  await assertSamePredictions(out, everyPart);
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  assert.match(report, /intensity and texture statistics of each image at 32 px/);
});

test('a study of images alone is stratified by their statistics', async () => {
  const out = join(folder, 'images-alone');
  const { code, err } = await stratify(out, [...fewResamples, ...imagesAlone, statistics]);
  assert.equal(code, 0, err);
  const { stage1 } = (await readStage1Predictor(out))!;
  assert.equal(stage1.imputer.numeric.length, imageStatisticNames.length);
  assert.equal(stage1.imputer.categorical.length, 0);
  await assertSamePredictions(out, everyPart, pictured());
});

test('without image features nothing of the images is read and a run is as it was', async () => {
  const out = join(folder, 'table-alone');
  const { code, err } = await stratify(out, [...fewResamples, 'data.images.directory=absent']);
  assert.equal(code, 0, err);
  const { stage1, image } = (await readStage1Predictor(out))!;
  assert.equal(image, null);
  assert.ok(stage1.imputer.numeric.every(({ column }) => !column.startsWith('image')));
});

test('statistics enter a network through stage 1 alone', async () => {
  const out = join(folder, 'trained');
  const small = [...quick, ...fewResamples, ...imagesAlone, 'data.history=0', statistics];
  const { code, err } = await train(study, out, small);
  assert.equal(code, 0, err);
  const [{ stage1 }] = await readFitted(out);
  const model = readFileSync(join(out, 'model.onnx'), 'utf8');
  assert.ok(stage1 !== null && stage1.inputs.length > 0);
  assert.ok(stage1.inputs.every(({ name }) => name.startsWith('image 1: ')));
  assert.match(model, /"numeric":\[\],"categorical":\[\],"stage1":\["image 1: /);
  await assertSamePredictions(out, everyPart, pictured());
});

test('settings that make no sense are refused before anything is written', async () => {
  const refused = async (pattern: RegExp, ...settings: string[]) => {
    const out = join(folder, 'refused');
    const { code, err } = await stratify(out, [...fewResamples, ...settings]);
    assert.equal(code, 2, err);
    assert.match(err, pattern);
    assert.ok(!existsSync(out));
  };
  await refused(
    /stage1\.images\.statistics: needs "image" in model\.modalities/,
    statistics,
    'model.modalities=[tabular]',
  );
  await refused(
    /stage1\.images has no key "statistic"; did you mean "statistics"/,
    'stage1.images.statistic=true',
  );
  const plain = join(data, 'plain.yaml');
  writeFileSync(plain, readFileSync(study, 'utf8').replace(/^ {2}(images|view|history):.*$\n/gm, ''));
  const { code, err } = await run('stratify', plain, '--set', statistics, '--out', join(folder, 'refused'));
  assert.equal(code, 2);
  assert.match(err, /stage1\.images\.statistics: needs data\.images/);
  const clash = table.map(({ crp_mg_l, ...row }) => ({ ...row, 'image 1: mean': crp_mg_l }));
  writeFileSync(join(data, 'clash.csv'), toCsv(clash));
  await refused(
    /a table column and an image feature named "image 1: mean"; rename the column/,
    statistics,
    'data.table=clash.csv',
    'data.numeric=["image 1: mean"]',
    'data.valid={}',
    'stage1.forwardFill=[]',
  );
});
