/** Published weights in MedFusionNet's image branches, at the size of nano: the path is that of base. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DataError } from '../../src/errors.js';
import { compile, input, type Tensor } from '../../src/graph/index.js';
import {
  type BranchModel,
  decodeSafetensors,
  denseNet,
  encodeSafetensors,
  type ImageBranch,
  medFusionSizes,
  type NamedWeights,
  publishedBranch,
  publishedTensors,
  resizePositions,
  type StoredTensor,
  timmVit,
  torchvisionVit,
  vit,
} from '../../src/models/index.js';
import { imageBranches } from '../../src/models/medfusionnet/imageBranches.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { ParameterStore, Runtime } from '../../src/runtime/index.js';
import { portableValues } from './portableValues.js';

type Tensors = Record<string, StoredTensor>;
type Network = (scope: Scope, x: Tensor) => Tensor;

const { cnn, transformer } = medFusionSizes.nano;
const classes = 5;
const published: Record<string, Network> = {
  cnn: (scope, x) => denseNet(scope, x, cnn, classes),
  timm: (scope, x) => vit(scope, x, transformer, classes, timmVit),
  torchvision: (scope, x) => vit(scope, x, transformer, classes, torchvisionVit),
};
const model: BranchModel = { size: 'nano', image: { side: 64, channels: 3 } };
const grey: BranchModel = { size: 'nano', image: { side: 64, channels: 1 } };

/** A published file of a network, at an image side. */
function file(network: Network, side = 64): Tensors {
  const list = new ParameterList();
  network(new Scope(list, false), input('x', [1, 3, side, side]));
  return Object.fromEntries(
    [...list.entries].map(([name, { shape }]) => [
      name,
      { shape, dtype: 'F32', data: portableValues(name, shape) },
    ]),
  );
}

async function run(output: Tensor, store: ParameterStore): Promise<Float32Array> {
  const runtime = await Runtime.open({ threads: 1 });
  const executable = await runtime.load(compile({ output }), store);
  const x = portableValues('input', [2, 1, 3 * 64 * 64]).map((value) => 2 * value);
  const result = await executable.run({ x });
  await executable.release();
  return result.output;
}

/** The branch's pooled features of two images of 64 px, alone. */
function branchFeatures(
  branch: ImageBranch,
  size: BranchModel['size'],
  weights: NamedWeights,
): Promise<Float32Array> {
  const store = new ParameterStore();
  for (const [name, { shape, values }] of weights) store.set(name, values, shape);
  const branches = { cnn: branch === 'cnn', transformer: branch === 'transformer', temporal: false };
  const config = { size, branches, interaction: false, dropout: 0, stochasticDepth: 0 };
  const scope = new Scope(new ParameterList(), false);
  return run(imageBranches(scope, input('x', [2, 3, 64, 64]), config).pooled, store);
}

/** The file's own classifier, [class, width], over features [2, width]. */
function classify(features: Float32Array, tensors: Tensors): Float64Array {
  const head = Object.keys(tensors).filter((name) => /^(classifier|head)/.test(name));
  const [w, b] = ['weight', 'bias'].map(
    (end) => tensors[head.find((name) => name.endsWith(end))!].data as Float32Array,
  );
  const [width, outputs] = [features.length / 2, b.length];
  return Float64Array.from({ length: 2 * outputs }, (_, i) => {
    const [row, label] = [Math.floor(i / outputs), i % outputs];
    let sum = b[label];
    for (let j = 0; j < width; j++) sum += w[label * width + j] * features[row * width + j];
    return sum;
  });
}

function closeTo(got: Float64Array, expected: Float32Array): void {
  assert.equal(got.length, expected.length);
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-4, `${i}: ${value}, not ${expected[i]}`);
  });
}

const fails = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof DataError && error.code === code && message.test(error.message);

interface PositionCase {
  readonly from: number;
  readonly to: number;
  readonly values: readonly number[];
}

