/**
 * Rows that differ in one column only: a copy with one value corrected, or one patient seen twice. Rows agree by chance
 * where their values are common, so what they agree in must be rarer than any pair that chance would bring.
 */
import type { Cohort } from '../cohort.js';
import type { Codes } from './codes.js';
import { type Finding, makeFinding } from './finding.js';
import { apart, type Parts } from './parts.js';
import { groupsOf, type RowKeys } from './rowKeys.js';

/** Bits by which the agreement must be rarer than 1 / rows². */
const SPARE_BITS = 10;
/** Values of a column from which others are predicted, and rows on which that is judged, at most. */
const MOST_LEVELS = 20;
const MOST_ROWS = 5000;

/** Finding `near-duplicate-rows`: rows of different patients that differ in one column only. */
export function findNearDuplicateRows(
  cohort: Cohort,
  columns: readonly Codes[],
  keys: RowKeys,
  parts: Parts,
): Finding[] {
  const { patientIndex, lines, size } = cohort;
  const least = 2 * Math.log2(size) + SPARE_BITS;
  const bits = surprisals(columns, size);
  const rows = new Set<number>();
  const differing = new Set<string>();
  let straddling = false;
  for (const column of columns) {
    for (const group of groupsOf(keys.without(column))) {
      const told = columns.reduce(
        (sum, other) => sum + (other === column ? 0 : bits.get(other)![group[0]]),
        0,
      );
      if (told < least) continue;
      const [first, ...others] = group;
      for (const row of others) {
        if (column.codes[row] === column.codes[first] || patientIndex[row] === patientIndex[first]) continue;
        rows.add(row);
        differing.add(column.name);
        straddling ||= apart(parts, first, row);
      }
    }
  }
  if (rows.size === 0) return [];
  const names = [...differing].slice(0, 5).map((name) => `"${name}"`);
  return [
    makeFinding('near-duplicate-rows', 'warning', '', {
      message:
        `rows differ from an earlier row of another patient in one column only (${names.join(', ')}${differing.size > 5 ? ', …' : ''}), ` +
        `and agree in values too rare for chance${straddling ? '; such pairs lie in two parts of a split' : ''}`,
      columns: [...differing],
      count: rows.size,
      lines: Array.from(rows, (row) => lines[row]),
      remedy: 'look at these rows; where two are one patient, give both the same patient id',
    }),
  ];
}

/**
 * Bits that each cell tells, −log2 P(cell | one earlier cell of its row): each column depends on the column of fewer
 * values that it shares most information with, a tree of dependences [chow1968approximating], so that redundant columns
 * are not counted twice.
 * @returns [column][row]
 */
function surprisals(columns: readonly Codes[], size: number): Map<Codes, Float64Array> {
  const byCount = columns.toSorted((a, b) => a.count - b.count);
  const step = Math.ceil(size / MOST_ROWS);
  return new Map(
    byCount.map((column, c) => {
      let parent: Codes | null = null;
      let most = 0;
      for (const earlier of byCount.slice(0, c)) {
        if (earlier.count > MOST_LEVELS) break;
        const shared = mutualInformation(column, earlier, step);
        if (shared > most) [parent, most] = [earlier, shared];
      }
      const cells = new Map<number, number>();
      const cell = (row: number) => column.codes[row] * MOST_LEVELS + (parent?.codes[row] ?? 0);
      const parents = new Float64Array(parent?.count ?? 1);
      for (let row = 0; row < size; row++) {
        cells.set(cell(row), (cells.get(cell(row)) ?? 0) + 1);
        parents[parent?.codes[row] ?? 0]++;
      }
      const bits = Float64Array.from({ length: size }, (_, row) =>
        Math.log2(parents[parent?.codes[row] ?? 0] / cells.get(cell(row))!),
      );
      return [column, bits];
    }),
  );
}

/** Mutual information of two columns over every `step`-th row, nats. */
function mutualInformation(a: Codes, b: Codes, step: number): number {
  const joint = new Map<number, number>();
  const ofA = new Float64Array(a.count);
  const ofB = new Float64Array(b.count);
  let n = 0;
  for (let row = 0; row < a.codes.length; row += step, n++) {
    const cell = a.codes[row] * b.count + b.codes[row];
    joint.set(cell, (joint.get(cell) ?? 0) + 1);
    ofA[a.codes[row]]++;
    ofB[b.codes[row]]++;
  }
  let sum = 0;
  for (const [cell, count] of joint) {
    sum += count * Math.log((count * n) / (ofA[Math.floor(cell / b.count)] * ofB[cell % b.count]));
  }
  return sum / n;
}
