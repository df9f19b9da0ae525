/** Batch and layer normalisation. */
import { ShapeError } from '../../errors.js';
import { defineOp, type Emitter } from '../op.js';
import { constant, requireFloat, sameShape, size, type Tensor, type TensorType } from '../tensor.js';
import { concat, partsOf } from './arrange.js';
import { channelMeans, channelProducts, fitsBlocks, followsImage, scaledChannels } from './blocked.js';
import { emitSum, expand, reshape, sum } from './broadcast.js';
import { add, div, mul, sqrt, sub } from './elementwise.js';
import { mean } from './reduce.js';

/** A per-channel vector, shaped to broadcast against [batch, channel, ...]. */
function perChannel(vector: Tensor, rank: number): Tensor {
  return reshape(vector, [1, vector.shape[0], ...new Array<number>(rank - 2).fill(1)]);
}

const spatialAxes = (rank: number) => Array.from({ length: rank }, (_, i) => i).filter((axis) => axis !== 1);

function requireChannels(op: string, x: TensorType, vectors: readonly TensorType[]): void {
  requireFloat(op, [x, ...vectors]);
  if (x.shape.length < 2 || vectors.some(({ shape }) => shape.length !== 1 || shape[0] !== x.shape[1])) {
    throw new ShapeError(
      `${op}: x [batch, channel, ...] needs vectors [channel], got [${x.shape}] and ${vectors.map(({ shape }) => `[${shape}]`).join(' ')}`,
    );
  }
}

/** x − mean */
const centredBy = (x: Tensor, average: Tensor): Tensor => sub(x, perChannel(average, x.shape.length));

const applyChannelDot = defineOp<object>({
  name: 'channelDot',
  infer([a, b]) {
    requireFloat('channelDot', [a, b]);
    if (a.shape.length < 2 || !sameShape(a.shape, b.shape)) {
      throw new ShapeError(
        `channelDot: needs two tensors [batch, channel, ...] of one shape, got [${a.shape}] and [${b.shape}]`,
      );
    }
    return [{ shape: [a.shape[1]], dtype: 'float32' }];
  },
  gradient({ inputs: [a, b], cotangents: [g], needed }) {
    const each = perChannel(g!, a.shape.length);
    return [needed[0] ? mul(b, each) : null, needed[1] ? mul(a, each) : null];
  },
  emit(onnx, inputs, node) {
    const { shape } = node.inputs[0];
    const [products] = onnx.node('Mul', inputs);
    return [emitSum(onnx, products, node.inputs[0], spatialAxes(shape.length), false)];
  },
  blocked: {
    takes: ({ inputs: [{ shape }] }, _attributes, block, held) =>
      held.includes(true) && fitsBlocks(shape, block) ? [0, 1] : null,
    gives: 'plain',
    emit: (onnx, [a, b], node) => [channelProducts(onnx, a, b, node.inputs[0].shape)],
  },
});

/** Σ a · b over all axes but the channels': [batch, channel, ...] twice to [channel]. @throws ShapeError when shapes differ */
export function channelDot(a: Tensor, b: Tensor): Tensor {
  return applyChannelDot([a, b], {})[0];
}

/** scale / √(variance + ε) */
function gainOf(onnx: Emitter, scale: string, variance: string, epsilon: number): string {
  const [sum] = onnx.node('Add', [variance, onnx.float(epsilon)]);
  return onnx.node('Div', [scale, ...onnx.node('Sqrt', [sum])])[0];
}

