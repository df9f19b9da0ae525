/** Small cohorts whose columns a test writes down, for tests of single checks. */
import type { Cohort, Split, Visit } from '../../../src/data/index.js';
import { randomStream } from '../../../src/random/index.js';

interface Columns {
  readonly labels: Readonly<Record<string, ArrayLike<number>>>;
  readonly numeric?: Readonly<Record<string, ArrayLike<number>>>;
  readonly categorical?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly text?: Readonly<Record<string, readonly (string | null)[]>>;
  /** Per row; default every row its own patient. */
  readonly patients?: ArrayLike<number>;
  readonly order?: ArrayLike<number>;
  readonly visits?: readonly (readonly Visit[])[];
}

/** A cohort of these columns; NaN in a label is unknown. Row r stands in line r + 2. */
export function cohortOf({ labels, numeric = {}, categorical = {}, text = {}, ...rest }: Columns): Cohort {
  const names = Object.keys(labels);
  const size = labels[names[0]].length;
  const rows = Array.from({ length: size }, (_, row) => row);
  const cells = rows.flatMap((row) => names.map((name) => labels[name][row]));
  const patientIndex = Int32Array.from(rest.patients ?? rows);
  return {
    size,
    ids: rows.map((row) => `r${row}`),
    patients: Array.from(patientIndex, (patient) => `p${patient}`),
    patientIndex,
    lines: Int32Array.from(rows, (row) => row + 2),
    order: rest.order === undefined ? null : Float64Array.from(rest.order),
    labels: names,
    targets: Float32Array.from(cells, (cell) => (cell === 1 ? 1 : 0)),
    known: Uint8Array.from(cells, (cell) => (Number.isNaN(cell) ? 0 : 1)),
    numeric: Object.entries(numeric).map(([name, values]) => ({
      name,
      kind: 'numeric' as const,
      values: Float64Array.from(values),
    })),
    categorical: Object.entries(categorical).map(([name, values]) => ({ name, values })),
    text: Object.entries(text).map(([name, values]) => ({ name, values })),
    visits: rest.visits ?? rows.map(() => []),
    slots: 1,
    notes: [],
  };
}

/** Every third row to test, every third to validation. */
export function thirds(size: number): Split {
  const rows = Int32Array.from({ length: size }, (_, row) => row);
  const part = (rest: number) => rows.filter((row) => row % 3 === rest);
  return { repeat: 0, fold: 0, train: part(0), validation: part(1), test: part(2), notes: [] };
}

/** n numbers drawn by a rule from one seeded stream. */
export function drawn(
  n: number,
  seed: number,
  rule: (random: ReturnType<typeof randomStream>, i: number) => number,
) {
  const random = randomStream(seed, 'audit test');
  return Float64Array.from({ length: n }, (_, i) => rule(random, i));
}
