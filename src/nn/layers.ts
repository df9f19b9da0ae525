/** Layers: functions of a scope and a tensor. Parameter names inside are PyTorch's. */
import {
  add,
  batchNormInference,
  batchNormTraining,
  type ConvOptions,
  cast,
  concat,
  constant,
  conv2d,
  gather,
  greaterEqual,
  layerNorm as layerNormOp,
  matmul,
  mul,
  random,
  scaleShift,
  size,
  type Tensor,
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
  const { epsilon = 1e-5, scale = ones } = options;
  const { weight, bias, runningMean, runningVariance } = normParameters(scope, x.shape[1], scale);
  if (!scope.training) return batchNormInference(x, weight, bias, runningMean, runningVariance, epsilon);
  const { y, mean, variance } = batchNormTraining(x, weight, bias, epsilon);
  trackStatistics(scope, x, mean, variance);
  return y;
}

/** Feature maps and, in training, what every batch normalisation of them has in common. */
export interface MeasuredMaps {
  /** [batch, channel, ...] */
  readonly maps: Tensor;
  /** The batch's mean and population variance [channel], and the maps at mean 0 and variance 1; null in evaluation. */
  readonly batch: { readonly mean: Tensor; readonly variance: Tensor; readonly normalized: Tensor } | null;
}

const sharedEpsilon = 1e-5;

/** Takes the statistics of maps once, for all batch normalisations that see them. */
export function measure(scope: Scope, maps: Tensor): MeasuredMaps {
  if (!scope.training) return { maps, batch: null };
  const channels = [maps.shape[1]];
  const { y, mean, variance } = batchNormTraining(
    maps,
    constant(1, channels),
    constant(0, channels),
    sharedEpsilon,
  );
  return { maps, batch: { mean, variance, normalized: y } };
}

/** The maps one after another along the channels. */
export function joinMaps(parts: readonly MeasuredMaps[]): Tensor {
  return concat(
    parts.map(({ maps }) => maps),
    1,
  );
}

/**
 * `batchNorm` of joined maps. Statistics are per channel, so those of each part serve every layer that reads it: what
 * is left to do is a scale and a shift.
 */
export function batchNormJoined(scope: Scope, parts: readonly MeasuredMaps[]): Tensor {
  const batches = parts.flatMap(({ batch }) => batch ?? []);
  if (batches.length < parts.length) return batchNorm(scope, joinMaps(parts), { epsilon: sharedEpsilon });
  const joined = (pick: (batch: (typeof batches)[number]) => Tensor, axis: number) =>
    concat(batches.map(pick), axis);
  const normalized = joined((batch) => batch.normalized, 1);
  const { weight, bias } = normParameters(scope, normalized.shape[1], ones);
  trackStatistics(
    scope,
    normalized,
    joined((batch) => batch.mean, 0),
    joined((batch) => batch.variance, 0),
  );
  return scaleShift(normalized, weight, bias);
}

function normParameters(scope: Scope, channels: number, scale: Initializer) {
  return {
    weight: scope.parameter('weight', [channels], scale),
    bias: scope.parameter('bias', [channels], zeros),
    runningMean: scope.buffer('running_mean', [channels], zeros),
    runningVariance: scope.buffer('running_var', [channels], ones),
  };
}

function trackStatistics(scope: Scope, x: Tensor, mean: Tensor, variance: Tensor): void {
  const count = size(x.shape) / x.shape[1];
  scope.track('running_mean', mean);
  scope.track('running_var', mul(variance, count / (count - 1)));
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
  return mul(cast(greaterEqual(random(shape), constant(rate)), 'float32'), 1 / (1 - rate));
}
