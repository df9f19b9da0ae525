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
  const numbers = new Map<string, number>();
  const index = Int32Array.from(patients, (patient) => {
    const number = numbers.get(patient) ?? numbers.size;
    if (number === numbers.size) numbers.set(patient, number);
    return number;
  });
  // A union-find forest in which the root, the earliest patient, stands for the person.
  const parent = Int32Array.from({ length: numbers.size }, (_, number) => number);
  const root = (number: number): number => {
    let at = number;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  const owner = new Map<string, number>();
  index.forEach((number, row) => {
    for (const path of paths[row]) {
      if (path === null) continue;
      const [own, other] = [root(number), root(owner.get(path) ?? number)];
      const earlier = Math.min(own, other);
      parent[Math.max(own, other)] = earlier;
      owner.set(path, earlier);
    }
  });
  const merged: number[] = [];
  const people = new Int32Array(parent.length);
  let count = 0;
  // A root comes before its tree, so its person has been numbered by then.
  parent.forEach((_, number) => {
    people[number] = root(number) === number ? count++ : people[root(number)];
  });
  index.forEach((number, row) => {
    if (root(number) !== number) merged.push(row);
    index[row] = people[number];
  });
  return { index, merged };
}
