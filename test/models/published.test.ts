/** Published architectures at full size: PyTorch's names, shapes, counts, logits and gradients from the same weights. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  compile,
  gradients,
  input,
  mul,
  size,
  sqrt,
  square,
  sum,
  type Tensor,
} from '../../src/graph/index.js';
import {
  type ConvNextConfig,
  convNext,
  convNextConfigs,
  decodeSafetensors,
  denseNet,
  denseNetConfigs,
  inceptionResnetV2,
  loadPublished,
  type ResNetConfig,
  resNet,
  resNetConfigs,
  type StoredTensor,
  timmConvNext,
  torchvisionVit,
  vit,
  vitConfigs,
} from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { ParameterStore, Runtime } from '../../src/runtime/index.js';
import { portableValues } from './portableValues.js';

interface Golden {
  readonly side: number;
  readonly count: number;
  /** Shape and, of a parameter, the norm of its gradient. */
  readonly tensors: Readonly<Record<string, readonly [readonly number[], number?]>>;
}
const folder = 'test/golden/torchvision';
const golden = JSON.parse(readFileSync(`${folder}/full.json`, 'utf8')) as {
  readonly models: Readonly<Record<string, Golden>>;
  readonly families: Readonly<Record<string, { readonly count: number; readonly sha256: string }>>;
};
const logitsOf = decodeSafetensors(readFileSync(`${folder}/full.safetensors`)).tensors;

type Model = (scope: Scope, x: Tensor) => Tensor;
const classes = 1000;
const ofResNet =
  (config: ResNetConfig): Model =>
  (scope, x) =>
    resNet(scope, x, config, classes);
const ofConvNext =
  (config: ConvNextConfig): Model =>
  (scope, x) =>
    convNext(scope, x, config, classes);
const denseNet121: Model = (scope, x) => denseNet(scope, x, denseNetConfigs.densenet121, classes);

const models: Record<string, Model> = {
  resnet18: ofResNet(resNetConfigs.resnet18),
  resnet50: ofResNet(resNetConfigs.resnet50),
  convnext_tiny: ofConvNext(convNextConfigs.convnext_tiny),
  densenet121: denseNet121,
  'deit-s': (scope, x) => vit(scope, x, vitConfigs['deit-s'], classes),
  'vit-b': (scope, x) => vit(scope, x, vitConfigs['vit-b'], classes, torchvisionVit),
  inception_resnet_v2: (scope, x) => inceptionResnetV2(scope, x, classes),
};

const families: Record<string, Model> = {
  ...Object.fromEntries(Object.entries(resNetConfigs).map(([name, config]) => [name, ofResNet(config)])),
  ...Object.fromEntries(Object.entries(convNextConfigs).map(([name, config]) => [name, ofConvNext(config)])),
  densenet121: denseNet121,
};

const opening = Runtime.open({ threads: 2 });

function build(model: Model, side: number) {
  const list = new ParameterList();
  const logits = model(new Scope(list, false), input('x', [2, 3, side, side]));
  return { list, logits };
}

test('every golden model has its counterpart here', () => {
  assert.deepEqual(Object.keys(models).sort(), Object.keys(golden.models).sort());
  assert.deepEqual(Object.keys(families).sort(), Object.keys(golden.families).sort());
});

for (const [name, model] of Object.entries(models)) {
  const { side, count, tensors } = golden.models[name];

  test(`${name}: names, shapes and number of parameters are PyTorch's`, () => {
    const { list } = build(model, side);
    const shapes = Object.fromEntries([...list.entries].map(([key, { shape }]) => [key, [...shape]]));
    assert.deepEqual(
      shapes,
      Object.fromEntries(Object.entries(tensors).map(([key, [shape]]) => [key, shape])),
    );
    assert.deepEqual(
      list
        .trainable()
        .map(([key]) => key)
        .sort(),
      Object.keys(tensors)
        .filter((key) => tensors[key].length === 2)
        .sort(),
    );
    assert.equal(list.count(), count);
  });

  test(`${name}: logits and the norm of every parameter's gradient are PyTorch's`, async () => {
    const runtime = await opening;
    const { list, logits } = build(model, side);
    const direction = input('direction', [2, classes]);
    const entries = list.trainable();
    const derivatives = gradients(
      sum(mul(logits, direction)),
      entries.map(([, { tensor }]) => tensor),
    );
    const norms = entries.map(([key], i) => [`norm/${key}`, sqrt(sum(square(derivatives[i])))] as const);
    const store = new ParameterStore();
    for (const [key, { shape }] of list.entries) store.set(key, portableValues(key, shape), shape);
    const program = compile({ logits, ...Object.fromEntries(norms) }, runtime.emitOptions);
    const executable = await runtime.load(program, store);
    const got = await executable.run({
      x: portableValues('input', [2, 1, 3 * side * side]).map((value) => 2 * value),
      direction: portableValues('direction', [2, 1, classes]),
    });
    await executable.release();

    const expected = logitsOf[name].data as Float32Array;
    const scale = Math.max(...expected.map(Math.abs));
    const worst = got.logits.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    assert.ok(worst < 1e-4 * Math.max(1, scale), `logits differ by ${worst} of ${scale}`);
    const total = Math.hypot(...entries.map(([key]) => tensors[key][1]!));
    for (const [key] of entries) {
      const [norm] = got[`norm/${key}`];
      const wanted = tensors[key][1]!;
      assert.ok(Math.abs(norm - wanted) <= 1e-3 * wanted + 1e-6 * total, `${key}: ${norm}, not ${wanted}`);
    }
  });
}

