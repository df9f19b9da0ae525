/**
 * Which training rows an epoch draws, and in what order (P18). A sampler is made from the training rows' own
 * labels and returns positions among them, so it cannot touch a validation or test row.
 *
 * Rare labels are drawn more often by repeat factors [gupta2019lvis, appendix B.2]: r_c = max(1, √(t / f_c)) for
 * a label of prevalence f_c below t, and for a row the largest r_c of its positive labels, capped. The square
 * root moderates: a label four times rarer is repeated twice as often. Rows without a positive label can be
 * thinned out; rows with one are never dropped. Deviations: prevalence counts recorded values only, and how
 * many extra copies an epoch holds is fixed (who gets them is random), so that steps can be planned.
 */
import { ConfigError } from '../errors.js';
import { type Random, randomStream } from '../random/index.js';
import { countLabels, type LabelledRows, rowCount } from './labelCounts.js';

/** Options of {@link createSampler}. */
export interface SamplingOptions {
  /** Prevalence t below which a label counts as rare, in (0, 1]. Default 0.1. */
  readonly rareBelow?: number;
  /** Largest repeat factor of a row, ≥ 1; 1 = no oversampling. Default 4. */
  readonly maxRepeat?: number;
  /** Share of the rows without a recorded positive that a balanced epoch draws, in (0, 1]. Default 1. */
  readonly negativeKeep?: number;
}

/** How often each training row is drawn in a fully balanced epoch. */
export interface Sampler {
  /** [row] repeat factor, in [1, maxRepeat]; 1 for a row without a recorded positive. */
  readonly repeat: Float64Array;
  /** Positions of the rows with a recorded positive, ascending. */
  readonly positiveRows: Int32Array;
  /** Positions of the rows without one, ascending. */
  readonly negativeRows: Int32Array;
  /** Share of `negativeRows` drawn, in (0, 1]. */
  readonly negativeKeep: number;
}

/** Which epoch to draw. */
export interface EpochDraw {
  /** The study's seed. */
  readonly seed: number;
  /** 0-based. */
  readonly epoch: number;
  /** 1 = as balanced as the sampler makes it, 0 = natural, every row once; in [0, 1]. */
  readonly balance: number;
}

/**
 * A sampler for these training rows.
 * @throws ConfigError when an option is out of its range
 * @throws ShapeError when `targets` and `known` do not match
 */
export function createSampler(rows: LabelledRows, options: SamplingOptions = {}): Sampler {
  const { rareBelow = 0.1, maxRepeat = 4, negativeKeep = 1 } = options;
  checkShare('rareBelow', rareBelow);
  checkShare('negativeKeep', negativeKeep);
  if (!(maxRepeat >= 1 && Number.isFinite(maxRepeat))) {
    throw new ConfigError(
      `createSampler: maxRepeat must be at least 1, got ${maxRepeat}; 1 turns oversampling off`,
      'training.sampling.maxRepeat',
    );
  }
  const { labelCount, targets, known } = rows;
  const { positives, negatives } = countLabels(rows);
  // A label without a positive gets no finite factor here, and has no row to give it to.
  const labelRepeat = Array.from(positives, (count, label) =>
    Math.min(maxRepeat, Math.max(1, Math.sqrt((rareBelow * (count + negatives[label])) / count))),
  );
  const repeat = new Float64Array(rowCount(rows)).fill(1);
  const positiveRows: number[] = [];
  const negativeRows: number[] = [];
  for (let row = 0; row < repeat.length; row++) {
    let positive = false;
    for (let label = 0; label < labelCount; label++) {
      const at = row * labelCount + label;
      if (!known[at] || targets[at] !== 1) continue;
      positive = true;
      repeat[row] = Math.max(repeat[row], labelRepeat[label]);
    }
    (positive ? positiveRows : negativeRows).push(row);
  }
  return {
    repeat,
    positiveRows: Int32Array.from(positiveRows),
    negativeRows: Int32Array.from(negativeRows),
    // With no positive row at all there is nothing to balance against.
    negativeKeep: positiveRows.length === 0 ? 1 : negativeKeep,
  };
}

