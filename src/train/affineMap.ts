/** Affine maps of vectors, fitted by least squares or by variance: how embeddings are aligned and shortened. */
import { ShapeError } from '../errors.js';
import { symmetricEigen } from './symmetricEigen.js';

/** x ↦ origin + (x − center) · weights; plain JSON, its numbers exact. */
export interface AffineMap {
  /** [d] */
  readonly center: readonly number[];
  /** [d, m] row-major */
  readonly weights: readonly number[];
  /** [m] */
  readonly origin: readonly number[];
}

/** Penalty of `fitRidgeMap` over the mean variance of the inputs. */
const RIDGE = 1e-2;

/** Components whose variance is below this share of the largest are rounding. */
const LEAST_VARIANCE = 1e-10;

/**
 * Applies a map to rows.
 * @param values [n, d]
 * @returns [n, m]
 * @throws ShapeError when the rows are not d wide
 */
export function applyAffineMap({ center, weights, origin }: AffineMap, values: Float64Array): Float64Array {
  const [d, m] = [center.length, origin.length];
  const n = rowsOf('applyAffineMap', values, d);
  const result = new Float64Array(n * m);
  for (let row = 0; row < n; row++) {
    for (let j = 0; j < m; j++) {
      let sum = origin[j];
      for (let i = 0; i < d; i++) sum += (values[row * d + i] - center[i]) * weights[i * m + j];
      result[row * m + j] = sum;
    }
  }
  return result;
}

/**
 * The affine map that carries the rows of `from` closest to those of `to`, shrunk [hoerl1970ridge]:
 *   W = (XᵀX + n λ I)⁻¹ XᵀY,  X and Y centred,  λ = 0.01 × the mean variance of X's columns
 * The penalty settles directions in which `from` hardly varies.
 * @param from [n, d]
 * @param to   [n, m], the same rows
 * @throws ShapeError when the sizes do not fit or there is no row
 */
export function fitRidgeMap(from: Float64Array, d: number, to: Float64Array, m: number): AffineMap {
  const n = rowsOf('fitRidgeMap', from, d);
  if (rowsOf('fitRidgeMap', to, m) !== n) {
    throw new ShapeError(
      `fitRidgeMap: both sides must have the same rows, got ${n} and ${to.length / m}; embed the same rows with both`,
    );
  }
  const [center, origin] = [columnMeans(from, d), columnMeans(to, m)];
  const [x, y] = [centred(from, center), centred(to, origin)];
  const { values, vectors } = symmetricEigen(crossProduct(x, d, x, d), d);
  const penalty = (RIDGE * values.reduce((sum, value) => sum + value, 0)) / d;
  // W = V (Λ + n λ)⁻¹ Vᵀ XᵀY with XᵀX = V Λ Vᵀ; the rows of `vectors` are V's columns.
  const cross = crossProduct(x, d, y, m);
  const weights = new Float64Array(d * m);
  for (let e = 0; e < d; e++) {
    const scale = values[e] + penalty;
    if (!(scale > 0)) continue;
    const vector = vectors.subarray(e * d, (e + 1) * d);
    for (let j = 0; j < m; j++) {
      let along = 0;
      for (let i = 0; i < d; i++) along += vector[i] * cross[i * m + j];
      for (let i = 0; i < d; i++) weights[i * m + j] += (vector[i] * along) / scale;
    }
  }
  return { center: Array.from(center), weights: Array.from(weights), origin: Array.from(origin) };
}

/**
 * Principal component analysis [pearson1901lines]: the map to the directions of greatest variance, greatest first.
 * Directions without variance map to 0. Of the two signs of a direction the one with a positive largest entry is taken.
 * @param values [n, d]
 * @param count  components to keep, at most d
 * @throws ShapeError when there is no row, or fewer than `count` columns
 */
export function fitPrincipalComponents(values: Float64Array, d: number, count: number): AffineMap {
  rowsOf('fitPrincipalComponents', values, d);
  if (count > d) {
    throw new ShapeError(
      `fitPrincipalComponents: at most ${d} components can be kept, got ${count}; ask for fewer`,
    );
  }
  const center = columnMeans(values, d);
  const x = centred(values, center);
  const { values: variances, vectors } = symmetricEigen(crossProduct(x, d, x, d), d);
  const weights = new Float64Array(d * count);
  for (let j = 0; j < count; j++) {
    if (!(variances[j] > LEAST_VARIANCE * variances[0])) break;
    for (let i = 0; i < d; i++) weights[i * count + j] = vectors[j * d + i];
  }
  return {
    center: Array.from(center),
    weights: Array.from(weights),
    origin: new Array<number>(count).fill(0),
  };
}

function rowsOf(caller: string, values: Float64Array, width: number): number {
  const rows = values.length / width;
  if (Number.isInteger(rows) && rows > 0) return rows;
  throw new ShapeError(
    `${caller}: values must be whole rows of ${width}, at least one, got ${values.length} values; pass the embeddings of some rows`,
  );
}

function columnMeans(values: Float64Array, width: number): Float64Array {
  const means = new Float64Array(width);
  values.forEach((value, at) => {
    means[at % width] += value;
  });
  return means.map((sum) => (sum * width) / values.length);
}

function centred(values: Float64Array, center: Float64Array): Float64Array {
  return values.map((value, at) => value - center[at % center.length]);
}

/** XᵀY. @param x [n, d] @param y [n, m] @returns [d, m] */
function crossProduct(x: Float64Array, d: number, y: Float64Array, m: number): Float64Array {
  const product = new Float64Array(d * m);
  for (let row = 0; row < x.length / d; row++) {
    for (let i = 0; i < d; i++) {
      const value = x[row * d + i];
      for (let j = 0; j < m; j++) product[i * m + j] += value * y[row * m + j];
    }
  }
  return product;
}