for (const [name, model] of Object.entries(families)) {
  test(`${name}: names and shapes of the whole family are torchvision's`, () => {
    const { list } = build(model, 64);
    const lines = [...list.entries].map(([key, { shape }]) => `${key} [${shape}]`).sort();
    assert.equal(list.count(), golden.families[name].count);
    const sha256 = createHash('sha256').update(lines.join('\n')).digest('hex');
    assert.equal(sha256, golden.families[name].sha256);
  });
}

test('Inception-ResNet-v2 has the trained values of Keras’s and the scales of batch norm that Keras leaves out', () => {
  const { list } = build(models.inception_resnet_v2, 299);
  const scales = list.trainable().filter(([key]) => key.endsWith('.bn.weight'));
  const count = scales.reduce((sum, [, { shape }]) => sum + shape[0], 0);
  // keras.applications.InceptionResNetV2().summary(): 55,813,192 trainable, 60,544 not, which are means and variances.
  assert.equal(list.count() - count, 55_813_192);
  assert.equal(2 * count, 60_544);
});

test('ConvNeXt under timm’s names is the same network', async () => {
  const config = { depths: [1, 2], widths: [8, 16] };
  const runtime = await opening;
  const run = async (names: typeof timmConvNext | undefined) => {
    const list = new ParameterList();
    const logits = convNext(new Scope(list, false), input('x', [2, 3, 32, 32]), config, 5, names);
    const store = new ParameterStore();
    [...list.entries].forEach(([key, { shape }], i) => {
      store.set(key, portableValues(`${i}`, [1, 1, shape.reduce((a, b) => a * b, 1)]), shape);
    });
    const executable = await runtime.load(compile({ logits }), store);
    const got = await executable.run({ x: portableValues('input', [2, 1, 3 * 32 * 32]) });
    await executable.release();
    return { names: [...list.entries.keys()], logits: got.logits };
  };
  const [ours, timm] = [await run(undefined), await run(timmConvNext)];
  assert.deepEqual(timm.logits, ours.logits);
  assert.deepEqual(timm.names.slice(0, 4), ['stem.0.weight', 'stem.0.bias', 'stem.1.weight', 'stem.1.bias']);
  for (const key of [
    'stages.1.downsample.1.weight',
    'stages.1.blocks.1.gamma',
    'stages.0.blocks.0.mlp.fc2.bias',
    'head.fc.weight',
  ])
    assert.ok(timm.names.includes(key), key);
});

/** Tensors of a network as they would be published, for three channels. */
function publishedFile(model: Model, side: number): Record<string, StoredTensor> {
  return Object.fromEntries(
    [...build(model, side).list.entries].map(([key, { shape }]) => [
      key,
      { shape, dtype: 'F32', data: portableValues(key, shape) },
    ]),
  );
}

const few = 5;
const smallVit = { patch: 16, width: 8, depth: 1, heads: 2 };
const others: Record<string, { published: Model; own: Model; first: string; head: string }> = {
  resnet18: {
    published: models.resnet18,
    own: (scope, x) => resNet(scope, x, resNetConfigs.resnet18, few),
    first: 'conv1.weight',
    head: 'fc',
  },
  convnext: {
    published: (scope, x) => convNext(scope, x, { depths: [1], widths: [8] }, classes),
    own: (scope, x) => convNext(scope, x, { depths: [1], widths: [8] }, few),
    first: 'features.0.0.weight',
    head: 'classifier.2',
  },
  vit: {
    published: (scope, x) => vit(scope, x, smallVit, classes, torchvisionVit),
    own: (scope, x) => vit(scope, x, smallVit, few, torchvisionVit),
    first: 'conv_proj.weight',
    head: 'heads.head',
  },
};
for (const [name, { published, own, first, head }] of Object.entries(others)) {
  test(`${name}: a grey model of other classes takes published weights, all but the classifier`, () => {
    const list = new ParameterList();
    own(new Scope(list, false), input('x', [1, 1, 32, 32]));
    const store = new ParameterStore();
    for (const [key, { shape }] of list.entries) store.set(key, new Float32Array(size(shape)), shape);
    const { matched, missing, unexpected, adapted } = loadPublished(
      store,
      publishedFile(published, 64),
      list,
    );
    assert.deepEqual(
      [missing, unexpected].map((keys) => [...keys].sort()),
      [
        [`${head}.bias`, `${head}.weight`],
        [`${head}.bias`, `${head}.weight`],
      ],
    );
    assert.equal(matched.length, list.entries.size - 2);
    assert.equal(adapted.get(first), 'summed over three channels');
    const positions = adapted.get('encoder.pos_embedding');
    assert.equal(positions, name === 'vit' ? 'resampled from 4 × 4 to 2 × 2 patches' : undefined);
    assert.ok(store.get(first).values.every((value) => value !== 0));
    assert.ok(store.get(`${head}.weight`).values.every((value) => value === 0));
  });
}
