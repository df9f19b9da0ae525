/**
 * ResNet [he2016deep], with torchvision's layer order, numerics and parameter names, so that its published weights load.
 *
 * Deviation from the paper, torchvision's: a bottleneck that halves the resolution does so in its 3×3 convolution, not in
 * its first 1×1 ("ResNet v1.5").
 */
import { add, maxPool2d, mean, relu, type Tensor } from '../graph/index.js';
import { batchNorm, conv, initializers, linear, type Scope } from '../nn/index.js';

export interface ResNetConfig {
  /** `basic`: two 3×3 convolutions; `bottleneck`: 1×1, 3×3 and 1×1, the last with four times the channels. */
  readonly block: 'basic' | 'bottleneck';
  /** Residual blocks of each of the four stages. */
  readonly layers: readonly [number, number, number, number];
}

/** The configurations of the paper's table 1. */
export const resNetConfigs = {
  resnet18: { block: 'basic', layers: [2, 2, 2, 2] },
  resnet34: { block: 'basic', layers: [3, 4, 6, 3] },
  resnet50: { block: 'bottleneck', layers: [3, 4, 6, 3] },
  resnet101: { block: 'bottleneck', layers: [3, 4, 23, 3] },
  resnet152: { block: 'bottleneck', layers: [3, 8, 36, 3] },
} as const satisfies Record<string, ResNetConfig>;

/** Channels of a bottleneck's result over those inside it. */
const expansion = 4;

/**
 * The whole classifier: a stem of stride 4 and four stages, the last three halving the resolution.
 * @param x [batch, channel, height, width]
 * @returns logits [batch, classes]
 */
export function resNet(scope: Scope, x: Tensor, config: ResNetConfig, classes: number): Tensor {
  const wide = conv(scope.child('conv1'), x, 64, [7, 7], { strides: [2, 2], padding: [3, 3, 3, 3] });
  let maps = maxPool2d(relu(batchNorm(scope.child('bn1'), wide)), {
    kernel: [3, 3],
    strides: [2, 2],
    padding: [1, 1, 1, 1],
  });
  config.layers.forEach((blocks, stage) => {
    for (let i = 0; i < blocks; i++) {
      const block = scope.child(`layer${stage + 1}`).child(i);
      maps = residualBlock(block, maps, config.block, 64 * 2 ** stage, stage > 0 && i === 0 ? 2 : 1);
    }
  });
  const pooled = mean(maps, { axes: [2, 3] });
  return linear(scope.child('fc'), pooled, classes, { weight: initializers.fanInUniform() });
}

/** ReLU( F(x) + shortcut(x) ), the shortcut a 1×1 convolution where the shape changes. [he2016deep, eq. 2] */
function residualBlock(
  scope: Scope,
  x: Tensor,
  kind: ResNetConfig['block'],
  width: number,
  stride: number,
): Tensor {
  const strides = [stride, stride] as const;
  const around = { padding: [1, 1, 1, 1] } as const;
  const out = kind === 'basic' ? width : width * expansion;
  const norm = (index: number, maps: Tensor) => batchNorm(scope.child(`bn${index}`), maps);
  const kernel = (index: number) => scope.child(`conv${index}`);
  let maps: Tensor;
  if (kind === 'basic') {
    maps = relu(norm(1, conv(kernel(1), x, width, [3, 3], { strides, ...around })));
    maps = norm(2, conv(kernel(2), maps, out, [3, 3], around));
  } else {
    maps = relu(norm(1, conv(kernel(1), x, width, [1, 1])));
    maps = relu(norm(2, conv(kernel(2), maps, width, [3, 3], { strides, ...around })));
    maps = norm(3, conv(kernel(3), maps, out, [1, 1]));
  }
  if (stride === 1 && x.shape[1] === out) return relu(add(maps, x));
  const shortcut = scope.child('downsample');
  return relu(add(maps, batchNorm(shortcut.child(1), conv(shortcut.child(0), x, out, [1, 1], { strides }))));
}
