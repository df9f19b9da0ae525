/** What changes from step to step: the learning rate and the decay of the weight average (P20). */

/** Options of {@link learningRateFactor}. */
export interface ScheduleOptions {
  /** Optimiser steps planned in all, ≥ 1. */
  readonly totalSteps: number;
  /** Share of them with a rising rate, in [0, 1]. */
  readonly warmup: number;
  /** Last learning rate as a share of the peak, in [0, 1]. */
  readonly floor: number;
}

/**
 * The factor on the peak learning rate at a step: a linear warm-up [goyal2017accurate, section 2.2] over
 * W = round(warmup · T) steps, then half a cosine [loshchilov2017sgdr, eq. 5] from 1 towards the floor, which is
 * reached at s = T and kept beyond:
 *   (s + 1) / W                                          for s < W
 *   floor + (1 − floor) · ½ (1 + cos(π (s − W)/(T − W)))  for W ≤ s < T
 * @param step optimiser steps done before this one, ≥ 0
 * @returns in (0, 1]; 0 only beyond the end with floor 0
 * @throws RangeError when an argument is out of range
 */
export function learningRateFactor(step: number, { totalSteps, warmup, floor }: ScheduleOptions): number {
  const inShare = (value: number) => value >= 0 && value <= 1;
  if (!(step >= 0 && totalSteps >= 1 && inShare(warmup) && inShare(floor))) {
    throw new RangeError(
      'learningRateFactor: step ≥ 0, totalSteps ≥ 1, warmup and floor in [0, 1] must hold, got ' +
        `${step}, ${totalSteps}, ${warmup}, ${floor}; give warmup and floor as shares`,
    );
  }
  const warmupSteps = Math.round(warmup * totalSteps);
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (step >= totalSteps) return floor;
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/**
 * The decay of the weight average at an update: average ← d · average + (1 − d) · weights, with
 *   d = min(decay, (1 + n)/(10 + n))                      [abadi2015tensorflow, ExponentialMovingAverage]
 * so that the random start is forgotten quickly and short runs are averaged over a window they fill.
 * @param updates averages taken before this one, ≥ 0
 * @param decay   the final decay, in [0, 1)
 * @throws RangeError when an argument is out of range
 */
export function emaDecay(updates: number, decay: number): number {
  if (!(updates >= 0 && decay >= 0 && decay < 1)) {
    throw new RangeError(
      `emaDecay: updates ≥ 0 and decay in [0, 1) must hold, got ${updates}, ${decay}; 0 keeps no average`,
    );
  }
  return Math.min(decay, (1 + updates) / (10 + updates));
}