/**
 * The rows of one epoch in the order they are trained on. Repeat factors and the share of rows without a
 * positive are raised to the power `balance`, so that balance moves smoothly between the two distributions.
 * Depends on nothing but the sampler and the arguments.
 * @returns positions among the training rows, {@link epochLength} of them; a row with factor r occurs ⌊r⌋ or
 *   ⌈r⌉ times
 * @throws RangeError unless balance is in [0, 1]
 */
export function epochOrder(sampler: Sampler, { seed, epoch, balance }: EpochDraw): Int32Array<ArrayBuffer> {
  const random = randomStream(seed, 'train', 'sampler', epoch);
  const plan = planEpoch(sampler, balance);
  const order = new Int32Array(plan.length);
  let filled = 0;
  for (const row of sampler.positiveRows) {
    for (let copy = Math.floor(plan.repeat(row)); copy > 0; copy--) order[filled++] = row;
  }
  const fraction = (row: number) => plan.repeat(row) % 1;
  order.set(drawInProportion(sampler.positiveRows, fraction, plan.extraCopies, random), filled);
  filled += plan.extraCopies;
  order.set(random.shuffle(sampler.negativeRows.slice()).subarray(0, plan.keptNegatives), filled);
  return random.shuffle(order);
}

/**
 * How many rows {@link epochOrder} draws at this balance, whatever the seed and epoch.
 * @throws RangeError unless balance is in [0, 1]
 */
export function epochLength(sampler: Sampler, balance: number): number {
  return planEpoch(sampler, balance).length;
}

/**
 * Cuts an epoch into batches of one size; what is left over at the end is dropped (another epoch's shuffle
 * leaves out other rows).
 * @throws ConfigError when the epoch does not fill one batch
 */
export function batchesOf(order: Int32Array<ArrayBuffer>, batchSize: number): Int32Array<ArrayBuffer>[] {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > order.length) {
    throw new ConfigError(
      `batchesOf: batchSize must be between 1 and the ${order.length} rows of an epoch, got ${batchSize}; ` +
        'choose a smaller batch',
      'training.batchSize',
    );
  }
  return Array.from({ length: Math.floor(order.length / batchSize) }, (_, batch) =>
    order.subarray(batch * batchSize, (batch + 1) * batchSize),
  );
}

function planEpoch(sampler: Sampler, balance: number) {
  if (!(balance >= 0 && balance <= 1)) {
    throw new RangeError(`epochOrder: balance must be in [0, 1], got ${balance}; 0 is natural prevalence`);
  }
  const repeat = (row: number) => sampler.repeat[row] ** balance;
  let [wholeCopies, fractions] = [0, 0];
  for (const row of sampler.positiveRows) {
    wholeCopies += Math.floor(repeat(row));
    fractions += repeat(row) % 1;
  }
  const extraCopies = Math.floor(fractions);
  const keptNegatives = Math.ceil(sampler.negativeKeep ** balance * sampler.negativeRows.length);
  return { repeat, extraCopies, keptNegatives, length: wholeCopies + extraCopies + keptNegatives };
}

/**
 * `count` different rows, each with probability proportional to its weight: systematic sampling along a
 * shuffled order. Every weight is below 1 and `count` at most their sum, so none is met twice.
 */
function drawInProportion(
  rows: Int32Array,
  weight: (row: number) => number,
  count: number,
  random: Random,
): number[] {
  const shuffled = random.shuffle(rows.slice());
  const total = shuffled.reduce((sum, row) => sum + weight(row), 0);
  const start = random.uniform();
  const drawn: number[] = [];
  let passed = 0;
  let at = -1;
  while (drawn.length < count) {
    const point = ((drawn.length + start) * total) / count;
    // The last row also stands for what rounding leaves beyond the sum.
    while (passed <= point && at < shuffled.length - 1) passed += weight(shuffled[++at]);
    drawn.push(shuffled[at]);
  }
  return drawn;
}

function checkShare(name: string, share: number): void {
  if (share > 0 && share <= 1) return;
  throw new ConfigError(
    `createSampler: ${name} must be a share in (0, 1], got ${share}; give a share`,
    `training.sampling.${name}`,
  );
}
