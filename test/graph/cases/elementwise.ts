/** Cases of elementwise ops, comparisons and selection. */
import * as g from '../../../src/graph/index.js';
import { type Case, flags, given, indices, positive, real } from '../check.js';

const extremes = [-1000, -88.5, -20, -1, 0.5, 3, 30, 89, 1000];

const binaries = { add: g.add, sub: g.sub, mul: g.mul, div: g.div, maximum: g.maximum, minimum: g.minimum };
const shapePairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 5],
    [3, 5],
  ],
  [[], [2, 3]],
  [
    [2, 1, 3],
    [5, 1],
  ],
  [[1], [1, 1, 1]],
  [
    [2, 3, 1, 1, 2],
    [3, 1, 3, 1],
  ],
];

const unaries = {
  neg: g.neg,
  exp: g.exp,
  abs: g.abs,
  sign: g.sign,
  tanh: g.tanh,
  sigmoid: g.sigmoid,
  relu: g.relu,
  positive: g.positive,
  erf: g.erf,
  softplus: g.softplus,
  gelu: g.gelu,
  reciprocal: g.reciprocal,
  logSigmoid: g.logSigmoid,
  square: g.square,
};
const positives = { log: g.log, sqrt: g.sqrt };
/** Finite and right for every finite input. */
const stable = {
  softplus: g.softplus,
  logSigmoid: g.logSigmoid,
  sigmoid: g.sigmoid,
  gelu: g.gelu,
  tanh: g.tanh,
  erf: g.erf,
};

export const elementwiseCases: readonly Case[] = [
  ...Object.entries(binaries).flatMap(([name, apply]) =>
    shapePairs.map(
      ([a, b]): Case => ({
        name: `${name} [${a}] and [${b}]`,
        inputs: [real(...a), real(...b)],
        build: (x, y) => apply(x, y),
      }),
    ),
  ),
  ...Object.entries(binaries).map(
    ([name, apply]): Case => ({
      name: `${name} of one tensor with itself and with a number`,
      inputs: [real(3, 1)],
      build: (x) => [apply(x, x), apply(x, 0.75), apply(-1.5, x)],
      kink: name === 'maximum' || name === 'minimum',
    }),
  ),
  ...Object.entries(unaries).flatMap(([name, apply]) =>
    [[], [1], [3, 5], [2, 1, 3, 1, 2]].map(
      (shape): Case => ({ name: `${name} [${shape}]`, inputs: [real(...shape)], build: (x) => apply(x) }),
    ),
  ),
  ...Object.entries(positives).flatMap(([name, apply]) =>
    [[], [7], [2, 1, 3]].map(
      (shape): Case => ({ name: `${name} [${shape}]`, inputs: [positive(...shape)], build: (x) => apply(x) }),
    ),
  ),
  // One case per value, so that no large one hides the error of a small one.
  ...Object.entries(stable).flatMap(([name, apply]) =>
    extremes.map(
      (value): Case => ({ name: `${name} at ${value}`, inputs: [given([value])], build: (x) => apply(x) }),
    ),
  ),
  {
    name: 'clip on both sides',
    inputs: [given([-3, -0.7, 0.2, 0.9, 4])],
    build: (x) => g.clip(x, -0.5, 1),
  },
  {
    name: 'clip without an upper limit',
    inputs: [real(2, 3)],
    build: (x) => g.clip(x, 0, Number.POSITIVE_INFINITY),
  },
  { name: 'clip of a scalar', inputs: [given([0.25], [])], build: (x) => g.clip(x, 0.25 - 1, 5) },
  {
    name: 'stopGradient beside a path that is not stopped',
    inputs: [real(4)],
    build: (x) => g.mul(g.stopGradient(g.exp(x)), 2),
    stopped: true,
  },
  {
    name: 'inFullPrecision amid arithmetic',
    inputs: [real(4)],
    build: (x) => g.mul(g.inFullPrecision(g.exp(x)), x),
  },
  { name: 'inFullPrecision of an input', inputs: [real(2, 2)], build: (x) => g.inFullPrecision(x) },
  ...Object.entries({ greater: g.greater, greaterEqual: g.greaterEqual, equal: g.equal }).flatMap(
    ([name, compare]): Case[] => [
      {
        name: `${name} of floats`,
        inputs: [given([-1, 0, 2, 3]), given([-1, 1, 1, 3])],
        build: (a, b) => compare(a, b),
        kink: true,
      },
      {
        name: `${name} of integers, broadcast`,
        inputs: [indices(3, 2, 1, 3), indices(3, 4, 1)],
        build: (a, b) => compare(a, b),
      },
      { name: `${name} with a number`, inputs: [real(5)], build: (a) => compare(a, 0.5) },
    ],
  ),
  { name: 'equal of booleans', inputs: [flags(7), flags(7)], build: (a, b) => g.equal(a, b) },
  {
    name: 'where, same shapes',
    inputs: [flags(3, 5), real(3, 5), real(3, 5)],
    build: (c, a, b) => g.where(c, a, b),
  },
  {
    name: 'where, all three broadcast',
    inputs: [flags(3, 1), real(1, 4), real(2, 1, 1)],
    build: (c, a, b) => g.where(c, a, b),
  },
  { name: 'where of numbers', inputs: [flags(5), real(1)], build: (c, a) => g.where(c, a, -2) },
  {
    name: 'where of integers',
    inputs: [flags(5), indices(9, 5), indices(9, 1)],
    build: (c, a, b) => g.where(c, a, b),
  },
  {
    name: 'where shields the branch that is not taken',
    inputs: [given([-1, 4, -3, 9])],
    build: (x) => g.where(g.greater(x, 0), g.sqrt(g.maximum(x, 1)), g.neg(x)),
  },
  {
    name: 'cast of floats',
    inputs: [given([-2.7, -1, 0, 0.4, 1, 3.9])],
    build: (x) => [g.cast(x, 'int32'), g.cast(x, 'bool')],
    kink: true,
  },
  {
    name: 'cast of booleans and integers',
    inputs: [flags(4), indices(5, 2, 2)],
    build: (b, i) => [g.cast(b, 'float32'), g.cast(b, 'int32'), g.cast(i, 'float32'), g.cast(i, 'bool')],
  },
];
