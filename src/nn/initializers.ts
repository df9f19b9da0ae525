/** Initial values of parameters. Fans are those of PyTorch: axis 0 is out, axis 1 in, the rest receptive field. */
import { size } from '../graph/index.js';
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
export const normal =
  (deviation: number): Initializer =>
  (random, shape) =>
    Float32Array.from({ length: size(shape) }, () => random.normal() * deviation);

/** Normal with mean 0, redrawn beyond two standard deviations. */
export const truncatedNormal =
  (deviation: number): Initializer =>
  (random, shape) =>
    Float32Array.from({ length: size(shape) }, () => {
      let draw = random.normal();
      while (Math.abs(draw) > 2) draw = random.normal();
      return draw * deviation;
    });

/** Normal with variance 2 / fan-in, for layers before a ReLU. [he2015delving, eq. 10] */
export const kaimingNormal: Initializer = (random, shape) =>
  normal(Math.sqrt(2 / size(shape.slice(1))))(random, shape);

/** Uniform in ± 1/√fan-in: PyTorch's default for convolutions and linear layers. */
export const fanInUniform =
  (fanIn?: number): Initializer =>
  (random, shape) => {
    const limit = 1 / Math.sqrt(fanIn ?? size(shape.slice(1)));
    return Float32Array.from({ length: size(shape) }, () => (2 * random.uniform() - 1) * limit);
  };

/** Uniform in ± √(6 / (fan-in + fan-out)). [glorot2010understanding, eq. 16] */
export const xavierUniform: Initializer = (random, shape) => {
  const limit = Math.sqrt(6 / (shape[0] + size(shape.slice(1))));
  return Float32Array.from({ length: size(shape) }, () => (2 * random.uniform() - 1) * limit);
};