const applyBatchNorm = defineOp<{ epsilon: number }>({
  name: 'batchNormTraining',
  infer([x, ...vectors]) {
    const channels = { shape: [x.shape[1]], dtype: 'float32' } as const;
    requireChannels('batchNormTraining', x, vectors);
    if (size(x.shape) === x.shape[1]) {
      throw new ShapeError(
        `batchNormTraining: needs more than one value per channel, got [${x.shape}]; use a larger batch`,
      );
    }
    return [{ shape: x.shape, dtype: 'float32' }, channels, channels];
  },
  gradient({
    inputs: [x, scale],
    outputs: [, average, variance],
    attributes: { epsilon },
    cotangents,
    needed,
  }) {
    const [g, gMean, gVariance] = cotangents;
    const rank = x.shape.length;
    const axes = spatialAxes(rank);
    const count = size(x.shape) / x.shape[1];
    const centred = centredBy(x, average);
    const deviation = sqrt(add(variance, epsilon));
    // dL/dx = gain · g + offset + slope · (x − mean), with gain, offset and slope per channel.
    let scaled: Tensor | null = null;
    let [dScale, dBias, slope, offset]: (Tensor | null)[] = [null, null, null, null];
    if (g !== null) {
      const gain = div(scale, deviation);
      const share = mul(gain, -1 / count);
      dBias = sum(g, { axes });
      dScale = div(channelDot(g, centred), deviation);
      scaled = mul(g, perChannel(gain, rank));
      slope = div(mul(share, dScale), deviation);
      offset = mul(share, dBias);
    }
    if (gVariance !== null) slope = plus(slope, mul(gVariance, 2 / count));
    if (gMean !== null) offset = plus(offset, mul(gMean, 1 / count));
    const zero = constant(0, scale.shape);
    const dx = needed[0] ? plus(scaled, scaleShift(centred, slope ?? zero, offset ?? zero)) : null;
    return [dx, dScale, dBias];
  },
  // The difference from the mean is the one that the derivative needs.
  recompute({ inputs: [x, scale, bias], outputs: [, average, variance], attributes: { epsilon } }) {
    const gain = div(scale, sqrt(add(variance, epsilon)));
    return [scaleShift(centredBy(x, average), gain, bias), average, variance];
  },
  emit(onnx, [x, scale, bias], node, { epsilon }) {
    const { shape } = node.inputs[0];
    if (onnx.options.restrictedBatchNorm) return reducedBatchNorm(onnx, [x, scale, bias], shape, epsilon);
    // Running statistics go in with weight 0, but the runtime writes the new ones into the buffers of the old.
    const running = [0, 1].map(() => onnx.scratch(shape[1]));
    return onnx.node('BatchNormalization', [x, scale, bias, ...running], {
      attributes: { epsilon: { float: epsilon }, momentum: { float: 0 }, training_mode: { int: 1 } },
      outputs: 3,
    });
  },
  blocked: {
    takes: followsImage,
    gives: 'blocks',
    emit(onnx, [x, scale, bias], node, { epsilon }) {
      const { shape } = node.inputs[0];
      const channels = shape[1];
      const average = channelMeans(onnx, x, shape);
      const [centred] = scaledChannels(onnx, x, channels, null, onnx.node('Neg', [average])[0]);
      const squares = channelProducts(onnx, centred, centred, shape);
      const [variance] = onnx.node('Mul', [squares, onnx.float(channels / size(shape))]);
      const gain = gainOf(onnx, scale, variance, epsilon);
      // What is computed anew says nothing of padding, and so is another node.
      const first = { auto_pad: { string: 'NOTSET' } };
      return [...scaledChannels(onnx, centred, channels, gain, bias, first), average, variance];
    },
  },
});

/** Batch normalisation by reductions over all axes but the channels'. */
function reducedBatchNorm(
  onnx: Emitter,
  [x, scale, bias]: readonly string[],
  shape: readonly number[],
  epsilon: number,
): string[] {
  const axes = onnx.int64(spatialAxes(shape.length));
  const node = (type: string, ...inputs: string[]) => onnx.node(type, inputs)[0];
  const channels = onnx.int64([shape[1]]);
  const broadcast = onnx.int64([1, shape[1], ...new Array<number>(shape.length - 2).fill(1)]);
  const average = node('ReduceMean', x, axes);
  const centred = node('Sub', x, average);
  const variance = node('ReduceMean', node('Mul', centred, centred), axes);
  const deviation = node('Sqrt', node('Add', variance, onnx.float(epsilon)));
  const gain = node('Div', node('Reshape', scale, broadcast), deviation);
  const y = node('Add', node('Mul', centred, gain), node('Reshape', bias, broadcast));
  return [y, node('Reshape', average, channels), node('Reshape', variance, channels)];
}

/** Per channel, over all other axes: mean and population variance, each [channel]. */
interface BatchStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

const knownStatistics = new WeakMap<Tensor, BatchStatistics>();

