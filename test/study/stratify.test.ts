import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { mayBeChance } from '../../src/risk/index.js';
import { readStage1Predictor, stratifyStudy } from '../../src/study/index.js';
import { Interrupted } from '../../src/train/index.js';
import { readRecords, records, run, scratchFolder, tinyStudy, toCsv } from './tinyStudy.js';

type Records = Record<string, string>[];

const folder = scratchFolder('stratify');
const data = join(folder, 'data');
const study = join(data, 'study.yaml');
const labels = ['heart_failure', 'pneumonia', 'fibrosis', 'malignancy', 'tuberculosis'];
const quick = ['evaluation.bootstrap=20', 'stage1.threshold.resamples=20'];
const crossed = [...quick, 'split={method: kfold, folds: 3, repeats: 2, validation: 0.3}'];
/** Raises the tier of everyone seen as an emergency, for one label. */
const override =
  'tiers.overrides=[{label: pneumonia, column: setting, op: "=", value: emergency, tier: high}]';
const held = join(folder, 'held');
const folds = join(folder, 'folds');
let table: Records = [];

function stratify(out: string, settings: readonly string[], ...more: string[]) {
  const set = settings.flatMap((setting) => ['--set', setting]);
  return run('stratify', study, '--out', out, ...set, ...more);
}

before(async () => {
  await tinyStudy(data);
  table = readRecords(join(data, 'table.csv'));
  // The pictures are elsewhere: stage 1 does not miss them.
  renameSync(join(data, 'images'), join(data, 'moved'));
});

test('a study is stratified by its table alone; what is left out is said', async () => {
  const { code, out, err } = await stratify(held, [...quick, override]);
  assert.equal(code, 0, err);
  assert.match(err, /^images and notes are left out: stage 1 reads table columns alone\n/);
  assert.match(out, /^\d+ test rows of \d+ patients[\s\S]*mean over labels[\s\S]*accuracy \./);
  const model = await readStage1Predictor(held);
  const [{ rules }] = model!.stage1.labels;
  assert.ok(out.includes(`training rows:\nheart_failure\n  ${rules[0].text}`));
  const chance = model!.stage1.labels.flatMap((label) => label.rules.slice(0, 3)).filter(mayBeChance);
  assert.equal(out.split('(may be chance: p = ').length - 1, chance.length);
  assert.ok(out.endsWith(`\n${held}\n`));
  assert.deepEqual(readdirSync(held).sort(), [
    'data.json',
    'metrics.json',
    'model-card.md',
    'predictions.csv',
    'report.html',
    'stage1.json',
    'study.yaml',
  ]);
  const own = readRecords(join(held, 'predictions.csv'));
  assert.deepEqual(own.map(({ id }) => id).sort(), table.map(({ id }) => id).sort());
  const { environment, audit } = JSON.parse(readFileSync(join(held, 'metrics.json'), 'utf8'));
  const { stage1, tiers } = model!;
  for (const { code, message } of [...stage1.notes, ...tiers.notes])
    assert.ok(
      audit.notes.some(
        (note: { code: string; message: string }) => note.code === code && note.message === message,
      ),
      message,
    );
  assert.deepEqual([environment.onnxruntime, environment.device, environment.threads], [null, 'cpu', 1]);
});

