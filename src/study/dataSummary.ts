/**
 * What a report says of the data: counts that the run folder keeps as data.json, so that a report needs the run
 * folder alone.
 */
import { type Cohort, gather, type NumericColumn, recordedValues } from '../data/index.js';

/** Distribution of one numeric column. */
export interface ColumnSummary {
  readonly name: string;
  readonly missing: number;
  /** Ascending bin edges, one more than `counts`; empty when every value is missing. */
  readonly edges: readonly number[];
  /** Rows per bin; a value on an edge belongs to the bin above it, the largest to the last bin. */
  readonly counts: readonly number[];
}

/** Where a column of the table, or of image files, has no value. */
export interface MissingCounts {
  readonly name: string;
  /** Rows without a value in each part of the split, in the parts' order. */
  readonly parts: readonly number[];
}

/** Test rows in which a rule fires, those of them whose label is known, and the positives of these. */
export interface RuleCount {
  readonly fired: number;
  readonly known: number;
  readonly positives: number;
}

const MOST_BINS = 20;

/** Distribution and correlation of the numeric and ordinal columns, over all rows. */
export function summarizeColumns({ numeric }: Pick<Cohort, 'numeric'>): {
  readonly numeric: readonly ColumnSummary[];
  /** [F][F] Pearson's r over rows that have both values; null where it is undefined. */
  readonly correlation: readonly (readonly (number | null)[])[];
} {
  const columns = numeric.map(({ values }) => ({ values, moments: momentsOf(values) }));
  const below = columns.map((a, i) => columns.slice(0, i + 1).map((b) => pearson(a, b)));
  return {
    numeric: numeric.map(histogram),
    correlation: numeric.map((_, i) => numeric.map((__, j) => (j <= i ? below[i][j] : below[j][i]))),
  };
}

/**
 * Missing values part by part, of every column that the model may look at.
 * @param parts  row numbers of each part
 * @param images names of the columns of image files, in the study's order; a file that could not be found is missing
 */
export function countMissing(
  { numeric, categorical, text, visits }: Pick<Cohort, 'numeric' | 'categorical' | 'text' | 'visits'>,
  parts: readonly Int32Array[],
  images: readonly string[] = [],
): MissingCounts[] {
  const count = (name: string, absent: (row: number) => boolean): MissingCounts => ({
    name,
    parts: parts.map((rows) => rows.reduce((sum, row) => sum + Number(absent(row)), 0)),
  });
  return [
    ...numeric.map(({ name, values }) => count(name, (row) => Number.isNaN(values[row]))),
    ...[...categorical, ...text].map(({ name, values }) => count(name, (row) => values[row] === null)),
    ...images.map((name, view) =>
      count(name, (row) => !visits[row].some((visit) => visit.row === row && visit.slot === view)),
    ),
  ];
}

/** Whole numbers with few steps between them get a bin each, other columns equally wide bins. */
function histogram({ name, values }: NumericColumn): ColumnSummary {
  const known = recordedValues(values);
  const missing = values.length - known.length;
  if (known.length === 0) return { name, missing, edges: [], counts: [] };
  let [low, high] = [known[0], known[0]];
  for (let i = 1; i < known.length; i++) {
    low = Math.min(low, known[i]);
    high = Math.max(high, known[i]);
  }
  const steps = high - low + 1;
  const whole = steps <= MOST_BINS && known.every(Number.isInteger);
  const bins = whole ? steps : low === high ? 1 : MOST_BINS;
  const start = whole || low === high ? low - 0.5 : low;
  const width = whole || low === high ? 1 : (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of known) counts[Math.min(bins - 1, Math.floor((value - start) / width))]++;
  return { name, missing, edges: Array.from({ length: bins + 1 }, (_, i) => start + i * width), counts };
}

/** Of a column that is recorded in every row: its mean and Σ (a − ā)²; null for another. */
function momentsOf(values: Float64Array): { readonly mean: number; readonly squares: number } | null {
  let sum = 0;
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row])) return null;
    sum += values[row];
  }
  const mean = sum / values.length;
  let squares = 0;
  for (let row = 0; row < values.length; row++) squares += (values[row] - mean) * (values[row] - mean);
  return { mean, squares };
}

interface SummedColumn {
  readonly values: Float64Array;
  readonly moments: ReturnType<typeof momentsOf>;
}

/**
 * Pearson's correlation over the rows that have both values.
 *   r = Σ (a − ā)(b − b̄) / √(Σ (a − ā)² Σ (b − b̄)²)
 * @returns in [−1, 1]; null where a column is constant on these rows or there are none
 */
function pearson(a: SummedColumn, b: SummedColumn): number | null {
  if (a.moments !== null && b.moments !== null) {
    const [meanA, meanB] = [a.moments.mean, b.moments.mean];
    let both = 0;
    for (let row = 0; row < a.values.length; row++) both += (a.values[row] - meanA) * (b.values[row] - meanB);
    return quotient(both, a.moments.squares, b.moments.squares);
  }
  const rows = recordedInBoth(a.values, b.values);
  const [valuesA, valuesB] = [gather(a.values, rows), gather(b.values, rows)];
  return pearson(
    { values: valuesA, moments: momentsOf(valuesA) },
    { values: valuesB, moments: momentsOf(valuesB) },
  );
}

function recordedInBoth(a: Float64Array, b: Float64Array): Int32Array {
  const rows = new Int32Array(a.length);
  let count = 0;
  for (let row = 0; row < a.length; row++) {
    if (!Number.isNaN(a[row]) && !Number.isNaN(b[row])) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

function quotient(both: number, squareA: number, squareB: number): number | null {
  if (squareA === 0 || squareB === 0) return null;
  return Math.max(-1, Math.min(1, both / Math.sqrt(squareA * squareB)));
}

/**
 * Where the rules of stage 1 fire among the given rows.
 * @param firings [label][rule][row] over the whole cohort, as `stage1Firings` gives them
 * @returns per label and rule, in the model's order
 */
export function countRules(
  firings: readonly (readonly Uint8Array[])[],
  cohort: Pick<Cohort, 'targets' | 'known'>,
  rows: Int32Array,
): RuleCount[][] {
  const { targets, known } = cohort;
  return firings.map((ofRules, l) =>
    ofRules.map((fires) => {
      const counts = { fired: 0, known: 0, positives: 0 };
      for (const row of rows) {
        if (fires[row] === 0) continue;
        const cell = row * firings.length + l;
        counts.fired++;
        counts.known += known[cell];
        counts.positives += known[cell] * targets[cell];
      }
      return counts;
    }),
  );
}
