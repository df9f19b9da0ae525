/** Any feature column as a few levels, so that one rule judges numbers and categories. */
import type { Cohort } from '../cohort.js';
import { distinctValues, gather, recordedValues } from '../gather.js';
import type { AuditSample } from './sample.js';

/** A column over the sample. */
export interface Levels {
  readonly name: string;
  /** [i of the sample] level 0 … count − 1; a missing value is a level of its own. */
  readonly codes: Int32Array;
  readonly count: number;
  /** The level of missing values; −1 where none is missing. */
  readonly missing: number;
  /** True where levels are values as recorded, false where they are quantile bins. */
  readonly exact: boolean;
}

/** A number column with at most this many distinct values is read as categories: yes/no as 0/1, a grade. */
export const MOST_EXACT = 10;
const BINS = 20;

/** The numeric, ordinal and categorical columns of a cohort as levels. */
export function cohortLevels({ numeric, categorical }: Cohort, { rows }: AuditSample): Levels[] {
  return [
    ...numeric.map(({ name, values }) => numericLevels(name, gather(values, rows))),
    ...categorical.map(({ name, values }) => {
      const cells = Array.from(rows, (row) => values[row]);
      return exactLevels(name, cells);
    }),
  ];
}

function numericLevels(name: string, values: Float64Array): Levels {
  const sorted = recordedValues(values).sort();
  if (distinctValues(sorted).length <= MOST_EXACT)
    return exactLevels(
      name,
      Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
    );
  const cuts = [
    ...new Set(
      Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)]),
    ),
  ];
  const missing = sorted.length < values.length ? cuts.length + 1 : -1;
  const codes = new Int32Array(values.length);
  for (let i = 0; i < codes.length; i++) {
    let above = 0;
    while (above < cuts.length && values[i] >= cuts[above]) above++;
    codes[i] = Number.isNaN(values[i]) ? missing : above;
  }
  return { name, codes, count: cuts.length + (missing < 0 ? 1 : 2), missing, exact: false };
}

function exactLevels(name: string, cells: readonly (string | number | null)[]): Levels {
  const codeOf = new Map<string | number | null, number>();
  const codes = Int32Array.from(cells, (cell) => {
    if (!codeOf.has(cell)) codeOf.set(cell, codeOf.size);
    return codeOf.get(cell)!;
  });
  return { name, codes, count: codeOf.size, missing: codeOf.get(null) ?? -1, exact: true };
}
