import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { readRecords, run, scratchFolder, tinyStudy, toCsv, train } from '../study/tinyStudy.js';

const folder = scratchFolder('bad-input');
const data = join(folder, 'data');
const runs = join(folder, 'runs');
let table: Record<string, string>[] = [];
let yaml = '';

before(async () => {
  await tinyStudy(data);
  table = readRecords(join(data, 'table.csv'));
  yaml = readFileSync(join(data, 'study.yaml'), 'utf8');
  // An earlier run, whose every byte must stay.
  mkdirSync(join(runs, 'synthetic-1', 'checkpoint'), { recursive: true });
  for (const file of ['study.yaml', 'predictions.csv', join('checkpoint', 'inputs.json')])
    writeFileSync(join(runs, 'synthetic-1', file), `the earlier run's ${file}`);
});

/** Every file under the runs' folder but the cache of decoded images. */
function snapshot(): Record<string, string> {
  const files = readdirSync(runs, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .map((entry) => [join(entry.parentPath, entry.name), entry] as const)
      .filter(([path]) => !path.startsWith(join(runs, '.cache')))
      .map(([path, entry]) => [path, entry.isFile() ? readFileSync(path, 'utf8') : 'folder']),
  );
}

interface Fault {
  /** Contents of table.csv; default the sound one. */
  readonly table?: string;
  /** Changes to study.yaml. */
  readonly study?: (yaml: string) => string;
  readonly set?: readonly string[];
  readonly flags?: readonly string[];
}

/** Trains with a fault; asserts one message, exit code 2 and that nothing changed among the runs; returns it. */
async function refused(fault: Fault): Promise<string> {
  const study = join(data, 'faulty.yaml');
  writeFileSync(
    study,
    (fault.study ?? ((text) => text))(yaml).replace('table: table.csv', 'table: faulty.csv'),
  );
  writeFileSync(join(data, 'faulty.csv'), fault.table ?? toCsv(table));
  const earlier = snapshot();
  const set = ['training.batchSize=8', 'training.epochs=1', ...(fault.set ?? [])];
  const { code, out, err } = await train(study, join(runs, 'synthetic-2'), set, ...(fault.flags ?? []));
  assert.deepEqual([code, out], [2, ''], err);
  const [message, ...others] = err.split('\n').filter((line) => line.startsWith('error: '));
  assert.ok(message !== undefined && others.length === 0, `one message, got:\n${err}`);
  assert.ok(!/^ {4}at /m.test(err), 'no stack');
  assert.deepEqual(snapshot(), earlier, 'the runs are as they were');
  return message;
}

/** The table with some cells of one row (0-based) changed. */
const withCells = (row: number, cells: Readonly<Record<string, string>>) =>
  toCsv(table.map((record, i) => (i === row ? { ...record, ...cells } : record)));

test('a missing image', async () => {
  assert.match(
    await refused({ table: withCells(3, { image: 'gone.png' }) }),
    /no file "gone\.png"; add the file, empty the cell.* \(.*faulty\.csv, line 5, column "image"\)/,
  );
});

test('a corrupt image', async () => {
  const whole = readFileSync(join(data, 'images', `${table.find(({ image }) => image !== '')!.id}.png`));
  writeFileSync(join(data, 'images', 'half.png'), whole.subarray(0, whole.length / 2));
  const first = table.findIndex(({ image }) => image !== '');
  const message = await refused({ table: withCells(first, { image: 'half.png' }) });
  assert.match(message, /half\.png\)/);
  assert.match(message, new RegExp(`faulty\\.csv, line ${first + 2}, column "image"\\)$`));
  assert.match(message, /replace|mend|convert/);
});

test('a column that the table lacks, with the nearest', async () => {
  assert.match(
    await refused({ study: (text) => text.replaceAll('crp_mg_l', 'crp_mgl') }),
    /got "crp_mgl"; did you mean "crp_mg_l"\?.*faulty\.csv, line 1, column "crp_mgl"/,
  );
  assert.match(
    await refused({ study: (text) => text.replace('age_years, crp_mg_l', 'age_years, crp_mgl') }),
    /faulty\.yaml, line \d+: stage1\.forwardFill\.0: "crp_mg_l" is not a feature column; did you mean "crp_mgl"\?/,
  );
});

test('a column name that occurs twice', async () => {
  const csv = toCsv(table).replace('"setting"', '"smoking"');
  assert.match(
    await refused({ table: csv }),
    /column names must be unique.*got "smoking" twice; rename one \(.*faulty\.csv, line 1, column "smoking"\)/,
  );
});

