/** Multiply–adds of single ops and of whole networks, against counts by hand and published ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  add,
  channelGram,
  constant,
  conv2d,
  convTranspose2d,
  gradients,
  input,
  matmul,
  mean,
  multiplyAdds,
  parameter,
  relu,
  sum,
} from '../../src/graph/index.js';
import { type ImageClassifierName, imageClassifiers } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';

test('single ops count one multiply–add per product', () => {
  const x = input('x', [2, 6, 9, 8]);
  const kernel = parameter('kernel', [4, 3, 3, 5]);
  const strided = conv2d(x, kernel, parameter('b', [4]), {
    groups: 2,
    strides: [2, 1],
    padding: [1, 2, 1, 2],
  });
  assert.deepEqual(strided.shape, [2, 4, 5, 8]);
  assert.equal(multiplyAdds([strided]), 2 * 4 * 5 * 8 * (3 * 3 * 5));
  const up = convTranspose2d(x, parameter('up', [6, 5, 2, 2]), { strides: [2, 2] });
  assert.equal(multiplyAdds([up]), 2 * 6 * 9 * 8 * (5 * 2 * 2));
  const a = input('a', [5, 7, 3]);
  assert.equal(multiplyAdds([matmul(a, input('b2', [5, 7, 4]), { transposeA: true })]), 5 * 3 * 4 * 7);
  assert.equal(multiplyAdds([matmul(a, input('b3', [6, 3]), { transposeB: true })]), 5 * 7 * 6 * 3);
  assert.equal(multiplyAdds([channelGram(x, input('c', [2, 5, 9, 8]))]), 6 * 5 * 2 * 9 * 8);
  assert.equal(multiplyAdds([relu(add(sum(a), constant(1)))]), 0);
});

test('a node that two results share counts once, and a backward pass takes twice the forward pass', () => {
  const x = parameter('x', [8, 16]);
  const w = parameter('w', [16, 32]);
  const y = matmul(x, w);
  assert.equal(multiplyAdds([relu(y), sum(y), y]), 8 * 16 * 32);
  const loss = mean(y);
  const once = multiplyAdds([loss]);
  assert.equal(multiplyAdds([loss, ...gradients(loss, [x, w])]), 3 * once);
});

const networks = (name: ImageClassifierName, side: number, classes = 1000) => {
  const images = input('images', [1, 3, side, side]);
  return multiplyAdds([
    imageClassifiers[name].logits(new Scope(new ParameterList(), false), images, classes),
  ]);
};

/** DenseNet, layer by layer, as torchvision runs it: the transition's convolution before its pooling. */
function denseNetByHand(growth: number, blocks: readonly number[], stem: number, side: number) {
  let extent = side / 2;
  let total = extent ** 2 * stem * 3 * 49;
  let saved = 0;
  let channels = stem;
  extent /= 2;
  blocks.forEach((layers, i) => {
    for (let layer = 0; layer < layers; layer++) {
      total += extent ** 2 * (channels * 4 * growth + 4 * growth * growth * 9);
      channels += growth;
    }
    if (i === blocks.length - 1) return;
    const transition = extent ** 2 * channels * (channels / 2);
    total += transition;
    saved += (transition * 3) / 4;
    channels /= 2;
    extent /= 2;
  });
  return { published: total + channels * 1000, pooledFirst: total + channels * 1000 - saved };
}

test('DenseNet-121 counts as published, less what pooling before the transitions’ convolutions saves', () => {
  const { published, pooledFirst } = denseNetByHand(32, [6, 12, 24, 16], 64, 224);
  assert.equal((published / 1e9).toFixed(2), '2.83'); // torchvision's table of weights
  assert.equal(networks('densenet121', 224), pooledFirst);
  assert.equal(networks('densenet-small', 64), denseNetByHand(16, [4, 4, 4, 4], 32, 64).pooledFirst);
});

/** ViT, layer by layer. */
function vitByHand(width: number, side: number) {
  const patches = (side / 16) ** 2;
  const tokens = patches + 1;
  const block = 12 * tokens * width ** 2 + 2 * tokens ** 2 * width;
  return patches * 3 * 256 * width + 12 * block + width * 1000;
}

test('DeiT-S and ViT-B count as published', () => {
  assert.equal(networks('deit-s', 224), vitByHand(384, 224));
  assert.equal((networks('deit-s', 224) / 1e9).toFixed(1), '4.6'); // timm's model card
  assert.equal(networks('vit-b', 224), vitByHand(768, 224));
  assert.equal((networks('vit-b', 224) / 1e9).toFixed(2), '17.56'); // torchvision's table of weights
});

test('MedFusionNet takes more than its two branches, and a batch so many times as much as an image', () => {
  const base = networks('medfusionnet-base', 224, 14);
  assert.ok(base > networks('densenet121', 224, 14) + networks('deit-s', 224, 14));
  const images = input('images', [3, 3, 64, 64]);
  const { logits } = imageClassifiers['medfusionnet-nano'];
  const three = multiplyAdds([logits(new Scope(new ParameterList(), false), images, 14)]);
  assert.equal(three, 3 * networks('medfusionnet-nano', 64, 14));
});
