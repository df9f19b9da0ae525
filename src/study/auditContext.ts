/** What the audit needs to know beyond the cohort: names of labels, who the patients may be, when visits took place. */
import { type Cohort, columnIndex, readHeader, readTable, type Table } from '../data/index.js';
import type { ResolvedStudy } from './resolve.js';

/** Other names of each label: that of the column it comes from. */
export function labelNames({ study }: ResolvedStudy): Record<string, string[]> {
  const { columns } = study.labels;
  if (columns === undefined || Array.isArray(columns)) return {};
  return Object.fromEntries(Object.entries(columns).map(([label, column]) => [label, [column]]));
}

/** A column by whose name patients are told apart: "Patient ID", "subject", "pat_nr". */
const patientColumn =
  /^(patient|pat|subject|person|participant|mrn)s?(id|ids|no|nr|num|number|index|key|code|identifier|name)?$/;

/**
 * Columns that seem to name patients, where the study names none: with rows in place of patients, images of one person
 * are dealt to training and test.
 */
export async function undeclaredPatients({ study, cohort: spec }: ResolvedStudy, cohort: Cohort) {
  if (study.data.patient !== undefined) return [];
  const { columns } = await readHeader(spec.table);
  const named = columns.filter((name) => patientColumn.test(name.toLowerCase().replace(/[^a-z]/g, '')));
  if (named.length === 0) return [];
  const table = await readTable(spec.table);
  return named.map((column) => {
    const missing = new Set(spec.missing);
    return { column, ids: cellsOf(table, column, cohort).map((cell) => (missing.has(cell) ? null : cell)) };
  });
}

/** Per row, the time of its visit, NaN where it is missing or no number; null without a time column of its own. */
export async function visitTimes(
  { study, cohort: spec }: ResolvedStudy,
  cohort: Cohort,
): Promise<Float64Array | null> {
  const { time, order } = study.data;
  if (time === undefined || order === undefined || time === order) return null;
  const feature = cohort.numeric.find(({ name }) => name === time.trim());
  if (feature !== undefined) return feature.values;
  const cells = cellsOf(await readTable(spec.table), time, cohort);
  return Float64Array.from(cells, (cell) => (cell === '' ? Number.NaN : Number(cell)));
}

function cellsOf(table: Table, column: string, { lines }: Cohort): string[] {
  const index = columnIndex(table, column);
  const rowOfLine = new Map(Array.from(table.lines, (line, row) => [line, row]));
  return Array.from(lines, (line) => table.rows[rowOfLine.get(line)!][index]);
}