test('position embeddings are resampled as torch’s bicubic interpolation does', () => {
  const golden = JSON.parse(readFileSync('test/golden/torchvision/positions.json', 'utf8')) as {
    width: number;
    cases: PositionCase[];
  };
  for (const { from, to, values } of golden.cases) {
    const given = portableValues(`positions.${from}`, [1, 1 + from ** 2, golden.width]);
    const got = resizePositions(given, golden.width, from, to);
    assert.equal(got.length, values.length);
    got.forEach((value, i) => {
      assert.ok(Math.abs(value - values[i]) < 1e-6, `${from} to ${to}, ${i}: ${value}, not ${values[i]}`);
    });
    assert.deepEqual(resizePositions(given, golden.width, from, from), given);
  }
});

const branchOf = { cnn: 'cnn', timm: 'transformer', torchvision: 'transformer' } as const;
for (const [kind, network] of Object.entries(published) as [keyof typeof branchOf, Network][]) {
  const branch: ImageBranch = branchOf[kind];

  test(`${kind}: a branch with published weights computes what the published network does`, async () => {
    const tensors = file(network);
    const { weights, matched, adapted, missing, unexpected } = publishedBranch(branch, tensors, model);
    assert.deepEqual([adapted, missing], [[], []]);
    assert.equal(matched.length + unexpected.length, Object.keys(tensors).length);
    assert.ok(unexpected.length === 2 && unexpected.every((name) => /classifier|head/.test(name)));

    const x = input('x', [2, 3, 64, 64]);
    const whole = new ParameterStore();
    for (const [name, { shape, data }] of Object.entries(tensors))
      whole.set(name, data as Float32Array, shape);
    const logits = await run(network(new Scope(new ParameterList(), false), x), whole);
    closeTo(classify(await branchFeatures(branch, 'nano', weights), tensors), logits);
  });

  test(`${kind}: what is written under published names loads again, bit for bit`, () => {
    const names = kind === 'torchvision' ? torchvisionVit : timmVit;
    const tensors = file(network);
    const { weights, matched } = publishedBranch(branch, tensors, model);
    const written = decodeSafetensors(
      encodeSafetensors(publishedTensors(branch, weights, model, names)),
    ).tensors;
    assert.equal(Object.keys(written).length, matched.length);
    for (const [name, tensor] of Object.entries(written)) assert.deepEqual(tensor, tensors[name], name);
    assert.deepEqual(publishedBranch(branch, written, model).weights, weights);
  });

  test(`${kind}: for one channel the first convolution is summed over three`, () => {
    const tensors = file(network);
    const first = Object.keys(tensors).find((name) => tensors[name].shape.length === 4)!;
    const { weights, adapted } = publishedBranch(branch, tensors, grey);
    assert.equal(adapted.length, 1);
    assert.match(adapted[0], /summed over three channels/);
    const { shape, values } = [...weights.values()].find((value) => value.shape.length === 4)!;
    const [out, , rows, columns] = shape;
    assert.deepEqual([...shape], [tensors[first].shape[0], 1, rows, columns]);
    const colour = tensors[first].data as Float32Array;
    for (let o = 0; o < out; o++)
      for (let cell = 0; cell < rows * columns; cell++) {
        const sum = [0, 1, 2].reduce((total, c) => total + colour[(o * 3 + c) * rows * columns + cell], 0);
        assert.equal(values[o * rows * columns + cell], Math.fround(sum));
      }
    const back = publishedTensors(branch, weights, grey);
    assert.throws(
      () => publishedBranch(branch, asStored(back), model),
      fails('weight-shape', /three channels/),
    );
  });
}

const full = JSON.parse(readFileSync('test/golden/torchvision/full.json', 'utf8')) as {
  models: Record<string, { tensors: Record<string, [number[], number?]> }>;
};
const logitsOf = decodeSafetensors(readFileSync('test/golden/torchvision/full.safetensors')).tensors;

for (const [branch, name] of [
  ['cnn', 'densenet121'],
  ['transformer', 'deit-s'],
] as const) {
  test(`base takes ${name} whole, and computes PyTorch's logits with it`, async () => {
    const tensors: Tensors = Object.fromEntries(
      Object.entries(full.models[name].tensors).map(([key, [shape]]) => [
        key,
        { shape, dtype: 'F32', data: portableValues(key, shape) },
      ]),
    );
    const base: BranchModel = { size: 'base', image: { side: 64, channels: 3 } };
    const { weights, adapted, missing, unexpected } = publishedBranch(branch, tensors, base);
    assert.deepEqual([adapted, missing, unexpected.length], [[], [], 2]);
    const features = await branchFeatures(branch, 'base', weights);
    closeTo(classify(features, tensors), logitsOf[name].data as Float32Array);
    assert.throws(
      () => publishedBranch(branch, tensors, { ...base, size: 'tiny' }),
      fails('weight-shape', /model\.size base/),
    );
  });
}