test('no engine and no image library is loaded', () => {
  const out = join(folder, 'lean');
  const script = `
    import { runCommandLine } from './dist/src/cli/program.js';
    const quiet = () => {};
    const code = await runCommandLine(${JSON.stringify(['stratify', study, '--out', out, '--set', quick[0]])}, { out: quiet, err: quiet });
    const loaded = () => process.report.getReport().sharedObjects.filter((name) => /onnxruntime|sharp|vips/.test(name)).length;
    const before = loaded();
    await import('sharp');
    await import('onnxruntime-node');
    console.log(JSON.stringify({ code, before, after: loaded() }));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const { code, before: lean, after: full } = JSON.parse(child.stdout);
  assert.deepEqual([code, lean], [0, 0], child.stderr);
  assert.ok(full >= 2, 'they would have been seen');
});

test('predict gives the rows of the run the very digits that it wrote, labels unseen, from stage1.json', async () => {
  const file = join(folder, 'new.csv');
  writeFileSync(
    file,
    toCsv(
      table.map((row) =>
        Object.fromEntries(
          Object.entries(row).filter(([name]) => !labels.includes(name) && name !== 'image'),
        ),
      ),
    ),
  );
  const { code, out, err } = await run('predict', held, '--table', file);
  assert.deepEqual([code, err], [0, '']);
  const again = new Map(records(out).map((row) => [row.id, row]));
  const model = await readStage1Predictor(held);
  assert.ok(model);
  let [fired, raised] = [0, 0];
  for (const row of readRecords(join(held, 'predictions.csv'))) {
    for (const [l, label] of labels.entries()) {
      for (const kind of ['probability', 'tier'])
        assert.equal(again.get(row.id)![`${label}:${kind}`], row[`${label}:${kind}`]);
      const texts = again
        .get(row.id)!
        [`${label}:rules`].split(' | ')
        .filter((text) => text !== '');
      const known = model.stage1.labels[l].rules.map(({ text }) => text);
      for (const text of texts) assert.ok(known.includes(text), text);
      fired += texts.length;
    }
  }
  for (const { id } of table.filter(({ setting }) => setting === 'emergency')) {
    assert.equal(again.get(id)!['pneumonia:tier'], 'high');
    raised++;
  }
  assert.ok(fired > 0 && raised > 0);
  const pictures = await run('predict', held, '--table', file, '--images', data);
  assert.equal(pictures.code, 2);
  assert.match(pictures.err, /the model sees no images/);
});

test('a run is measured and reported anew from its own files', async () => {
  const files = ['metrics.json', 'report.html'].map((name) => join(held, name));
  const earlier = files.map((file) => readFileSync(file, 'utf8'));
  assert.equal((await run('evaluate', held)).code, 0);
  const { code, out } = await run('report', held);
  assert.deepEqual([code, out], [0, `${files[1]}\n`]);
  assert.deepEqual(
    files.map((file) => readFileSync(file, 'utf8')),
    earlier,
  );
  assert.match(earlier[1], /No network predicts here/);
  assert.match(earlier[1], /Rules of stage 1/);
  assert.doesNotMatch(earlier[1], /onnxruntime/);
});

test('cross-validation tests every row once per repeat and fits one more model to keep', async () => {
  const { code, err } = await stratify(folds, crossed);
  assert.equal(code, 0, err);
  assert.equal(err.match(/^repeat \d, fold \d \(\d+\.\d s\)$/gm)?.length, 6, 'a line per fold');
  const rows = readRecords(join(folds, 'predictions.csv'));
  for (const repeat of ['0', '1']) {
    const tested = rows.filter((row) => row.split === 'test' && row.repeat === repeat);
    assert.deepEqual(tested.map(({ id }) => id).sort(), table.map(({ id }) => id).sort());
    for (const fold of ['0', '1', '2']) {
      const parts = rows.filter((row) => row.repeat === repeat && row.fold === fold);
      assert.equal(parts.length, table.length);
      const patients = (split: string) =>
        new Set(parts.filter((row) => row.split === split).map(({ patient }) => patient));
      const held = patients('test');
      for (const patient of [...patients('train'), ...patients('validation')])
        assert.ok(!held.has(patient), 'nobody is in two splits');
    }
  }
  const { splits, model } = JSON.parse(readFileSync(join(folds, 'stage1.json'), 'utf8'));
  assert.equal(splits.length, 6);
  const validation = rows.filter(
    (row) => row.split === 'validation' && row.repeat === '0' && row.fold === '0',
  );
  assert.equal(model.stage1.training.rows, table.length - validation.length);
});

test('the same seed gives the same bytes, another seed others', async () => {
  const results = ['predictions.csv', 'stage1.json', 'data.json'];
  const read = (out: string) => results.map((name) => readFileSync(join(out, name), 'utf8'));
  await stratify(join(folder, 'again'), crossed);
  assert.deepEqual(read(join(folder, 'again')), read(folds));
  await stratify(join(folder, 'other'), crossed, '--seed', '2');
  assert.notDeepEqual(read(join(folder, 'other')), read(folds));
});

test('nothing in a test row changes what is fitted', async () => {
  const test = table.filter((_, i) => i % 4 === 0).map(({ patient }) => patient);
  const inTest = (row: Record<string, string>) => test.includes(row.patient);
  writeFileSync(
    join(data, 'test.txt'),
    table
      .filter(inTest)
      .map(({ id }) => `${id}\n`)
      .join(''),
  );
  const flip = (cell: string) => (cell === '1' ? '0' : cell === '0' ? '1' : cell);
  const spoilt = table.map((row) =>
    inTest(row)
      ? {
          ...row,
          ...Object.fromEntries(labels.map((label) => [label, flip(row[label])])),
          crp_mg_l: '999',
          setting: 'airship',
        }
      : row,
  );
  writeFileSync(join(data, 'spoilt.csv'), toCsv(spoilt));
  const lists = [...quick, 'split={method: lists, test: test.txt, validation: 0.3}'];
  const [sound, other] = [join(folder, 'sound'), join(folder, 'spoilt')];
  assert.equal((await stratify(sound, lists)).code, 0);
  const { code, err } = await stratify(other, [...lists, 'data.table=spoilt.csv']);
  assert.equal(code, 0, err);
  const [a, b] = [sound, other].map((out) => readFileSync(join(out, 'stage1.json'), 'utf8'));
  assert.equal(a, b);
  const fitted = (out: string) =>
    readRecords(join(out, 'predictions.csv')).filter(({ split }) => split !== 'test');
  assert.deepEqual(fitted(sound), fitted(other));
});

test('bad input is told before a folder is made', async () => {
  const refused = async (pattern: RegExp, ...settings: string[]) => {
    const out = join(folder, 'refused');
    const result = await stratify(out, settings);
    assert.deepEqual([result.code, result.out], [2, ''], result.err);
    assert.match(result.err, pattern);
    assert.ok(!existsSync(out));
  };
  await refused(
    /error: stratify: stage 1 reads table columns or image features, got a study that names none; list columns under data\.numeric/,
    'data.numeric=[]',
    'data.categorical=[]',
    'data.ordinal={}',
    'data.valid={}',
    'stage1.forwardFill=[]',
  );
  await refused(
    /stage1\.enabled must be true, got false; .*--set stage1\.enabled=true/,
    'stage1.enabled=false',
  );
  await refused(/unknown key|did you mean/, 'stage1.topn=3');
  await refused(/no.*absent\.csv|absent\.csv/, 'data.table=absent.csv');
  await refused(/did you mean "setting"/, override.replace('column: setting', 'column: settings'));
  const absent = await run('stratify', join(folder, 'absent.yaml'));
  assert.equal(absent.code, 2);
  assert.match(absent.err, /stratify: no study file .*absent\.yaml/);
  const used = await stratify(held, quick);
  assert.equal(used.code, 2);
  assert.match(used.err, /--out: the folder must be new or empty/);
});

test('interrupted, it leaves nothing behind', async () => {
  const out = join(folder, 'interrupted');
  const controller = new AbortController();
  const options = { studyFile: study, out, overrides: crossed, signal: controller.signal };
  const message = (text: string) => {
    if (text.startsWith('repeat 1, fold 2')) controller.abort();
  };
  await assert.rejects(stratifyStudy({ ...options, listener: { message } }), (error) => {
    assert.ok(error instanceof Interrupted);
    return /interrupted; nothing was written/.test(error.message);
  });
  assert.ok(!existsSync(out));
});

test('train does not take a stratified run for a training to go on with', async () => {
  const { code, err } = await run('train', study, '--out', held, '--resume');
  assert.equal(code, 2);
  assert.match(err, /--resume goes on with a training, got .*held, which "medfusion stratify" wrote/);
});
