/** The curriculum over the training distribution (P19). */

/** Options of {@link curriculumBalance}. */
export interface CurriculumOptions {
  /** Share of the epochs after which prevalence is natural, in (0, 1]. */
  readonly until: number;
}

/**
 * How balanced an epoch's sampling is: 1 in the first epoch, falling along half a cosine to 0,
 *   balance(e) = ½ + ½ cos(π e / (until · epochs)), 0 from there on.
 *
 * This is the composite schedule of [wang2019dynamic], applied as there to the exponent of the
 * imbalance, but run the other way: they end balanced, since their score weighs all classes alike; we end at
 * natural prevalence, since probabilities are to be calibrated and thresholds to hold at it. Rare labels shape
 * the features first, the base rates settle last, in the spirit of [kang2020decoupling].
 * @param epoch  0-based
 * @param epochs how many are planned
 * @returns in [0, 1], the `balance` of `epochOrder`
 * @throws RangeError when an argument is out of range
 */
export function curriculumBalance(epoch: number, epochs: number, { until }: CurriculumOptions): number {
  if (!(epoch >= 0 && epochs > 0 && until > 0 && until <= 1)) {
    throw new RangeError(
      `curriculumBalance: epoch ≥ 0, epochs > 0 and until in (0, 1] must hold, got ${epoch}, ${epochs}, ` +
        `${until}; epochs count from 0`,
    );
  }
  const progress = Math.min(1, epoch / (until * epochs));
  return 0.5 + 0.5 * Math.cos(Math.PI * progress);
}
