/**
 * Delimited text tables: CSV and TSV, plain or gzipped, UTF-8 with or without a byte order mark, any line
 * ending, quoted cells that span lines. Cells and header names are trimmed; nothing is interpreted. Rows pass
 * through one by one, so that a table may be larger than memory.
 */
import { DataError } from '../errors.js';
import { CsvScanner } from './csv.js';
import { suggestName } from './nearest.js';
import { ownText } from './strings.js';
import { textBlocks } from './text-blocks.js';

/** What a table says of itself before its rows. */
export interface TableHeader {
  readonly file: string;
  /** Header names, trimmed and unique, except that unnamed columns all read `''`. */
  readonly columns: readonly string[];
}

/** A table as text. */
export interface Table extends TableHeader {
  /** Trimmed cells, one array per row, each as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
  /** 1-based line of the file where each row starts; the header is line 1. */
  readonly lines: Int32Array;
  /** Rows left out because their number of cells differs from the header's. */
  readonly ragged: readonly { readonly line: number; readonly cells: number }[];
}

/** Takes the rows of a table in the order of the file. Cells may keep the text around them in memory: see `ownText`. */
export interface RowVisitor {
  /** Indices of the columns whose cells are wanted; the others read `''`. */
  readonly wanted: readonly number[];
  /** A row with as many trimmed cells as the header. `line` is the 1-based line on which it starts. */
  row(cells: readonly string[], line: number): void;
  /** A row with another number of cells. */
  ragged(cells: number, line: number): void;
}

/**
 * Passes the rows of a table through a visitor. Blank lines are passed over; a column without a name is kept but
 * cannot be referred to.
 * @param file path ending in `.csv` or `.tsv`, optionally followed by `.gz`
 * @param open makes the visitor, once the header has been read
 * @returns the visitor, after the last row
 * @throws DataError `unreadable-table`, `bad-encoding`, `bad-csv`, `empty-table` or `duplicate-column`, and what
 *   `open` and the visitor throw
 */
export async function scanTable<V extends RowVisitor>(
  file: string,
  open: (header: TableHeader) => V,
): Promise<V> {
  let visitor: V | undefined;
  let rows = 0;
  let width = 0;
  const scanner = csvScanner(file, (cells, line) => {
    if (visitor === undefined) {
      const header = readColumns(file, cells, line);
      width = header.columns.length;
      visitor = open(header);
      scanner.want(visitor.wanted);
      return;
    }
    rows++;
    if (cells.length === width) visitor.row(cells, line);
    else visitor.ragged(cells.length, line);
  });
  for await (const text of textBlocks(file)) scanner.scan(text);
  scanner.end();
  if (visitor === undefined || rows === 0) throw emptyTable(file, visitor === undefined ? 0 : 1);
  return visitor;
}

/**
 * Reads the header alone.
 * @throws DataError as `scanTable`, as far as the file is read
 */
export async function readHeader(file: string): Promise<TableHeader> {
  let header: TableHeader | undefined;
  const scanner = csvScanner(file, (cells, line) => {
    header ??= readColumns(file, cells, line);
  });
  for await (const text of textBlocks(file)) {
    scanner.scan(text);
    if (header !== undefined) return header;
  }
  scanner.end();
  throw emptyTable(file, 0);
}

/**
 * Reads a whole table into memory.
 * @throws DataError as `scanTable`
 */
export async function readTable(file: string): Promise<Table> {
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  const ragged: { line: number; cells: number }[] = [];
  const { header } = await scanTable(file, (read) => ({
    header: read,
    wanted: [...read.columns.keys()],
    row: (cells, line) => {
      rows.push(cells.map(ownText));
      lines.push(line);
    },
    ragged: (cells, line) => {
      ragged.push({ line, cells });
    },
  }));
  return { ...header, rows, lines: Int32Array.from(lines), ragged };
}

/**
 * Index of a named column.
 * @throws DataError `unknown-column`, naming the nearest column
 */
export function columnIndex(header: TableHeader, name: string): number {
  const index = name === '' ? -1 : header.columns.indexOf(name.trim());
  if (index >= 0) return index;
  const known = header.columns.filter((column) => column !== '');
  throw new DataError(
    'unknown-column',
    `loadCohort: every column must be in the table's header, got "${name}"; ${suggestName(name, known)}`,
    { file: header.file, row: 1, column: name },
  );
}

function csvScanner(file: string, record: (cells: string[], line: number) => void): CsvScanner {
  return new CsvScanner({ delimiter: /\.tsv(\.gz)?$/i.test(file) ? '\t' : ',', file, record });
}

/** The header of a table, from its first record. @throws DataError `duplicate-column` */
function readColumns(file: string, cells: readonly string[], line: number): TableHeader {
  const columns = cells.map(ownText);
  const seen = new Set<string>();
  for (const name of columns.filter((column) => column !== '')) {
    if (seen.has(name)) {
      throw new DataError(
        'duplicate-column',
        `readTable: column names must be unique (spaces at their ends do not count), got "${name}" twice; rename one`,
        { file, row: line, column: name },
      );
    }
    seen.add(name);
  }
  return { file, columns };
}

function emptyTable(file: string, lines: number): DataError {
  return new DataError(
    'empty-table',
    `readTable: a table needs a header line and at least one row, got ${lines} line(s) with text`,
    { file },
  );
}
