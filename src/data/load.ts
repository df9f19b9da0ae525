/** From a table on disk to a cohort in memory, row by row: only what the study uses is kept. */
import { DataError } from '../errors.js';
import { BadRow, excerpt, NoteBook } from './bad-row.js';
import type { Cohort, CohortSpec } from './cohort.js';
import { type Columns, resolveColumns } from './columns.js';
import { KeptRows } from './kept-rows.js';
import { type LabelReader, labelReader } from './labels.js';
import { RowChoice } from './row-choice.js';
import { type Row, rowReader } from './row-reader.js';
import { type RowVisitor, scanTable, type TableHeader } from './table.js';
import { defaultMissing } from './values.js';
import { indexFiles } from './visits.js';

/**
 * Reads a table into a cohort. Rows are left out in this order: another number of cells than the header, row filter,
 * exact duplicates, absent images; only then are the cells of the rows that remain read, strictly. Under
 * `onBadRow: stop` the first fault in the file ends the run.
 * @throws DataError naming file, line and column: `unknown-column`, `duplicate-column`, `empty-table`,
 *   `empty-cohort`, `ragged-row`, `missing-id`, `missing-patient`, `duplicate-id`, `bad-number`,
 *   `bad-level`, `bad-label`, `missing-image`, `missing-image-folder`
 * @throws ConfigError when the specification contradicts itself
 */
export async function loadCohort(spec: CohortSpec): Promise<Cohort> {
  const reader = await scanTable(spec.table, (header) => new CohortReader(spec, header));
  return reader.finish();
}

class CohortReader implements RowVisitor {
  readonly wanted: readonly number[];
  readonly #spec: CohortSpec;
  readonly #width: number;
  readonly #columns: Columns;
  readonly #labels: LabelReader;
  readonly #choice: RowChoice;
  readonly #read: (cells: readonly string[], line: number) => Row;
  readonly #kept: KeptRows;
  readonly #lineOfId = new Map<string, number>();
  /** Notes of rows that have the wrong number of cells stand before those of other rows. */
  readonly #ragged = new NoteBook();
  readonly #book = new NoteBook();
  #rows = 0;

  constructor(spec: CohortSpec, header: TableHeader) {
    const columns = resolveColumns(header, spec);
    const missing = new Set((spec.missing ?? defaultMissing).map((marker) => marker.trim()));
    const exists = spec.images === undefined ? () => false : indexFiles(spec.images);
    this.#spec = spec;
    this.#width = header.columns.length;
    this.#columns = columns;
    this.wanted = columns.used;
    this.#labels = labelReader(spec, columns, missing);
    this.#choice = new RowChoice(spec, columns, missing, exists);
    this.#read = rowReader({ spec, columns, missing, labels: this.#labels, exists });
    this.#kept = new KeptRows(spec, columns);
  }

  ragged(cells: number, line: number): void {
    const width = `every row has as many cells as the header, ${this.#width}`;
    const fault = new BadRow('ragged-row', width, String(cells), 'mend the row or quote its delimiters');
    this.#ragged.fault(fault, this.#spec.onBadRow ?? 'stop', this.#spec.table, line);
  }

  row(cells: readonly string[], line: number): void {
    this.#rows++;
    if (!this.#choice.accepts(cells)) return;
    try {
      const row = this.#read(cells, line);
      this.#claimId(row);
      this.#kept.add(row);
      // Noted only now: a row that turns out to be bad is skipped, and its values with it.
      this.#note(row);
    } catch (fault) {
      if (!(fault instanceof BadRow)) throw fault;
      this.#book.fault(fault, this.#spec.onBadRow ?? 'stop', this.#spec.table, line);
    }
  }

  finish(): Cohort {
    if (this.#kept.size === 0) throw emptyCohort(this.#spec, this.#rows);
    const { cohort, doubts } = this.#kept.finish(this.#labels);
    const doubtful = [
      [
        'merged-patients',
        'rows whose patient shares an image file with an earlier patient and counts as that one',
        doubts.merged,
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
      for (const index of indices) this.#book.add(code, message, cohort.lines[index]);
    }
    const notes = [...this.#choice.notes(), ...this.#ragged.list(), ...this.#book.list(), ...cohort.notes];
    return { ...cohort, notes };
  }

  /** @throws BadRow `duplicate-id` */
  #claimId({ id, line }: Row): void {
    const column = this.#columns.id;
    // Without a column, the id is the line and so is unique.
    if (column === null) return;
    const earlier = this.#lineOfId.get(id);
    if (earlier !== undefined) throw duplicateId(id, earlier, column.name);
    this.#lineOfId.set(id, line);
  }

  #note({ line, outOfRange, absentViews }: Row): void {
    for (const name of outOfRange) {
      const message = `values outside the valid range of column "${name}" count as missing`;
      this.#book.add('out-of-range', message, line);
    }
    for (const name of absentViews) {
      const message = `images of column "${name}" that are not on disk count as missing`;
      this.#book.add('absent-view', message, line);
    }
  }
}

function duplicateId(id: string, line: number, column: string): BadRow {
  const remedy = 'make ids unique, or set data.dropDuplicateRows if whole rows are repeated';
  return new BadRow(
    'duplicate-id',
    'row ids are unique',
    `${excerpt(id)} as in line ${line}`,
    remedy,
    column,
  );
}

function emptyCohort(spec: CohortSpec, rows: number): DataError {
  const reason = spec.rows?.length ? ' the row filter,' : '';
  return new DataError(
    'empty-cohort',
    `loadCohort: at least one row must remain, got 0 of ${rows}; check${reason} data.images.present and what was skipped`,
    { file: spec.table },
  );
}
