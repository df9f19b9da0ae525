/**
 * Missing values of the table columns (P1): carried forward within a patient for declared columns, then the training
 * median or mode, or for categories an explicit missing level. Fitted on training rows only.
 */
import { gather, recordedValues, suggestName } from '../data/index.js';
import { ConfigError, DataError } from '../errors.js';
import type { Stage1Features } from './features.js';
import type { Stage1Note } from './note.js';

export interface ImputeOptions {
  /** Columns filled from the patient's latest earlier row. Default none. */
  readonly forwardFill?: readonly string[];
  /** A missing category becomes its own level (`level`, default) or the most frequent one (`mode`). */
  readonly categoricalMissing?: 'level' | 'mode';
}

/** A fitted imputer; plain JSON. */
export interface Imputer {
  readonly numeric: readonly {
    readonly column: string;
    readonly carry: boolean;
    /** Median of the recorded training values (lower median for ranks); null when there is none. */
    readonly fill: number | null;
  }[];
  readonly categorical: readonly {
    readonly column: string;
    readonly carry: boolean;
    /** Training levels, rare to frequent, equal counts by name. */
    readonly levels: readonly string[];
    /** Level that stands for a missing value; null = missing stays its own level. */
    readonly fill: string | null;
  }[];
}

/** A column with its gaps filled, beside where they were. Only the requested rows are meaningful. */
export interface ImputedNumeric {
  readonly column: string;
  readonly values: Float64Array;
  /** [row] 1 = not recorded in this row, also where an earlier value was carried forward. */
  readonly missing: Uint8Array;
}

export interface ImputedCategorical {
  readonly column: string;
  /** null = missing level. */
  readonly values: readonly (string | null)[];
  readonly missing: Uint8Array;
  /** Requested rows whose category was never seen in training; they count as missing. */
  readonly unseen: number;
}

/**
 * Learns fills and levels from the recorded values of the given rows.
 * @throws ConfigError when a column to fill forward does not exist or there is no visit order
 * @throws DataError when a value is infinite
 */
export function fitImputer(features: Stage1Features, rows: Int32Array, options: ImputeOptions = {}): Imputer {
  const { forwardFill = [], categoricalMissing = 'level' } = options;
  checkForwardFill(features, forwardFill);
  return {
    numeric: features.numeric.map(({ name, values, kind }) => {
      const recorded = recordedValues(gather(values, rows));
      if (!recorded.every(Number.isFinite)) {
        throw new DataError(
          'infinite-value',
          'fitStage1: values must be finite; mark infinite ones as missing',
          {
            column: name,
          },
        );
      }
      return {
        column: name,
        carry: forwardFill.includes(name),
        fill: recorded.length === 0 ? null : median(recorded, kind === 'ordinal'),
      };
    }),
    categorical: features.categorical.map(({ name, values }) => {
      const levels = levelsByCount(values, rows);
      const fill = categoricalMissing === 'mode' && levels.length > 0 ? levels[levels.length - 1] : null;
      return { column: name, carry: forwardFill.includes(name), levels, fill };
    }),
  };
}

/**
 * Fills the gaps of the given rows. Values are carried forward only among these rows.
 * @throws DataError when a fitted column is absent
 */
export function impute(
  imputer: Imputer,
  features: Stage1Features,
  rows: Int32Array,
): { readonly numeric: ImputedNumeric[]; readonly categorical: ImputedCategorical[] } {
  const carries = [...imputer.numeric, ...imputer.categorical].some((column) => column.carry);
  const sequence = carries ? visitSequence(features, rows) : null;
  return {
    numeric: imputer.numeric.map(({ column, carry, fill }) => {
      const raw = columnOf(features.numeric, column, 'numeric').values;
      const missing = new Uint8Array(features.size);
      const values = new Float64Array(features.size);
      for (const row of rows) missing[row] = Number.isNaN(raw[row]) ? 1 : 0;
      const source = carry ? carriedFrom(features, sequence, missing) : null;
      for (const row of rows) {
        const from = source === null ? row : source[row];
        values[row] = missing[from] === 0 ? raw[from] : (fill ?? 0);
      }
      return { column, values, missing };
    }),
    categorical: imputer.categorical.map(({ column, carry, levels, fill }) => {
      const raw = columnOf(features.categorical, column, 'categorical').values;
      const seen = new Set(levels);
      const missing = new Uint8Array(features.size);
      const values = new Array<string | null>(features.size).fill(null);
      let unseen = 0;
      for (const row of rows) {
        const value = raw[row];
        if (value !== null && !seen.has(value)) unseen++;
        missing[row] = value === null || !seen.has(value) ? 1 : 0;
      }
      const source = carry ? carriedFrom(features, sequence, missing) : null;
      for (const row of rows) {
        const from = source === null ? row : source[row];
        values[row] = missing[from] === 0 ? raw[from] : fill;
      }
      return { column, values, missing, unseen };
    }),
  };
}

