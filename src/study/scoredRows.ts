/** Predictions cut into what evaluation needs: thresholds from validation rows, decisions on the others. */
import { DataError } from '../errors.js';
import { chooseThreshold, type ThresholdCriterion } from '../metrics/index.js';
import type { Predictions } from './predictions.js';
import type { SubgroupColumn } from './subgroups.js';

/** Rows of one part, with decisions; n rows, L labels, matrices [n, L]. */
export interface ScoredPart {
  readonly labels: readonly string[];
  readonly ids: readonly string[];
  /** [n] index of the patient, by first appearance among all predictions. */
  readonly patients: Int32Array;
  /** [n] cross-validation repeat, from 0. */
  readonly repeat: Int32Array;
  /** [n] split, 0 … S − 1, by repeat, then fold. */
  readonly split: Int32Array;
  readonly targets: Float32Array;
  readonly known: Uint8Array;
  readonly probabilities: Float64Array;
  /** 1 = called positive: the probability is at least the threshold of the row's own fold. */
  readonly decisions: Uint8Array;
  /** 0 low, 1 medium, 2 high. */
  readonly tiers: Uint8Array;
  /** The columns that subgroups are formed from, [n] values each. */
  readonly subgroups: readonly SubgroupColumn[];
}

/** The scored parts of a run. */
export interface ScoredRun {
  /** [L][S] threshold per label and split, splits by repeat, then fold. */
  readonly thresholds: readonly (readonly number[])[];
  readonly test: ScoredPart;
  /** Under cross-validation, the validation rows of all folds: a row may occur more than once. */
  readonly validation: ScoredPart;
}

/**
 * Chooses each split's thresholds on its validation rows and applies them to its validation and test rows.
 * @throws DataError `one-class-validation` when a label lacks a class among a split's validation rows; `no-rows`
 *   when there are no validation or test rows
 */
export function scoreRows(predictions: Predictions, criterion: ThresholdCriterion): ScoredRun {
  const { labels } = predictions;
  const { names, splitOf } = splitsOf(predictions);
  const thresholds = names.map((name, s) => {
    const rows = rowsWhere(
      predictions,
      (row) => predictions.splits[row] === 'validation' && splitOf[row] === s,
    );
    return labels.map((label, l) => threshold(predictions, rows, l, criterion, `label "${label}", ${name}`));
  });
  const patients = patientIndices(predictions.patients);
  const part = (name: 'validation' | 'test'): ScoredPart => {
    const rows = rowsWhere(predictions, (row) => predictions.splits[row] === name);
    if (rows.length === 0)
      throw new DataError('no-rows', `scoreRows: there must be ${name} rows, got none; train the study anew`);
    const scored = {
      targets: new Float32Array(rows.length * labels.length),
      known: new Uint8Array(rows.length * labels.length),
      probabilities: new Float64Array(rows.length * labels.length),
      decisions: new Uint8Array(rows.length * labels.length),
      tiers: new Uint8Array(rows.length * labels.length),
    };
    for (let i = 0, to = 0; i < rows.length; i++) {
      const cuts = thresholds[splitOf[rows[i]]];
      for (let l = 0; l < labels.length; l++, to++) {
        const from = rows[i] * labels.length + l;
        scored.targets[to] = predictions.targets[from];
        scored.known[to] = predictions.known[from];
        scored.probabilities[to] = predictions.probabilities[from];
        scored.decisions[to] = predictions.probabilities[from] >= cuts[l] ? 1 : 0;
        scored.tiers[to] = predictions.tiers[from];
      }
    }
    return {
      labels,
      ids: Array.from(rows, (row) => predictions.ids[row]),
      patients: rows.map((row) => patients[row]),
      repeat: rows.map((row) => predictions.repeat[row]),
      split: rows.map((row) => splitOf[row]),
      ...scored,
      subgroups: predictions.subgroups.map(({ column, values }) => ({
        column,
        values: Array.from(rows, (row) => values[row]),
      })),
    };
  };
  return {
    thresholds: labels.map((_, l) => thresholds.map((ofLabels) => ofLabels[l])),
    test: part('test'),
    validation: part('validation'),
  };
}

function rowsWhere({ splits }: Predictions, accept: (row: number) => boolean): Int32Array {
  const rows = new Int32Array(splits.length);
  let count = 0;
  for (let row = 0; row < splits.length; row++) if (accept(row)) rows[count++] = row;
  return rows.slice(0, count);
}

/** The splits by repeat, then fold: their names, and of each row the number of its own. */
function splitsOf({ repeat, fold }: Predictions): {
  readonly names: readonly string[];
  readonly splitOf: Int32Array;
} {
  const folds = fold.reduce((most, own) => Math.max(most, own), 0) + 1;
  const keys = new Float64Array(repeat.length).map((_, row) => repeat[row] * folds + fold[row]);
  const distinct = [...new Set(keys)].sort((a, b) => a - b);
  const numbers = new Map(distinct.map((key, s) => [key, s]));
  return {
    names: distinct.map((key) => `repeat ${Math.floor(key / folds)}, fold ${key % folds}`),
    splitOf: repeat.map((_, row) => numbers.get(keys[row])!),
  };
}

function threshold(
  { labels, probabilities, targets, known }: Predictions,
  rows: Int32Array,
  label: number,
  criterion: ThresholdCriterion,
  where: string,
): number {
  const column = (matrix: ArrayLike<number>) => {
    const values = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) values[i] = matrix[rows[i] * labels.length + label];
    return values;
  };
  const chosen = chooseThreshold(column(probabilities), column(targets), column(known), criterion);
  if (chosen === null)
    throw new DataError(
      'one-class-validation',
      `scoreRows: the validation rows must hold positives and negatives of every label, got one class for ${where}; raise split.validation or leave the label out`,
    );
  return chosen;
}

function patientIndices(patients: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  for (const patient of patients) if (!numbers.has(patient)) numbers.set(patient, numbers.size);
  return Int32Array.from(patients, (patient) => numbers.get(patient)!);
}
