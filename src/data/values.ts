/** Reading one cell strictly: a cell is what its column says it is, or missing, or a fault. */
import { BadRow, excerpt } from './bad-row.js';

/** Missing markers that hold unless a study names its own. */
export const defaultMissing = ['', '?', 'NA', 'NaN', 'nan', 'null'] as const;

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether a cell is a finite decimal number such as `12`, `-0.5`, `1e-3`. */
export function isNumber(cell: string): boolean {
  return decimal.test(cell) && Number.isFinite(Number(cell));
}

/**
 * A finite decimal number such as `12`, `-0.5`, `1e-3`.
 * @returns NaN where the cell is a missing marker
 * @throws BadRow `bad-number` for anything else, e.g. `1,5`, `12 mg`, `Infinity`
 */
export function readNumber(cell: string, missing: ReadonlySet<string>, column: string): number {
  if (missing.has(cell)) return Number.NaN;
  if (isNumber(cell)) return Number(cell);
  throw new BadRow(
    'bad-number',
    'a numeric column holds numbers written like 12.5',
    excerpt(cell),
    'write a number, leave the cell empty or name the text among the missing markers',
    column,
  );
}

/**
 * Rank 0, 1, … of an ordered level.
 * @returns NaN where the cell is a missing marker
 * @throws BadRow `bad-level` for a level that is not declared
 */
export function readLevel(
  cell: string,
  levels: readonly string[],
  missing: ReadonlySet<string>,
  column: string,
): number {
  const rank = levels.indexOf(cell);
  if (rank >= 0) return rank;
  if (missing.has(cell)) return Number.NaN;
  throw new BadRow(
    'bad-level',
    `an ordinal column holds its declared levels ${levels.join(' < ')}`,
    excerpt(cell),
    'mend the cell or declare the level',
    column,
  );
}

/** The cell's text; null where it is a missing marker. */
export function readText(cell: string, missing: ReadonlySet<string>): string | null {
  return missing.has(cell) ? null : cell;
}

/** A cell that must not be missing, such as an id. @throws BadRow */
export function readRequired(
  cell: string,
  missing: ReadonlySet<string>,
  column: string,
  code: string,
): string {
  if (!missing.has(cell)) return cell;
  throw new BadRow(
    code,
    'an id is present in every row',
    'a missing value',
    'fill it in or drop the row',
    column,
  );
}
