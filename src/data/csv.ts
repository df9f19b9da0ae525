/**
 * Splits delimited text into records as the text arrives.   [shafranovich2005csv]
 * Beyond it: any delimiter, blank lines are passed over, cells are trimmed, and records may differ in length.
 */
import { DataError } from '../errors.js';

const QUOTE = 0x22;
const NEWLINE = 0x0a;
/** No cell is this long: a quote was left open, and the rest of the file is not to be gathered behind it. */
const LONGEST_CELL = 2 ** 26;

export interface CsvScannerOptions {
  /** One character. */
  readonly delimiter: string;
  /** Path of the table, for messages. */
  readonly file: string;
  /** Told each record: its trimmed cells, and the 1-based line on which it starts. */
  readonly record: (cells: string[], line: number) => void;
}

/** Reads records from blocks of whole lines, each block ending with `\n`. */
export class CsvScanner {
  readonly #options: CsvScannerOptions;
  readonly #delimiter: number;
  /** 1 for each column whose cells are handed on; null = all. */
  #wanted: Uint8Array | null = null;
  #cells: string[] = [];
  /** Line that is being read and line on which the record starts. */
  #line = 1;
  #recordLine = 1;
  /** What has been read of a quoted cell that is still open. */
  #open: string[] | null = null;
  #openLength = 0;

  constructor(options: CsvScannerOptions) {
    this.#options = options;
    this.#delimiter = options.delimiter.charCodeAt(0);
  }

  /** From the next record on, cells of other columns read `''`; they cost no memory. */
  want(columns: readonly number[]): void {
    this.#wanted = new Uint8Array(Math.max(-1, ...columns) + 1);
    for (const column of columns) this.#wanted[column] = 1;
  }

  /**
   * Reads a block of whole lines; a quoted cell may go on in the next block.
   * @throws DataError `bad-csv`, and what `record` throws
   */
  scan(text: string): void {
    let at = this.#open === null ? 0 : this.#quoted(text, 0);
    while (at < text.length) {
      if (text.charCodeAt(at) === QUOTE) {
        this.#open = [];
        at = this.#quoted(text, at + 1);
        continue;
      }
      let end = at;
      let code = text.charCodeAt(end);
      while (code !== this.#delimiter && code !== NEWLINE) {
        if (code === QUOTE) throw this.#strayQuote();
        code = text.charCodeAt(++end);
      }
      const blankLine = code === NEWLINE && end === at && this.#cells.length === 0;
      if (blankLine) this.#recordLine = ++this.#line;
      else {
        this.#cells.push(this.#isWanted() ? text.slice(at, end).trim() : '');
        if (code === NEWLINE) this.#endRecord();
      }
      at = end + 1;
    }
  }

  /** The text is over. @throws DataError `bad-csv` when a quoted cell is open */
  end(): void {
    if (this.#open !== null) throw this.#openQuote('the end of the file');
  }

  /** Reads on within a quoted cell; returns the place after its delimiter, or the end of the text. */
  #quoted(text: string, from: number): number {
    const open = this.#open!;
    for (let at = from; ; ) {
      const quote = text.indexOf('"', at);
      const part = text.slice(at, quote < 0 ? text.length : quote);
      this.#openLength += part.length;
      if (this.#openLength > LONGEST_CELL) throw this.#openQuote(`${LONGEST_CELL} characters without one`);
      open.push(part);
      for (let line = part.indexOf('\n'); line >= 0; line = part.indexOf('\n', line + 1)) this.#line++;
      if (quote < 0) return text.length;
      // A block ends with a line end, so that something follows every quote.
      const next = text.charCodeAt(quote + 1);
      at = quote + 2;
      if (next === QUOTE) {
        open.push('"');
        continue;
      }
      if (next !== this.#delimiter && next !== NEWLINE) throw this.#strayQuote();
      this.#cells.push(this.#isWanted() ? open.join('').trim() : '');
      this.#open = null;
      this.#openLength = 0;
      if (next === NEWLINE) this.#endRecord();
      return at;
    }
  }

  #isWanted(): boolean {
    return this.#wanted === null || this.#wanted[this.#cells.length] === 1;
  }

  #endRecord(): void {
    const cells = this.#cells;
    const line = this.#recordLine;
    this.#cells = [];
    this.#recordLine = ++this.#line;
    this.#options.record(cells, line);
  }

  #strayQuote(): DataError {
    return this.#fault(
      'a quote must enclose a whole cell and be doubled inside it, got one in the middle of a cell',
      this.#line,
    );
  }

  #openQuote(got: string): DataError {
    return this.#fault(`a quoted cell must end with a quote, got ${got}`, this.#recordLine);
  }

  #fault(rule: string, row: number): DataError {
    return new DataError('bad-csv', `readTable: ${rule}; mend the quotes of the row`, {
      file: this.#options.file,
      row,
    });
  }
}
