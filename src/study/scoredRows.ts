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
  const { labels, splits, repeat, fold } = predictions;
  const rowsWhere = (accept: (row: number) => boolean) => Array.from(splits.keys()).filter(accept);
  const splitOf = splits.map((_, row) => `repeat ${repeat[row]}, fold ${fold[row]}`);
  const inOrder = rowsWhere(() => true).sort((a, b) => repeat[a] - repeat[b] || fold[a] - fold[b]);
  const names = [...new Set(inOrder.map((row) => splitOf[row]))];
  const thresholds = names.map((name) => {
    const rows = rowsWhere((row) => splits[row] === 'validation' && splitOf[row] === name);
    return labels.map((label, l) => threshold(predictions, rows, l, criterion, `label "${label}", ${name}`));
  });
  const cuts = new Map(names.map((name, s) => [name, thresholds[s]]));
  const patients = patientIndices(predictions.patients);
  const part = (name: 'validation' | 'test'): ScoredPart => {
    const rows = rowsWhere((row) => splits[row] === name);
    if (rows.length === 0)
      throw new DataError('no-rows', `scoreRows: there must be ${name} rows, got none; train the study anew`);
    const cells = rows.flatMap((row) => labels.map((_, l) => row * labels.length + l));
    return {
      labels,
      ids: rows.map((row) => predictions.ids[row]),
      patients: Int32Array.from(rows, (row) => patients[row]),
      repeat: Int32Array.from(rows, (row) => repeat[row]),
      split: Int32Array.from(rows, (row) => names.indexOf(splitOf[row])),
      targets: Float32Array.from(cells, (cell) => predictions.targets[cell]),
      known: Uint8Array.from(cells, (cell) => predictions.known[cell]),
      probabilities: Float64Array.from(cells, (cell) => predictions.probabilities[cell]),
      decisions: Uint8Array.from(rows.flatMap((row) => decide(predictions, row, cuts.get(splitOf[row])!))),
      tiers: Uint8Array.from(cells, (cell) => predictions.tiers[cell]),
      subgroups: predictions.subgroups.map(({ column, values }) => ({
        column,
        values: rows.map((row) => values[row]),
      })),
    };
  };
  return {
    thresholds: labels.map((_, l) => thresholds.map((ofLabels) => ofLabels[l])),
    test: part('test'),
    validation: part('validation'),
  };
}

function threshold(
  { labels, probabilities, targets, known }: Predictions,
  rows: readonly number[],
  label: number,
  criterion: ThresholdCriterion,
  where: string,
): number {
  const column = (matrix: ArrayLike<number>) => rows.map((row) => matrix[row * labels.length + label]);
  const chosen = chooseThreshold(column(probabilities), column(targets), column(known), criterion);
  if (chosen === null)
    throw new DataError(
      'one-class-validation',
      `scoreRows: the validation rows must hold positives and negatives of every label, got one class for ${where}; raise split.validation or leave the label out`,
    );
  return chosen;
}

function decide({ labels, probabilities }: Predictions, row: number, cuts: readonly number[]): number[] {
  return labels.map((_, l) => (probabilities[row * labels.length + l] >= cuts[l] ? 1 : 0));
}

function patientIndices(patients: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  for (const patient of patients) if (!numbers.has(patient)) numbers.set(patient, numbers.size);
  return Int32Array.from(patients, (patient) => numbers.get(patient)!);
}
