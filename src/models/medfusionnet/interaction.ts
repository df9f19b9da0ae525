/**
 * Exchange between the convolutional and the transformer branch (P10, paper eq. 17), as published for CTransCNN
 * [wu2023ctranscnn].
 *
 * Deviation: the class token takes no part in the exchange from CNN to tokens. As published it is prepended to what
 * is added, which doubles it at every stage.
 */
import {
  adaptiveAveragePool,
  add,
  gelu,
  pad,
  relu,
  reshape,
  resizeBilinear,
  sigmoid,
  sliceAxis,
  type Tensor,
  transpose,
} from '../../graph/index.js';
import { batchNorm, conv, layerNorm, type Scope } from '../../nn/index.js';

const point = [1, 1] as const;

/** x + conv(σ(BN(conv(x)))), 1×1 convolutions. */
function gatedResidual(scope: Scope, x: Tensor): Tensor {
  const channels = x.shape[1];
  const gate = sigmoid(batchNorm(scope.child('norm'), conv(scope.child('conv1'), x, channels, point)));
  return add(x, conv(scope.child('conv2'), gate, channels, point));
}

/** A feature map at another resolution: cell means downwards, bilinear upwards. */
function toGrid(x: Tensor, rows: number, columns: number): Tensor {
  return x.shape[2] >= rows ? adaptiveAveragePool(x, rows, columns) : resizeBilinear(x, rows, columns);
}

/**
 * C2T: adds feature maps to tokens.
 * @param maps   [batch, channel, height, width]
 * @param tokens [batch, 1 + grid², width], class token first
 */
export function mapsToTokens(scope: Scope, maps: Tensor, tokens: Tensor, grid: number): Tensor {
  const [batch, , width] = tokens.shape;
  const projected = gatedResidual(scope.child('gate'), conv(scope.child('project'), maps, width, point));
  const cells = reshape(toGrid(projected, grid, grid), [batch, width, grid * grid]);
  const update = gelu(layerNorm(scope.child('norm'), transpose(cells, [0, 2, 1]))); // [batch, grid², width]
  return add(tokens, pad(update, [0, 1, 0], [0, 0, 0]));
}

/** T2C: adds tokens to feature maps. Shapes as in `mapsToTokens`. */
export function tokensToMaps(scope: Scope, tokens: Tensor, maps: Tensor, grid: number): Tensor {
  const [, channels, height, width] = maps.shape;
  const cells = tokenGrid(tokens, grid);
  const projected = relu(
    batchNorm(scope.child('norm'), conv(scope.child('project'), cells, channels, point)),
  );
  return add(maps, gatedResidual(scope.child('gate'), toGrid(projected, height, width)));
}

/** Tokens without the class token as a feature map [batch, width, grid, grid]. */
export function tokenGrid(tokens: Tensor, grid: number): Tensor {
  const [batch, count, width] = tokens.shape;
  return reshape(transpose(sliceAxis(tokens, 1, 1, count), [0, 2, 1]), [batch, width, grid, grid]);
}
