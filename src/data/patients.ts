/** Who is who: patient numbers, with patients that share an image file taken for one person. */

/** Patient numbers per row, and the rows whose patient was merged into an earlier one. */
export interface PatientIndex {
  /** 0 … P−1 per row, numbered by first appearance. */
  readonly index: Int32Array;
  readonly merged: readonly number[];
}

/**
 * Numbers patients by first appearance. Published tables list one person under two ids; the same file under
 * both would let a model be tested on an image it was trained on.
 * @param patients patient id per row
 * @param paths image paths per row; null = no image
 */
export function indexPatients(
  patients: readonly string[],
  paths: readonly (readonly (string | null)[])[],
): PatientIndex {
  const parent = new Map<string, string>();
  const root = (patient: string): string => {
    const above = parent.get(patient);
    return above === undefined || above === patient ? patient : root(above);
  };
  const firstRow = new Map<string, number>();
  patients.forEach((patient, row) => {
    if (!firstRow.has(patient)) firstRow.set(patient, row);
  });
  const owner = new Map<string, string>();
  patients.forEach((patient, row) => {
    for (const path of paths[row]) {
      if (path === null) continue;
      const people = [root(patient), root(owner.get(path) ?? patient)];
      const [earlier, later] = people.sort((a, b) => firstRow.get(a)! - firstRow.get(b)!);
      if (earlier !== later) parent.set(later, earlier);
      owner.set(path, earlier);
    }
  });
  const numbers = new Map<string, number>();
  const index = Int32Array.from(patients, (patient) => {
    const person = root(patient);
    if (!numbers.has(person)) numbers.set(person, numbers.size);
    return numbers.get(person)!;
  });
  return {
    index,
    merged: patients.flatMap((patient, row) => (root(patient) === patient ? [] : [row])),
  };
}
