/** Columns without anything to learn from. */
import type { Cohort } from '../cohort.js';
import { type Finding, makeFinding } from './finding.js';

/** Findings `constant-column:COLUMN`: one value, or none, in all rows. */
export function findConstantColumns({ numeric, categorical, text, size }: Cohort): Finding[] {
  const columns = [...numeric, ...categorical, ...text];
  return columns.flatMap(({ name, values }) => {
    let first: string | number | null = null;
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value === null || Number.isNaN(value)) continue;
      first ??= value;
      if (value !== first) return [];
    }
    const what = first === null ? 'has no recorded value' : 'has the same value wherever it is recorded';
    return makeFinding('constant-column', 'note', name, {
      message: `column "${name}" ${what}`,
      columns: [name],
      count: size,
      remedy: `take "${name}" out of the features; it cannot tell patients apart`,
    });
  });
}
