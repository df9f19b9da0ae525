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
  const groups = new Map<number, { rows: number; positives: number; fold: number }>();
  for (const row of rows) {
    const group = groups.get(patientIndex[row]) ?? { rows: 0, positives: 0, fold: -1 };
    group.rows++;
    group.positives += target[row];
    groups.set(patientIndex[row], group);
  }
  const patients = random.shuffle([...groups.values()]);
  const withPositive = patients.filter((patient) => patient.positives > 0);
  const without = patients.filter((patient) => patient.positives === 0);
  const folds = Math.min(most, withPositive.length, without.length);
  if (folds < 2) return null;

  const sizes = new Float64Array(folds);
  const positives = new Float64Array(folds);
  const deal = (group: (typeof patients)[number], load: Float64Array): void => {
    let least = 0;
    for (let f = 1; f < folds; f++) {
      if (load[f] < load[least] || (load[f] === load[least] && sizes[f] < sizes[least])) least = f;
    }
    group.fold = least;
    sizes[least] += group.rows;
    positives[least] += group.positives;
  };
  // Large patients first, so that a late one cannot unbalance the folds; the sort keeps the shuffled order of equals.
  for (const patient of withPositive.sort((a, b) => b.positives - a.positives)) deal(patient, positives);
  for (const patient of without.sort((a, b) => b.rows - a.rows)) deal(patient, sizes);
  return { fold: Int32Array.from(rows, (row) => groups.get(patientIndex[row])!.fold), folds };
}
