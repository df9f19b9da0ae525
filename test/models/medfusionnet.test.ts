/** What holds of the whole MedFusionNet, whatever it has learnt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { compile, constant, gradients, mul, size, sum } from '../../src/graph/index.js';
import {
  type DenseNetConfig,
  loadWeights,
  type MedFusionConfig,
  type MedFusionSize,
  medFusionInputs,
  medFusionNet,
  medFusionSizes,
  type StoredTensor,
  type VitConfig,
} from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { Runtime } from '../../src/runtime/index.js';
import { changed, everything, type Feeds, randomFeeds, randomStore } from './medfusionSample.js';

const opening = Runtime.open({ threads: 1 });
const batch = 4;
const { image, tabular, text } = everything;
const nothing = { image: null, tabular: null, text: null };

const configurations: Record<string, Partial<MedFusionConfig>> = {
  'everything, attention': {},
  'everything, concat': { fusion: 'concat' },
  'no pyramid': { pyramid: false },
  'no interaction': { interaction: false },
  'no temporal branch': { branches: { cnn: true, transformer: true, temporal: false } },
  'no class gate': { classGate: false },
  'concat, none of the switches': {
    fusion: 'concat',
    pyramid: false,
    interaction: false,
    classGate: false,
    branches: { cnn: true, transformer: true, temporal: false },
  },
  'images alone, one slot': { ...nothing, image: { ...image!, slots: 1 } },
  'images alone, two views': { ...nothing, image: { ...image!, slots: 2, channels: 3 } },
  'images alone, dense branch alone': {
    ...nothing,
    image: { ...image!, slots: 2 },
    branches: { cnn: true, transformer: false, temporal: true },
  },
  'images alone, token branch alone, no pyramid': {
    ...nothing,
    image: { ...image!, slots: 2 },
    branches: { cnn: false, transformer: true, temporal: false },
    pyramid: false,
  },
  'table alone': { ...nothing, tabular },
  'table alone, concat': { ...nothing, tabular, fusion: 'concat' },
  'numbers alone': { ...nothing, tabular: { numeric: 2, levels: [] } },
  'categories alone': { ...nothing, tabular: { numeric: 0, levels: [3] } },
  'notes alone': { ...nothing, text },
  'notes alone, concat': { ...nothing, text, fusion: 'concat' },
};

for (const [name, part] of Object.entries(configurations)) {
  test(`every parameter is trained: ${name}`, async () => {
    const config = { ...everything, ...part };
    const list = new ParameterList();
    const logits = medFusionNet(new Scope(list, true), medFusionInputs(config, batch), config);
    const random = randomStream(1, 'cotangents');
    const weights = Float32Array.from({ length: size(logits.shape) }, () => random.normal());
    const entries = list.trainable();
    const derivatives = gradients(
      sum(mul(logits, constant(weights, logits.shape))),
      entries.map(([, { tensor }]) => tensor),
    );
    const runtime = await opening;
    const outputs = Object.fromEntries(entries.map(([key], i) => [`d ${key}`, derivatives[i]]));
    const program = compile(outputs, runtime.emitOptions);
    const executable = await runtime.load(program, randomStore(list));
    const results = await executable.run(pick(randomFeeds(config, batch), program.inputs));
    await executable.release();
    const untrained = Object.keys(outputs).filter((key) => !(largest(results[key]) > 1e-7));
    assert.deepEqual(untrained, []);
  });
}

/** The inputs that a program reads. */
function pick(feeds: Feeds, inputs: readonly { readonly name: string }[]): Feeds {
  return Object.fromEntries(inputs.map(({ name }) => [name, feeds[name]]));
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Logits [batch, label] in evaluation mode of a network with fixed random weights. */
async function predictor(config: MedFusionConfig) {
  const runtime = await opening;
  const list = new ParameterList();
  const logits = medFusionNet(new Scope(list, false), medFusionInputs(config, batch), config);
  const executable = await runtime.load(compile({ logits }, runtime.emitOptions), randomStore(list));
  return async (feeds: Feeds) => (await executable.run(feeds)).logits;
}

for (const fusion of ['attention', 'concat'] as const) {
  const config: MedFusionConfig = { ...everything, fusion };
  const { slots, side } = config.image!;
  const feeds = randomFeeds(config, batch);
  const ready = predictor(config);
  const rowOf = (logits: Float32Array, row: number) =>
    logits.slice(row * config.labels, (row + 1) * config.labels);
  /** Which rows get other logits when one input changes in a range of its elements. */
  const moved = async (name: string, from: number, to: number, base: Feeds = feeds, value?: number) => {
    const predict = await ready;
    const [before, after] = [await predict(base), await predict(changed(base, name, from, to, value))];
    return Array.from({ length: batch }, (_, row) => row).filter(
      (row) => String(rowOf(before, row)) !== String(rowOf(after, row)),
    );
  };
  const perRow = (name: string) => feeds[name].length / batch;

  test(`${fusion}: pixels, time and view of a masked visit change nothing, those of a visit do`, async () => {
    assert.equal(feeds.visitMask[slots - 1], 0);
    assert.equal(feeds.visitMask[slots - 2], 1);
    for (const [name, width] of [
      ['images', side * side],
      ['visitTime', 1],
      ['visitView', 1],
    ] as const) {
      assert.deepEqual(await moved(name, (slots - 1) * width, slots * width), [], name);
      assert.deepEqual(await moved(name, (slots - 2) * width, (slots - 1) * width), [0], name);
    }
  });

  test(`${fusion}: a masked word piece and the value of a missing number change nothing`, async () => {
    const { tokens } = config.text!;
    assert.deepEqual(await moved('textIds', tokens - 1, tokens), []);
    assert.deepEqual(await moved('textIds', tokens - 2, tokens - 1), [0]);
    assert.equal(feeds.numericMissing[0], 1);
    assert.deepEqual(await moved('numeric', 0, 1), []);
    assert.deepEqual(await moved('numeric', 1, 2), [0]);
  });

  test(`${fusion}: a modality that is hidden from a row has no say, and the others keep theirs`, async () => {
    const inputsOf = [
      ['images', 'visitTime', 'visitView', 'visitMask'],
      ['numeric', 'numericMissing', 'categorical'],
      ['textIds', 'textMask'],
    ];
    for (const hidden of inputsOf.keys()) {
      assert.deepEqual(await moved('present', hidden, hidden + 1, feeds, 0), [0], inputsOf[hidden][0]);
      const without = changed(feeds, 'present', hidden, hidden + 1, 0);
      for (const [modality, names] of inputsOf.entries()) {
        for (const name of names) {
          const rows = await moved(name, 0, perRow(name), without);
          assert.deepEqual(rows, modality === hidden ? [] : [0], `${name} without ${inputsOf[hidden][0]}`);
        }
      }
    }
  });

  test(`${fusion}: a row without anything gets finite logits`, async () => {
    const predict = await ready;
    const bare = changed(changed(feeds, 'present', 0, 3, 0), 'visitMask', 0, slots, 0);
    assert.ok((await predict(changed(bare, 'textMask', 0, perRow('textMask'), 0))).every(Number.isFinite));
  });

  test(`${fusion}: rows of a batch do not see each other`, async () => {
    const predict = await ready;
    const other = randomFeeds(config, batch, 2);
    const mixed: Feeds = Object.fromEntries(
      Object.entries(feeds).map(([name, values]) => {
        const joined = values.slice();
        joined.set(other[name].subarray(perRow(name)), perRow(name));
        return [name, joined];
      }),
    );
    const [before, after] = [await predict(feeds), await predict(mixed)];
    assert.deepEqual(rowOf(after, 0), rowOf(before, 0));
    for (let row = 1; row < batch; row++) assert.notDeepEqual(rowOf(after, row), rowOf(before, row));
  });
}

test('an older visit counts: another earlier image changes the logits of its row alone', async () => {
  const config: MedFusionConfig = { ...everything, ...nothing, image: { ...image!, slots: 3 } };
  const feeds = randomFeeds(config, batch);
  feeds.visitMask.fill(1);
  const predict = await predictor(config);
  const area = image!.side ** 2;
  const [before, after] = [await predict(feeds), await predict(changed(feeds, 'images', 2 * area, 3 * area))];
  assert.notDeepEqual(after.slice(0, 3), before.slice(0, 3));
  assert.deepEqual(after.slice(3), before.slice(3));
});

test('mirrored inference is the mean of the images and of their mirror images', async () => {
  const feeds = randomFeeds(everything, batch);
  const { side } = image!;
  const mirrored = feeds.images.map(
    (_, i) => feeds.images[i - (i % side) + (side - 1 - (i % side))],
  ) as Float32Array;
  const plain = await predictor(everything);
  const [straight, flipped] = [await plain(feeds), await plain({ ...feeds, images: mirrored })];
  assert.notDeepEqual(straight, flipped);
  const both = await predictor({ ...everything, image: { ...image!, mirror: true } });
  (await both(feeds)).forEach((logit, i) => {
    const mean = (straight[i] + flipped[i]) / 2;
    assert.ok(Math.abs(logit - mean) < 1e-5, `logit ${i} is ${logit} instead of ${mean}`);
  });
});

/** Names and shapes of torchvision's DenseNet without its classifier, written out from its published state dict. */
function torchvisionFeatures({ growth, blocks, stemChannels }: DenseNetConfig, channels: number) {
  const entries: Record<string, number[]> = {};
  const norm = (name: string, width: number) => {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
      entries[`${name}.${part}`] = [width];
  };
  entries['features.conv0.weight'] = [stemChannels, channels, 7, 7];
  norm('features.norm0', stemChannels);
  let width = stemChannels;
  blocks.forEach((layers, i) => {
    for (let layer = 1; layer <= layers; layer++) {
      const at = `features.denseblock${i + 1}.denselayer${layer}`;
      norm(`${at}.norm1`, width);
      entries[`${at}.conv1.weight`] = [4 * growth, width, 1, 1];
      norm(`${at}.norm2`, 4 * growth);
      entries[`${at}.conv2.weight`] = [growth, 4 * growth, 3, 3];
      width += growth;
    }
    if (i === blocks.length - 1) return;
    norm(`features.transition${i + 1}.norm`, width);
    entries[`features.transition${i + 1}.conv.weight`] = [Math.floor(width / 2), width, 1, 1];
    width = Math.floor(width / 2);
  });
  norm('features.norm5', width);
  return entries;
}

/** Names and shapes of timm's vision transformer without its head. */
function timmFeatures({ patch, width, depth }: VitConfig, channels: number, side: number) {
  const entries: Record<string, number[]> = {
    cls_token: [1, 1, width],
    pos_embed: [1, 1 + (side / patch) ** 2, width],
    'patch_embed.proj.weight': [width, channels, patch, patch],
    'patch_embed.proj.bias': [width],
    'norm.weight': [width],
    'norm.bias': [width],
  };
  for (let i = 0; i < depth; i++) {
    for (const [name, shape] of Object.entries({
      norm1: [width],
      'attn.qkv': [3 * width, width],
      'attn.proj': [width, width],
      norm2: [width],
      'mlp.fc1': [4 * width, width],
      'mlp.fc2': [width, 4 * width],
    })) {
      entries[`blocks.${i}.${name}.weight`] = shape;
      entries[`blocks.${i}.${name}.bias`] = [shape[0]];
    }
  }
  return entries;
}

const count = (entries: Record<string, readonly number[]>) =>
  Object.entries(entries).reduce(
    (total, [name, shape]) => (name.includes('running_') ? total : total + size(shape)),
    0,
  );

for (const [name, sizes] of Object.entries(medFusionSizes) as [MedFusionConfig['size'], MedFusionSize][]) {
  test(`${name}: both image branches are the published networks, by name and shape`, () => {
    const side = name === 'base' ? 224 : 64;
    const config: MedFusionConfig = {
      ...everything,
      size: name,
      image: { ...image!, side, channels: 3 },
    };
    const list = new ParameterList();
    medFusionNet(new Scope(list, true), medFusionInputs(config, 2), config);
    const under = (prefix: string) =>
      Object.fromEntries(
        [...list.entries]
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, { shape }]) => [key.slice(prefix.length), [...shape]]),
      );
    const [cnn, transformer] = [under('cnn.'), under('transformer.')];
    assert.deepEqual(cnn, torchvisionFeatures(sizes.cnn, 3));
    assert.deepEqual(transformer, timmFeatures(sizes.transformer, 3, side));
    if (name !== 'base') return;
    // torchvision's densenet121.features and timm's deit_small_patch16_224 without its head of 385,000.
    assert.equal(count(cnn), 6_953_856);
    assert.equal(count(transformer), 22_050_664 - 385_000);
  });
}

