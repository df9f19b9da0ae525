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

/** After a change of the linear predictors smaller than this, the next Newton step would be smaller than 1e-12. */
const TOLERANCE = 1e-6;
/** Changes that stop shrinking below this are rounding; above it they may be the long way of a steep slope. */
const ROUNDING = 1e-3;
const MAX_STEPS = 1000;

/**
 * Maximum-likelihood fit of logit P(y = 1) = a + b z, each row counted `weights[i]` times; or of a alone.
 *
 * Newton's step δ changes the linear predictors by at most R. The logistic loss is self-concordant in the sense of
 * [bach2010selfconcordant]: the full step lowers the loss when R ≤ 1.79, and the fraction log(1 + R)/R of it always
 * does. So no line search is needed, and the start may be anywhere.
 * @param z [row] finite predictors
 * @param targets [row] 0 or 1
 * @param weights [row] non-negative
 * @param fitSlope false: b stays as given
 * @param coefficients [a, b]; the start, and on success the estimate
 * @returns null on success; otherwise why no finite estimate exists, coefficients unchanged
 */
export function recalibrate(
  z: Float64Array,
  targets: Uint8Array,
  weights: Int32Array,
  fitSlope: boolean,
  coefficients: Float64Array,
): NoRecalibration | null {
  const range = weightedRange(z, targets, weights);
  const obstacle = whyNone(range, fitSlope);
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
    for (let i = 0; i < z.length; i++) {
      const weight = weights[i];
      if (weight === 0) continue;
      const x = z[i] - centre;
      const predictor = intercept + slope * x;
      const odds = Math.exp(-Math.abs(predictor));
      const tail = odds / (1 + odds); // min(p, 1 − p)
      const whole = weight * (targets[i] - (predictor > 0 ? 1 : 0));
      const rest = predictor > 0 ? weight * tail : -weight * tail;
      const curvature = (weight * tail) / (1 + odds);
      whole0 += whole;
      whole1 += whole * x;
      rest0 += rest;
      rest1 += rest * x;
      h00 += curvature;
      h01 += curvature * x;
      h11 += curvature * x * x;
    }
    const gradient0 = whole0 + rest0;
    const gradient1 = whole1 + rest1;
    let change0 = gradient0 / h00;
    let change1 = 0;
    if (fitSlope) {
      // The relative ridge keeps the determinant above its rounding error; it shortens the step, not the way.
      h00 *= 1 + 1e-12;
      h11 *= 1 + 1e-12;
      const determinant = h00 * h11 - h01 * h01;
      change0 = (h11 * gradient0 - h01 * gradient1) / determinant;
      change1 = (h00 * gradient1 - h01 * gradient0) / determinant;
    }
    const largest = Math.abs(change0) + Math.abs(change1) * ((high - low) / 2);
    if (!Number.isFinite(largest)) break;
    const fraction = largest <= 1.5 ? 1 : Math.log1p(largest) / largest;
    intercept += fraction * change0;
    slope += fraction * change1;
    if (largest < TOLERANCE || (largest < ROUNDING && largest >= previous)) {
      coefficients[0] = intercept - slope * centre;
      coefficients[1] = slope;
      return null;
    }
    previous = largest;
  }
  return 'barely overlapping';
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
function whyNone(range: ClassRange, fitSlope: boolean): NoRecalibration | null {
  const { lowNegative, highNegative, lowPositive, highPositive } = range;
  const anyNegative = highNegative >= lowNegative;
  const anyPositive = highPositive >= lowPositive;
  if (!anyNegative && !anyPositive) return 'no rows';
  if (!anyNegative || !anyPositive) return 'one class';
  if (!fitSlope) return null;
  if (Math.min(lowNegative, lowPositive) === Math.max(highNegative, highPositive))
    return 'constant probability';
  return highNegative > lowPositive && highPositive > lowNegative ? null : 'separated';
}
