/** Losses per label, from logits, in log space; unknown labels are masked (P17). */
import { ShapeError } from '../errors.js';
import {
  add,
  div,
  exp,
  log,
  logSigmoid,
  maximum,
  mul,
  neg,
  type Operand,
  sameShape,
  sigmoid,
  sub,
  sum,
  type Tensor,
} from '../graph/index.js';

export type LossOptions =
  | { readonly name: 'bce' }
  | { readonly name: 'focal'; readonly gamma: number }
  | {
      readonly name: 'asymmetric';
      readonly gammaPositive: number;
      readonly gammaNegative: number;
      readonly margin: number;
    };

/** log p and log (1 − p) of p = σ(logit). */
interface LogOdds {
  readonly present: Tensor;
  readonly absent: Tensor;
}

/** Loss of a present and of an absent label, each [batch, label], nats. */
type Terms = (logits: Tensor, odds: LogOdds) => { readonly present: Tensor; readonly absent: Tensor };

/** x^power from log x. */
const powerOf = (logarithm: Tensor, power: number): Operand => (power === 0 ? 1 : exp(mul(logarithm, power)));

const tiny = 1e-8;

function termsOf(options: LossOptions): Terms {
  switch (options.name) {
    case 'bce':
      return (_logits, { present, absent }) => ({ present: neg(present), absent: neg(absent) });
    case 'focal':
      return (_logits, { present, absent }) => ({
        present: neg(mul(powerOf(absent, options.gamma), present)),
        absent: neg(mul(powerOf(present, options.gamma), absent)),
      });
    case 'asymmetric':
      return (logits, { present, absent }) => {
        const shifted = maximum(sub(sigmoid(logits), options.margin), 0);
        const focus = powerOf(log(maximum(shifted, tiny)), options.gammaNegative);
        return {
          present: neg(mul(powerOf(absent, options.gammaPositive), present)),
          absent: neg(mul(focus, log(maximum(sub(1, shifted), tiny)))),
        };
      };
    default:
      return options satisfies never;
  }
}

/**
 * Loss of every row and label, weighted and masked.
 *   BCE         −w y log p − (1 − y) log(1 − p)                                    [paper eq. 19]
 *   focal       −w y (1 − p)^γ log p − (1 − y) p^γ log(1 − p)                      [lin2017focal, eq. 4]
 *   asymmetric  −w y (1 − p)^γ₊ log p − (1 − y) p_m^γ₋ log(1 − p_m), p_m = max(p − m, 0)  [ridnik2021asymmetric, eq. 7]
 * @param logits  [batch, label], finite up to |1e3|
 * @param targets [batch, label] in [0, 1]
 * @param mask    [batch, label], 1 = recorded, 0 = unknown
 * @param positiveWeights [label], w; default 1
 * @returns [batch, label], nats; 0 where masked
 * @throws ShapeError when the shapes differ
 */
export function labelLoss(
  logits: Tensor,
  targets: Tensor,
  mask: Tensor,
  options: LossOptions,
  positiveWeights?: Tensor,
): Tensor {
  if (!sameShape(logits.shape, targets.shape) || !sameShape(logits.shape, mask.shape)) {
    throw new ShapeError(
      `labelLoss: logits, targets and mask must have one shape, got [${logits.shape}], [${targets.shape}], [${mask.shape}]`,
    );
  }
  const odds = { present: logSigmoid(logits), absent: logSigmoid(neg(logits)) };
  const { present, absent } = termsOf(options)(logits, odds);
  const weighted = positiveWeights === undefined ? present : mul(present, positiveWeights);
  return mul(add(mul(targets, weighted), mul(sub(1, targets), absent)), mask);
}

/** Mean of the recorded labels' losses: Σ loss / max(Σ mask, 1), a scalar. */
export function meanLoss(losses: Tensor, mask: Tensor): Tensor {
  return div(sum(losses), maximum(sum(mask), 1));
}
