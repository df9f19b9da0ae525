/**
 * A fully connected network with one hidden layer of rectified units and one logit, small enough for a table's top
 * features: plain arrays, no engine. Weighted cross-entropy, Adam   [glorot2010understanding; kingma2015adam].
 */
import type { Random } from '../random/index.js';
import type { WeightedSample } from './logistic.js';

/** Weights; plain JSON. With hidden units h = max(0, W x + b) the logit is v·h + c. */
export interface Network {
  /** [hidden][input] */
  readonly hidden: readonly (readonly number[])[];
  readonly hiddenBias: readonly number[];
  /** [hidden] */
  readonly output: readonly number[];
  readonly outputBias: number;
}

export interface NetworkOptions {
  /** Hidden units, ≥ 1. */
  readonly hidden: number;
  /** Passes over the training rows, ≥ 1. */
  readonly epochs: number;
  /** Step length of Adam, > 0. */
  readonly learningRate: number;
  /** Penalty per row, ½ decay · Σ weights² without biases, ≥ 0. */
  readonly weightDecay: number;
  /** Rows per step, ≥ 1. */
  readonly batchSize: number;
}

/** Trains from uniform Glorot weights; the order of the rows is drawn anew in every epoch. */
export function trainNetwork(sample: WeightedSample, options: NetworkOptions, random: Random): Network {
  const inputs = sample.columns.length;
  const draw = (size: number, fanIn: number, fanOut: number) => {
    const limit = Math.sqrt(6 / (fanIn + fanOut));
    return Array.from({ length: size }, () => limit * (2 * random.uniform() - 1));
  };
  const start: Network = {
    hidden: Array.from({ length: options.hidden }, () => draw(inputs, inputs, options.hidden)),
    hiddenBias: new Array<number>(options.hidden).fill(0),
    output: draw(options.hidden, options.hidden, 1),
    outputBias: 0,
  };
  const rows = Int32Array.from(sample.target.keys());
  const batches: Int32Array[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    random.shuffle(rows);
    for (let i = 0; i < rows.length; i += options.batchSize)
      batches.push(rows.slice(i, i + options.batchSize));
  }
  return descend(start, sample, batches, options);
}

/** One step of Adam per batch. @param batches [step] rows of the sample, each batch at least one */
export function descend(
  start: Network,
  { columns, target, weight }: WeightedSample,
  batches: readonly Int32Array[],
  { learningRate, weightDecay }: Pick<NetworkOptions, 'learningRate' | 'weightDecay'>,
): Network {
  const inputs = columns.length;
  const units = start.hidden.length;
  // One vector of parameters: hidden weights row by row, hidden biases, output weights, output bias.
  const biasAt = units * inputs;
  const outputAt = biasAt + units;
  const last = outputAt + units;
  const theta = Float64Array.from([
    ...start.hidden.flat(),
    ...start.hiddenBias,
    ...start.output,
    start.outputBias,
  ]);
  const decay = theta.map((_, p) => (p < biasAt || (p >= outputAt && p < last) ? weightDecay : 0));
  const gradient = new Float64Array(theta.length);
  const first = new Float64Array(theta.length);
  const second = new Float64Array(theta.length);
  const activation = new Float64Array(units);
  batches.forEach((batch, step) => {
    for (let p = 0; p < theta.length; p++) gradient[p] = decay[p] * theta[p];
    for (const row of batch) {
      let logit = theta[last];
      for (let u = 0; u < units; u++) {
        let sum = theta[biasAt + u];
        for (let j = 0; j < inputs; j++) sum += theta[u * inputs + j] * columns[j][row];
        activation[u] = Math.max(0, sum);
        logit += theta[outputAt + u] * activation[u];
      }
      // Derivative of the weighted cross-entropy, averaged over the batch.
      const error = (weight[row] * (1 / (1 + Math.exp(-logit)) - target[row])) / batch.length;
      gradient[last] += error;
      for (let u = 0; u < units; u++) {
        if (activation[u] === 0) continue;
        gradient[outputAt + u] += error * activation[u];
        const back = error * theta[outputAt + u];
        gradient[biasAt + u] += back;
        for (let j = 0; j < inputs; j++) gradient[u * inputs + j] += back * columns[j][row];
      }
    }
    adam(theta, gradient, first, second, step + 1, learningRate);
  });
  const part = (from: number, to: number) => Array.from(theta.subarray(from, to));
  return {
    hidden: Array.from({ length: units }, (_, u) => part(u * inputs, (u + 1) * inputs)),
    hiddenBias: part(biasAt, outputAt),
    output: part(outputAt, last),
    outputBias: theta[last],
  };
}

/** The logit of one row. @param x [input] standardised */
export function networkLogit(
  { hidden, hiddenBias, output, outputBias }: Network,
  x: readonly number[],
): number {
  let logit = outputBias;
  hidden.forEach((weights, u) => {
    const sum = weights.reduce((total, w, j) => total + w * x[j], hiddenBias[u]);
    logit += output[u] * Math.max(0, sum);
  });
  return logit;
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** Adam's update with bias correction   [kingma2015adam, alg. 1] */
function adam(
  theta: Float64Array,
  gradient: Float64Array,
  first: Float64Array,
  second: Float64Array,
  step: number,
  rate: number,
): void {
  const [correct1, correct2] = [1 - BETA1 ** step, 1 - BETA2 ** step];
  for (let p = 0; p < theta.length; p++) {
    first[p] = BETA1 * first[p] + (1 - BETA1) * gradient[p];
    second[p] = BETA2 * second[p] + (1 - BETA2) * gradient[p] ** 2;
    theta[p] -= (rate * (first[p] / correct1)) / (Math.sqrt(second[p] / correct2) + EPSILON);
  }
}
