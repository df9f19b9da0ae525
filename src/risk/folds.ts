/** Inner folds of one label: no patient in two folds, positives spread evenly. */
import type { Random } from '../random/index.js';

/**
 * Assigns rows to folds by patient. Patients with a positive row are dealt first, each to the fold with the fewest
 * positive rows, then the others, each to the fold with the fewest rows.
 * @param rows rows of the cohort
 * @param most folds wanted; fewer when there are fewer patients with, or without, a positive row
 * @returns [rows.length] fold of each row and the number of folds, or null when not even two are possible
 */
export function groupedFolds(
  target: Uint8Array,
  rows: Int32Array,
  patientIndex: Int32Array,
  most: number,
  random: Random,
): { readonly fold: Int32Array; readonly folds: number } | null {
  const highest = rows.reduce((most, row) => Math.max(most, patientIndex[row]), -1);
  // [patient] rows, and positive rows among them
  const rowsOf = new Int32Array(highest + 1);
  const positivesOf = new Int32Array(highest + 1);
  const seen = new Int32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const patient = patientIndex[rows[i]];
    if (rowsOf[patient] === 0) seen[count++] = patient;
    rowsOf[patient]++;
    positivesOf[patient] += target[rows[i]];
  }
  const patients = random.shuffle(seen.slice(0, count));
  const withPositive = patients.filter((patient) => positivesOf[patient] > 0);
  const without = patients.filter((patient) => positivesOf[patient] === 0);
  const folds = Math.min(most, withPositive.length, without.length);
  if (folds < 2) return null;

  const sizes = new Float64Array(folds);
  const positives = new Float64Array(folds);
  const foldOf = new Int32Array(highest + 1);
  const deal = (patient: number, load: Float64Array): void => {
    let least = 0;
    for (let f = 1; f < folds; f++) {
      if (load[f] < load[least] || (load[f] === load[least] && sizes[f] < sizes[least])) least = f;
    }
    foldOf[patient] = least;
    sizes[least] += rowsOf[patient];
    positives[least] += positivesOf[patient];
  };
  // Large patients first, so that a late one cannot unbalance the folds; the sort keeps the shuffled order of equals.
  for (const patient of descending(withPositive, positivesOf)) deal(patient, positives);
  for (const patient of descending(without, rowsOf)) deal(patient, sizes);
  return { fold: rows.map((row) => foldOf[patientIndex[row]]), folds };
}

/** Patients by descending count, equal ones in their order: a counting sort, as most patients have one row. */
function descending(patients: Int32Array, countOf: Int32Array): Int32Array {
  const most = patients.reduce((high, patient) => Math.max(high, countOf[patient]), 0);
  const starts = new Int32Array(most + 2);
  for (const patient of patients) starts[most - countOf[patient] + 1]++;
  for (let bucket = 0; bucket <= most; bucket++) starts[bucket + 1] += starts[bucket];
  const sorted = new Int32Array(patients.length);
  for (const patient of patients) sorted[starts[most - countOf[patient]]++] = patient;
  return sorted;
}
