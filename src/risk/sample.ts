/** What a multivariate model of one label is fitted on: training rows, resampled or not, and the weight of each class. */
import { gather } from '../data/index.js';
import type { Random } from '../random/index.js';
import { balancedWeights } from './cart.js';
import type { Stage1Options } from './options.js';
import { smote } from './smote.js';
import type { ClassWeight } from './tree.js';

/** Rows gathered from the matrix, real ones first. Nothing in it comes from any other row. */
export interface TrainingSample {
  /** [column][row of the sample] */
  readonly columns: readonly Float64Array[];
  readonly target: Uint8Array;
  /** How many of the rows, from the first, are real. */
  readonly real: number;
  /** Weight of a row of each class in the fit. */
  readonly classWeight: ClassWeight;
  /** Weight of a real row of each class with that of the synthetic rows made for it. */
  readonly effectiveWeight: ClassWeight;
}

/**
 * Gathers the sample of some rows.
 * @param columns [column][row of the cohort]
 * @param target [row of the cohort]
 */
export function trainingSample(
  columns: readonly Float64Array[],
  target: Uint8Array,
  rows: Int32Array,
  { resampling, classWeight: weighting }: Pick<Stage1Options, 'resampling' | 'classWeight'>,
  random: Random,
): TrainingSample {
  const own = columns.map((column) => gather(column, rows));
  const truth = Uint8Array.from(rows, (row) => target[row]);
  const positives = truth.reduce((sum, value) => sum + value, 0);
  const real: ClassWeight = [rows.length - positives, positives];
  const made = resampling === 'smote' && columns.length > 0 ? smote(own, truth, random) : null;
  const synthetic = made === null ? 0 : made.columns[0].length;
  const fitted: [number, number] = [real[0], real[1]];
  if (made !== null) fitted[made.minority] += synthetic;
  const classWeight: ClassWeight = weighting === 'balanced' ? balancedWeights(...fitted) : [1, 1];
  const effective = (c: 0 | 1) => (real[c] === 0 ? classWeight[c] : (classWeight[c] * fitted[c]) / real[c]);
  const extended = new Uint8Array(rows.length + synthetic).fill(made?.minority ?? 0);
  extended.set(truth);
  return {
    columns: own.map((column, c) => {
      const all = new Float64Array(extended.length);
      all.set(column);
      if (made !== null) all.set(made.columns[c], rows.length);
      return all;
    }),
    target: extended,
    real: rows.length,
    classWeight,
    effectiveWeight: [effective(0), effective(1)],
  };
}
