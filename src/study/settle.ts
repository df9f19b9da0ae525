/** From a split's logits to what is said of its rows: calibration and tiers, settled on validation rows. */
import { type Cohort, gather, type Split } from '../data/index.js';
import { assignTiers, fitTiers, type TierModel } from '../risk/index.js';
import { applyCalibration, type CalibrationModel, fitCalibration } from '../train/index.js';
import type { Predictions } from './predictions.js';
import type { Study } from './schema.js';
import { subgroupValues } from './subgroups.js';

/** Logits before calibration, [row, label]. */
export interface SplitLogits {
  readonly validation: Float32Array | Float64Array;
  /** Of `splitRows`, in that order. */
  readonly all: Float32Array | Float64Array;
}

export interface SettledSplit {
  readonly calibration: CalibrationModel;
  readonly tiers: TierModel;
  /** Of the split's rows: train, validation and test. */
  readonly predictions: Predictions;
}

/** The rows of a split: train, then validation, then test. */
export function splitRows({ train, validation, test }: Split): Int32Array {
  const rows = new Int32Array(train.length + validation.length + test.length);
  rows.set(train);
  rows.set(validation, train.length);
  rows.set(test, train.length + validation.length);
  return rows;
}

/** Fits calibration and tiers on the split's validation rows and predicts all its rows. */
export function settleSplit(
  { tiers: policy, training, evaluation }: Study,
  cohort: Cohort,
  split: Split,
  logits: SplitLogits,
): SettledSplit {
  const { labels } = cohort;
  const validation = outcomes(cohort, split.validation);
  const calibration = fitCalibration(
    logits.validation,
    validation.targets,
    validation.known,
    labels,
    training.calibration,
  );
  const onValidation = applyCalibration(calibration, logits.validation);
  const tiers = fitTiers(onValidation, validation.targets, validation.known, labels, policy);

  const rows = splitRows(split);
  const probabilities = applyCalibration(calibration, logits.all);
  return {
    calibration,
    tiers,
    predictions: {
      labels,
      ids: Array.from(rows, (row) => cohort.ids[row]),
      patients: Array.from(rows, (row) => cohort.patients[row]),
      splits: [
        ...Array.from(split.train, () => 'train' as const),
        ...Array.from(split.validation, () => 'validation' as const),
        ...Array.from(split.test, () => 'test' as const),
      ],
      repeat: new Int32Array(rows.length).fill(split.repeat),
      fold: new Int32Array(rows.length).fill(split.fold),
      ...outcomes(cohort, rows),
      probabilities,
      tiers: assignTiers(tiers, probabilities, featureRows(cohort, rows)),
      subgroups: subgroupValues(cohort, evaluation.subgroups).map(({ column, values }) => ({
        column,
        values: Array.from(rows, (row) => values[row]),
      })),
    },
  };
}

/** Targets and their mask for some rows, [row, label]. */
export function outcomes(
  { targets, known, labels }: Pick<Cohort, 'targets' | 'known' | 'labels'>,
  rows: Int32Array,
): Pick<Cohort, 'targets' | 'known'> {
  return { targets: pick(targets, rows, labels.length), known: pick(known, rows, labels.length) };
}

/** The columns that tier overrides read, for some rows. */
function featureRows(cohort: Cohort, rows: Int32Array) {
  return {
    size: rows.length,
    numeric: cohort.numeric.map((column) => ({
      ...column,
      values: gather(column.values, rows),
    })),
    categorical: cohort.categorical.map((column) => ({
      ...column,
      values: Array.from(rows, (row) => column.values[row]),
    })),
    patientIndex: rows.map((row) => cohort.patientIndex[row]),
    order: cohort.order === null ? null : gather(cohort.order, rows),
  };
}

function pick<T extends Float32Array | Uint8Array>(values: T, rows: Int32Array, width: number): T {
  const result = new (values.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((row, i) => {
    result.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return result;
}
