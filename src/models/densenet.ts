/**
 * DenseNet [huang2017densely], with torchvision's layer order, numerics and parameter names, so that its published
 * weights load: BN–ReLU–conv1×1–BN–ReLU–conv3×3, bottleneck 4·growth, compression 0.5.
 */
import { averagePool2d, concat, maxPool2d, mean, relu, type Tensor } from '../graph/index.js';
import { batchNorm, conv, initializers, linear, type Scope } from '../nn/index.js';

export interface DenseNetConfig {
  /** Channels that each layer adds. */
  readonly growth: number;
  /** Layers of each dense block. */
  readonly blocks: readonly number[];
  /** Channels after the stem. */
  readonly stemChannels: number;
  /** Channels of a layer's bottleneck over its growth; default 4. */
  readonly bottleneck?: number;
}

/** The configurations of the paper's table 1 and a small one for tests and benchmarks. */
export const denseNetConfigs = {
  densenet121: { growth: 32, blocks: [6, 12, 24, 16], stemChannels: 64 },
  small: { growth: 16, blocks: [4, 4, 4, 4], stemChannels: 32 },
} as const satisfies Record<string, DenseNetConfig>;

/** Stem: 7×7 stride-2 convolution, BN, ReLU, 3×3 stride-2 max pooling; stride 4 in all. */
export function denseNetStem(features: Scope, x: Tensor, { stemChannels }: DenseNetConfig): Tensor {
  const wide = conv(features.child('conv0'), x, stemChannels, [7, 7], {
    strides: [2, 2],
    padding: [3, 3, 3, 3],
  });
  const active = relu(batchNorm(features.child('norm0'), wide));
  return maxPool2d(active, { kernel: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] });
}

/** Dense block `index` (from 1): every layer sees all earlier feature maps. (paper eq. 3–4) */
export function denseBlock(features: Scope, x: Tensor, index: number, config: DenseNetConfig): Tensor {
  const block = features.child(`denseblock${index}`);
  let maps = x;
  for (let layer = 1; layer <= config.blocks[index - 1]; layer++) {
    const scope = block.child(`denselayer${layer}`);
    const narrow = relu(batchNorm(scope.child('norm1'), maps));
    const bottleneck = conv(scope.child('conv1'), narrow, (config.bottleneck ?? 4) * config.growth, [1, 1]);
    const active = relu(batchNorm(scope.child('norm2'), bottleneck));
    const grown = conv(scope.child('conv2'), active, config.growth, [3, 3], { padding: [1, 1, 1, 1] });
    maps = concat([maps, grown], 1);
  }
  return maps;
}

/**
 * Transition `index` (from 1): BN, ReLU, 1×1 convolution to half the channels, 2×2 average pooling. The last two commute,
 * and a convolution of pooled maps is a quarter of the work.
 */
export function denseTransition(features: Scope, x: Tensor, index: number): Tensor {
  const scope = features.child(`transition${index}`);
  const active = relu(batchNorm(scope.child('norm'), x));
  const pooled = averagePool2d(active, { kernel: [2, 2] });
  return conv(scope.child('conv'), pooled, Math.floor(x.shape[1] / 2), [1, 1]);
}

/**
 * The whole classifier.
 * @param x [batch, channel, height, width]
 * @returns logits [batch, classes]
 */
export function denseNet(scope: Scope, x: Tensor, config: DenseNetConfig, classes: number): Tensor {
  const features = scope.child('features');
  let maps = denseNetStem(features, x, config);
  config.blocks.forEach((_, i) => {
    maps = denseBlock(features, maps, i + 1, config);
    if (i < config.blocks.length - 1) maps = denseTransition(features, maps, i + 1);
  });
  const pooled = mean(relu(batchNorm(features.child('norm5'), maps)), { axes: [2, 3] });
  return linear(scope.child('classifier'), pooled, classes, { weight: initializers.fanInUniform() });
}
