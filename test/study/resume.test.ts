import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { DataError } from '../../src/errors.js';
import { trainStudy } from '../../src/study/index.js';
import { readEpochs } from '../../src/study/runRecords.js';
import { Interrupted, type ProgressListener } from '../../src/train/index.js';
import { run as runCommand, scratchFolder, tinyStudy, train } from './tinyStudy.js';

const folder = scratchFolder('resume');
const data = join(folder, 'data');
const study = join(data, 'study.yaml');
/** Gradients of two batches make a step, and weights are averaged. */
const common = [
  'training.batchSize=8',
  'training.accumulate=2',
  'training.ema=0.9',
  'evaluation.bootstrap=20',
];
/** Everything a model can have: pictures with running statistics and augmentation, table, notes, stage 1. */
const full = [...common, 'training.epochs=2', 'data.history=0'];
/** The table alone, half a second. */
const held = [...common, 'training.epochs=6', 'model.modalities=[tabular]', 'stage1.enabled=false'];
/** Two folds of the table alone, then the final model. */
const crossed = [
  'split={method: kfold, folds: 2, validation: 0.3}',
  'model.modalities=[tabular]',
  'stage1.enabled=false',
  'training.epochs=2',
  'training.batchSize=8',
  'evaluation.bootstrap=20',
  'evaluation.subgroups=[sex]',
];
const results = ['predictions.csv', 'model.safetensors', 'model.onnx', 'stage1.json'];
const silent: ProgressListener = { epochStart() {}, batch() {}, epochEnd() {}, message() {} };

type Watch = (abort: () => void) => Partial<ProgressListener>;

/** Trains with an eye on its progress; resolves to the error that ended it, or null. */
async function attempt(out: string, overrides: readonly string[], resume: boolean, watch?: Watch) {
  const controller = new AbortController();
  const listener = { ...silent, ...watch?.(() => controller.abort()) };
  const { signal } = controller;
  return trainStudy({ studyFile: study, out, overrides, resume, listener, signal, threads: 1 }).then(
    () => null,
    (error: unknown) => error,
  );
}

function assertSame(out: string, reference: string): void {
  for (const file of results) {
    const [got, expected] = [out, reference].map((run) => readFileSync(join(run, file)));
    assert.ok(got.equals(expected), `${file} differs from the uninterrupted run's`);
  }
}

/** The log without times. */
async function history(out: string) {
  return (await readEpochs(out)).map(({ seconds: _, ...epoch }) => epoch);
}

/** Aborts at the given batch (1-based) of the given epoch (0-based) of the part whose name ends so. */
const atBatch =
  (epoch: number, batch: number, part = ''): Watch =>
  (abort) => {
    let here = false;
    return {
      epochStart: (event) => {
        here = event.epoch === epoch && (event.part ?? '').endsWith(part);
      },
      batch: (event) => {
        if (here && event.batch === batch) abort();
      },
    };
  };

const whole = join(folder, 'whole');
const wholeFull = join(folder, 'whole-full');
const wholeFolds = join(folder, 'whole-folds');
let batches = 0;

before(async () => {
  await tinyStudy(data);
  const count: Watch = () => ({
    epochStart: (event) => {
      batches = event.batches;
    },
  });
  assert.equal(await attempt(whole, held, false, count), null);
  assert.ok(batches >= 4 && batches % 2 === 0);
  assert.equal(await attempt(wholeFull, full, false), null);
  assert.equal(await attempt(wholeFolds, crossed, false), null);
});

test('optimised programs are kept beside the runs, and shared by them', () => {
  const kept = readdirSync(join(folder, '.cache', 'programs'));
  // Of the run with pictures: training, the sum of gradients over two batches, and validation.
  assert.equal(kept.length, 3, `${kept}`);
  assert.ok(kept.every((name) => /^[0-9a-f]{64}\.program$/.test(name)));
});

test('interrupted anywhere and resumed, a run ends in the same bits', async (t) => {
  const points: [string, Watch][] = [
    ['after the first batch, half a step done', atBatch(0, 1)],
    ['between two steps', atBatch(0, 2)],
    ['after the last batch of an epoch, before its validation', atBatch(0, batches)],
    ['in the second epoch, half a step done', atBatch(1, 3)],
    ['after validation', (abort) => ({ epochEnd: abort })],
  ];
  for (const [i, [name, watch]] of points.entries()) {
    await t.test(name, async () => {
      const out = join(folder, `interrupted-${i}`);
      assert.ok((await attempt(out, held, false, watch)) instanceof Interrupted);
      assert.ok(!existsSync(join(out, 'predictions.csv')));
      assert.equal(await attempt(out, held, true), null);
      assertSame(out, whole);
      assert.deepEqual(await history(out), await history(whole));
    });
  }
});

