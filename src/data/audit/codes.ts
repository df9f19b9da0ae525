/** Cells as small integers, so that rows can be compared whatever their columns hold. */
import type { Cohort } from '../cohort.js';

/** One column, features and labels alike; equal codes are equal cells, a missing value is a value. */
export interface Codes {
  readonly name: string;
  readonly codes: Int32Array;
  /** Distinct codes: 0 … count − 1. */
  readonly count: number;
  /** Share of row pairs that agree. */
  readonly agreement: number;
}

/** Features, image files and labels of a cohort; none where it has no features. */
export function codedColumns({
  numeric,
  categorical,
  text,
  visits,
  labels,
  targets,
  known,
  size,
}: Cohort): Codes[] {
  const own = visits.map((ofRow, row) => ofRow.filter((visit) => visit.row === row).map(({ path }) => path));
  const L = labels.length;
  const rows = Array.from({ length: size }, (_, row) => row);
  const features = [
    ...numeric.map(({ name, values }) => code(name, values)),
    ...categorical.map(({ name, values }) => code(name, values)),
    ...text.map(({ name, values }) => code(name, values)),
    ...(own.some((paths) => paths.length > 0)
      ? [
          code(
            'images',
            own.map((paths) => paths.join('\n')),
          ),
        ]
      : []),
  ];
  if (features.length === 0) return [];
  const answers = labels.map((label, l) =>
    code(
      label,
      rows.map((row) => (known[row * L + l] === 1 ? targets[row * L + l] : null)),
    ),
  );
  return [...features, ...answers];
}

function code(name: string, cells: ArrayLike<string | number | null>): Codes {
  const codeOf = new Map<string | number | null, number>();
  const codes = new Int32Array(cells.length);
  for (let row = 0; row < codes.length; row++) {
    let own = codeOf.get(cells[row]);
    if (own === undefined) {
      own = codeOf.size;
      codeOf.set(cells[row], own);
    }
    codes[row] = own;
  }
  const counts = new Float64Array(codeOf.size);
  for (const value of codes) counts[value]++;
  const n = codes.length;
  const agreement = counts.reduce((sum, count) => sum + count * (count - 1), 0) / Math.max(1, n * (n - 1));
  return { name, codes, count: codeOf.size, agreement };
}