test('published weights of both branches load under their names', () => {
  const list = new ParameterList();
  medFusionNet(new Scope(list, true), medFusionInputs(everything, 2), everything);
  const store = randomStore(list);
  const { cnn, transformer } = medFusionSizes.nano;
  const published: Record<string, StoredTensor> = {};
  let value = 0;
  for (const [prefix, entries] of [
    ['cnn.', torchvisionFeatures(cnn, 1)],
    ['transformer.', timmFeatures(transformer, 1, 32)],
  ] as const) {
    for (const [key, shape] of Object.entries(entries)) {
      const data = new Float32Array(size(shape)).fill(++value);
      published[prefix + key] = { shape, dtype: 'F32', data };
    }
  }
  const { matched, missing, unexpected } = loadWeights(store, published, list);
  assert.deepEqual(unexpected, []);
  assert.deepEqual([...matched].sort(), Object.keys(published).sort());
  assert.deepEqual(
    missing.filter((key) => /^(cnn|transformer)\./.test(key)),
    [],
  );
  for (const [key, { data }] of Object.entries(published)) assert.deepEqual(store.get(key).values, data, key);
});

test('a configuration that leaves nothing to look at is refused', () => {
  const refuse = (part: Partial<MedFusionConfig>, message: RegExp) => {
    const config = { ...everything, ...part };
    assert.throws(
      () => medFusionNet(new Scope(new ParameterList(), true), medFusionInputs(config, 2), config),
      (error) =>
        error instanceof ConfigError && message.test(error.message) && error.path === 'model.branches',
    );
  };
  refuse(nothing, /no branch is left/);
  const branches = { cnn: false, transformer: false, temporal: true };
  refuse({ branches }, /images need model\.branches\.cnn or model\.branches\.transformer/);
});