function checkForwardFill(features: Stage1Features, forwardFill: readonly string[]): void {
  const names = [...features.numeric, ...features.categorical].map((column) => column.name);
  for (const column of forwardFill) {
    if (!names.includes(column)) {
      throw new ConfigError(
        `fitStage1: forwardFill must name feature columns, got "${column}"; ${suggestName(column, names)}`,
        'stage1.forwardFill',
      );
    }
  }
  if (forwardFill.length > 0 && features.order === null) {
    throw new ConfigError(
      'fitStage1: forwardFill needs a visit order; name the column with data.order',
      'stage1.forwardFill',
    );
  }
}

function columnOf<C extends { readonly name: string }>(columns: readonly C[], name: string, kind: string): C {
  const found = columns.find((column) => column.name === name);
  if (found === undefined) {
    throw new DataError(
      'missing-column',
      `applyStage1: the model was fitted with ${kind} column "${name}"; add it`,
      {
        column: name,
      },
    );
  }
  return found;
}

/**
 * What of the visit order carrying forward cannot use: rows of a patient with equal order, which never fill each other,
 * and rows without an order, which neither give nor receive.
 */
export function orderNotes(imputer: Imputer, features: Stage1Features, rows: Int32Array): Stage1Note[] {
  const { order, patientIndex } = features;
  if (order === null || ![...imputer.numeric, ...imputer.categorical].some((column) => column.carry))
    return [];
  const sequence = visitSequence(features, rows);
  const isTied = (i: number, j: number) =>
    patientIndex[sequence[i]] === patientIndex[sequence[j]] && order[sequence[i]] === order[sequence[j]];
  const tied = sequence.filter((_, i) => isTied(i, i - 1) || isTied(i, i + 1));
  const unordered = rows.length - sequence.length;
  const notes: Stage1Note[] = [];
  if (tied.length > 0) {
    const patients = new Set(Array.from(tied, (row) => patientIndex[row])).size;
    notes.push({
      code: 'tied-order',
      message: `training rows that share their visit order with another row of the patient: ${tied.length}, in ${patients} of the patients; they do not fill each other`,
    });
  }
  if (unordered > 0) {
    notes.push({
      code: 'missing-order',
      message: `training rows without a visit order: ${unordered}; nothing is carried into or out of them`,
    });
  }
  return notes;
}

/** The given rows with a known order, by patient, then order, then row. */
function visitSequence({ patientIndex, order }: Stage1Features, rows: Int32Array): Int32Array {
  if (order === null) {
    throw new DataError(
      'missing-order',
      'applyStage1: the model carries values forward; name a visit order column',
    );
  }
  return rows
    .filter((row) => !Number.isNaN(order[row]))
    .sort((a, b) => patientIndex[a] - patientIndex[b] || order[a] - order[b] || a - b);
}

/**
 * [row] the row whose value stands for this one: itself when recorded, else the patient's latest row with a strictly
 * smaller order that is recorded, else itself. Rows of equal order never fill each other.
 */
function carriedFrom(
  { size, patientIndex, order }: Stage1Features,
  sequence: Int32Array | null,
  missing: Uint8Array,
): Int32Array {
  const source = Int32Array.from({ length: size }, (_, row) => row);
  if (sequence === null || order === null) return source;
  let last = -1;
  for (let start = 0; start < sequence.length; ) {
    const first = sequence[start];
    if (start > 0 && patientIndex[first] !== patientIndex[sequence[start - 1]]) last = -1;
    let end = start;
    while (
      end < sequence.length &&
      patientIndex[sequence[end]] === patientIndex[first] &&
      order[sequence[end]] === order[first]
    )
      end++;
    const earlier = last;
    for (const row of sequence.subarray(start, end)) {
      if (missing[row] === 0) last = row;
      else if (earlier >= 0) source[row] = earlier;
    }
    start = end;
  }
  return source;
}

/** Middle value; of two middle values the mean, or the lower one for ranks. */
function median(values: Float64Array, lower: boolean): number {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) >> 1;
  return lower || sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle] + sorted[middle + 1]) / 2;
}

function levelsByCount(values: readonly (string | null)[], rows: Int32Array): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = values[row];
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts.keys()].sort((a, b) => counts.get(a)! - counts.get(b)! || (a < b ? -1 : 1));
}