/** Statistics of a tensor; those of joined channels are the parts', computed once for all that join them. */
function batchStatistics(x: Tensor, epsilon: number): BatchStatistics {
  const known = knownStatistics.get(x);
  if (known !== undefined) return known;
  const parts = partsOf(x, 1)?.map((part) => batchStatistics(part, epsilon));
  if (parts === undefined) {
    const channels = [x.shape[1]];
    return normalizedByBatch([x, constant(1, channels), constant(0, channels)], epsilon);
  }
  const joined = {
    mean: concat(
      parts.map(({ mean: average }) => average),
      0,
    ),
    variance: concat(
      parts.map(({ variance }) => variance),
      0,
    ),
  };
  knownStatistics.set(x, joined);
  return joined;
}

function normalizedByBatch(inputs: readonly Tensor[], epsilon: number) {
  const [y, average, variance] = applyBatchNorm(inputs, { epsilon });
  const statistics = { mean: average, variance };
  knownStatistics.set(inputs[0], statistics);
  return { y, ...statistics };
}

/**
 * Batch normalisation with the batch's own statistics. [ioffe2015batch, alg. 1]
 * @param x [batch, channel, ...]; scale and bias [channel]
 * @returns y like x, and the batch's mean and population variance [channel]
 * @throws ShapeError when a channel has a single value
 */
export function batchNormTraining(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5) {
  requireChannels('batchNormTraining', x, [scale, bias]);
  if (partsOf(x, 1) === null) return normalizedByBatch([x, scale, bias], epsilon);
  const { mean: average, variance } = batchStatistics(x, epsilon);
  return { y: batchNormInference(x, scale, bias, average, variance, epsilon), mean: average, variance };
}

/** ONNX's batch normalisation with given statistics. */
function fixedBatchNorm(
  onnx: Emitter,
  [x, ...vectors]: readonly string[],
  shape: readonly number[],
  epsilon: number,
): string[] {
  const attributes = { epsilon: { float: epsilon } };
  if (shape.length > 2 || !onnx.options.restrictedBatchNorm)
    return onnx.node('BatchNormalization', [x, ...vectors], { attributes });
  const [signal] = onnx.node('Reshape', [x, onnx.int64([...shape, 1])]);
  const [y] = onnx.node('BatchNormalization', [signal, ...vectors], { attributes });
  return onnx.node('Reshape', [y, onnx.int64(shape)]);
}

const applyScaleShift = defineOp<object>({
  name: 'scaleShift',
  infer([x, ...vectors]) {
    requireChannels('scaleShift', x, vectors);
    return [x];
  },
  gradient({ inputs: [x, scale], cotangents: [g], needed }) {
    const rank = x.shape.length;
    const axes = spatialAxes(rank);
    return [
      needed[0] ? mul(g!, perChannel(scale, rank)) : null,
      needed[1] ? channelDot(g!, x) : null,
      needed[2] ? sum(g!, { axes }) : null,
    ];
  },
  // One pass, where a product and a sum are two.
  emit(onnx, inputs, node) {
    const channels = node.inputs[1].shape;
    const statistics = [0, 1].map((value) => onnx.float(value, channels));
    return fixedBatchNorm(onnx, [...inputs, ...statistics], node.inputs[0].shape, 0);
  },
  blocked: {
    takes: followsImage,
    gives: 'blocks',
    emit: (onnx, [x, scale, bias], node) => scaledChannels(onnx, x, node.inputs[0].shape[1], scale, bias),
  },
});

/**
 * One scale and one bias per channel: y = scale · x + bias.
 * @param x [batch, channel, ...]; scale and bias [channel]
 */
export function scaleShift(x: Tensor, scale: Tensor, bias: Tensor): Tensor {
  return applyScaleShift([x, scale, bias], {})[0];
}

