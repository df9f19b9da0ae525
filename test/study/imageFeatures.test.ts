import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { imageStatisticNames } from '../../src/data/index.js';
import { stratifyStudy, trainStudy } from '../../src/study/index.js';
import { readFitted, readStage1Predictor } from '../../src/study/runRecords.js';
import { decodeEmbedder, encodeEmbedder } from '../../src/study/savedEmbedder.js';
import { Interrupted } from '../../src/train/index.js';
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
const embeddings = ['stage1.images={embeddings: 3, folds: 2, epochs: 1}', 'training.batchSize=16'];
/** As little of a network as can be trained on pictures. */
const lean = ['model.branches={cnn: true, transformer: false, temporal: false}', 'model.pyramid=false'];
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

async function filesOf(trained: string) {
  const [{ stage1 }] = await readFitted(trained);
  return { stage1: stage1!, embedder: readFileSync(join(trained, 'embedder.safetensors')) };
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
  const small = [...quick, ...lean, ...fewResamples, ...imagesAlone, 'data.history=0', statistics];
  const { code, err } = await train(study, out, small);
  assert.equal(code, 0, err);
  const [{ stage1 }] = await readFitted(out);
  const model = readFileSync(join(out, 'model.onnx'), 'utf8');
  assert.ok(stage1 !== null && stage1.inputs.length > 0);
  assert.ok(stage1.inputs.every(({ name }) => name.startsWith('image 1: ')));
  assert.match(model, /"numeric":\[\],"categorical":\[\],"stage1":\["image 1: /);
  await assertSamePredictions(out, everyPart, pictured());
});

test('stratify sees embeddings out of fold; predict embeds held-out rows to the same bits', async () => {
  const out = join(folder, 'embedded');
  const { code, err } = await stratify(
    out,
    [...fewResamples, ...imagesAlone, ...embeddings],
    '--threads',
    '1',
  );
  assert.equal(code, 0, err);
  assert.equal(err.match(/^image embedder: network \d of 3 \(\d+\.\d s\)$/gm)?.length, 3);
  const { stage1 } = (await readStage1Predictor(out))!;
  const names = stage1.imputer.numeric.map(({ column }) => column);
  assert.deepEqual(names, ['image embedding 1', 'image embedding 2', 'image embedding 3']);
  const texts = stage1.labels.flatMap(({ rules }) => rules.map(({ text }) => text));
  assert.ok(texts.some((text) => /^image embedding \d [≥<] -?[\d.]+ → /.test(text)));
  const bytes = readFileSync(join(out, 'embedder.safetensors'));
  const embedder = decodeEmbedder(bytes, 'embedder.safetensors');
  assert.ok(Buffer.from(encodeEmbedder(embedder)).equals(bytes));
  assert.ok([...embedder.weights.keys()].every((name) => name.startsWith('cnn.features.')));
  await assertSamePredictions(out, ['validation', 'test'], pictured());
  assert.match(
    readFileSync(join(out, 'report.html'), 'utf8'),
    /training rows out of fold \(2 folds of patients\)/,
  );

  const again = join(folder, 'embedded-again');
  await stratify(again, [...fewResamples, ...imagesAlone, ...embeddings], '--threads', '1');
  for (const file of ['embedder.safetensors', 'stage1.json', 'predictions.csv'])
    assert.ok(readFileSync(join(again, file)).equals(readFileSync(join(out, file))), file);

  const damaged = join(folder, 'damaged');
  cpSync(out, damaged, { recursive: true });
  cpSync(join(folder, 'trained', 'model.safetensors'), join(damaged, 'embedder.safetensors'));
  const refused = await predict(damaged, pictured());
  assert.equal(refused.code, 2);
  assert.match(refused.err, /must hold an image embedder/);
  rmSync(join(damaged, 'embedder.safetensors'));
  assert.match((await predict(damaged, pictured())).err, /holds no embedder\.safetensors/);
});

test('a network trained with embeddings is interrupted, resumed and applied to the same bits', async () => {
  const settings = [...quick, ...lean, ...fewResamples, ...imagesAlone, ...embeddings, 'data.history=0'];
  const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')];
  const { code, err } = await train(study, whole, settings);
  assert.equal(code, 0, err);
  const { stage1, embedder } = await filesOf(whole);
  assert.ok(stage1.inputs.some(({ name }) => name.startsWith('image embedding')));
  assert.ok(embedder.length > 0);
  await assertSamePredictions(whole, ['validation', 'test'], pictured());

  // Stopped among the networks of the embedder, before the network's own training has begun.
  const controller = new AbortController();
  const message = (text: string) => {
    if (text.startsWith('image embedder: network 2')) controller.abort();
  };
  const listener = { epochStart() {}, batch() {}, epochEnd() {}, message };
  const options = { studyFile: study, out: cut, overrides: settings, threads: 1, listener };
  await assert.rejects(trainStudy({ ...options, signal: controller.signal }), Interrupted);
  const resumed = await train(study, cut, settings, '--resume');
  assert.equal(resumed.code, 0, resumed.err);
  for (const file of [
    'embedder.safetensors',
    'model.safetensors',
    'stage1.json',
    'predictions.csv',
    'data.json',
  ])
    assert.ok(readFileSync(join(cut, file)).equals(readFileSync(join(whole, file))), file);
});

test('stratify stops among the networks of the embedder and leaves nothing behind', async () => {
  const out = join(folder, 'stopped');
  const controller = new AbortController();
  const message = (text: string) => {
    if (text.startsWith('image embedder: network 1')) controller.abort();
  };
  const options = { studyFile: study, out, threads: 1, signal: controller.signal, listener: { message } };
  await assert.rejects(
    stratifyStudy({ ...options, overrides: [...fewResamples, ...embeddings] }),
    (error) => error instanceof Interrupted && /nothing was written/.test(error.message),
  );
  assert.ok(!existsSync(out));
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
  const blind = ['stage1.images.embeddings=4', 'model.modalities=[tabular]'];
  await refused(/stage1\.images\.embeddings: needs "image" in model\.modalities/, ...blind);
  await refused(/stage1\.images\.embeddings/, 'stage1.images.embeddings=65');
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
