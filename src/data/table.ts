/**
 * Delimited text tables: CSV and TSV, plain or gzipped, UTF-8 with or without a byte order mark, any line
 * ending, quoted cells that span lines. Cells and header names are trimmed; nothing is interpreted.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type CsvError, parse } from 'csv-parse/sync';
import { DataError } from '../errors.js';
import { suggestName } from './nearest.js';

/** A table as text. */
export interface Table {
  readonly file: string;
  /** Header names, trimmed and unique, except that unnamed columns all read `''`. */
  readonly columns: readonly string[];
  /** Trimmed cells, one array per row, each as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
  /** 1-based line of the file where each row starts; the header is line 1. */
  readonly lines: Int32Array;
  /** Rows left out because their number of cells differs from the header's. */
  readonly ragged: readonly { readonly line: number; readonly cells: number }[];
}

const unzip = promisify(gunzip);

/**
 * Reads a table. Blank lines are passed over; a column without a name is kept but cannot be referred to.
 * @param file path ending in `.csv` or `.tsv`, optionally followed by `.gz`
 * @throws DataError `unreadable-table`, `bad-encoding`, `bad-csv`, `empty-table` or `duplicate-column`
 */
export async function readTable(file: string): Promise<Table> {
  const text = await readText(file);
  const { records, ends } = parseRecords(text, file);
  if (records.length < 2) {
    throw new DataError(
      'empty-table',
      `readTable: a table needs a header line and at least one row, got ${records.length} line(s) with text`,
      { file },
    );
  }
  const columns = records[0].map((name) => name.trim());
  const seen = new Set<string>();
  for (const name of columns.filter((column) => column !== '')) {
    if (seen.has(name)) {
      throw new DataError(
        'duplicate-column',
        `readTable: column names must be unique (spaces at their ends do not count), got "${name}" twice; rename one`,
        { file, row: ends[0], column: name },
      );
    }
    seen.add(name);
  }
  const rows: string[][] = [];
  const lines: number[] = [];
  const ragged: { line: number; cells: number }[] = [];
  for (let i = 1; i < records.length; i++) {
    const line = ends[i] - newlinesIn(records[i]);
    if (records[i].length !== columns.length) {
      ragged.push({ line, cells: records[i].length });
      continue;
    }
    rows.push(records[i].map((cell) => cell.trim()));
    lines.push(line);
  }
  return { file, columns, rows, lines: Int32Array.from(lines), ragged };
}

/**
 * Index of a named column.
 * @throws DataError `unknown-column`, naming the nearest column
 */
export function columnIndex(table: Table, name: string): number {
  const index = name === '' ? -1 : table.columns.indexOf(name.trim());
  if (index >= 0) return index;
  const known = table.columns.filter((column) => column !== '');
  throw new DataError(
    'unknown-column',
    `loadCohort: every column must be in the table's header, got "${name}"; ${suggestName(name, known)}`,
    { file: table.file, row: 1, column: name },
  );
}

async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const raw = await readFile(file);
    bytes = file.toLowerCase().endsWith('.gz') ? await unzip(raw) : raw;
  } catch (cause) {
    throw new DataError(
      'unreadable-table',
      `readTable: the table must be a readable file, got ${(cause as NodeJS.ErrnoException).code ?? String(cause)}; check the path and that a .gz file is whole`,
      { file },
    );
  }
  try {
    // The decoder drops a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch {
    throw new DataError(
      'bad-encoding',
      'readTable: the table must be UTF-8, got other bytes; save it as UTF-8',
      { file },
    );
  }
}

function parseRecords(text: string, file: string): { records: string[][]; ends: number[] } {
  const ends: number[] = [];
  let end = 0;
  try {
    const records = parse(text, {
      delimiter: /\.tsv(\.gz)?$/i.test(file) ? '\t' : ',',
      record_delimiter: '\n',
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (record: string[], { lines }) => {
        end = lines;
        ends.push(lines);
        return record;
      },
    }) as unknown as string[][];
    return { records, ends };
  } catch (cause) {
    const { code, lines } = cause as CsvError & { lines?: number };
    const rule =
      code === 'CSV_QUOTE_NOT_CLOSED'
        ? 'a quoted cell must end with a quote, got the end of the file'
        : 'a quote must enclose a whole cell and be doubled inside it, got one in the middle of a cell';
    throw new DataError('bad-csv', `readTable: ${rule}; mend the quotes of the row`, {
      file,
      // An open quote swallows the rest of the file: the row after the last good one holds it.
      row: code === 'CSV_QUOTE_NOT_CLOSED' ? end + 1 : lines,
    });
  }
}

function newlinesIn(record: readonly string[]): number {
  let count = 0;
  for (const cell of record) {
    for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) count++;
  }
  return count;
}
