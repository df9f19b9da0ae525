/** The rows that the audit's statistics look at: those that something is ever fitted on. */
import type { Cohort } from '../cohort.js';
import type { Split } from '../split.js';

/** Rows with weights that let every patient count once, dealt into folds by patient. */
export interface AuditSample {
  /** [i] row of the cohort, ascending. */
  readonly rows: Int32Array;
  /** [i] 1 / number of the patient's rows in the sample. */
  readonly weights: Float64Array;
  /** [i] 0 … folds − 1; a patient is in one fold. */
  readonly fold: Int32Array;
  readonly folds: number;
}

const FOLDS = 5;

/**
 * The union of the splits' training rows, all rows without a split: what a held-out row shows is not for choosing
 * features. Patients are dealt to folds in turn, in the order of the file.
 */
export function auditSample(cohort: Cohort, splits: readonly Split[]): AuditSample {
  const chosen = new Uint8Array(cohort.size).fill(splits.length === 0 ? 1 : 0);
  for (const { train } of splits) for (const row of train) chosen[row] = 1;
  const rows = Int32Array.from(chosen.keys()).filter((row) => chosen[row] === 1);
  const visits = new Map<number, number>();
  for (const row of rows) {
    const patient = cohort.patientIndex[row];
    visits.set(patient, (visits.get(patient) ?? 0) + 1);
  }
  const foldOf = new Map([...visits.keys()].map((patient, i) => [patient, i % FOLDS]));
  return {
    rows,
    weights: Float64Array.from(rows, (row) => 1 / visits.get(cohort.patientIndex[row])!),
    fold: rows.map((row) => foldOf.get(cohort.patientIndex[row])!),
    folds: FOLDS,
  };
}
