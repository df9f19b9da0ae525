/** What a proposed study reads: its rows, patients and labels, and features that repeat one another or an answer. */
import type { Cohort } from '../../data/index.js';

export interface LabelCount {
  readonly name: string;
  readonly positives: number;
  readonly known: number;
  /** Patients with a positive row. */
  readonly patients: number;
}

export interface Evidence {
  readonly rows: number;
  readonly patients: number;
  readonly labels: readonly LabelCount[];
  /** Rows that share their order with another row of the patient. */
  readonly tied: number;
  readonly repeated: number;
  readonly copies: readonly Copy[];
}

/** Two columns that say nearly the same. */
export interface Copy {
  readonly feature: string;
  readonly of: string;
  /** |Pearson's r| over rows that have both. */
  readonly correlation: number;
  readonly isLabel: boolean;
}

export interface SplitProposal {
  readonly method: 'holdout' | 'kfold';
  readonly folds: number;
  readonly repeats: number;
  readonly validation: number;
  readonly why: string;
}

/** More rows say nothing more of whether two columns agree. */
const SAMPLE = 20_000;
const LEAST_COMPARED = 30;
/** From here on two columns are taken for copies, and a feature for an answer. */
const COPY = 0.98;
const ANSWER = 0.9;

/** Counts what a cohort holds. */
export function examine(cohort: Cohort): Evidence {
  const { size, labels, targets, known, patientIndex } = cohort;
  const L = labels.length;
  const counts = labels.map((name, label) => {
    const patients = new Set<number>();
    let positives = 0;
    let recorded = 0;
    for (let row = 0; row < size; row++) {
      recorded += known[row * L + label];
      if (targets[row * L + label] !== 1) continue;
      positives++;
      patients.add(patientIndex[row]);
    }
    return { name, positives, known: recorded, patients: patients.size };
  });
  return {
    rows: size,
    patients: patientIndex.reduce((most, patient) => Math.max(most, patient), -1) + 1,
    labels: counts,
    tied: tiedRows(cohort),
    repeated: cohort.notes.find(({ code }) => code === 'dropped-duplicate-rows')?.count ?? 0,
    copies: copies(cohort),
  };
}

/**
 * Splits to propose, the best first: one held-out part where every label has patients enough for it to be measured
 * there, else cross-validation, repeated where it is cheap; then others that leave more rows for validation.
 */
export function proposeSplits({ rows, patients, labels }: Evidence, images: boolean): SplitProposal[] {
  const rarest = labels.reduce((least, label) => (label.patients < least.patients ? label : least));
  const has = `${rarest.name} has ${rarest.patients.toLocaleString('en')} positive patients`;
  const why = `${has} of ${patients.toLocaleString('en')}: too few for a single test set`;
  const kfold = (folds: number, validation: number, repeats: number): SplitProposal => ({
    method: 'kfold',
    folds,
    repeats,
    validation,
    why,
  });
  const folds = Math.max(2, Math.min(5, rarest.patients, patients));
  const validated = [
    kfold(folds, 0.25, images || rows > 2000 ? 1 : 5),
    kfold(folds, 0.4, 1),
    kfold(Math.min(3, folds), 0.4, 1),
    kfold(2, 0.5, 1),
  ];
  const enough = rows >= 2000 && rarest.patients >= 100;
  const holdout = {
    method: 'holdout',
    folds: 0,
    repeats: 0,
    validation: 0.15,
    why: `${has}, the fewest of all labels`,
  } as const;
  return enough ? [holdout, ...validated] : validated;
}

function tiedRows({ order, patientIndex, size }: Cohort): number {
  if (order === null) return 0;
  const seen = new Map<string, number>();
  for (let row = 0; row < size; row++) {
    const key = `${patientIndex[row]} ${order[row]}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen].reduce((sum, [key, rows]) => sum + (rows > 1 && !key.endsWith('NaN') ? rows : 0), 0);
}

/** Number columns that repeat an earlier one, and columns that give a label away. */
function copies({ size, numeric, categorical, labels, targets, known }: Cohort): Copy[] {
  const rows = Math.min(size, SAMPLE);
  const features = [
    ...numeric.map(({ name, values }) => ({ name, values: values.subarray(0, rows) })),
    // Of a category only whether a row has its most frequent level, which is all of it where there are two.
    ...categorical.map(({ name, values }) => ({ name, values: mostFrequent(values.slice(0, rows)) })),
  ];
  const answers = labels.map((name, label) => ({
    name,
    values: Float64Array.from({ length: rows }, (_, row) => {
      const at = row * labels.length + label;
      return known[at] === 1 ? targets[at] : Number.NaN;
    }),
  }));
  const found: Copy[] = [];
  features.forEach(({ name, values }, at) => {
    const compare = (others: typeof features, least: number, isLabel: boolean) => {
      for (const other of others) {
        const correlation = Math.abs(pearson(values, other.values));
        if (correlation >= least) found.push({ feature: name, of: other.name, correlation, isLabel });
      }
    };
    compare(answers, ANSWER, true);
    compare(features.slice(0, at), COPY, false);
  });
  return found;
}

function mostFrequent(values: readonly (string | null)[]): Float64Array {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [level] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [null];
  return Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value === level)));
}

/** Pearson's r over the rows that have both values; 0 where it is undefined or rests on few rows. */
function pearson(a: Float64Array, b: Float64Array): number {
  let n = 0;
  let [sumA, sumB] = [0, 0];
  const both = (row: number) => !Number.isNaN(a[row]) && !Number.isNaN(b[row]);
  for (let row = 0; row < a.length; row++) {
    if (!both(row)) continue;
    n++;
    sumA += a[row];
    sumB += b[row];
  }
  if (n < LEAST_COMPARED) return 0;
  let [ab, aa, bb] = [0, 0, 0];
  for (let row = 0; row < a.length; row++) {
    if (!both(row)) continue;
    const [x, y] = [a[row] - sumA / n, b[row] - sumB / n];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
