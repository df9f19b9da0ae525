/**
 * Logistic recalibration: the logistic regression of an outcome on the logit of its predicted probability
 * [cox1958recalibration], by a Newton method that cannot diverge.
 */

/** Why a recalibration model has no finite maximum-likelihood estimate. */
export type NoRecalibration =
  | 'no rows'
  | 'one class'
  | 'constant probability'
  | 'separated'
  | 'barely overlapping';

/**
 * Default tolerance: after a Newton step that changes no linear predictor by more, the next would change less than
 * 1e-12.
 */
export const FULL_PRECISION = 1e-6;
/** Changes that stop shrinking below this are rounding; above it they may be the long way of a steep slope. */
const ROUNDING = 1e-3;
const MAX_STEPS = 1000;

/**
 * Maximum-likelihood fit of logit P(y = 1) = a + b z, each row counted `weights[i]` times.
 * @param z [row] finite predictors
 * @param targets [row] 0 or 1
 * @param weights [row] non-negative
 * @param coefficients [a, b]; the start, and on success the estimate
 * @param tolerance stop after a step that changes no linear predictor by more; what then is left is its square
 * @returns null on success; otherwise why no finite estimate exists, coefficients unchanged
 */
export function recalibrate(
  z: Float64Array,
  targets: Uint8Array,
  weights: Int32Array,
  coefficients: Float64Array,
  tolerance = FULL_PRECISION,
): NoRecalibration | null {
  const range = weightedRange(z, targets, weights);
  const obstacle = whyNone(range);
  if (obstacle !== null) return obstacle;
  // Centred predictors keep the two columns of the Hessian apart where all z are large and alike.
  const low = Math.min(range.lowNegative, range.lowPositive);
  const high = Math.max(range.highNegative, range.highPositive);
  const centre = low + (high - low) / 2;
  let slope = coefficients[1];
  let intercept = coefficients[0] + slope * centre;
  let previous = Number.POSITIVE_INFINITY;
  for (let step = 0; step < MAX_STEPS; step++) {
    // The residual y − p is split into the nearest integer and the rest, whose sums keep their digits where
    // probabilities are 1e-16 away from 0 or 1.
    let whole0 = 0;
    let whole1 = 0;
    let rest0 = 0;
    let rest1 = 0;
    let h00 = 0;
    let h01 = 0;
    let h11 = 0;
    // Rows without weight are not skipped: a branch that cannot be foreseen costs more than the arithmetic.
    for (let i = 0; i < z.length; i++) {
      const weight = weights[i];
      const x = z[i] - centre;
      const predictor = intercept + slope * x;
      const likely = predictor > 0;
      const odds = Math.exp(-Math.abs(predictor));
      const largerShare = 1 / (1 + odds); // max(p, 1 − p)
      const tail = weight * odds * largerShare; // weighted min(p, 1 − p)
      const whole = weight * (likely ? targets[i] - 1 : targets[i]);
      const rest = likely ? tail : -tail;
      const curvature = tail * largerShare;
      const curvatureX = curvature * x;
      whole0 += whole;
      whole1 += whole * x;
      rest0 += rest;
      rest1 += rest * x;
      h00 += curvature;
      h01 += curvatureX;
      h11 += curvatureX * x;
    }
    const gradient0 = whole0 + rest0;
    const gradient1 = whole1 + rest1;
    // The relative ridge keeps the determinant above its rounding error; it shortens the step, not the way.
    h00 *= 1 + 1e-12;
    h11 *= 1 + 1e-12;
    const determinant = h00 * h11 - h01 * h01;
    const change0 = (h11 * gradient0 - h01 * gradient1) / determinant;
    const change1 = (h00 * gradient1 - h01 * gradient0) / determinant;
    const largest = Math.abs(change0) + Math.abs(change1) * ((high - low) / 2);
    if (!Number.isFinite(largest)) break;
    const fraction = safeFraction(largest);
    intercept += fraction * change0;
    slope += fraction * change1;
    if (largest < tolerance || (largest < ROUNDING && largest >= previous)) {
      coefficients[0] = intercept - slope * centre;
      coefficients[1] = slope;
      return null;
    }
    previous = largest;
  }
  return 'barely overlapping';
}

