/** Layers: functions of a scope and a tensor. Parameter names inside are PyTorch's. */
import {
  add,
  batchNormInference,
  batchNormTraining,
  bernoulli,
  type ConvOptions,
  cast,
  conv2d,
  gather,
  layerNorm as layerNormOp,
  matmul,
  mul,
  size,
  type Tensor,
  transpose,
} from '../graph/index.js';
import { fanInUniform, kaimingNormal, ones, truncatedNormal, zeros } from './initializers.js';
import type { Initializer, Scope } from './scope.js';

export interface LinearOptions {
  readonly bias?: boolean;
  readonly weight?: Initializer;
  readonly biasInit?: Initializer;
}

/** x Wᵀ + b; x [..., in], W [out, in]. Default initial weights: truncated normal of deviation 0.02, bias 0. */
export function linear(scope: Scope, x: Tensor, out: number, options: LinearOptions = {}): Tensor {
  const inner = x.shape.at(-1)!;
  const weight = scope.parameter('weight', [out, inner], options.weight ?? truncatedNormal(0.02));
  const product = matmul(x, weight, { transposeB: true });
  return options.bias === false
    ? product
    : add(product, scope.parameter('bias', [out], options.biasInit ?? zeros));
}

export interface ConvLayerOptions extends ConvOptions {
  readonly bias?: boolean;
  readonly weight?: Initializer;
}

/** Convolution with a [kh, kw] kernel; x [batch, channel, height, width]. */
export function conv(
  scope: Scope,
  x: Tensor,
  out: number,
  kernel: readonly [number, number],
  options: ConvLayerOptions = {},
): Tensor {
  const inner = x.shape[1] / (options.groups ?? 1);
  const weight = scope.parameter('weight', [out, inner, ...kernel], options.weight ?? kaimingNormal);
  const bias = options.bias
    ? scope.parameter('bias', [out], fanInUniform(inner * kernel[0] * kernel[1]))
    : null;
  return conv2d(x, weight, bias, options);
}

/**
 * Batch normalisation over [batch, channel, ...]: batch statistics in training, running ones otherwise.
 * Running statistics follow PyTorch: r ← 0.9 r + 0.1 s, the variance with Bessel's correction.
 */
export function batchNorm(
  scope: Scope,
  x: Tensor,
  options: { scale?: Initializer; epsilon?: number } = {},
): Tensor {
  const channels = x.shape[1];
  const { epsilon = 1e-5, scale = ones } = options;
  const weight = scope.parameter('weight', [channels], scale);
  const bias = scope.parameter('bias', [channels], zeros);
  const runningMean = scope.buffer('running_mean', [channels], zeros);
  const runningVariance = scope.buffer('running_var', [channels], ones);
  if (!scope.training) return batchNormInference(x, weight, bias, runningMean, runningVariance, epsilon);
  const { y, mean, variance } = batchNormTraining(x, weight, bias, epsilon);
  const count = size(x.shape) / channels;
  scope.track('running_mean', mean);
  scope.track('running_var', mul(variance, count / (count - 1)));
  return y;
}

/** Layer normalisation over the last axis; ε = 1e-6 as in ViT. */
export function layerNorm(scope: Scope, x: Tensor, epsilon = 1e-6): Tensor {
  const width = x.shape.at(-1)!;
  return layerNormOp(
    x,
    scope.parameter('weight', [width], ones),
    scope.parameter('bias', [width], zeros),
    epsilon,
  );
}

/** Layer normalisation over the channels of [batch, channel, height, width], each position for itself; ε = 1e-6. */
export function channelNorm(scope: Scope, x: Tensor): Tensor {
  return transpose(layerNorm(scope, transpose(x, [0, 2, 3, 1])), [0, 3, 1, 2]);
}

/** Rows of a learned table; indices int32 in [0, rows). */
export function embedding(scope: Scope, indices: Tensor, rows: number, width: number): Tensor {
  return gather(scope.parameter('weight', [rows, width], truncatedNormal(0.02)), indices);
}

/** Sets elements to zero with probability `rate` in training and scales the rest by 1 / (1 − rate). */
export function dropout(scope: Scope, x: Tensor, rate: number): Tensor {
  return scope.training && rate > 0 ? mul(x, keepMask(x.shape, rate)) : x;
}

/** Drops the whole residual branch of a row with probability `rate` in training. [huang2016deep] */
export function stochasticDepth(scope: Scope, x: Tensor, rate: number): Tensor {
  const perRow = [x.shape[0], ...x.shape.slice(1).map(() => 1)];
  return scope.training && rate > 0 ? mul(x, keepMask(perRow, rate)) : x;
}

function keepMask(shape: readonly number[], rate: number): Tensor {
  return mul(cast(bernoulli(shape, 1 - rate), 'float32'), 1 / (1 - rate));
}
