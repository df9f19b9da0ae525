/**
 * A number with its uncertainty, or the reason why there is none. Nothing undefined is ever a NaN or a zero in a
 * result: it is `null` with a reason a reader can act on.
 */

/** A value with its 95 % interval; a value whose interval cannot be stated; or no value, each with its reason. */
export type Estimate =
  | {
      readonly value: number;
      readonly ci95: readonly [low: number, high: number];
      readonly reason?: undefined;
    }
  | { readonly value: number; readonly ci95: null; readonly reason: string }
  | { readonly value: null; readonly ci95?: null; readonly reason: string };

/** The outcome of a hypothesis test, or no outcome and why. */
export type TestResult =
  | { readonly statistic: number; readonly pValue: number; readonly reason?: undefined }
  | { readonly statistic: null; readonly pValue: null; readonly reason: string };

/** The 97.5 % point of the standard normal distribution. */
export const NORMAL_975 = 1.959963984540054;

/**
 * Wilson score interval of a proportion, 95 %, for independent trials.
 *   (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n)          [wilson1927]
 * @param successes integer in 0..trials
 * @param trials integer, at least 1
 * @returns bounds in [0, 1]; never empty, also at 0 and at all successes
 * @throws RangeError when the counts are no counts
 */
export function wilsonInterval(successes: number, trials: number): readonly [low: number, high: number] {
  if (!Number.isInteger(trials) || trials < 1) {
    throw new RangeError(`wilsonInterval: trials must be an integer of at least 1, got ${trials}`);
  }
  if (!Number.isInteger(successes) || successes < 0 || successes > trials) {
    throw new RangeError(
      `wilsonInterval: successes must be an integer in 0..trials, got ${successes} of ${trials}`,
    );
  }
  const share = successes / trials;
  const z2 = NORMAL_975 ** 2 / trials;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = (NORMAL_975 * Math.sqrt((share * (1 - share) + z2 / 4) / trials)) / (1 + z2);
  return [successes === 0 ? 0 : centre - half, successes === trials ? 1 : centre + half];
}

/**
 * A proportion with its Wilson interval [wilson1927]; undefined without trials. The interval takes the trials as
 * independent: where patients have several rows, count patients or bootstrap them.
 */
export function proportion(successes: number, trials: number): Estimate {
  if (trials === 0) return { value: null, reason: 'no rows' };
  return { value: successes / trials, ci95: wilsonInterval(successes, trials) };
}