/**
 * Maximum-likelihood fit of logit P(y = 1) = a + z alone, each row counted `weights[i]` times.
 * @param odds [row] exp(−z), so that a fit takes no exponential per row; within 1e±100
 * @param start where to begin
 * @param tolerance stop after a step no longer than this; what then is left is its square
 * @returns a; null when a class is absent
 */
export function recalibrateIntercept(
  odds: Float64Array,
  targets: Uint8Array,
  weights: Int32Array,
  start: number,
  tolerance = FULL_PRECISION,
): number | null {
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < odds.length; i++) {
    if (targets[i] === 1) positives += weights[i];
    else negatives += weights[i];
  }
  if (positives === 0 || negatives === 0) return null;
  let intercept = start;
  for (let step = 0; step < MAX_STEPS; step++) {
    const scale = Math.exp(-intercept);
    // Split as in recalibrate.
    let above = 0;
    let rest = 0;
    let curvature = 0;
    for (let i = 0; i < odds.length; i++) {
      const against = scale * odds[i];
      const likely = against < 1;
      const p = 1 / (1 + against);
      const tail = likely ? against * p : p;
      above += likely ? weights[i] : 0;
      rest += likely ? weights[i] * tail : -weights[i] * tail;
      curvature += weights[i] * against * p * p;
    }
    const change = (positives - above + rest) / curvature;
    intercept += safeFraction(Math.abs(change)) * change;
    if (Math.abs(change) < tolerance) return intercept;
  }
  throw new Error(`internal: recalibrateIntercept did not converge on ${odds.length} rows`);
}

/**
 * How much of a Newton step to take that changes the linear predictors by at most `largest` = R. The logistic loss
 * is self-concordant in the sense of [bach2010selfconcordant]: the full step lowers the loss when R ≤ 1.79, and the
 * fraction log(1 + R)/R of it always does. So no line search is needed, and the start may be anywhere.
 */
function safeFraction(largest: number): number {
  return largest <= 1.5 ? 1 : Math.log1p(largest) / largest;
}

/** The reason in words. */
export function describeNoRecalibration(obstacle: NoRecalibration): string {
  switch (obstacle) {
    case 'no rows':
      return 'no rows with a known label';
    case 'one class':
      return 'only one class among the rows with a known label';
    case 'constant probability':
      return 'every row has the same probability, so no slope can be fitted';
    case 'separated':
      return 'the probabilities separate the classes completely, so the slope has no finite estimate';
    case 'barely overlapping':
      return 'the classes overlap too little for a slope to be fitted in double precision';
    default:
      return obstacle satisfies never;
  }
}

interface ClassRange {
  lowNegative: number;
  highNegative: number;
  lowPositive: number;
  highPositive: number;
}

/** Extremes of z per class over the rows that carry weight; an absent class is left at [+∞, −∞]. */
function weightedRange(z: Float64Array, targets: Uint8Array, weights: Int32Array): ClassRange {
  let lowNegative = Number.POSITIVE_INFINITY;
  let highNegative = Number.NEGATIVE_INFINITY;
  let lowPositive = Number.POSITIVE_INFINITY;
  let highPositive = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < z.length; i++) {
    if (weights[i] === 0) continue;
    if (targets[i] === 1) {
      if (z[i] < lowPositive) lowPositive = z[i];
      if (z[i] > highPositive) highPositive = z[i];
    } else {
      if (z[i] < lowNegative) lowNegative = z[i];
      if (z[i] > highNegative) highNegative = z[i];
    }
  }
  return { lowNegative, highNegative, lowPositive, highPositive };
}

/** A finite estimate exists exactly when the classes overlap strictly [albert1984separation]. */
function whyNone(range: ClassRange): NoRecalibration | null {
  const { lowNegative, highNegative, lowPositive, highPositive } = range;
  const anyNegative = highNegative >= lowNegative;
  const anyPositive = highPositive >= lowPositive;
  if (!anyNegative && !anyPositive) return 'no rows';
  if (!anyNegative || !anyPositive) return 'one class';
  if (Math.min(lowNegative, lowPositive) === Math.max(highNegative, highPositive))
    return 'constant probability';
  return highNegative > lowPositive && highPositive > lowNegative ? null : 'separated';
}
