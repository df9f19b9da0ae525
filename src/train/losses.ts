/** Losses per label, from logits, in log space; unknown labels are masked (P17). */
import { ShapeError } from '../errors.js';
import {
  add,
  div,
  exp,
  inFullPrecision,
  log,
  logSigmoid,
  maximum,
  minimum,
  mul,
  neg,
  sameShape,
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

/** log p and log (1 − p), each [batch, label]. */
interface LogProbabilities {
  readonly present: Tensor;
  readonly absent: Tensor;
}

/** Loss of a present and of an absent label, each [batch, label], nats. */
type Terms = (log: LogProbabilities) => { readonly present: Tensor; readonly absent: Tensor };

/** −(1 − p)^γ log p from the logarithms of p and 1 − p: no power of a number that has rounded to 0 or 1. */
function focused(right: Tensor, wrong: Tensor, gamma: number): Tensor {
  return neg(gamma === 0 ? right : mul(exp(mul(wrong, gamma)), right));
}

/** Stands for p_m = 0, whose logarithm has no value; there log(1 − p_m) = 0 makes the loss and its derivative 0. */
const tiny = 1e-8;

/** The logarithms of p_m = max(p − m, 0) and of 1 − p_m = min(1 − p + m, 1). */
function shifted({ present, absent }: LogProbabilities, margin: number): LogProbabilities {
  if (margin === 0) return { present, absent };
  return {
    present: log(maximum(sub(exp(present), margin), tiny)),
    absent: log(minimum(add(exp(absent), margin), 1)),
  };
}

function termsOf(options: LossOptions): Terms {
  switch (options.name) {
    case 'bce':
      return ({ present, absent }) => ({ present: neg(present), absent: neg(absent) });
    case 'focal':
      return ({ present, absent }) => ({
        present: focused(present, absent, options.gamma),
        absent: focused(absent, present, options.gamma),
      });
    case 'asymmetric':
      return (p) => {
        const moved = shifted(p, options.margin);
        return {
          present: focused(p.present, p.absent, options.gammaPositive),
          absent: focused(moved.absent, moved.present, options.gammaNegative),
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
  const scores = inFullPrecision(logits);
  const { present, absent } = termsOf(options)({
    present: logSigmoid(scores),
    absent: logSigmoid(neg(scores)),
  });
  const weighted = positiveWeights === undefined ? present : mul(present, positiveWeights);
  return mul(add(mul(targets, weighted), mul(sub(1, targets), absent)), mask);
}

/** Mean of the recorded labels' losses: Σ loss / max(Σ mask, 1), a scalar. */
export function meanLoss(losses: Tensor, mask: Tensor): Tensor {
  return div(sum(losses), maximum(sum(mask), 1));
}
