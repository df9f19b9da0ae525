/** From a table on disk to a cohort in memory. */
import { DataError } from '../errors.js';
import { BadRow, excerpt, NoteBook } from './bad-row.js';
import type { Cohort, CohortNote, CohortSpec } from './cohort.js';
import { type Columns, resolveColumns } from './columns.js';
import { type LabelReader, labelReader, type RowLabels } from './labels.js';
import { indexPatients } from './patients.js';
import { readTable, type Table } from './table.js';
import { defaultMissing, readLevel, readNumber, readRequired, readText } from './values.js';
import { collectVisits, type FileIndex, imagePath, imagePaths, indexFiles } from './visits.js';

/** One row, read. */
interface Row {
  readonly line: number;
  readonly id: string;
  readonly patient: string;
  readonly order: number;
  readonly time: number;
  readonly view: string | null;
  readonly paths: readonly (string | null)[];
  readonly labels: RowLabels;
  readonly numeric: readonly number[];
  readonly ordinal: readonly number[];
  readonly categorical: readonly (string | null)[];
  readonly text: readonly (string | null)[];
}

/** What every row is read with. */
interface Reading {
  readonly spec: CohortSpec;
  readonly table: Table;
  readonly columns: Columns;
  readonly missing: ReadonlySet<string>;
  readonly labels: LabelReader;
  readonly exists: FileIndex;
  readonly book: NoteBook;
}

/**
 * Reads a table into a cohort. Rows are chosen in this order: row filter, exact duplicates, absent images;
 * only then are the cells of the rows that remain read, strictly.
 * @throws DataError naming file, line and column: `unknown-column`, `duplicate-column`, `empty-table`,
 *   `empty-cohort`, `ragged-row`, `missing-id`, `missing-patient`, `duplicate-id`, `bad-number`,
 *   `bad-level`, `bad-label`, `missing-image`, `missing-image-folder`
 * @throws ConfigError when the specification contradicts itself
 */
export async function loadCohort(spec: CohortSpec): Promise<Cohort> {
  const table = await readTable(spec.table);
  const columns = resolveColumns(table, spec);
  const missing = new Set((spec.missing ?? defaultMissing).map((marker) => marker.trim()));
  const book = new NoteBook();
  const policy = spec.onBadRow ?? 'stop';
  const reading: Reading = {
    spec,
    table,
    columns,
    missing,
    labels: labelReader(spec, columns, missing),
    exists: spec.images === undefined ? () => false : indexFiles(spec.images),
    book,
  };
  for (const { line, cells } of table.ragged) {
    const width = `every row has as many cells as the header, ${table.columns.length}`;
    const fault = new BadRow('ragged-row', width, String(cells), 'mend the row or quote its delimiters');
    book.fault(fault, policy, table.file, line);
  }
  const chosen = chooseRows(reading);
  const rows: Row[] = [];
  const lineOfId = new Map<string, number>();
  for (const r of chosen.rows) {
    try {
      const row = readRow(reading, r);
      const earlier = lineOfId.get(row.id);
      if (earlier !== undefined) throw duplicateId(row.id, earlier, columns.id?.name);
      lineOfId.set(row.id, row.line);
      rows.push(row);
    } catch (fault) {
      if (!(fault instanceof BadRow)) throw fault;
      book.fault(fault, policy, table.file, table.lines[r]);
    }
  }
  if (rows.length === 0) throw emptyCohort(spec, table);
  return assemble(reading, rows, chosen.notes);
}

function chooseRows({ spec, table, columns, missing, exists }: Reading): {
  rows: number[];
  notes: CohortNote[];
} {
  const notes: CohortNote[] = [];
  let rows = Array.from(table.rows.keys());
  const keep = (code: string, message: string, accept: (cells: readonly string[]) => boolean): void => {
    const kept = rows.filter((r) => accept(table.rows[r]));
    if (kept.length < rows.length) notes.push({ code, message, count: rows.length - kept.length });
    rows = kept;
  };
  for (const { name, index, accepted } of columns.filters) {
    keep('filtered-rows', `rows left out by the filter on column "${name}"`, (cells) =>
      accepted.has(cells[index]),
    );
  }
  if (spec.dropDuplicateRows) {
    const seen = new Set<string>();
    keep('dropped-duplicate-rows', 'rows equal to an earlier one in every used column', (cells) => {
      const before = seen.size;
      return seen.add(JSON.stringify(columns.used.map((index) => cells[index]))).size > before;
    });
  }
  const { images } = spec;
  if (images?.present) {
    keep('dropped-rows-without-image', 'rows none of whose images are on disk', (cells) =>
      columns.images.some(({ index }) => {
        const path = imagePath(cells[index], images, missing);
        return path !== null && exists(path);
      }),
    );
  }
  return { rows, notes };
}

