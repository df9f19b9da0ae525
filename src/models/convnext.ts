/**
 * ConvNeXt [liu2022convnet], with torchvision's numerics. Parameter names are torchvision's by default, timm's on
 * request, so that published weights of both load.
 */
import { add, gelu, mean, mul, reshape, type Tensor, transpose } from '../graph/index.js';
import {
  channelNorm,
  conv,
  initializers,
  layerNorm,
  linear,
  type Scope,
  stochasticDepth,
} from '../nn/index.js';

export interface ConvNextConfig {
  /** Residual blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly widths: readonly number[];
  /** Rate of the last block; earlier ones rise to it linearly. Default 0. */
  readonly stochasticDepth?: number;
}

/** The configurations of the paper, section 3, with torchvision's rates of stochastic depth. */
export const convNextConfigs = {
  convnext_tiny: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768], stochasticDepth: 0.1 },
  convnext_small: { depths: [3, 3, 27, 3], widths: [96, 192, 384, 768], stochasticDepth: 0.4 },
  convnext_base: { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024], stochasticDepth: 0.5 },
  convnext_large: { depths: [3, 3, 27, 3], widths: [192, 384, 768, 1536], stochasticDepth: 0.5 },
} as const satisfies Record<string, ConvNextConfig>;

/** Paths of the parts; stages and blocks count from 0. */
export interface ConvNextNames {
  readonly stem: { readonly conv: string; readonly norm: string };
  /** Before stage 1, 2 and 3. */
  readonly downsample: (stage: number) => { readonly norm: string; readonly conv: string };
  readonly block: (stage: number, index: number) => string;
  /** Parts of a block, relative to it. */
  readonly depthwise: string;
  readonly norm: string;
  readonly fc1: string;
  readonly fc2: string;
  /** The scale of the residual branch: its name and the shape in which it is stored. */
  readonly scale: string;
  readonly scaleShape: (width: number) => readonly number[];
  readonly head: { readonly norm: string; readonly linear: string };
}

export const torchvisionConvNext: ConvNextNames = {
  stem: { conv: 'features.0.0', norm: 'features.0.1' },
  downsample: (stage) => ({ norm: `features.${2 * stage}.0`, conv: `features.${2 * stage}.1` }),
  block: (stage, index) => `features.${2 * stage + 1}.${index}`,
  depthwise: 'block.0',
  norm: 'block.2',
  fc1: 'block.3',
  fc2: 'block.5',
  scale: 'layer_scale',
  scaleShape: (width) => [width, 1, 1],
  head: { norm: 'classifier.0', linear: 'classifier.2' },
};

export const timmConvNext: ConvNextNames = {
  stem: { conv: 'stem.0', norm: 'stem.1' },
  downsample: (stage) => ({ norm: `stages.${stage}.downsample.0`, conv: `stages.${stage}.downsample.1` }),
  block: (stage, index) => `stages.${stage}.blocks.${index}`,
  depthwise: 'conv_dw',
  norm: 'norm',
  fc1: 'mlp.fc1',
  fc2: 'mlp.fc2',
  scale: 'gamma',
  scaleShape: (width) => [width],
  head: { norm: 'head.norm', linear: 'head.fc' },
};

/** The scale of a residual branch before anything is learnt. */
const initialScale = 1e-6;

const weight = initializers.truncatedNormal(0.02);

/**
 * The whole classifier: 4×4 patches, four stages with 2×2 downsampling between.
 * @param x [batch, channel, height, width]
 * @returns logits [batch, classes]
 */
export function convNext(
  scope: Scope,
  x: Tensor,
  config: ConvNextConfig,
  classes: number,
  names: ConvNextNames = torchvisionConvNext,
): Tensor {
  const { depths, widths } = config;
  const patches = (path: string, maps: Tensor, width: number, side: number) =>
    conv(scope.child(path), maps, width, [side, side], { strides: [side, side], bias: true, weight });
  let maps = channelNorm(scope.child(names.stem.norm), patches(names.stem.conv, x, widths[0], 4));
  const last = Math.max(1, depths.reduce((sum, depth) => sum + depth, 0) - 1);
  let before = 0;
  depths.forEach((depth, stage) => {
    if (stage > 0) {
      const down = names.downsample(stage);
      maps = patches(down.conv, channelNorm(scope.child(down.norm), maps), widths[stage], 2);
    }
    for (let i = 0; i < depth; i++, before++) {
      const rate = ((config.stochasticDepth ?? 0) * before) / last;
      maps = block(scope.child(names.block(stage, i)), maps, rate, names);
    }
  });
  const pooled = layerNorm(scope.child(names.head.norm), mean(maps, { axes: [2, 3] }));
  return linear(scope.child(names.head.linear), pooled, classes);
}

/** x + γ · W₂ GELU( W₁ LN( depthwise 7×7 (x) ) ), γ one scale per channel. [liu2022convnet, fig. 4] */
function block(scope: Scope, x: Tensor, rate: number, names: ConvNextNames): Tensor {
  const width = x.shape[1];
  const spread = conv(scope.child(names.depthwise), x, width, [7, 7], {
    padding: [3, 3, 3, 3],
    groups: width,
    bias: true,
    weight,
  });
  const positions = layerNorm(scope.child(names.norm), transpose(spread, [0, 2, 3, 1])); // [batch, h, w, channel]
  const hidden = gelu(linear(scope.child(names.fc1), positions, 4 * width));
  const branch = transpose(linear(scope.child(names.fc2), hidden, width), [0, 3, 1, 2]); // [batch, channel, h, w]
  const scale = scope.parameter(names.scale, names.scaleShape(width), initializers.fill(initialScale));
  return add(x, stochasticDepth(scope, mul(branch, reshape(scale, [width, 1, 1])), rate));
}
