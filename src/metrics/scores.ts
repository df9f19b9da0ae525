/** Proper scores: how far probabilities lie from what happened, row by row. */
import { type KnownRows, knownProbabilities } from './known.js';

/** Probabilities are kept this far from 0 and 1 before a logarithm: 2^-52, the spacing of doubles at 1. */
const CLIP = 2 ** -52;

/** log(p / (1 − p)), p kept 2^-52 away from 0 and 1 so that the result is finite, |logit| ≤ 36.05. */
export function clippedLogit(probability: number): number {
  const p = Math.min(Math.max(probability, CLIP), 1 - CLIP);
  return Math.log(p / (1 - p));
}

/** (p − y)². */
export function squaredError(probability: number, target: number): number {
  return (probability - target) ** 2;
}

/** −log of the probability given to what happened, nats, p kept 2^-52 away from 0 and 1; at most 36.05. */
export function negativeLogLikelihood(probability: number, target: number): number {
  const p = Math.min(Math.max(probability, CLIP), 1 - CLIP);
  return target === 1 ? -Math.log(p) : -Math.log1p(-p);
}

/**
 * Brier score, mean (p − y)² [brier1950].
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @returns in [0, 1], lower is better; null without known rows
 * @throws ShapeError when the lengths differ; RangeError for entries out of range
 */
export function brierScore(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): number | null {
  return mean(knownProbabilities('brierScore', probabilities, targets, known), squaredError);
}

/**
 * Log loss, mean −[y log p + (1 − y) log(1 − p)] in nats [good1952], with p kept 2^-52 away from 0 and 1.
 * @param probabilities [row] in [0, 1]
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown
 * @returns at least 0, lower is better; null without known rows
 * @throws ShapeError when the lengths differ; RangeError for entries out of range
 */
export function logLoss(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): number | null {
  return mean(knownProbabilities('logLoss', probabilities, targets, known), negativeLogLikelihood);
}

function mean(known: KnownRows, loss: (probability: number, target: number) => number): number | null {
  if (known.size === 0) return null;
  let sum = 0;
  for (let i = 0; i < known.size; i++) sum += loss(known.scores[i], known.targets[i]);
  return sum / known.size;
}
