/**
 * What a report says of the data: counts that the run folder keeps as data.json, so that a report needs the run
 * folder alone.
 */
import type { Cohort, NumericColumn } from '../data/index.js';
import { applyStage1, type Stage1Model } from '../risk/index.js';

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
  return {
    numeric: numeric.map(histogram),
    correlation: numeric.map((a) => numeric.map((b) => pearson(a.values, b.values))),
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
  const known = values.filter((value) => !Number.isNaN(value));
  const missing = values.length - known.length;
  if (known.length === 0) return { name, missing, edges: [], counts: [] };
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  const steps = high - low + 1;
  const whole = steps <= MOST_BINS && known.every(Number.isInteger);
  const bins = whole ? steps : low === high ? 1 : MOST_BINS;
  const start = whole || low === high ? low - 0.5 : low;
  const width = whole || low === high ? 1 : (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of known) counts[Math.min(bins - 1, Math.floor((value - start) / width))]++;
  return { name, missing, edges: Array.from({ length: bins + 1 }, (_, i) => start + i * width), counts };
}

/**
 * Pearson's correlation over the rows that have both values.
 *   r = Σ (a − ā)(b − b̄) / √(Σ (a − ā)² Σ (b − b̄)²)
 * @returns in [−1, 1]; null where a column is constant on these rows or there are none
 */
function pearson(a: Float64Array, b: Float64Array): number | null {
  const rows = Array.from(a.keys()).filter((row) => !Number.isNaN(a[row]) && !Number.isNaN(b[row]));
  const mean = (values: Float64Array) => rows.reduce((sum, row) => sum + values[row], 0) / rows.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squareA, squareB] = [0, 0, 0];
  for (const row of rows) {
    both += (a[row] - meanA) * (b[row] - meanB);
    squareA += (a[row] - meanA) ** 2;
    squareB += (b[row] - meanB) ** 2;
  }
  if (squareA === 0 || squareB === 0) return null;
  return Math.max(-1, Math.min(1, both / Math.sqrt(squareA * squareB)));
}

/**
 * Where the rules of stage 1 fire among the given rows.
 * @returns per label and rule, in the model's order
 */
export function countRules(
  model: Stage1Model,
  cohort: Pick<Cohort, 'size' | 'numeric' | 'categorical' | 'patientIndex' | 'order' | 'targets' | 'known'>,
  rows: Int32Array,
): RuleCount[][] {
  const { rules: fired } = applyStage1(model, cohort);
  return model.labels.map(({ rules }, l) => {
    const counts = rules.map(() => ({ fired: 0, known: 0, positives: 0 }));
    for (const row of rows) {
      const cell = row * model.labels.length + l;
      for (const rule of fired[row][l]) {
        counts[rule].fired++;
        counts[rule].known += cohort.known[cell];
        counts[rule].positives += cohort.known[cell] * cohort.targets[cell];
      }
    }
    return counts;
  });
}
