/**
 * Rows that differ in one column only: a copy with one value corrected, or one patient seen twice. Rows agree by chance
 * where their values are common, so what they agree in must be rarer than any pair that chance would bring.
 */
import type { Cohort } from '../cohort.js';
import type { Codes } from './codes.js';
import { type Finding, makeFinding } from './finding.js';
import { apart, type Parts } from './parts.js';
import { groupsOf, type RowKeys } from './rowKeys.js';
import { type Surprisals, tellingBits } from './surprisal.js';

/** Finding `near-duplicate-rows`: rows of different patients that differ in one column only. */
export function findNearDuplicateRows(
  cohort: Cohort,
  columns: readonly Codes[],
  bits: Surprisals,
  keys: RowKeys,
  parts: Parts,
): Finding[] {
  const { patientIndex, lines, size } = cohort;
  const least = tellingBits(size);
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
