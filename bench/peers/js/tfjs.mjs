// Trains the small DenseNet with TensorFlow.js on its CPU or WebAssembly backend: forward pass, derivatives, Adam.
//
// The WebAssembly backend has no kernel for the derivative of a convolution with respect to its weights. With
// { filterGradient: 'convolution' } it is computed by a convolution of the images with the derivatives, batch and channels
// exchanged, which the backend has; with 'builtin' it is left to the library. In Node this backend has one thread.
import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { blocks, growth, stemChannels } from './denseNet.mjs';
import { serve } from './protocol.mjs';

/** A convolution whose weight gradient is a convolution; x [batch, height, width, in], w [kh, kw, in, out]. */
const convWithOwnGradient = (stride, padding) =>
  tf.customGrad((x, w, save) => {
    save([x, w]);
    const edges = [
      [0, 0],
      [padding, padding],
      [padding, padding],
      [0, 0],
    ];
    const gradFunc = (dy, [x, w]) => {
      const dx = () => tf.conv2dTranspose(dy, w, x.shape, stride, padding === 0 ? 'valid' : edges);
      const dw = () => {
        const images = tf.transpose(tf.pad(x, edges), [3, 1, 2, 0]); // [in, height, width, batch]
        const filters = tf.transpose(dy, [1, 2, 0, 3]); // [height', width', batch, out]
        const product = tf.conv2d(images, filters, 1, 'valid', 'NHWC', stride);
        return tf.transpose(
          tf.slice(product, [0, 0, 0, 0], [w.shape[2], w.shape[0], w.shape[1], w.shape[3]]),
          [1, 2, 0, 3],
        );
      };
      return [dx(), dw()];
    };
    return { value: tf.conv2d(x, w, stride, padding === 0 ? 'valid' : edges), gradFunc };
  });

await serve(async ({ side, batch, classes, backend, filterGradient, threads }) => {
  if (backend === 'wasm') setThreadsCount(threads);
  await tf.setBackend(backend);
  const variables = [];
  const make = (initial) => {
    variables.push(tf.variable(initial));
    return variables.at(-1);
  };
  const conv = (inner, out, kernel, stride = 1, padding = 0) => {
    const w = make(
      tf.randomNormal([kernel, kernel, inner, out], 0, Math.sqrt(2 / (inner * kernel * kernel))),
    );
    const edges = [
      [0, 0],
      [padding, padding],
      [padding, padding],
      [0, 0],
    ];
    if (filterGradient === 'convolution') return (x) => convWithOwnGradient(stride, padding)(x, w);
    return (x) => tf.conv2d(x, w, stride, padding === 0 ? 'valid' : edges);
  };
  const normRelu = (channels) => {
    const [scale, offset] = [make(tf.ones([channels])), make(tf.zeros([channels]))];
    return (x) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.relu(tf.batchNorm(x, mean, variance, offset, scale, 1e-5));
    };
  };

  const chain = [conv(3, stemChannels, 7, 2, 3), normRelu(stemChannels), (x) => tf.maxPool(x, 3, 2, 'same')];
  let channels = stemChannels;
  blocks.forEach((layers, block) => {
    const parts = Array.from({ length: layers }, (_, i) => [
      normRelu(channels + i * growth),
      conv(channels + i * growth, 4 * growth, 1),
      normRelu(4 * growth),
      conv(4 * growth, growth, 3, 1, 1),
    ]);
    chain.push((x) => {
      const maps = [x];
      for (const part of parts) maps.push(part.reduce((value, layer) => layer(value), tf.concat(maps, 3)));
      return tf.concat(maps, 3);
    });
    channels += layers * growth;
    chain.push(normRelu(channels));
    if (block === blocks.length - 1) return;
    chain.push((x) => tf.avgPool(x, 2, 2, 'valid'), conv(channels, channels / 2, 1));
    channels /= 2;
  });
  const [weight, bias] = [make(tf.randomNormal([channels, classes], 0, 0.02)), make(tf.zeros([classes]))];
  const network = (x) =>
    tf.add(
      tf.matMul(
        tf.mean(
          chain.reduce((value, layer) => layer(value), x),
          [1, 2],
        ),
        weight,
      ),
      bias,
    );

  const images = tf.randomNormal([batch, side, side, 3]);
  const targets = tf.cast(tf.less(tf.randomUniform([batch, classes]), 0.3), 'float32');
  const optimizer = tf.train.adam(1e-3);
  const parameters = variables.reduce((sum, { size }) => sum + size, 0);
  return {
    description: {
      versions: `TensorFlow.js ${tf.version['tfjs-core']}, ${tf.getBackend()}, ${backend === 'wasm' ? getThreadsCount() : 1} threads`,
      parameters,
    },
    work: async () => {
      const loss = optimizer.minimize(
        () => tf.losses.sigmoidCrossEntropy(targets, network(images)),
        true,
        variables,
      );
      const [value] = await loss.data();
      loss.dispose();
      if (!Number.isFinite(value)) throw new Error(`the loss became ${value}`);
    },
  };
});
