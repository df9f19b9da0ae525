import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DataError } from '../../src/errors.js';
import { collectEnvironment, fileSetSha256, fileSha256 } from '../../src/study/environment.js';
import { formatPredictions, type Predictions, parsePredictions } from '../../src/study/predictions.js';
import {
  appendLog,
  createRunFolder,
  openRunFolder,
  readLog,
  readRunJson,
  writeRunFile,
} from '../../src/study/runFolder.js';

const folder = mkdtempSync(join(tmpdir(), 'medfusion-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a new run never takes the folder of an earlier one', async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    const runs = await Promise.all([
      createRunFolder('odir'),
      createRunFolder('odir'),
      createRunFolder('nih'),
    ]);
    assert.deepEqual(runs.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort(), [
      'nih-1',
      'odir-1',
      'odir-2',
    ]);
    writeFileSync(join(runs[0], 'study.yaml'), 'name: odir\n');
    await assert.rejects(
      createRunFolder('odir', runs[0]),
      /must be new or empty, got .*; name another, or go on/,
    );
    assert.equal(readFileSync(join(runs[0], 'study.yaml'), 'utf8'), 'name: odir\n');
    assert.equal(await openRunFolder(runs[0]), runs[0]);
    await assert.rejects(openRunFolder(runs[2]), /holds no study\.yaml/);
    await assert.rejects(openRunFolder(join(folder, 'absent')), /no such folder/);
  } finally {
    process.chdir(before);
  }
});

test('a missing or damaged file of a run is named with its remedy', async () => {
  const run = await createRunFolder('whole', join(folder, 'whole'));
  await writeRunFile(run, 'metrics', { n: 1 });
  assert.deepEqual(await readRunJson(run, 'metrics'), { n: 1 });
  assert.deepEqual(readdirSync(run), ['metrics.json']);
  writeFileSync(join(run, 'metrics.json'), '{');
  await assert.rejects(
    readRunJson(run, 'metrics'),
    (error) => error instanceof DataError && error.code === 'corrupt-run-file',
  );
  await assert.rejects(readRunJson(run, 'stage1'), /holds no stage1\.json; the run has not finished/);
});

test('log.jsonl grows by a line per entry and names a broken line', async () => {
  const run = await createRunFolder('log', join(folder, 'log'));
  await appendLog(run, { epoch: 1, loss: 0.5 });
  await appendLog(run, { epoch: 2, loss: 0.25 });
  assert.deepEqual(await readLog(run), [
    { epoch: 1, loss: 0.5 },
    { epoch: 2, loss: 0.25 },
  ]);
  writeFileSync(join(run, 'log.jsonl'), '{"epoch":1}\n{"epo');
  await assert.rejects(readLog(run), /log\.jsonl, line 2/);
});

const small: Predictions = {
  labels: ['Biopsy', 'a,"b"'],
  ids: ['1', 'x,y', 'line\nbreak'],
  patients: ['p1', 'p"2"', 'p3'],
  splits: ['train', 'validation', 'test'],
  repeat: Int32Array.of(0, 0, 1),
  fold: Int32Array.of(0, 1, 2),
  targets: Float32Array.of(1, 0, 0, 0, 1, 1),
  known: Uint8Array.of(1, 0, 1, 1, 1, 1),
  probabilities: Float64Array.of(0.1 + 0.2, 1 / 3, 0, 1, 5e-324, 0.5),
  tiers: Uint8Array.of(0, 1, 2, 0, 1, 2),
  subgroups: [],
};

const text = (predictions: Predictions) => [...formatPredictions(predictions)].join('');

test('predictions.csv has the columns of the contract and quotes what needs it', () => {
  const lines = text(small).split('\n');
  assert.equal(
    lines[0],
    'id,patient,split,repeat,fold,Biopsy:target,Biopsy:probability,Biopsy:tier,"a,""b"":target","a,""b"":probability","a,""b"":tier"',
  );
  assert.equal(lines[1], '1,p1,train,0,0,1,0.30000000000000004,low,,0.3333333333333333,medium');
  assert.equal(lines[2], '"x,y","p""2""",validation,0,1,0,0,high,0,1,low');
});

