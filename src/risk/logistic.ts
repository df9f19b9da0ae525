/**
 * L2-penalised logistic regression with an unpenalised intercept, by a Newton method that cannot diverge. Minimises
 *   ½ wᵀw + C Σ_i s_i log(1 + exp(−y_i (b + wᵀx_i))),   y = ±1
 * which is scikit-learn's `LogisticRegression(penalty="l2", C=C)` with sample weights s; class weights are sample weights.
 */
import { ShapeError } from '../errors.js';

/** What a regression is fitted on. */
export interface WeightedSample {
  /** [column][row], finite */
  readonly columns: readonly Float64Array[];
  /** [row] 1 = positive, 0 = negative */
  readonly target: Uint8Array;
  /** [row] non-negative */
  readonly weight: Float64Array;
}

export interface LogisticFit {
  readonly intercept: number;
  /** One per column. */
  readonly coefficients: readonly number[];
}

const MAX_STEPS = 500;
/** After a step that changes no linear predictor by more, the next would change it by its square. */
const TOLERANCE = 1e-8;
/** Changes below this that no longer shrink are rounding. */
const ROUNDING = 1e-5;

/**
 * Fits the regression. Steps are damped as the self-concordance of the loss asks for [bach2010selfconcordant]: the
 * fraction log(1 + R)/R of a Newton step that changes linear predictors by at most R always lowers the loss.
 * @param C inverse strength of the penalty, > 0
 * @throws ShapeError when the sizes differ
 * @throws RangeError when a class carries no weight: the intercept then has no finite estimate
 */
export function fitLogistic({ columns, target, weight }: WeightedSample, C: number): LogisticFit {
  const n = target.length;
  if (weight.length !== n || columns.some((column) => column.length !== n)) {
    throw new ShapeError(`fitLogistic: columns, target and weight must have one length, got target ${n}`);
  }
  const mass = [0, 0];
  for (let i = 0; i < n; i++) mass[target[i]] += weight[i];
  if (!(mass[0] > 0 && mass[1] > 0)) {
    throw new RangeError(
      `fitLogistic: both classes must carry weight, got ${mass[0]} negative and ${mass[1]} positive; leave the label out`,
    );
  }
  const width = columns.length + 1; // the intercept is the last coefficient
  const beta = new Float64Array(width);
  beta[width - 1] = Math.log(mass[1] / mass[0]);
  const x = new Float64Array(width).fill(1);
  const step = new Float64Array(width);
  const hessian = new Float64Array(width * width);
  let previous = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < MAX_STEPS; iteration++) {
    hessian.fill(0);
    for (let j = 0; j < width - 1; j++) {
      step[j] = -beta[j];
      hessian[j * width + j] = 1;
    }
    step[width - 1] = 0;
    for (let i = 0; i < n; i++) {
      if (weight[i] === 0) continue;
      let predictor = beta[width - 1];
      for (let j = 0; j < width - 1; j++) {
        x[j] = columns[j][i];
        predictor += beta[j] * x[j];
      }
      const odds = Math.exp(-Math.abs(predictor));
      const tail = odds / (1 + odds); // min(p, 1 − p)
      const p = predictor > 0 ? 1 - tail : tail;
      const residual = C * weight[i] * (target[i] - p);
      const curvature = C * weight[i] * tail * (1 - tail);
      for (let j = 0; j < width; j++) {
        step[j] += residual * x[j];
        const scaled = curvature * x[j];
        for (let k = 0; k <= j; k++) hessian[j * width + k] += scaled * x[k];
      }
    }
    solvePositiveDefinite(hessian, step);
    const largest = largestChange(columns, weight, step);
    const fraction = largest <= 1.5 ? 1 : Math.log1p(largest) / largest;
    for (let j = 0; j < width; j++) beta[j] += fraction * step[j];
    if (largest < TOLERANCE || (largest < ROUNDING && largest >= previous)) {
      return { intercept: beta[width - 1], coefficients: Array.from(beta.subarray(0, width - 1)) };
    }
    previous = largest;
  }
  throw new Error(`internal: fitLogistic did not converge on ${n} rows and ${columns.length} columns`);
}

/** Most that adding `step` to the coefficients changes the linear predictor of a row that carries weight. */
function largestChange(columns: readonly Float64Array[], weight: Float64Array, step: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < weight.length; i++) {
    if (weight[i] === 0) continue;
    let change = step[columns.length];
    for (let j = 0; j < columns.length; j++) change += step[j] * columns[j][i];
    largest = Math.max(largest, Math.abs(change));
  }
  return largest;
}

/**
 * Solves A x = b by Cholesky's decomposition, in place.
 * @param a [n, n] row-major, its lower triangle is read and overwritten
 * @param b [n] becomes x
 */
function solvePositiveDefinite(a: Float64Array, b: Float64Array): void {
  const n = b.length;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}
