/** torchvision's DenseNet and VisionTransformer, small: PyTorch's numbers from the same weights under the same names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DataError } from '../../src/errors.js';
import {
  decodeSafetensors,
  denseNet,
  loadWeights,
  type StoredTensor,
  toFloat32,
  torchvisionVit,
  vit,
} from '../../src/models/index.js';
import type { OptimizerOptions } from '../../src/train/index.js';
import { type Model, Trainer } from '../train/trainer.js';

const folder = 'test/golden/torchvision';
const settings = JSON.parse(readFileSync(`${folder}/settings.json`, 'utf8')) as {
  steps: number;
  weightDecay: number;
  clip: number;
  adamw: { learningRate: number; beta1: number; beta2: number };
  sgd: { learningRate: number; momentum: number };
};
const read = (name: string) => decodeSafetensors(readFileSync(`${folder}/${name}.safetensors`)).tensors;

const classes = 3;
const models: Record<string, { model: Model; side: number; free: (name: string, index: number) => boolean }> =
  {
    densenet: {
      model: (scope, x) => denseNet(scope, x, { growth: 4, blocks: [2, 2, 2, 2], stemChannels: 8 }, classes),
      side: 32,
      free: () => false,
    },
    vit: {
      model: (scope, x) =>
        vit(scope, x, { patch: 4, width: 16, depth: 2, heads: 2 }, classes, torchvisionVit),
      side: 16,
      // Softmax does not see a bias of the keys: its derivative is rounding, which AdamW turns into steps of any sign.
      free: (name, index) => name.endsWith('in_proj_bias') && index >= 16 && index < 32,
    },
  };

const optimizers: Record<'adamw' | 'sgd', OptimizerOptions> = {
  adamw: { name: 'adamw', weightDecay: settings.weightDecay, ...settings.adamw },
  sgd: { name: 'sgd', weightDecay: settings.weightDecay, nesterov: true, ...settings.sgd },
};

/** Largest difference over the expected tensor's largest magnitude. */
function relativeError(
  got: Float32Array,
  expected: Float32Array,
  skip: (index: number) => boolean = () => false,
): number {
  assert.equal(got.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  let worst = 0;
  got.forEach((value, i) => {
    // Not `Math.max`: NaN has to count as an error.
    const error = Math.abs(value - expected[i]);
    if (!skip(i) && !(error <= worst)) worst = error;
  });
  return worst / scale;
}

for (const [name, { model, side, free }] of Object.entries(models)) {
  const weights = read(name);
  const golden = Object.fromEntries(
    Object.entries(read(`${name}.gradients`)).map(([key, tensor]) => [key, toFloat32(tensor, key)]),
  );
  const feeds = { x: golden.x, targets: golden.targets, mask: golden.mask };
  const close = (
    got: Float32Array,
    expected: Float32Array,
    what: string,
    skip?: (index: number) => boolean,
  ) => {
    const error = relativeError(got, expected, skip);
    assert.ok(error < 1e-4, `${what}: relative error ${error}`);
  };
  const trainerWith = (optimizer: OptimizerOptions) =>
    Trainer.create(
      {
        model,
        side,
        classes,
        batch: 8,
        update: { optimizer, clip: settings.clip, average: false, accumulate: 1 },
      },
      (store, list) => {
        const { matched, missing, unexpected } = loadWeights(store, weights, list);
        assert.deepEqual([missing, unexpected], [[], []]);
        assert.equal(matched.length, list.entries.size);
      },
    );

  test(`${name}: logits and the gradient of every parameter are PyTorch's`, async () => {
    const trainer = await trainerWith(optimizers.adamw);
    close(await trainer.predict(golden.x), golden['logits.evaluation'], 'logits in evaluation mode');
    const got = await trainer.differentiate(feeds);
    close(got.logits, golden['logits.training'], 'logits in training mode');
    close(got.loss, golden.loss, 'loss');
    const expected = Object.keys(golden).filter((key) => key.startsWith('gradient/'));
    assert.deepEqual(
      Object.keys(got)
        .filter((key) => key.startsWith('gradient/'))
        .sort(),
      expected.sort(),
    );
    for (const key of expected) close(got[key], golden[key], key);
  });

  const buffers = Object.keys(golden).filter((key) => key.startsWith('buffer/'));
  if (buffers.length > 0) {
    test(`${name}: one step moves the running statistics as PyTorch does`, async () => {
      const trainer = await trainerWith(optimizers.adamw);
      await trainer.train(feeds);
      assert.equal(buffers.length, trainer.layout.buffers?.members.length);
      for (const key of buffers)
        close(trainer.store.get(key.slice('buffer/'.length)).values, golden[key], key);
    });
  }

  for (const [optimizerName, optimizer] of Object.entries(optimizers)) {
    test(`${name}: ten steps of ${optimizerName} end at PyTorch's parameters`, async () => {
      const trained = read(`${name}.trained`);
      const trainer = await trainerWith(optimizer);
      for (let step = 0; step < settings.steps; step++) await trainer.train(feeds);
      for (const key of trainer.list.entries.keys()) {
        const expected = toFloat32(trained[`${optimizerName}/${key}`], key);
        close(trainer.store.get(key).values, expected, key, (index) => free(key, index));
      }
      const logits = toFloat32(trained[`${optimizerName}/logits.evaluation`], 'logits');
      close(await trainer.predict(golden.x), logits, 'logits with the running statistics');
    });
  }
}

test('weights that do not fit are named, and the store stays as it was', async () => {
  const { model, side } = models.vit;
  const trainer = await Trainer.create({
    model,
    side,
    classes,
    batch: 8,
    update: { optimizer: optimizers.sgd, clip: null, average: false, accumulate: 1 },
  });
  const { store, list } = trainer;
  const before = store.get('conv_proj.weight').values.slice();
  const weights: Record<string, StoredTensor> = { ...read('vit') };
  const head = weights['heads.head.weight'];
  const wrong = { ...weights, 'heads.head.weight': { ...head, shape: [16, 3] } };
  assert.throws(
    () => loadWeights(store, wrong, list),
    (error) =>
      error instanceof DataError &&
      error.code === 'weight-shape' &&
      /"heads\.head\.weight" must have shape \[3,16\], got \[16,3\]/.test(error.message),
  );
  assert.deepEqual(store.get('conv_proj.weight').values, before);

  delete weights['heads.head.weight'];
  weights.extra = head;
  weights['norm.num_batches_tracked'] = { shape: [], dtype: 'I64', data: BigInt64Array.of(3n) };
  const { matched, missing, unexpected } = loadWeights(store, weights, list);
  assert.deepEqual([missing, unexpected], [['heads.head.weight'], ['extra']]);
  assert.equal(matched.length, list.entries.size - 1);
  assert.deepEqual(store.get('conv_proj.weight').values, weights['conv_proj.weight'].data);
});
