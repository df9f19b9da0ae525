/** Rows that are equal in all columns, or in all but one, found without comparing pairs. */
import type { Codes } from './codes.js';

/** Rows as sums of hashed cells, from which one column can be taken out again. */
export interface RowKeys {
  readonly whole: Float64Array;
  without(column: Codes): Float64Array;
}

/** Keys of rows over these columns. */
export function rowKeys(columns: readonly Codes[], size: number): RowKeys {
  const high = new Uint32Array(size);
  const low = new Uint32Array(size);
  const cellOf = new Map(columns.map((column, c) => [column, c]));
  columns.forEach(({ codes }, c) => {
    for (let row = 0; row < size; row++) {
      high[row] += hash(codes[row], 2 * c);
      low[row] += hash(codes[row], 2 * c + 1);
    }
  });
  // 53 bits of two sums: an accidental match among a million rows is a matter of one in ten thousand.
  const join = (h: number, l: number) => (h >>> 0) * 2 ** 21 + ((l >>> 0) & 0x1fffff);
  return {
    whole: new Float64Array(size).map((_, row) => join(high[row], low[row])),
    without: (column) => {
      const c = cellOf.get(column)!;
      const keys = new Float64Array(size);
      for (let row = 0; row < size; row++) {
        const code = column.codes[row];
        keys[row] = join(high[row] - hash(code, 2 * c), low[row] - hash(code, 2 * c + 1));
      }
      return keys;
    },
  };
}

/** Mixes a code and a column into 32 bits (the finaliser of MurmurHash3). */
function hash(value: number, column: number): number {
  let h = (Math.imul(value + 1, 0x9e3779b1) ^ Math.imul(column + 1, 0x85ebca77)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Rows that share a key, ascending, where there are at least two; groups in the order of their first rows. */
export function groupsOf(keys: Float64Array): number[][] {
  // Most keys are there once: sorting tells the others without a map of all.
  const sorted = keys.slice().sort();
  const groups = new Map<number, number[]>();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) groups.set(sorted[i], []);
  if (groups.size === 0) return [];
  const ordered: number[][] = [];
  for (let row = 0; row < keys.length; row++) {
    const group = groups.get(keys[row]);
    if (group === undefined) continue;
    if (group.length === 0) ordered.push(group);
    group.push(row);
  }
  return ordered;
}
