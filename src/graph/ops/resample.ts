/**
 * Changing the resolution of an image. Each method is a fixed linear map, so it is written as a product with
 * constant matrices: exact at any size, the same on every device, and its derivative is the transposed product.
 */
import { ShapeError } from '../../errors.js';
import { constant, requireExtents, type Tensor } from '../tensor.js';
import { concat } from './arrange.js';
import { reshape } from './broadcast.js';
import { matmul } from './matmul.js';

/** [to, from] weights along one axis. */
type Weights = readonly (readonly number[])[];

/** One product over whole images is faster than two over rows and columns up to this many weights. */
const jointLimit = 1 << 18;

/** Up to this many weights one product over whole images is faster than repeating columns, then rows. */
const smallLimit = 1 << 14;

/**
 * Bilinear resize with half-pixel centres and clamped edges (PyTorch: align_corners false, no antialiasing).
 * @param x [batch, channel, height, width]
 * @returns [batch, channel, rows, columns]
 */
export function resizeBilinear(x: Tensor, rows: number, columns: number): Tensor {
  return resample('resizeBilinear', x, [rows, columns], linearWeights);
}

/** Mean over each of rows × columns cells of nearly equal extent (PyTorch's adaptive average pooling). */
export function adaptiveAveragePool(x: Tensor, rows: number, columns: number): Tensor {
  return resample('adaptiveAveragePool', x, [rows, columns], areaWeights);
}

/** Every cell repeated into `rows` × `columns` cells; the adjoint of summing windows that tile the image. */
export function repeatCells(x: Tensor, rows: number, columns: number): Tensor {
  const [n, c, h, w] = x.shape;
  if (h * w * h * w * rows * columns <= smallLimit) {
    return resample('repeatCells', x, [h * rows, w * columns], nearestWeights);
  }
  // Repeating single cells is slow on the CPU, whole rows are copied fast.
  const across = constant(nearestWeights(w, w * columns).flat(), [w * columns, w]);
  const wide = reshape(matmul(x, across, { transposeB: true }), [n * c * h, w * columns]);
  return reshape(concat(new Array<Tensor>(rows).fill(wide), 1), [n, c, h * rows, w * columns]);
}

function resample(
  op: string,
  x: Tensor,
  [rows, columns]: readonly [number, number],
  weights: (from: number, to: number) => Weights,
): Tensor {
  requireExtents(op, [rows, columns]);
  if (x.shape.length !== 4)
    throw new ShapeError(`${op}: needs [batch, channel, height, width], got [${x.shape}]`);
  const [n, c, h, w] = x.shape;
  if (h === rows && w === columns) return x;
  const [vertical, horizontal] = [weights(h, rows), weights(w, columns)];
  if (h * w * rows * columns <= jointLimit) {
    const joint = new Float32Array(h * w * rows * columns);
    for (let i = 0; i < h; i++)
      for (let j = 0; j < w; j++)
        for (let r = 0; r < rows; r++)
          for (let s = 0; s < columns; s++)
            joint[((i * w + j) * rows + r) * columns + s] = vertical[r][i] * horizontal[s][j];
    const product = matmul(reshape(x, [n * c, h * w]), constant(joint, [h * w, rows * columns]));
    return reshape(product, [n, c, rows, columns]);
  }
  const wide = matmul(x, constant(horizontal.flat(), [columns, w]), { transposeB: true }); // [n, c, h, columns]
  return matmul(constant(vertical.flat(), [rows, h]), wide); // [n, c, rows, columns]
}

function linearWeights(from: number, to: number): Weights {
  return Array.from({ length: to }, (_, i) => {
    const centre = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(centre), from - 1);
    const high = Math.min(low + 1, from - 1);
    const weights = new Array<number>(from).fill(0);
    weights[low] += 1 - (centre - low);
    weights[high] += centre - low;
    return weights;
  });
}

function nearestWeights(from: number, to: number): Weights {
  return Array.from({ length: to }, (_, i) =>
    Array.from({ length: from }, (_, k) => (k === Math.floor((i * from) / to) ? 1 : 0)),
  );
}

function areaWeights(from: number, to: number): Weights {
  return Array.from({ length: to }, (_, i) => {
    const start = Math.floor((i * from) / to);
    const end = Math.ceil(((i + 1) * from) / to);
    return Array.from({ length: from }, (_, k) => (k >= start && k < end ? 1 / (end - start) : 0));
  });
}