function readRow(reading: Reading, r: number): Row {
  const { spec, table, columns, missing, exists, book } = reading;
  const cells = table.rows[r];
  const line = table.lines[r];
  const pending: string[] = [];
  const numberIn = (column: { name: string; index: number } | null): number => {
    if (column === null) return Number.NaN;
    const value = readNumber(cells[column.index], missing, column.name);
    const range = columns.valid.get(column.name);
    if (range === undefined || Number.isNaN(value) || (value >= range[0] && value <= range[1])) return value;
    pending.push(column.name);
    return Number.NaN;
  };
  const { id, patient, view } = columns;
  const rowId = id === null ? `row-${line}` : readRequired(cells[id.index], missing, id.name, 'missing-id');
  const row: Row = {
    line,
    id: rowId,
    patient:
      patient === null ? rowId : readRequired(cells[patient.index], missing, patient.name, 'missing-patient'),
    order: numberIn(columns.order),
    time: numberIn(columns.time),
    view: view === null ? null : readText(cells[view.index], missing),
    paths: spec.images === undefined ? [] : imagePaths(cells, columns.images, spec.images, missing, exists),
    labels: reading.labels.read(cells),
    numeric: columns.numeric.map(numberIn),
    ordinal: columns.ordinal.map(({ name, index, levels }) => readLevel(cells[index], levels, missing, name)),
    categorical: columns.categorical.map(({ index }) => readText(cells[index], missing)),
    text: columns.text.map(({ index }) => readText(cells[index], missing)),
  };
  // Noted only now: a row that turns out to be bad is skipped, and its values with it.
  for (const name of new Set(pending)) {
    book.add('out-of-range', `values outside the valid range of column "${name}" count as missing`, line);
  }
  if (spec.images?.present || spec.images?.absentIsMissing) noteAbsentViews(reading, cells, row);
  return row;
}

function noteAbsentViews({ columns, missing, book }: Reading, cells: readonly string[], row: Row): void {
  columns.images.forEach(({ name, index }, v) => {
    if (row.paths[v] === null && !missing.has(cells[index])) {
      book.add('absent-view', `images of column "${name}" that are not on disk count as missing`, row.line);
    }
  });
}

function assemble(
  { spec, columns, labels, book }: Reading,
  rows: readonly Row[],
  chosen: CohortNote[],
): Cohort {
  const paths = rows.map((row) => row.paths);
  const patients = rows.map((row) => row.patient);
  const { index: patientIndex, merged } = indexPatients(patients, paths);
  const order = columns.order === null ? null : Float64Array.from(rows, (row) => row.order);
  const { visits, slots, ...doubts } = collectVisits({
    paths,
    view: columns.view === null ? null : rows.map((row) => row.view),
    patientIndex,
    order,
    time: columns.time === null ? null : Float64Array.from(rows, (row) => row.time),
    history: spec.history ?? 0,
  });
  const doubtful = [
    [
      'merged-patients',
      'rows whose patient shares an image file with an earlier patient and counts as that one',
      merged,
    ],
    ['tied-visits', 'rows of one patient with equal order are not each other’s history', doubts.tied],
    ['no-visit-order', 'rows without a visit order have no history', doubts.unordered],
    [
      'time-reversed',
      'rows with an earlier visit that is later in time: offset unknown',
      doubts.timeReversed,
    ],
  ] as const;
  for (const [code, message, indices] of doubtful) {
    for (const index of indices) book.add(code, message, rows[index].line);
  }
  const matrix = labels.matrix(rows.map((row) => row.labels));
  return {
    size: rows.length,
    ids: rows.map((row) => row.id),
    patients,
    patientIndex,
    lines: Int32Array.from(rows, (row) => row.line),
    order,
    labels: matrix.labels,
    targets: matrix.targets,
    known: matrix.known,
    numeric: [
      ...columns.numeric.map(({ name }, c) => ({
        name,
        kind: 'numeric' as const,
        values: Float64Array.from(rows, (row) => row.numeric[c]),
      })),
      ...columns.ordinal.map(({ name, levels }, c) => ({
        name,
        kind: 'ordinal' as const,
        levels,
        values: Float64Array.from(rows, (row) => row.ordinal[c]),
      })),
    ],
    categorical: columns.categorical.map(({ name }, c) => ({
      name,
      values: rows.map((row) => row.categorical[c]),
    })),
    text: columns.text.map(({ name }, c) => ({ name, values: rows.map((row) => row.text[c]) })),
    visits,
    slots,
    notes: [...chosen, ...book.list(), ...matrix.notes],
  };
}

function duplicateId(id: string, line: number, column: string | undefined): BadRow {
  const remedy = 'make ids unique, or set data.dropDuplicateRows if whole rows are repeated';
  return new BadRow(
    'duplicate-id',
    'row ids are unique',
    `${excerpt(id)} as in line ${line}`,
    remedy,
    column,
  );
}

function emptyCohort(spec: CohortSpec, table: Table): DataError {
  const reason = spec.rows?.length ? ' the row filter,' : '';
  return new DataError(
    'empty-cohort',
    `loadCohort: at least one row must remain, got 0 of ${table.rows.length}; check${reason} data.images.present and what was skipped`,
    { file: table.file },
  );
}
