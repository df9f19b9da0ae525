/** What reading the data did besides reading, in one line for the terminal. */
import type { CohortNote } from '../data/index.js';

/** Lines that a note or a finding names in text; of more, the number is given. */
export const mostLines = 20;

/** `skipped rows: column "age": a number is written with digits and a point (3 rows: lines 4, 7, 9)`. */
export function describeNote({ message, count, rows }: CohortNote): string {
  if (rows === undefined || rows.length === 0) return `${message} (${count})`;
  const named = rows.slice(0, mostLines).join(', ');
  const rest = rows.length > mostLines ? ` and ${rows.length - mostLines} more` : '';
  const [what, lines] = count === 1 ? ['row', 'line'] : ['rows', 'lines'];
  return `${message} (${count} ${what}: ${lines} ${named}${rest})`;
}
