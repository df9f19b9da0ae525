import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError, DataError } from '../../src/errors.js';
import { encodeSafetensors } from '../../src/models/index.js';
import { randomStream } from '../../src/random/index.js';
import {
  type Checkpoint,
  loadCheckpoint,
  saveCheckpoint,
  type TrainingProgress,
  type WriteContent,
} from '../../src/train/index.js';

const study = {
  name: 'toy',
  labels: { columns: { flu: 'Flu' } },
  training: { epochs: 5, optimizer: { learningRate: 0.1 } },
  model: { modalities: ['image', 'tabular'], size: undefined },
};
const random = randomStream(1, 'test', 'dropout');
const progress: TrainingProgress = {
  epoch: 3,
  batch: 17,
  step: 117,
  lossSum: 0.1 + 0.2,
  lossCount: 544,
  skippedSteps: 3,
  earlyStopping: { best: 0.7123456789012345, bestEpoch: 2, epochsWithout: 0 },
  random: { dropout: [...random.state()] },
};
const checkpoint: Checkpoint = {
  tensors: {
    'parameters/features.conv0.weight': { shape: [2, 2], data: Float32Array.of(0.1, -0, 1e-40, Infinity) },
    'moments/features.conv0.weight': { shape: [0], data: new Float32Array(0) },
    'parameters/scale': { shape: [], data: Float32Array.of(3) },
  },
  progress,
};

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'medfusion-checkpoint-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return join(path, 'checkpoint');
}
const diskFull: WriteContent = async (file, content) => {
  assert.ok(content instanceof Uint8Array);
  await file.writeFile(content.slice(0, content.length / 2));
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
};

test('a checkpoint comes back bit for bit, and its random stream goes on', async (t) => {
  const directory = await folder(t);
  assert.equal(await loadCheckpoint(directory, study), null);
  await saveCheckpoint(directory, checkpoint, study);
  const loaded = await loadCheckpoint(directory, study);
  assert.deepEqual(loaded, checkpoint);
  assert.deepEqual(await readdir(directory), ['checkpoint.safetensors']);

  const resumed = randomStream(99);
  resumed.restore(loaded?.progress.random.dropout ?? []);
  assert.equal(resumed.uint32(), random.uint32());
});

test('when the disk fills up the previous checkpoint stays valid and nothing else is left', async (t) => {
  const directory = await folder(t);
  await saveCheckpoint(directory, checkpoint, study);
  const later = { ...checkpoint, progress: { ...progress, epoch: 4 } };
  await assert.rejects(
    saveCheckpoint(directory, later, study, diskFull),
    (error) =>
      error instanceof DataError &&
      error.code === 'cannot-write' &&
      /got ENOSPC; free some space.*unchanged.*checkpoint\.safetensors/.test(error.message),
  );
  assert.deepEqual(await loadCheckpoint(directory, study), checkpoint);
  assert.deepEqual(await readdir(directory), ['checkpoint.safetensors']);
  await saveCheckpoint(directory, later, study);
  assert.deepEqual(await loadCheckpoint(directory, study), later);
});

test('a fault of our own while writing is passed on as it is', async (t) => {
  const directory = await folder(t);
  const broken: WriteContent = () => Promise.reject(new TypeError('broken'));
  await assert.rejects(saveCheckpoint(directory, checkpoint, study, broken), TypeError);
  assert.deepEqual(await readdir(directory), []);
});

test('what a killed run left half-written is neither read nor kept', async (t) => {
  const directory = await folder(t);
  await saveCheckpoint(directory, checkpoint, study);
  await writeFile(join(directory, '.checkpoint.safetensors.part'), 'half');
  assert.deepEqual(await loadCheckpoint(directory, study), checkpoint);
  await saveCheckpoint(directory, checkpoint, study);
  assert.deepEqual(await readdir(directory), ['checkpoint.safetensors']);
});

test('a changed study is refused with every key that changed', async (t) => {
  const directory = await folder(t);
  await saveCheckpoint(directory, checkpoint, study);
  const { name, ...nameless } = study;
  const changed = {
    ...nameless,
    training: { epochs: 9, optimizer: { learningRate: 0.1, momentum: 0.9 } },
    model: { modalities: ['image'] },
  };
  await assert.rejects(loadCheckpoint(directory, changed), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.path, 'name');
    assert.match(error.message, /got 4 changed keys: /);
    for (const part of [
      `name ("${name}", now absent)`,
      'training.epochs (5, now 9)',
      'training.optimizer.momentum (absent, now 0.9)',
      'model.modalities (["image","tabular"], now ["image"])',
    ]) {
      assert.ok(error.message.includes(part), `${error.message} lacks ${part}`);
    }
    return true;
  });
  const reordered = { ...study, training: { optimizer: { learningRate: 0.1 }, epochs: 5 } };
  assert.deepEqual(await loadCheckpoint(directory, reordered), checkpoint);
});

test('damaged and foreign files are refused by name', async (t) => {
  const directory = await folder(t);
  await saveCheckpoint(directory, checkpoint, study);
  const file = join(directory, 'checkpoint.safetensors');
  const whole = await readFile(file);
  const metadata = {
    format: 'medfusion-checkpoint-1',
    progress: JSON.stringify(progress),
    study: JSON.stringify(study),
  };
  const cases: [Uint8Array, RegExp][] = [
    [whole.subarray(0, whole.length - 1), /the file is truncated.*checkpoint\.safetensors/],
    [encodeSafetensors({}), /the format must be medfusion-checkpoint-1, got none/],
    [encodeSafetensors({}, { ...metadata, format: 'pt' }), /got pt/],
    [encodeSafetensors({}, { ...metadata, progress: '{' }), /its progress must be JSON/],
    [encodeSafetensors({}, { ...metadata, progress: '{"epoch":-1}' }), /its progress: /],
    [encodeSafetensors({ w: { shape: [1], data: Int32Array.of(1) } }, metadata), /"w" must be F32, got I32/],
  ];
  for (const [bytes, message] of cases) {
    await writeFile(file, bytes);
    await assert.rejects(
      loadCheckpoint(directory, study),
      (error) => error instanceof DataError && message.test(error.message),
      String(message),
    );
  }
});

test('progress that JSON cannot hold is not written', async (t) => {
  const directory = await folder(t);
  const undefinedLoss = { ...checkpoint, progress: { ...progress, lossSum: Number.NaN } };
  await assert.rejects(saveCheckpoint(directory, undefinedLoss, study), /internal: saveCheckpoint.*lossSum/s);
});
