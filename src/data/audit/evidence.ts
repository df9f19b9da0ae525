/** How strongly one sign speaks for a label, with bounds that hold over all the signs that were looked at. */

/** Patients by label and sign; counts may be fractions, where a patient's rows differ. */
export interface SignCounts {
  readonly positives: number;
  readonly negatives: number;
  readonly positivesWithSign: number;
  readonly negativesWithSign: number;
}

/** Chance, over all tests of one audit, that any bound of {@link familyQuantile} is wrong. */
export const FAMILY_ERROR = 0.01;

/**
 * Upper quantile of the standard normal at FAMILY_ERROR / tests (Bonferroni), by the rational approximation with an
 * error below 4.5e-4 [abramowitz1964handbook, eq. 26.2.23].
 * @param tests how many bounds are computed, ≥ 1
 */
export function familyQuantile(tests: number): number {
  const t = Math.sqrt(-2 * Math.log(FAMILY_ERROR / Math.max(1, tests)));
  return (
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  );
}

/**
 * Positive likelihood ratio P(sign | positive) / P(sign | negative): above 5 a sign is moderate evidence, above 10
 * often conclusive [jaeschke1994users].
 * @returns in [0, ∞]; null without positives, negatives or the sign
 */
export function likelihoodRatio(counts: SignCounts): number | null {
  const { positives, negatives, positivesWithSign, negativesWithSign } = counts;
  if (positives <= 0 || negatives <= 0 || positivesWithSign + negativesWithSign <= 0) return null;
  return positivesWithSign / positives / (negativesWithSign / negatives);
}

/**
 * Lower confidence bound of the positive likelihood ratio, from Wilson bounds of the two proportions
 * [newcombe2016moverr; wilson1927]. It stays honest where no negative has the sign.
 * @param z upper quantile of the standard normal
 * @returns in [0, ∞); 0 where the ratio is undefined
 */
export function likelihoodRatioBound(counts: SignCounts, z: number): number {
  const { positives, negatives, positivesWithSign, negativesWithSign } = counts;
  if (positives <= 0 || negatives <= 0 || positivesWithSign <= 0) return 0;
  const [p, q] = [positivesWithSign / positives, negativesWithSign / negatives];
  const low = wilsonBound(p, positives, -z);
  const high = wilsonBound(q, negatives, z);
  const under = Math.max(0, (p * q) ** 2 - low * high * (2 * p - low) * (2 * q - high));
  // The textbook form divides by 2q − high, which may vanish; this is the same ratio, multiplied out.
  return (low * (2 * p - low)) / (p * q + Math.sqrt(under));
}

/** Wilson bound of a proportion [wilson1927]; below it for negative z. */
function wilsonBound(share: number, trials: number, z: number): number {
  const square = (z * z) / trials;
  const half = z * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials));
  return Math.min(1, Math.max(0, (share + square / 2 + half) / (1 + square)));
}

/**
 * How many standard errors an AUROC lies above another, the error being that under the other
 * [hanley1982auc, eqs. 1 and 2].
 */
export function aurocExcess(auroc: number, other: number, positives: number, negatives: number): number {
  const q1 = other / (2 - other);
  const q2 = (2 * other * other) / (1 + other);
  const variance =
    (other * (1 - other) + (positives - 1) * (q1 - other * other) + (negatives - 1) * (q2 - other * other)) /
    (positives * negatives);
  return (auroc - other) / Math.sqrt(variance);
}
