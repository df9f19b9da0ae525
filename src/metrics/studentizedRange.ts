/**
 * The studentised range of k standard normals (infinite degrees of freedom): max − min. Nemenyi's test compares the
 * farthest mean ranks with it.
 */
import { normalTail } from './tails.js';

/** The trapezoid rule converges faster than any power of the step on integrands that decay like a Gaussian. */
const STEP = 0.1;
/** Where φ is too small to matter: φ(9) ≈ 1e-18. */
const REACH = 9;

/**
 * P(range of k standard normals > q), by numerical integration over the largest of them, z [harter1960range]:
 *   k ∫ φ(z) (Φ(z)^{k−1} − (Φ(z) − Φ(z − q))^{k−1}) dz
 * the difference of powers taken as a product with Φ(z − q), so that small tails keep their digits.
 * @param q    at least 0
 * @param size k, an integer of at least 2
 * @returns in [0, 1]
 * @throws RangeError for a size below 2 or a negative q
 */
export function studentizedRangeTail(q: number, size: number): number {
  checkSize('studentizedRangeTail', size);
  if (!(q >= 0)) throw new RangeError(`studentizedRangeTail: q must be at least 0, got ${q}`);
  let sum = 0;
  for (let z = -REACH; z <= q + REACH; z += STEP) {
    const all = normalTail(-z);
    const below = normalTail(q - z);
    const within = Math.max(0, all - below);
    let powers = 0;
    for (let i = 0; i < size - 1; i++) powers = powers * within + all ** i;
    sum += Math.exp((-z * z) / 2) * below * powers;
  }
  return Math.min(1, (size * STEP * sum) / Math.sqrt(2 * Math.PI));
}

/**
 * The q that the range of k standard normals exceeds with probability alpha, by bisection.
 * @param alpha in (0, 1)
 * @param size  k, an integer of at least 2
 * @throws RangeError for an argument out of range
 */
export function studentizedRangeQuantile(alpha: number, size: number): number {
  checkSize('studentizedRangeQuantile', size);
  if (!(alpha > 0 && alpha < 1)) {
    throw new RangeError(`studentizedRangeQuantile: alpha must lie between 0 and 1, got ${alpha}`);
  }
  let low = 0;
  let high = 1;
  while (studentizedRangeTail(high, size) > alpha) high *= 2;
  while (high - low > 1e-12 * high) {
    const middle = low + (high - low) / 2;
    if (studentizedRangeTail(middle, size) > alpha) low = middle;
    else high = middle;
  }
  return low + (high - low) / 2;
}

function checkSize(caller: string, size: number): void {
  if (!Number.isInteger(size) || size < 2) {
    throw new RangeError(`${caller}: size must be an integer of at least 2, got ${size}`);
  }
}
