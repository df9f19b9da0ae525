// Trains the small DenseNet with jax-js on its WebAssembly backend: forward pass, derivatives and a plain gradient step.
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  random,
  valueAndGrad,
} from '@jax-js/jax';
import { blocks, growth, stemChannels } from './denseNet.mjs';
import { serve } from './protocol.mjs';

await serve(async ({ side, batch, classes, backend }) => {
  await init(backend);
  defaultDevice(backend);
  let seed = 0;
  const normal = (shape, deviation) => random.normal(random.key(seed++), shape).mul(deviation);
  const initial = [];
  const shapes = [];
  const make = (shape, values) => {
    shapes.push(shape);
    initial.push(values);
    return initial.length - 1;
  };

  // An array is used up by the function that it is given to; `.ref` keeps it for another use.
  const conv = (inner, out, kernel, stride = 1, padding = 0) => {
    const shape = [out, inner, kernel, kernel];
    const w = make(shape, normal(shape, Math.sqrt(2 / (inner * kernel * kernel))));
    const edges = [
      [padding, padding],
      [padding, padding],
    ];
    return (x, p) => lax.convGeneralDilated(x, p[w].ref, [stride, stride], edges);
  };
  const normRelu = (channels) => {
    const [scale, offset] = [make([channels], np.ones([channels])), make([channels], np.zeros([channels]))];
    const wide = (v) => np.reshape(v, [1, channels, 1, 1]);
    return (x, p) => {
      const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true });
      const centred = x.sub(mean);
      const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
      const normed = centred.mul(np.reciprocal(np.sqrt(variance.add(1e-5))));
      return nn.relu(normed.mul(wide(p[scale].ref)).add(wide(p[offset].ref)));
    };
  };
  const pooled = (reduce, window, stride) => (x) =>
    lax.reduceWindow(x, reduce, [window, window], [stride, stride]);
  const padded = (x) =>
    np.pad(x, [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ]); // After a ReLU zeros are as good as −∞.

  const chain = [conv(3, stemChannels, 7, 2, 3), normRelu(stemChannels), padded, pooled(np.max, 3, 2)];
  let channels = stemChannels;
  blocks.forEach((layers, block) => {
    const parts = Array.from({ length: layers }, (_, i) => [
      normRelu(channels + i * growth),
      conv(channels + i * growth, 4 * growth, 1),
      normRelu(4 * growth),
      conv(4 * growth, growth, 3, 1, 1),
    ]);
    chain.push((x, p) => {
      let maps = x;
      for (const part of parts) {
        const added = part.reduce((value, layer) => layer(value, p), maps.ref);
        maps = np.concatenate([maps, added], 1);
      }
      return maps;
    });
    channels += layers * growth;
    chain.push(normRelu(channels));
    if (block === blocks.length - 1) return;
    chain.push(pooled(np.mean, 2, 2), conv(channels, channels / 2, 1));
    channels /= 2;
  });
  const weight = make([channels, classes], normal([channels, classes], 0.02));
  const bias = make([classes], np.zeros([classes]));

  const images = normal([batch, 3, side, side], 1);
  const targets = random.uniform(random.key(seed++), [batch, classes]).less(0.3).astype(np.float32);
  const loss = (p, x, y) => {
    const features = np.mean(
      chain.reduce((value, layer) => layer(value, p), x),
      [2, 3],
    );
    const logits = np.matmul(features, p[weight].ref).add(p[bias].ref);
    for (const value of p) value.dispose();
    return np.mean(nn.softplus(logits.ref).sub(logits.mul(y)));
  };
  const step = jit((p, x, y) => {
    const [value, gradient] = valueAndGrad(loss)(
      p.map((leaf) => leaf.ref),
      x,
      y,
    );
    return [value, p.map((leaf, i) => leaf.sub(gradient[i].mul(1e-2)))];
  });
  let parameters = initial;
  return {
    description: {
      versions: `jax-js 0.1.25, ${backend}`,
      parameters: shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
    },
    work: async () => {
      const [value, next] = step(parameters, images.ref, targets.ref);
      parameters = next;
      for (const leaf of await blockUntilReady(next.map((leaf) => leaf.ref))) leaf.dispose();
      const number = await value.jsAsync();
      if (!Number.isFinite(number)) throw new Error(`the loss became ${number}`);
    },
  };
});