test('a label that is not 0, 1 or unknown', async () => {
  assert.match(
    await refused({ table: withCells(7, { fibrosis: 'maybe' }) }),
    /got "maybe"; .*(positive, negative or missing).*\(.*faulty\.csv, line 9, column "fibrosis"\)/,
  );
});

test('a label with one class among the training, validation or test rows', async () => {
  const positives = (count: number) => {
    let left = count;
    return toCsv(
      table.map((record) => ({ ...record, malignancy: record.visit === '1' && left-- > 0 ? '1' : '0' })),
    );
  };
  assert.match(
    await refused({ table: positives(0) }),
    /label "malignancy" must be present in some rows .* got 0 positives and \d+ negatives; leave the label out.*\(.*faulty\.csv, column "malignancy"\)/,
  );
  assert.match(
    await refused({ table: positives(1) }),
    /label "malignancy" must have both classes among the validation rows, .* got 0 positives and \d+ negatives .*; raise split\.validation, choose another split\.seed, or leave the label out \(.*faulty\.csv, column "malignancy"\)/,
  );
  const spared = [...new Set(table.map(({ patient }) => patient))].slice(0, 10);
  const ill: Record<string, string>[] = table.map((record, i) => ({
    ...record,
    malignancy: spared.includes(record.patient) ? '0' : String(i % 2),
  }));
  writeFileSync(
    join(data, 'spared.txt'),
    ill.flatMap(({ id, patient }) => (spared.includes(patient) ? [id] : [])).join('\n'),
  );
  assert.match(
    await refused({ table: toCsv(ill), set: ['split={method: lists, test: spared.txt}'] }),
    /must have both classes among the test rows, where it is measured, got 0 positives and \d+ negatives/,
  );
});

test('an empty table, an empty file, no file', async () => {
  const header = toCsv(table).split('\n')[0];
  const empty = /needs a header line and at least one row, got \d line\(s\) with text \(.*faulty\.csv\)/;
  assert.match(await refused({ table: `${header}\n` }), empty);
  assert.match(await refused({ table: '' }), empty);
  const absent = { study: (text: string) => text.replace('table: table.csv', 'table: absent.csv') };
  assert.match(await refused(absent), /must be a readable file, got ENOENT; check the path.*absent\.csv/);
});

test('an id that occurs twice', async () => {
  assert.match(
    await refused({ table: withCells(4, { id: table[1].id }) }),
    /row ids are unique, got ".*" as in line 3; make ids unique.*\(.*faulty\.csv, line 6, column "id"\)/,
  );
});

test('one patient in two lists', async () => {
  const patient = table.find(({ visit }) => visit === '2')!.patient;
  const [first, second] = table.filter((record) => record.patient === patient);
  const others = table.filter((record) => record.patient !== patient).map(({ id }) => id);
  writeFileSync(join(data, 'test.txt'), [...others.slice(0, 20), first.id].join('\n'));
  writeFileSync(join(data, 'train.txt'), [...others.slice(20), second.id].join('\n'));
  assert.match(
    await refused({ set: ['split={method: lists, test: test.txt, train: train.txt}'] }),
    /a patient is in one part, got the patient of row ".*" in .* and in .*; move all rows of the patient to one list \(.*\.txt, line \d+\)/,
  );
});

test('a study key that is unknown, with the nearest, in the file and on the command line', async () => {
  assert.match(
    await refused({ study: (text) => text.replace('training: { epochs', 'training: { epoch') }),
    /faulty\.yaml, line \d+: training has no key "epoch"; did you mean "epochs"\?/,
  );
  assert.match(
    await refused({ set: ['model.sise=tiny'] }),
    /--set model\.sise=tiny: model has no key "sise"; did you mean "size"\?/,
  );
});

test('an impossible image size', async () => {
  assert.match(
    await refused({ study: (text) => text.replace('imageSize: 32', 'imageSize: 50') }),
    /faulty\.yaml, line \d+: model\.imageSize: must be a multiple of 32.*got 50/,
  );
  assert.match(
    await refused({ set: ['model.imageSize=0'] }),
    /--set model\.imageSize: model\.imageSize: .*32.*got 0/,
  );
});

test('a cell that is no number, a level that is not declared, a row of another width', async () => {
  assert.match(
    await refused({ table: withCells(2, { crp_mg_l: '12 mg' }) }),
    /got "12 mg"; write a number, leave the cell empty.*faulty\.csv, line 4, column "crp_mg_l"/,
  );
  assert.match(
    await refused({ table: withCells(2, { dyspnoea: 'awful' }) }),
    /declared levels .*got "awful".*line 4, column "dyspnoea"/,
  );
  const ragged = toCsv(table).split('\n');
  ragged[5] = `${ragged[5]},"1"`;
  assert.match(
    await refused({ table: ragged.join('\n') }),
    /as many cells as the header.*faulty\.csv, line 6/,
  );
});

