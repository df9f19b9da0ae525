/** How often each label is positive, negative and unknown; the basis of sampling, loss weights and priors. */
import { DataError, ShapeError } from '../errors.js';

/** The labels of a set of rows, row-major [row, label]. */
export interface LabelledRows {
  /** 0 or 1; ignored where unknown. */
  readonly targets: Float32Array;
  /** 1 = recorded, 0 = unknown. */
  readonly known: Uint8Array;
  /** How many labels a row has. */
  readonly labelCount: number;
}

/** Counts per label; the three add up to the number of rows. */
export interface LabelCounts {
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
  readonly unknown: Int32Array;
}

/**
 * Counts of positive, negative and unknown values per label.
 * @throws ShapeError when `targets` and `known` are not both [rows, labelCount]
 * @throws DataError (code `label-value`) when a known target is neither 0 nor 1
 */
export function countLabels({ targets, known, labelCount }: LabelledRows): LabelCounts {
  rowCount({ targets, known, labelCount });
  const positives = new Int32Array(labelCount);
  const negatives = new Int32Array(labelCount);
  const unknown = new Int32Array(labelCount);
  for (let i = 0; i < targets.length; i++) {
    const label = i % labelCount;
    if (!known[i]) unknown[label]++;
    else if (targets[i] === 1) positives[label]++;
    else if (targets[i] === 0) negatives[label]++;
    else {
      throw new DataError(
        'label-value',
        `countLabels: a known target must be 0 or 1, got ${targets[i]} for label ${label} of row ` +
          `${(i - label) / labelCount}; mark it unknown or correct it`,
      );
    }
  }
  return { positives, negatives, unknown };
}

/**
 * The number of rows.
 * @throws ShapeError when `targets` and `known` are not both [rows, labelCount]
 */
export function rowCount({ targets, known, labelCount }: LabelledRows): number {
  const rows = targets.length / labelCount;
  if (!Number.isInteger(labelCount) || labelCount < 1 || !Number.isInteger(rows)) {
    throw new ShapeError(
      `rowCount: targets must be [rows, labels], got ${targets.length} values for ${labelCount} labels; ` +
        'pass every label of every row',
    );
  }
  if (known.length !== targets.length) {
    throw new ShapeError(
      `rowCount: known must match targets, got ${known.length} and ${targets.length} values; ` +
        'pass both for the same rows',
    );
  }
  return rows;
}
