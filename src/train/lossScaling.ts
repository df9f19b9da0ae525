/**
 * Dynamic loss scaling [micikevicius2018mixed, sec. 3.2], with the rules of PyTorch's GradScaler, inside the step's program:
 * several steps in one run leave the host no room to decide.
 *
 * Derivatives are those of the loss times a scale, so that small ones are not lost in float16. A step whose derivatives
 * are not all finite changes nothing but the scale, which it lowers; many good steps in a row raise it.
 */
import { add, greaterEqual, minimum, mul, parameter, type Tensor, where } from '../graph/index.js';

export interface LossScaling {
  readonly initial: number;
  /** Factor on the scale after a step that was skipped, a power of two below 1. */
  readonly backoff: number;
  /** Factor on the scale, a power of two, after `interval` steps in a row that were not. */
  readonly growth: number;
  readonly interval: number;
}

/** Those of PyTorch. */
export const defaultLossScaling: LossScaling = {
  initial: 2 ** 16,
  backoff: 0.5,
  growth: 2,
  interval: 2000,
};

/** Up to here the reciprocal of the scale is a normal number. */
const largestScale = 2 ** 100;
const largestNumber = 3.4028234663852886e38;

const scaleName = 'scaling.lossScale';
const goodStepsName = 'scaling.goodSteps';
const correctionName = (moment: 1 | 2) => `scaling.correction${moment}`;

/** Factor on the loss, a scalar. */
export const lossScale = (): Tensor => parameter(scaleName, []);

/** Scalars that the store keeps for the scaling, with their first values. */
export function scalingState(
  { initial }: LossScaling,
  corrected: boolean,
): { readonly name: string; readonly value: number }[] {
  return [
    { name: scaleName, value: initial },
    { name: goodStepsName, value: 0 },
    ...(corrected ? ([1, 2] as const).map((moment) => ({ name: correctionName(moment), value: 0 })) : []),
  ];
}

/**
 * Whether all derivatives are finite, a bool scalar, from the sum of their squares. That is infinite too for finite ones
 * beyond 10^19, with which no step is to be made either.
 */
export function areFinite(squares: Tensor): Tensor {
  return greaterEqual(largestNumber, squares);
}

/** New values where `finite` says so, the old ones elsewhere. */
export function unlessSkipped(finite: Tensor, updates: ReadonlyMap<Tensor, Tensor>): Map<Tensor, Tensor> {
  return new Map([...updates].map(([target, value]) => [target, where(finite, value, target)]));
}

/** The scale and its counter after a step. @param scale  of `lossScale` */
export function scalingUpdates(finite: Tensor, scale: Tensor, options: LossScaling): Map<Tensor, Tensor> {
  const steps = parameter(goodStepsName, []);
  const more = add(steps, 1);
  const enough = greaterEqual(more, options.interval);
  const grown = minimum(mul(scale, options.growth), largestScale);
  return new Map([
    [scale, where(finite, where(enough, grown, scale), mul(scale, options.backoff))],
    [steps, where(finite, where(enough, 0, more), 0)],
  ]);
}

/**
 * AdamW's 1 − βᵗ, t the steps that were not skipped: c ← β c + (1 − β), from 0. The host does not know t.
 * @returns the parameter that holds it, and its value at this step
 */
export function biasCorrection(moment: 1 | 2, beta: number): { readonly kept: Tensor; readonly now: Tensor } {
  const kept = parameter(correctionName(moment), []);
  return { kept, now: add(mul(kept, beta), 1 - beta) };
}
