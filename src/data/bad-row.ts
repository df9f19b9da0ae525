/** Rows that break a rule: an error with the offending text, or a note without it. */
import { DataError } from '../errors.js';
import type { CohortNote } from './cohort.js';

/** A row breaks a rule. `got` may be patient data: it appears, shortened, in an error and never in a note. */
export class BadRow extends Error {
  constructor(
    readonly code: string,
    /** The rule, complete without the value: `a number is written with digits and a point`. */
    readonly rule: string,
    readonly got: string,
    readonly remedy: string,
    readonly column?: string,
  ) {
    super(rule);
  }
}

/** Text fit for an error message: one line of at most 20 characters, in quotes. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return `"${line.length > 20 ? `${line.slice(0, 20)}…` : line}"`;
}

/** Collects what reading a table dropped, skipped and coerced. */
export class NoteBook {
  readonly #notes = new Map<string, { code: string; message: string; rows: number[] }>();

  /** Notes one more row under a code and message; rows of one message are listed together. */
  add(code: string, message: string, line: number): void {
    const key = `${code}\u0000${message}`;
    const note = this.#notes.get(key);
    if (note === undefined) this.#notes.set(key, { code, message, rows: [line] });
    else note.rows.push(line);
  }

  /** Ends the run with the row's fault, or notes that the row is skipped. */
  fault(fault: BadRow, policy: 'stop' | 'skip', file: string, line: number): void {
    if (policy === 'stop') {
      throw new DataError(fault.code, `loadCohort: ${fault.rule}, got ${fault.got}; ${fault.remedy}`, {
        file,
        row: line,
        column: fault.column,
      });
    }
    const where = fault.column === undefined ? '' : `column "${fault.column}": `;
    this.add(`skipped-${fault.code}`, `skipped rows: ${where}${fault.rule}`, line);
  }

  /** The notes in the order of their first row. */
  list(): CohortNote[] {
    return [...this.#notes.values()].map(({ code, message, rows }) => ({
      code,
      message,
      count: rows.length,
      rows,
    }));
  }
}
