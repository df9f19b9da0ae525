/** Maximum-likelihood fits of σ(a·z + b) to binary targets: temperature scaling and Platt scaling. */

/** The sharpest and the flattest temperature that is considered. */
export const temperatureBounds = { lowest: 0.05, highest: 20 } as const;

/**
 * The temperature T > 0 that minimises the cross-entropy of σ(z / T), [guo2017calibration, section 4].
 * The loss is convex in a = 1/T; its derivative Σ z (σ(a z) − y) is non-decreasing in a and its root is found
 * by Newton steps kept inside a shrinking bracket. Logits that are all 0 say nothing about T and give 1.
 * @param logits  finite
 * @param targets 0 or 1, one per logit, both classes present
 * @returns T within {@link temperatureBounds}; `atBound` where the optimum lies beyond
 */
export function fitTemperature(
  logits: Float64Array,
  targets: Float64Array,
): { readonly temperature: number; readonly atBound: boolean } {
  const derivatives = (scale: number): [number, number] => {
    let first = 0;
    let second = 0;
    for (let i = 0; i < logits.length; i++) {
      const probability = 1 / (1 + Math.exp(-scale * logits[i]));
      first += logits[i] * (probability - targets[i]);
      second += logits[i] * logits[i] * probability * (1 - probability);
    }
    return [first, second];
  };
  let low = 1 / temperatureBounds.highest;
  let high = 1 / temperatureBounds.lowest;
  if (derivatives(low)[0] > 0) return { temperature: temperatureBounds.highest, atBound: true };
  if (derivatives(high)[0] < 0) return { temperature: temperatureBounds.lowest, atBound: true };
  let scale = 1;
  for (let step = 0; step < 100; step++) {
    const [first, second] = derivatives(scale);
    if (first === 0) break;
    if (first > 0) high = scale;
    else low = scale;
    const newton = scale - first / second;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    const moved = Math.abs(next - scale);
    scale = next;
    if (moved <= 1e-14 * scale) break;
  }
  return { temperature: 1 / scale, atBound: false };
}

/**
 * Platt scaling σ(slope·z + intercept) [platt1999probabilistic] by Newton's method with backtracking
 * [lin2007platt], on Platt's smoothed targets or on the targets themselves. Deviations: the slope
 * has the sign of the logits, and the logits are standardised first, so that the ridge on the Hessian (1e-12)
 * and the stopping rule mean the same at every scale.
 * @param logits  finite
 * @param targets 0 or 1, one per logit, both classes present; without smoothing they must not be separable
 */
export function fitPlattScaling(
  logits: Float64Array,
  targets: Float64Array,
  smoothing: boolean,
): { readonly slope: number; readonly intercept: number } {
  const count = logits.length;
  const positives = targets.reduce((sum, target) => sum + target, 0);
  const negatives = count - positives;
  const goals = smoothing
    ? targets.map((target) => (target === 1 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2)))
    : targets;
  const mean = logits.reduce((sum, logit) => sum + logit, 0) / count;
  const deviation = Math.sqrt(logits.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / count) || 1;
  const z = logits.map((logit) => (logit - mean) / deviation);

  let [a, b] = [0, Math.log((positives + 1) / (negatives + 1))];
  let loss = crossEntropy(z, goals, a, b);
  for (let step = 0; step < 100; step++) {
    let [gradientA, gradientB, hessianAA, hessianAB, hessianBB] = [0, 0, 1e-12, 0, 1e-12];
    for (let i = 0; i < count; i++) {
      const probability = 1 / (1 + Math.exp(-(a * z[i] + b)));
      const residual = probability - goals[i];
      const curvature = probability * (1 - probability);
      gradientA += residual * z[i];
      gradientB += residual;
      hessianAA += curvature * z[i] * z[i];
      hessianAB += curvature * z[i];
      hessianBB += curvature;
    }
    if (Math.max(Math.abs(gradientA), Math.abs(gradientB)) < 1e-11 * count) break;
    const determinant = hessianAA * hessianBB - hessianAB * hessianAB;
    const stepA = -(hessianBB * gradientA - hessianAB * gradientB) / determinant;
    const stepB = -(hessianAA * gradientB - hessianAB * gradientA) / determinant;
    const slopeAlong = gradientA * stepA + gradientB * stepB;
    let length = 1;
    let next = crossEntropy(z, goals, a + stepA, b + stepB);
    while (length > 1e-10 && !(next < loss + 1e-4 * length * slopeAlong)) {
      length /= 2;
      next = crossEntropy(z, goals, a + length * stepA, b + length * stepB);
    }
    if (!(next < loss)) break; // as low as rounding lets the loss go
    a += length * stepA;
    b += length * stepB;
    loss = next;
  }
  return { slope: a / deviation, intercept: b - (a * mean) / deviation };
}

/**
 * The intercept of σ(slope·z + intercept) at a given slope: where the mean probability is the mean target. Found by
 * Newton steps kept inside a shrinking bracket; the mean probability grows with the intercept.
 * @param logits  finite
 * @param targets 0 or 1, one per logit, both classes present
 */
export function fitIntercept(logits: Float64Array, targets: Float64Array, slope: number): number {
  const wanted = targets.reduce((sum, target) => sum + target, 0);
  const reach = logits.reduce((most, logit) => Math.max(most, Math.abs(slope * logit)), 0) + 50;
  let [low, high, intercept] = [-reach, reach, 0];
  for (let step = 0; step < 200; step++) {
    let [excess, curvature] = [-wanted, 0];
    for (const logit of logits) {
      const probability = 1 / (1 + Math.exp(-(slope * logit + intercept)));
      excess += probability;
      curvature += probability * (1 - probability);
    }
    if (Math.abs(excess) < 1e-12 * logits.length) break;
    if (excess > 0) high = intercept;
    else low = intercept;
    const newton = intercept - excess / curvature;
    intercept = newton > low && newton < high ? newton : (low + high) / 2;
  }
  return intercept;
}

/** −Σ [t log σ(u) + (1 − t) log(1 − σ(u))] with u = a z + b, as Σ softplus(u) − t u. */
function crossEntropy(z: Float64Array, goals: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < z.length; i++) {
    const u = a * z[i] + b;
    sum += Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))) - goals[i] * u;
  }
  return sum;
}
