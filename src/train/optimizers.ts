/**
 * Optimisers as graph updates of flat vectors (P20, paper eq. 20–23). All values that share a learning rate and
 * a weight decay are one vector, so that an update is ten operations however many layers a model has.
 */
import { add, div, mul, parameter, sqrt, square, sub, type Tensor } from '../graph/index.js';

export type OptimizerOptions =
  | {
      readonly name: 'adamw';
      readonly learningRate: number;
      readonly weightDecay: number;
      readonly beta1: number;
      readonly beta2: number;
    }
  | {
      readonly name: 'sgd';
      readonly learningRate: number;
      readonly weightDecay: number;
      readonly momentum: number;
      readonly nesterov: boolean;
    };

/** What changes from step to step; fed as scalars. */
export interface StepScalars {
  /** Learning rate of this step. */
  readonly learningRate: Tensor;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ for AdamW's bias correction, t counted from 1. */
  readonly correction1: Tensor;
  readonly correction2: Tensor;
}

/** A vector to update: its values, their gradient and the factors of its group. */
export interface Segment {
  readonly name: string;
  readonly values: Tensor;
  readonly gradient: Tensor;
  /** Factor on the learning rate. */
  readonly rate: number;
  /** Whether weight decay applies (matrices and kernels, not biases and norms). */
  readonly decays: boolean;
}

/** The moments that an optimiser keeps for a segment, as parameter names. */
export function momentNames(options: OptimizerOptions, segment: string): string[] {
  return options.name === 'adamw' ? [`${segment}:mean`, `${segment}:square`] : [`${segment}:momentum`];
}

const epsilon = 1e-8;

/**
 * Updates of a segment's values and moments, with PyTorch's numerics.
 *   AdamW  p ← p − η λ p − η m̂ / (√v̂ + ε)                               [loshchilov2019adamw, alg. 2]
 *   SGD    g ← g + λ p;  b ← μ b + g;  p ← p − η (g + μ b) with Nesterov, else p − η b
 */
export function optimizerUpdates(
  options: OptimizerOptions,
  segment: Segment,
  scalars: StepScalars,
): Map<Tensor, Tensor> {
  const { values: p, gradient } = segment;
  const rate = segment.rate === 1 ? scalars.learningRate : mul(scalars.learningRate, segment.rate);
  const decay = segment.decays ? options.weightDecay : 0;
  const moments = momentNames(options, segment.name).map((name) => parameter(name, p.shape));
  if (options.name === 'adamw') {
    const { beta1, beta2 } = options;
    const [mean, second] = moments;
    const nextMean = add(mul(mean, beta1), mul(gradient, 1 - beta1));
    const nextSecond = add(mul(second, beta2), mul(square(gradient), 1 - beta2));
    // η m̂ / (√v̂ + ε) = η (√c₂ / c₁) m / (√v + ε √c₂), with c the corrections: two passes less over the segment.
    const root = sqrt(scalars.correction2);
    const step = div(nextMean, add(sqrt(nextSecond), mul(root, epsilon)));
    const scaledRate = mul(rate, div(root, scalars.correction1));
    const shrunk = decay === 0 ? p : mul(p, sub(1, mul(rate, decay)));
    return new Map([
      [mean, nextMean],
      [second, nextSecond],
      [p, sub(shrunk, mul(step, scaledRate))],
    ]);
  }
  const [momentum] = moments;
  const full = decay === 0 ? gradient : add(gradient, mul(p, decay));
  const next = add(mul(momentum, options.momentum), full);
  const direction = options.nesterov ? add(full, mul(next, options.momentum)) : next;
  return new Map([
    [momentum, next],
    [p, sub(p, mul(direction, rate))],
  ]);
}
