/** Eigenvalues and eigenvectors of a small symmetric matrix. */
import { ShapeError } from '../errors.js';

export interface SymmetricEigen {
  /** [n] descending. */
  readonly values: Float64Array;
  /** [n, n] row i is the unit eigenvector of value i; its entry of largest size is positive. */
  readonly vectors: Float64Array;
}

/** Sweeps after which rounding alone is left; convergence is quadratic, and ten do for hundreds of rows. */
const MOST_SWEEPS = 60;

/**
 * A = Σ λ_i v_i v_iᵀ by cyclic Jacobi rotations [golub2013matrix, sec. 8.5], O(n³) a sweep. Each rotation makes one
 * off-diagonal entry zero; sweeps end when none is left above rounding.
 * @param matrix [n, n] symmetric, finite; left as it is
 * @throws ShapeError when the matrix is not n × n or not symmetric
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  checkSymmetric(matrix, n);
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const negligible = Number.EPSILON * Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
  for (let sweep = 0, rotated = true; rotated && sweep < MOST_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q]) * n <= negligible) continue;
        rotate(a, v, n, p, q);
        rotated = true;
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    const vector = v.subarray(from * n, (from + 1) * n);
    const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    for (let i = 0; i < n; i++) vectors[to * n + i] = largest < 0 ? -vector[i] : vector[i];
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i]), vectors };
}

/** Makes a[p, q] zero: a ← Jᵀ a J, and the rows of v, the eigenvectors so far, follow. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const tau = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [left, right] = [a[k * n + p], a[k * n + q]];
    a[k * n + p] = c * left - s * right;
    a[k * n + q] = s * left + c * right;
  }
  for (const rows of [a, v]) {
    for (let k = 0; k < n; k++) {
      const [upper, lower] = [rows[p * n + k], rows[q * n + k]];
      rows[p * n + k] = c * upper - s * lower;
      rows[q * n + k] = s * upper + c * lower;
    }
  }
}

function checkSymmetric(matrix: Float64Array, n: number): void {
  const isSymmetric = () =>
    matrix.every(
      (value, at) => Number.isFinite(value) && value === matrix[(at % n) * n + Math.floor(at / n)],
    );
  if (matrix.length === n * n && n > 0 && isSymmetric()) return;
  throw new ShapeError(
    `symmetricEigen: the matrix must be ${n} × ${n}, finite and symmetric, got ${matrix.length} values; pass a covariance or Gram matrix`,
  );
}