test('with pictures too, and interrupted twice', async () => {
  const out = join(folder, 'twice');
  assert.ok((await attempt(out, full, false, atBatch(0, 1))) instanceof Interrupted);
  assert.ok((await attempt(out, full, true, atBatch(1, 3))) instanceof Interrupted);
  assert.equal(await attempt(out, full, true), null);
  assertSame(out, wholeFull);
});

test('cross-validation goes on with the fold it was in, finished folds as they were', async (t) => {
  const crash =
    (part: string): Watch =>
    () => ({
      epochStart: (event) => {
        if (event.part === part) throw new Error('the power fails');
      },
    });
  const points: [string, Watch][] = [
    ['within the second fold', atBatch(1, 1, 'fold 2')],
    ['between the folds, without a checkpoint', crash('repeat 1, fold 2')],
    ['before the final model', crash('final model')],
    ['within the final model', atBatch(0, 1, 'final model')],
  ];
  for (const [i, [name, watch]] of points.entries()) {
    await t.test(name, async () => {
      const out = join(folder, `folds-${i}`);
      assert.ok((await attempt(out, crossed, false, watch)) instanceof Error);
      const parts: (string | undefined)[] = [];
      const note: Watch = () => ({ epochStart: (event) => void parts.push(event.part) });
      assert.equal(await attempt(out, crossed, true, note), null);
      assert.ok(!parts.includes('repeat 1, fold 1'), 'the first fold is not trained again');
      assertSame(out, wholeFolds);
      assert.deepEqual(await history(out), await history(wholeFolds));
    });
  }
});

/** Starts `train` as a process of its own. */
function spawnTraining(
  out: string,
  settings: readonly string[],
  prefix: readonly string[] = [],
): ChildProcess {
  const set = settings.flatMap((setting) => ['--set', setting]);
  const command = [...prefix, process.execPath, 'dist/src/cli/main.js', 'train', study, '--out', out];
  const [program, ...args] = [...command, '--threads', '1', ...set];
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

test('a run that is killed goes on from its last checkpoint to the same bits', async () => {
  const out = join(folder, 'killed');
  const child = spawnTraining(out, held);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const checkpoint = join(out, 'checkpoint', '0-0', 'checkpoint.safetensors');
  for (let i = 0; i < 12000 && !existsSync(checkpoint) && child.exitCode === null; i++) await wait(5);
  child.kill('SIGKILL');
  await ended;
  assert.equal(child.signalCode, 'SIGKILL');
  assert.ok(existsSync(checkpoint) && !existsSync(join(out, 'report.html')));
  assert.equal(await attempt(out, held, true), null);
  assertSame(out, whole);
});

test('Ctrl-C ends the program with 130 and a word on how to go on', async () => {
  const out = join(folder, 'ctrl-c');
  const child = spawnTraining(out, held);
  let err = '';
  child.stderr!.on('data', (part) => {
    err += part;
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let i = 0; i < 1200 && !/one split/.test(err) && child.exitCode === null; i++) await wait(50);
  child.kill('SIGINT');
  assert.equal(await ended, 130, err);
  assert.match(err, /stopping after this batch[\s\S]*training was interrupted; go on with --resume/);
  assert.equal(await attempt(out, held, true), null);
  assertSame(out, whole);
});

/** A fresh copy of a run that was interrupted in its second epoch. */
async function interruptedCopy(name: string): Promise<string> {
  const original = join(folder, 'interrupted-original');
  if (!existsSync(original)) await attempt(original, held, false, atBatch(1, 1));
  const copy = join(folder, name);
  cpSync(original, copy, { recursive: true });
  return copy;
}

test('a damaged checkpoint or kept split is refused by name', async () => {
  const out = await interruptedCopy('damaged');
  const file = join(out, 'checkpoint', '0-0', 'checkpoint.safetensors');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.length - 100));
  const { code, err } = await train(study, out, held, '--resume');
  assert.equal(code, 2);
  assert.match(err, /error: .*truncated.*checkpoint\.safetensors/);
  assert.ok(readFileSync(file).equals(bytes.subarray(0, bytes.length - 100)), 'what is left is not touched');
  rmSync(join(out, 'checkpoint', 'inputs.json'));
  assert.match(
    (await train(study, out, held, '--resume')).err,
    /needs the record of what the run has read, got none/,
  );

  const folds = join(folder, 'folds-damaged');
  await attempt(folds, crossed, false, atBatch(0, 1, 'fold 2'));
  writeFileSync(join(folds, 'splits', '0-0', 'model.safetensors'), 'not weights');
  const kept = await train(study, folds, crossed, '--resume');
  assert.equal(kept.code, 2);
  assert.match(kept.err, /splits.0-0.model\.safetensors/);
});