function asStored(tensors: Parameters<typeof encodeSafetensors>[0]): Tensors {
  return decodeSafetensors(encodeSafetensors(tensors)).tensors;
}

test('positions of another grid are resampled, those of the class token kept', () => {
  const tensors = file(published.torchvision, 224);
  const { weights, adapted } = publishedBranch('transformer', tensors, model);
  assert.deepEqual(adapted, ['pos_embed resampled from 14 × 14 to 4 × 4 patches']);
  const given = tensors['encoder.pos_embedding'].data as Float32Array;
  const { shape, values } = weights.get('transformer.pos_embed')!;
  assert.deepEqual([...shape], [1, 17, transformer.width]);
  assert.deepEqual(values, resizePositions(given, transformer.width, 14, 4));
  assert.deepEqual(values.slice(0, transformer.width), given.slice(0, transformer.width));
});

test('names of torchvision’s first DenseNet files are understood, counts of batches passed over', () => {
  const tensors = file(published.cnn);
  const old: Tensors = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'),
      tensor,
    ]),
  );
  assert.ok(Object.hasOwn(old, 'features.denseblock1.denselayer1.norm.1.running_var'));
  old['features.norm0.num_batches_tracked'] = { shape: [], dtype: 'I64', data: BigInt64Array.of(7n) };
  assert.deepEqual(publishedBranch('cnn', old, model), publishedBranch('cnn', tensors, model));
});

test('half floats are widened', () => {
  const tensors = file(published.cnn);
  const name = 'features.norm0.weight';
  const { shape } = tensors[name];
  const data = new Uint16Array(shape[0]).fill(0x3e00); // 1.5
  const { weights } = publishedBranch('cnn', { ...tensors, [name]: { shape, dtype: 'F16', data } }, model);
  assert.ok(weights.get('cnn.features.norm0.weight')!.values.every((value) => value === 1.5));
});

test('a file that lacks a tensor loads the others and says so', () => {
  const tensors = file(published.cnn);
  delete tensors['features.norm5.bias'];
  const { weights, missing } = publishedBranch('cnn', tensors, model);
  assert.deepEqual(missing, ['features.norm5.bias']);
  assert.ok(!weights.has('cnn.features.norm5.bias'));
});

test('a file of another network is refused, with its names', () => {
  assert.throws(
    () => publishedBranch('cnn', file(published.timm), model, 'deit.safetensors'),
    fails('no-weights-matched', /features\.conv0\.weight.*got cls_token|got patch_embed.*deit\.safetensors/),
  );
  assert.throws(() => publishedBranch('cnn', {}, model), fails('no-weights-matched', /got none;/));
});

test('published shapes that are not the model’s are refused, with both shapes and the size that fits', () => {
  const wider: Network = (scope, x) => denseNet(scope, x, { ...cnn, growth: 32 }, classes);
  assert.throws(
    () => publishedBranch('cnn', file(wider), model),
    fails('weight-shape', /conv1\.weight \[128,32,1,1\], not \[64,32,1,1\].* and \d+ more.*size base/),
  );
  const coarse: Network = (scope, x) => vit(scope, x, { ...transformer, patch: 32 }, classes);
  assert.throws(
    () => publishedBranch('transformer', file(coarse), model),
    fails('weight-shape', /patch_embed\.proj\.weight \[64,3,32,32\], not \[64,3,16,16\].*patches of 16/),
  );
  const distilled = file(published.timm);
  distilled.pos_embed = { shape: [1, 18, 64], dtype: 'F32', data: new Float32Array(18 * 64) };
  assert.throws(
    () => publishedBranch('transformer', distilled, model),
    fails('weight-shape', /pos_embed \[1,18,64\], not \[1,17,64\]/),
  );
});

test('weights without the branch cannot be written', () => {
  const { weights } = publishedBranch('cnn', file(published.cnn), model);
  assert.throws(
    () => publishedTensors('transformer', weights, model),
    fails('missing-weight', /transformer\./),
  );
});