test('predictions survive a round trip bit for bit, whatever the ids', async () => {
  assert.deepEqual(await parsePredictions(formatPredictions(small), 'predictions.csv'), small);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true })), {
        minLength: 1,
      }),
      async (rows) => {
        const predictions: Predictions = {
          labels: ['ill'],
          ids: rows.map(([id]) => id),
          patients: rows.map(([id]) => `p${id}`),
          splits: rows.map(() => 'test' as const),
          repeat: new Int32Array(rows.length),
          fold: new Int32Array(rows.length),
          targets: new Float32Array(rows.length),
          known: new Uint8Array(rows.length),
          probabilities: Float64Array.from(rows, ([, p]) => p + 0),
          tiers: new Uint8Array(rows.length),
          subgroups: [],
        };
        assert.deepEqual(
          (await parsePredictions(formatPredictions(predictions), 'predictions.csv')).ids,
          predictions.ids,
        );
      },
    ),
  );
});

test('the columns of subgroups follow those of the labels, missing values empty', async () => {
  const grouped: Predictions = {
    ...small,
    subgroups: [
      { column: 'sex', values: ['f', '', 'm, other'] },
      { column: 'age:years', values: ['34.5', '61', ''] },
    ],
  };
  const csv = text(grouped);
  assert.match(csv.split('\n')[0], /:tier",subgroup:sex,subgroup:age:years$/);
  assert.match(csv.split('\n')[1], /medium,f,34\.5$/);
  assert.deepEqual(await parsePredictions([csv], 'predictions.csv'), grouped);
  const named = { ...grouped, labels: ['Biopsy', 'subgroup:sex'] };
  assert.deepEqual(await parsePredictions(formatPredictions(named), 'predictions.csv'), named);
  const strange = csv.replace('subgroup:age', 'age');
  await assert.rejects(parsePredictions([strange], 'predictions.csv'), /got "age:years" in place 13/);
});

test('a foreign or broken predictions file is refused with line and column', async () => {
  const good = text(small);
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      good.replace('train', 'trian'),
      /must be train or validation or test, got "trian" .*line 2, column "split"/,
    ],
    [
      good.replace('0.30000000000000004', '1.5'),
      /number from 0 to 1, got "1\.5" .*line 2, column "Biopsy:probability"/,
    ],
    [good.replace('0.30000000000000004', ''), /got ""/],
    [good.replace(',high,', ',highest,'), /must be low or medium or high/],
    [good.replace('repeat,fold', 'fold,repeat'), /got "fold" in place 4/],
    ['id,patient,split,repeat,fold\n', /predictions: columns must be/],
    ['', /predictions: columns must be/],
    [`${good}1,2\n`, /must be a CSV file/],
  ];
  for (const [csv, message] of cases)
    await assert.rejects(parsePredictions([csv], 'predictions.csv'), message);
});

test('checksums and environment say what a run was computed from', async () => {
  const file = join(folder, 'table.csv');
  writeFileSync(file, 'a,b\n1,2\n');
  assert.equal(await fileSha256(file), createHash('sha256').update('a,b\n1,2\n').digest('hex'));
  const once = await fileSetSha256([file], folder);
  assert.deepEqual(await fileSetSha256([file, file], folder), once);
  assert.equal(once.sha256, createHash('sha256').update('table.csv\t8\n').digest('hex'));
  const environment = collectEnvironment({ device: 'cpu', threads: 2, reason: null }, 3);
  assert.match(environment.medfusion, /^\d+\.\d+\.\d+/);
  assert.match(environment.onnxruntime ?? '', /^1\.\d+/);
  assert.equal(environment.node, process.versions.node);
});