test('paths and values that cannot be', async () => {
  const nowhere = (text: string) => text.replace('directory: images', 'directory: pictures');
  assert.match(await refused({ study: nowhere }), /image folder must be readable, got ENOENT.*pictures/);
  assert.match(
    await refused({ study: (text) => `${text}\n  - : {` }),
    /faulty\.yaml, line \d+.*not valid YAML/,
  );
  assert.match(
    await refused({ flags: ['--device', 'abacus'] }),
    /device: "abacus" is not available; choose one of cpu/,
  );
  const { code, err } = await run('train', join(data, 'absent.yaml'));
  assert.deepEqual([code, /no study file .*absent\.yaml; check the path/.test(err)], [2, true]);
});

test('what only training can find out leaves no run folder either', async () => {
  const large = 'training.batchSize=4096';
  assert.match(
    await refused({ set: [large, 'model.modalities=[tabular]'] }),
    /choose a smaller training\.batchSize/,
  );
  const raise = (rule: string) => `tiers.overrides=[{column: ${rule}, tier: high}]`;
  const level = raise('dyspnoea, op: ">=", value: awful');
  assert.match(await refused({ set: [level] }), /"dyspnoea" has the levels .*compare it with one of them/);
  const order = raise('setting, op: ">", value: ward');
  assert.match(await refused({ set: [order] }), /"setting" is categorical and has no order/);
});

test('a run folder that holds something is left alone', async () => {
  const earlier = snapshot();
  const { code, err } = await train(join(data, 'study.yaml'), join(runs, 'synthetic-1'), []);
  assert.equal(code, 2);
  assert.match(err, /^error: --out: the folder must be new or empty, got .*synthetic-1; name another/);
  assert.deepEqual(snapshot(), earlier);
});

test('--on-bad-row skip goes on, and lists what it skipped in messages, metrics.json and report', async () => {
  const cells: Record<number, Record<string, string>> = {
    1: { fibrosis: 'maybe' },
    4: { crp_mg_l: '12 mg' },
    5: { id: table[0].id },
    9: { image: 'gone.png' },
    11: { image: 'half.png' },
    13: { crp_mg_l: 'unclear' },
  };
  writeFileSync(join(data, 'images', 'half.png'), 'not a picture');
  const study = join(data, 'skip.yaml');
  writeFileSync(study, yaml.replace('table: table.csv', 'table: skip.csv'));
  writeFileSync(join(data, 'skip.csv'), toCsv(table.map((record, i) => ({ ...record, ...cells[i] }))));
  const out = join(folder, 'skipped');
  const settings = [
    'training.epochs=1',
    'training.batchSize=8',
    'model.branches.cnn=false',
    'evaluation.bootstrap=20',
  ];
  const { code, err } = await train(
    study,
    out,
    [...settings, 'stage1.enabled=false'],
    '--on-bad-row',
    'skip',
  );
  assert.equal(code, 0, err);
  const expected: [code: string, message: RegExp, lines: number[]][] = [
    ['skipped-bad-label', /skipped rows: column "fibrosis": .* \(1 row: line 3\)/, [3]],
    ['skipped-bad-number', /skipped rows: column "crp_mg_l": .* \(2 rows: lines 6, 15\)/, [6, 15]],
    ['skipped-duplicate-id', /skipped rows: column "id": .* \(1 row: line 7\)/, [7]],
    ['skipped-missing-image', /skipped rows: column "image": .* \(1 row: line 11\)/, [11]],
    ['skipped-corrupt-image', /skipped rows: an image cannot be decoded \(1 row: line 13\)/, [13]],
  ];
  const ids = new Set(readRecords(join(out, 'predictions.csv')).map(({ id }) => id));
  for (const i of [1, 4, 9, 11, 13]) assert.ok(!ids.has(table[i].id), `row ${i} is left out`);
  assert.equal(ids.size, table.length - 6);
  assert.equal((await run('evaluate', out)).code, 0);
  const { notes } = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8')).audit;
  for (const [code, message, lines] of expected) {
    assert.match(err, message);
    const note = notes.find((candidate: { code: string }) => candidate.code === code);
    assert.deepEqual([note?.count, note?.rows], [lines.length, lines], code);
    assert.ok(readFileSync(join(out, 'report.html'), 'utf8').includes(note.message.split(': ')[0]));
  }
});