const applyFixedNorm = defineOp<{ epsilon: number }>({
  name: 'batchNormInference',
  infer([x, ...vectors]) {
    requireChannels('batchNormInference', x, vectors);
    return [x];
  },
  gradient({ inputs: [x, scale, , average, variance], attributes: { epsilon }, cotangents: [g], needed }) {
    const rank = x.shape.length;
    const axes = spatialAxes(rank);
    const deviation = sqrt(add(variance, epsilon));
    const gain = div(scale, deviation);
    const total = sum(g!, { axes });
    const dScale = div(channelDot(g!, centredBy(x, average)), deviation);
    return [
      needed[0] ? mul(g!, perChannel(gain, rank)) : null,
      needed[1] ? dScale : null,
      needed[2] ? total : null,
      needed[3] ? mul(mul(total, gain), -1) : null,
      needed[4] ? mul(div(mul(dScale, scale), add(variance, epsilon)), -0.5) : null,
    ];
  },
  recompute: 'derived',
  emit: (onnx, inputs, node, { epsilon }) => fixedBatchNorm(onnx, inputs, node.inputs[0].shape, epsilon),
  blocked: {
    takes: followsImage,
    gives: 'blocks',
    emit(onnx, [x, scale, bias, average, variance], node, { epsilon }) {
      const gain = gainOf(onnx, scale, variance, epsilon);
      const [shift] = onnx.node('Sub', [bias, ...onnx.node('Mul', [average, gain])]);
      return scaledChannels(onnx, x, node.inputs[0].shape[1], gain, shift);
    },
  },
});

/** Batch normalisation with given statistics [channel]: y = scale · (x − mean) / √(variance + ε) + bias. */
export function batchNormInference(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  average: Tensor,
  variance: Tensor,
  epsilon = 1e-5,
): Tensor {
  return applyFixedNorm([x, scale, bias, average, variance], { epsilon })[0];
}

function plus(a: Tensor | null, b: Tensor): Tensor {
  return a === null ? b : add(a, b);
}

const applyLayerNorm = defineOp<{ epsilon: number; again?: boolean }>({
  name: 'layerNorm',
  infer([x, scale, bias]) {
    requireFloat('layerNorm', [x, scale, bias]);
    const width = x.shape.at(-1);
    if ([scale, bias].some(({ shape }) => shape.length !== 1 || shape[0] !== width)) {
      throw new ShapeError(
        `layerNorm: scale and bias must have shape [${width}], got [${scale.shape}] and [${bias.shape}]`,
      );
    }
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: 'float32' } as const;
    return [{ shape: x.shape, dtype: 'float32' }, statistics, statistics];
  },
  // The statistics have cotangents only where a derivative is differentiated again.
  gradient({ inputs: [x, scale], outputs: [, average, inverse], cotangents, needed }) {
    const [g, gAverage, gInverse] = cotangents;
    const normalized = mul(sub(x, average), inverse);
    const last = { axes: [-1], keepAxes: true };
    const lead = x.shape.slice(0, -1).map((_, i) => i);
    const width = x.shape.at(-1)!;
    let dx: Tensor | null = null;
    if (needed[0] && g !== null) {
      const scaled = mul(g, scale);
      const projected = mul(normalized, mean(mul(scaled, normalized), last));
      dx = mul(inverse, sub(sub(scaled, mean(scaled, last)), projected));
    }
    if (needed[0] && gAverage !== null) dx = plus(dx, expand(mul(gAverage, 1 / width), x.shape));
    if (needed[0] && gInverse !== null) {
      // d(σ⁻¹)/dx = −σ⁻³ (x − μ) / width
      dx = plus(dx, mul(normalized, mul(mul(gInverse, mul(inverse, inverse)), -1 / width)));
    }
    return [
      dx,
      needed[1] && g !== null ? sum(mul(g, normalized), { axes: lead }) : null,
      needed[2] && g !== null ? sum(g, { axes: lead }) : null,
    ];
  },
  recompute({ inputs, outputs: [, ...statistics], attributes }): readonly Tensor[] {
    return [applyLayerNorm(inputs, { ...attributes, again: true })[0], ...statistics];
  },
  // Counted from the start, the axis makes another node of it.
  emit: (onnx, inputs, node, { epsilon, again = false }) =>
    onnx.node('LayerNormalization', inputs, {
      attributes: {
        axis: { int: again ? node.inputs[0].shape.length - 1 : -1 },
        epsilon: { float: epsilon },
      },
      outputs: 3,
    }),
});

/**
 * Layer normalisation over the last axis. [ba2016layer, eq. 4]
 * @param x [..., width]; scale and bias [width]
 */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  return applyLayerNorm([x, scale, bias], { epsilon })[0];
}
