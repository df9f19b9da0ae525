/** Initial values of parameters. Fans are those of PyTorch: axis 0 is out, axis 1 in, the rest receptive field. */
import { type Shape, size } from '../graph/index.js';
import type { Random } from '../random/index.js';
import type { Initializer } from './scope.js';

/** Every element the same. */
export const fill =
  (value: number): Initializer =>
  (_random, shape) =>
    new Float32Array(size(shape)).fill(value);

export const zeros = fill(0);
export const ones = fill(1);

/** Given values. */
export const values =
  (list: ArrayLike<number>): Initializer =>
  () =>
    Float32Array.from(list);

/** Normal with mean 0. */
export const normal = (deviation: number): Initializer => truncated(deviation, Number.POSITIVE_INFINITY);

/** Normal with mean 0, redrawn beyond two standard deviations. */
export const truncatedNormal = (deviation: number): Initializer => truncated(deviation, 2);

const truncated =
  (deviation: number, limit: number): Initializer =>
  (random, shape) => {
    const result = new Float32Array(size(shape));
    random.fillNormal(result, deviation, limit);
    return result;
  };

/** Normal with variance 2 / fan-in, for layers before a ReLU. [he2015delving, eq. 10] */
export const kaimingNormal: Initializer = (random, shape) =>
  normal(Math.sqrt(2 / size(shape.slice(1))))(random, shape);

/** Uniform in ± 1/√fan-in: PyTorch's default for convolutions and linear layers. */
export const fanInUniform =
  (fanIn?: number): Initializer =>
  (random, shape) => {
    return uniformWithin(1 / Math.sqrt(fanIn ?? size(shape.slice(1))), random, shape);
  };

/** Uniform in ± √(6 / (fan-in + fan-out)). [glorot2010understanding, eq. 16] */
export const xavierUniform: Initializer = (random, shape) => {
  return uniformWithin(Math.sqrt(6 / (shape[0] + size(shape.slice(1)))), random, shape);
};

function uniformWithin(limit: number, random: Random, shape: Shape): Float32Array {
  const result = new Float32Array(size(shape));
  // A loop, since Float32Array.from with a function takes several times longer.
  for (let i = 0; i < result.length; i++) result[i] = (2 * random.uniform() - 1) * limit;
  return result;
}
