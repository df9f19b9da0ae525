import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShapeError } from '../../src/errors.js';
import * as g from '../../src/graph/index.js';

const x = (...shape: number[]) => g.input('x', shape);
const whole = (...shape: number[]) => g.input('i', shape, 'int32');
const flag = (...shape: number[]) => g.input('b', shape, 'bool');

type Failure = readonly [attempt: () => unknown, message: RegExp];

const binaryFailures = (apply: (a: g.Tensor, b: g.Tensor) => g.Tensor): readonly Failure[] => [
  [() => apply(x(2, 3), x(2)), /shapes \[2,3\] and \[2\] do not broadcast at axis -1/],
  [() => apply(x(2), whole(2)), /needs float32, got int32/],
];
const unaryFailures = (apply: (a: g.Tensor) => g.Tensor): readonly Failure[] => [
  [() => apply(flag(2)), /needs float32, got bool/],
];
const comparisonFailures = (apply: (a: g.Tensor, b: g.Operand) => g.Tensor): readonly Failure[] => [
  [() => apply(x(3), x(2)), /shapes \[3\] and \[2\] do not broadcast/],
  [() => apply(whole(3), 1), /compares like with like, got int32 and float32/],
];

/** What each op refuses, and what it says. Messages start with the op's name. */
const failures: Readonly<Record<string, readonly Failure[]>> = {
  add: binaryFailures(g.add),
  sub: binaryFailures(g.sub),
  mul: binaryFailures(g.mul),
  div: binaryFailures(g.div),
  maximum: binaryFailures(g.maximum),
  minimum: binaryFailures(g.minimum),
  neg: unaryFailures(g.neg),
  exp: unaryFailures(g.exp),
  log: unaryFailures(g.log),
  sqrt: unaryFailures(g.sqrt),
  reciprocal: unaryFailures(g.reciprocal),
  abs: unaryFailures(g.abs),
  sign: unaryFailures(g.sign),
  tanh: unaryFailures(g.tanh),
  sigmoid: unaryFailures(g.sigmoid),
  relu: unaryFailures(g.relu),
  positive: unaryFailures(g.positive),
  erf: unaryFailures(g.erf),
  softplus: unaryFailures(g.softplus),
  gelu: unaryFailures(g.gelu),
  clip: [
    ...unaryFailures((a) => g.clip(a, 0, 1)),
    [() => g.clip(x(2), 2, 1), /low must not exceed high, got 2 and 1/],
    [() => g.clip(x(2), Number.NaN, 1), /low must not exceed high, got NaN/],
  ],
  greater: [...comparisonFailures(g.greater), [() => g.greater(flag(2), flag(2)), /needs numbers, got bool/]],
  greaterEqual: [
    ...comparisonFailures(g.greaterEqual),
    [() => g.greaterEqual(flag(2), flag(2)), /needs numbers, got bool/],
  ],
  equal: comparisonFailures(g.equal),
  where: [
    [() => g.where(x(2), x(2), x(2)), /the condition must be bool, got float32/],
    [() => g.where(flag(2), x(2), whole(2)), /both branches need one type, got float32 and int32/],
    [() => g.where(flag(3), x(2), x(1)), /shapes \[3\] and \[2\] do not broadcast/],
  ],
  reshape: [
    [() => g.reshape(x(2, 3), [4]), /\[2,3\] holds 6 elements, \[4\] holds 4/],
    [() => g.reshape(x(2, 3), [-1, 4]), /cannot infer \[-1,4\] from \[2,3\]/],
    [() => g.reshape(x(2, 3), [-1, -1]), /cannot infer/],
    [() => g.reshape(x(2, 3), [-2, -3]), /positive integer, got \[-2,-3\]/],
    [() => g.reshape(x(2, 3), [-1, 0]), /cannot infer/],
  ],
  expand: [
    [() => g.expand(x(2), [3]), /shapes \[2\] and \[3\] do not broadcast/],
    [() => g.expand(x(2, 3), [3]), /\[2,3\] does not broadcast to \[3\]/],
    [() => g.expand(x(1), [0]), /positive integer, got \[0\]/],
  ],
  sum: [
    [() => g.sum(x(2), { axes: [1] }), /axes \[1\] must be distinct and within a rank of 1/],
    [() => g.sum(x(2, 3), { axes: [1, -1] }), /axes \[1,-1\] must be distinct/],
    [() => g.sum(flag(2)), /needs numbers, got bool/],
  ],
  max: [
    [() => g.max(x(2), { axes: [-2] }), /axes \[-2\]/],
    [() => g.max(whole(2)), /needs float32, got int32/],
  ],
  matmul: [
    [() => g.matmul(x(2, 3), x(2, 3)), /inner extents differ: \[2,3\] · \[2,3\]/],
    [() => g.matmul(x(2, 3), x(3, 2), { transposeB: true }), /inner extents differ: \[2,3\] · \[3,2\]ᵀ/],
    [() => g.matmul(x(3), x(3, 2)), /at least two axes each, got \[3\]/],
    [() => g.matmul(x(2, 1, 3), x(3, 3, 4)), /shapes \[2\] and \[3\] do not broadcast/],
    [() => g.matmul(whole(2, 2), whole(2, 2)), /needs float32, got int32/],
  ],
  softmax: [
    [() => g.softmax(x(2), 1), /axes \[1\]/],
    [() => g.softmax(x()), /axes \[-1\]/],
    [() => g.softmax(whole(2)), /needs float32/],
  ],
  transpose: [[() => g.transpose(x(2, 3), [0, 0]), /\[0,0\] is no permutation of the axes of \[2,3\]/]],
  concat: [
    [() => g.concat([], 0), /at least one tensor/],
    [() => g.concat([x(2, 3), x(3, 3)], 1), /may differ at axis 1 alone, got \[2,3\] \[3,3\]/],
    [() => g.concat([x(2), whole(2)], 0), /may differ at axis 0 alone/],
    [() => g.concat([x(2), x(2)], 1), /axes \[1\]/],
  ],
  split: [
    [() => g.split(x(5), [2, 2], 0), /parts \[2,2\] do not add up to axis 0 of \[5\]/],
    [() => g.split(x(5), [4], 0), /parts \[4\] do not add up/],
    [() => g.split(x(5), [5, 0], 0), /positive integer, got \[5,0\]/],
    [() => g.split(x(5), [2, 3], 1), /axes \[1\]/],
  ],
  slice: [
    [() => g.slice(x(3), [1], [4]), /\[1\] to \[4\] by \[1\] leaves \[3\] or is empty/],
    [() => g.slice(x(3), [2], [2]), /is empty/],
    [() => g.slice(x(3), [0], [3], [0]), /is empty/],
    [() => g.slice(x(3, 2), [0], [3]), /one integer per axis of \[3,2\], got \[0\] \[3\]/],
    [() => g.sliceAxis(x(3), 0, 0.5, 2), /one integer per axis/],
  ],
  pad: [
    [() => g.pad(x(3), [-1], [0]), /must not be negative, got \[-1\] and \[0\]; use slice/],
    [() => g.pad(x(3, 2), [0], [1]), /one integer per axis of \[3,2\]/],
    [() => g.pad(whole(3), [1], [1]), /needs float32/],
  ],
  flip: [[() => g.flip(x(2, 3), [2]), /axes \[2\]/]],
  gather: [
    [() => g.gather(x(3), x(2)), /indices must be int32, got float32/],
    [() => g.gather(x(), whole(2)), /the table must have rows/],
  ],
  conv2d: [
    [() => g.conv2d(x(1, 3, 4, 4), x(2, 2, 3, 3)), /\[1,3,4,4\] and \[2,2,3,3\] with 1 groups/],
    [() => g.conv2d(x(1, 4, 4, 4), x(3, 2, 1, 1), null, { groups: 2 }), /with 2 groups/],
    [() => g.conv2d(x(1, 3, 4), x(2, 3, 3, 3)), /x \[n, c, h, w\] needs weights/],
    [() => g.conv2d(x(1, 3, 4, 4), x(2, 3, 3, 3), x(3)), /the bias must have shape \[2\], got \[3\]/],
    [() => g.conv2d(x(1, 1, 2, 2), x(1, 1, 3, 3)), /a \[3,3\] kernel does not fit into \[2,2\]; pad it/],
    [() => g.conv2d(x(1, 1, 3, 3), x(1, 1, 1, 1), null, { strides: [0, 1] }), /strides.*got \[0,1/],
    [() => g.conv2d(x(1, 1, 3, 3), x(1, 1, 1, 1), null, { padding: [0, 0, -1, 0] }), /not negative/],
    [() => g.conv2d(whole(1, 1, 3, 3), x(1, 1, 1, 1)), /needs float32/],
  ],
  convTranspose2d: [
    [() => g.convTranspose2d(x(1, 3, 2, 2), x(2, 3, 2, 2)), /needs weights \[c, out\/groups, kh, kw\]/],
    [() => g.convTranspose2d(x(1, 3, 2, 2), x(3, 1, 2, 2), { groups: 2 }), /with 2 groups/],
    [
      () => g.convTranspose2d(x(1, 1, 2, 2), x(1, 1, 2, 2), { strides: [2, 2], outputPadding: [2, 0] }),
      /output padding must be below the stride \[2,2\], got \[2,0\]/,
    ],
    [
      () => g.convTranspose2d(x(1, 1, 1, 1), x(1, 1, 1, 1), { padding: [1, 0, 0, 0] }),
      /the result: every extent must be a positive integer, got \[0,1\]/,
    ],
  ],
  maxPool2d: [
    [() => g.maxPool2d(x(1, 1, 2, 2), { kernel: [3, 1] }), /\[3,1\] window .* does not fit \[1,1,2,2\]/],
    [() => g.maxPool2d(x(1, 2, 2), { kernel: [1, 1] }), /needs \[batch, channel, height, width\]/],
    [() => g.maxPool2d(x(1, 1, 4, 4), { kernel: [2, 2], padding: [2, 0, 0, 0] }), /does not fit/],
  ],
  averagePool2d: [
    [() => g.averagePool2d(x(1, 1, 2, 2), { kernel: [1, 3] }), /does not fit/],
    [() => g.averagePool2d(x(1, 1, 2, 2), { kernel: [1, 1], strides: [1, 0] }), /strides.*got \[1,1,1,0\]/],
    [() => g.averagePool2d(whole(1, 1, 2, 2), { kernel: [1, 1] }), /needs float32/],
  ],
  batchNormTraining: [
    [
      () => g.batchNormTraining(x(2, 3), x(3), x(2)),
      /needs vectors \[channel\], got \[2,3\] and \[3\] \[2\]/,
    ],
    [() => g.batchNormTraining(x(3), x(3), x(3)), /x \[batch, channel, ...\]/],
    [() => g.batchNormTraining(x(1, 3), x(3), x(3)), /more than one value per channel.*larger batch/],
  ],
  channelGram: [
    [() => g.channelGram(x(2, 3, 4), x(2, 3, 5)), /channels and 0 rows, got \[2,3,4\] and \[2,3,5\]/],
    [() => g.channelGram(x(2, 3), x(2, 3)), /two tensors \[batch, channel, row, \.\.\.\]/],
    [() => g.channelGram(whole(2, 3, 1), whole(2, 3, 1)), /needs float32/],
  ],
  channelDot: [
    [() => g.channelDot(x(2, 3), x(2, 1)), /two tensors \[batch, channel, \.\.\.\] of one shape/],
    [() => g.channelDot(x(3), x(3)), /two tensors/],
    [() => g.channelDot(whole(2, 3), whole(2, 3)), /needs float32/],
  ],
  scaleShift: [
    [() => g.scaleShift(x(2, 3), x(3), x(1)), /needs vectors \[channel\]/],
    [() => g.scaleShift(whole(2, 3), x(3), x(3)), /needs float32/],
  ],
  batchNormInference: [
    [() => g.batchNormInference(x(2, 3), x(3), x(3), x(3), x(1)), /needs vectors \[channel\]/],
    [() => g.batchNormInference(whole(2, 3), x(3), x(3), x(3), x(3)), /needs float32/],
  ],
  inFullPrecision: [[() => g.inFullPrecision(whole(2)), /needs float32/]],
  layerNorm: [
    [() => g.layerNorm(x(2, 3), x(2), x(3)), /scale and bias must have shape \[3\], got \[2\] and \[3\]/],
    [() => g.layerNorm(x(), x(1), x(1)), /scale and bias must have shape/],
  ],
};

/** Ops that fit every tensor. */
const unconditional = ['stopGradient', 'cast'];

test('every op refuses something, or is listed as fit for every tensor', () => {
  assert.deepEqual([...Object.keys(failures), ...unconditional].sort(), [...g.definedOps.keys()].sort());
});

for (const [name, list] of Object.entries(failures)) {
  test(`${name} refuses what it cannot compute`, () => {
    for (const [attempt, message] of list) {
      assert.throws(attempt, (error: unknown) => {
        assert.ok(error instanceof ShapeError, `${name} ${message}: ${error}`);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`${name}:`), error.message);
        return true;
      });
    }
  });
}

