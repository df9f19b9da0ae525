/** The embedding of a row's images against DenseNet's own pooling. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { compile, input } from '../../src/graph/index.js';
import {
  denseNet,
  denseNetConfigs,
  imageEmbedding,
  type MedFusionConfig,
  medFusionInputs,
} from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { Runtime } from '../../src/runtime/index.js';
import { everything, randomFeeds, randomStore } from './medfusionSample.js';

const [batch, slots, side] = [3, 2, 32];
const config: MedFusionConfig = {
  ...everything,
  image: { ...everything.image!, slots },
  tabular: null,
  text: null,
  branches: { cnn: true, transformer: false, temporal: false },
  interaction: false,
};

test('a row is embedded as the mean of its images, each pooled as DenseNet pools it', async () => {
  const runtime = await Runtime.open({ threads: 1 });
  const list = new ParameterList();
  const embedding = imageEmbedding(new Scope(list, false), medFusionInputs(config, batch), config);
  const width = embedding.shape[1];
  assert.ok([...list.entries.keys()].every((name) => name.startsWith('cnn.features.')));

  // With the identity for a classifier, DenseNet returns what it has pooled.
  const single = new ParameterList();
  const images = input('images', [batch * slots, 1, side, side]);
  const pooled = denseNet(new Scope(single, false).child('cnn'), images, denseNetConfigs.small, width);
  const store = randomStore(single);
  const identity = Float32Array.from({ length: width ** 2 }, (_, at) => Number(at % (width + 1) === 0));
  store.set('cnn.classifier.weight', identity, [width, width]);
  store.set('cnn.classifier.bias', new Float32Array(width), [width]);

  const feeds = randomFeeds(config, batch);
  const visitMask = Float32Array.of(1, 1, 0, 1, 0, 0);
  const embedder = await runtime.load(compile({ embedding }, runtime.emitOptions), store);
  const classifier = await runtime.load(compile({ pooled }, runtime.emitOptions), store);
  const got = (await embedder.run({ ...feeds, visitMask })).embedding;
  const each = (await classifier.run({ images: feeds.images })).pooled;
  const vector = (image: number) => each.subarray(image * width, (image + 1) * width);
  const expected = [
    ...vector(0).map((value, i) => (value + vector(1)[i]) / 2),
    ...vector(3),
    ...new Float32Array(width),
  ];
  assert.equal(got.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(got[i] - value) < 1e-5, `${i}: ${got[i]} is not ${value}`);
  });
});

test('a model without images or without its dense branch embeds nothing', () => {
  const blind = { ...config, image: null };
  const tokens = { ...config, branches: { cnn: false, transformer: true, temporal: false } };
  for (const other of [blind, tokens])
    assert.throws(
      () => imageEmbedding(new Scope(new ParameterList(), false), medFusionInputs(other, batch), other),
      ConfigError,
    );
});