test('a changed study is refused with its keys, changed data by name', async () => {
  const out = await interruptedCopy('changed');
  const other = await train(study, out, [...held, 'training.epochs=7', 'model.dropout=0.2'], '--resume');
  assert.equal(other.code, 2);
  assert.match(other.err, /got 2 changed keys: .*model\.dropout \(0\.1, now 0\.2\)/);
  assert.match(other.err, /training\.epochs \(6, now 7\).*put them back, or start a new run/);

  const table = join(data, 'table.csv');
  const before = readFileSync(table, 'utf8');
  writeFileSync(table, before.replace(/\n$/, '\n\n'));
  try {
    const error = await attempt(out, held, true);
    assert.ok(error instanceof DataError && error.code === 'changed-inputs');
    assert.match(error.message, /got others: table; put them back/);
  } finally {
    writeFileSync(table, before);
  }
  assert.equal(await attempt(out, held, true), null);
  assertSame(out, whole);
});

test('what a run is resumed from stays until its report is written, and no longer', async () => {
  for (const run of [whole, wholeFull, wholeFolds]) {
    assert.ok(existsSync(join(run, 'report.html')));
    assert.ok(!existsSync(join(run, 'checkpoint')) && !existsSync(join(run, 'splits')));
  }
  const out = join(folder, 'unreported');
  const blocked = join(out, 'report.html');
  const block: Watch = () => ({ epochEnd: () => void mkdirSync(blocked, { recursive: true }) });
  assert.ok((await attempt(out, held, false, block)) instanceof Error);
  assert.ok(existsSync(join(out, 'metrics.json')), 'all but the report is done');
  const checkpoint = join(out, 'checkpoint', '0-0', 'checkpoint.safetensors');
  assert.ok(existsSync(checkpoint) && existsSync(join(out, 'checkpoint', 'inputs.json')));
  rmdirSync(blocked);
  assert.equal(await attempt(out, held, true), null);
  assert.ok(existsSync(blocked) && !existsSync(join(out, 'checkpoint')));
  assertSame(out, whole);
});

test('a finished run is told to be finished and is not trained again', async () => {
  const stamp = (file: string) => statSync(join(whole, file)).mtimeMs;
  const before = results.map(stamp);
  const { code, out, err } = await train(study, whole, held, '--resume');
  assert.equal(code, 0);
  assert.match(err, /^the run in .*whole is finished; nothing is left to resume\n$/);
  assert.match(out, /mean over labels[\s\S]*whole\n$/);
  assert.deepEqual(results.map(stamp), before);
});

test('without --out the newest run of the study is resumed; where there is none, that is said', async () => {
  const { code, err } = await runCommand('train', study, '--resume', '--set', 'name=never-run');
  assert.equal(code, 2);
  assert.match(
    err,
    /--resume found no run of "never-run" in .*; name its folder with --out, or start without/,
  );
});

test('when the disk fills up at a checkpoint, the one before stays and the run goes on from it', async (t) => {
  if (process.platform === 'win32') {
    t.skip('a limit on the size of files needs a POSIX shell');
    return;
  }
  const out = join(folder, 'full');
  assert.ok((await attempt(out, held, false, atBatch(0, 2))) instanceof Interrupted);
  const directory = join(out, 'checkpoint', '0-0');
  const file = join(directory, 'checkpoint.safetensors');
  const before = readFileSync(file);
  // The next checkpoint holds the best epoch's weights besides: it does not fit into a file of this size.
  const blocks = Math.ceil(before.length / 1024) + 1;
  const limited = ['bash', '-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@" --resume`];
  const child = spawnTraining(out, held, limited);
  let err = '';
  child.stderr!.on('data', (part) => {
    err += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 2, err);
  assert.match(err, /error: .*the disk must take the file, got EFBIG; .*unchanged.*checkpoint\.safetensors/);
  assert.ok(readFileSync(file).equals(before));
  assert.deepEqual(readdirSync(directory), ['checkpoint.safetensors']);
  assert.equal(await attempt(out, held, true), null);
  assertSame(out, whole);
});