test('composed functions refuse what they cannot compute', () => {
  const composed: readonly Failure[] = [
    [() => g.mean(x(2), { axes: [1] }), /^mean: axes \[1\]/],
    [() => g.logSumExp(x(2), { axes: [3] }), /^logSumExp: axes \[3\]/],
    [() => g.oneHot(x(2), 3), /^oneHot: indices must be int32, got float32/],
    [() => g.oneHot(whole(2), 0), /^oneHot: every extent must be a positive integer, got \[0\]/],
    [() => g.dilate(x(2), [0]), /^dilate: every extent must be a positive integer/],
    [() => g.dilate(x(2, 2), [1]), /^dilate: needs one integer per axis/],
    [() => g.resizeBilinear(x(1, 1, 2, 2), 0, 2), /^resizeBilinear: .* got \[0,2\]/],
    [() => g.adaptiveAveragePool(x(1, 2, 2), 1, 1), /^adaptiveAveragePool: needs \[batch, channel/],
    [() => g.input('a', [2, 0]), /^input: every extent must be a positive integer, got \[2,0\]/],
    [() => g.constant([1, 2], [3]), /^constant: shape \[3\] holds 3 values, got 2/],
    [() => g.constant(0, [-1]), /^constant: every extent must be a positive integer/],
    [() => g.gradients(x(2), []), /^gradients: the objective must have one element, got shape \[2\]/],
    [() => g.gradients(x(2), [], x(1)), /^gradients: a seed \[1\] does not fit an objective \[2\]/],
  ];
  for (const [attempt, message] of composed) assert.throws(attempt, { name: 'ShapeError', message });
});
