/** Columns without anything to learn from. */
import type { Cohort } from '../cohort.js';
import { type Finding, makeFinding } from './finding.js';

/** Findings `constant-column:COLUMN`: one value, or none, in all rows. */
export function findConstantColumns({ numeric, categorical, text, size }: Cohort): Finding[] {
  const columns = [...numeric, ...categorical, ...text];
  return columns.flatMap(({ name, values }) => {
    const recorded = new Set<string | number | null>(values);
    recorded.delete(null);
    recorded.delete(Number.NaN);
    if (recorded.size > 1) return [];
    const what = recorded.size === 0 ? 'has no recorded value' : 'has the same value wherever it is recorded';
    return makeFinding('constant-column', 'note', name, {
      message: `column "${name}" ${what}`,
      columns: [name],
      count: size,
      remedy: `take "${name}" out of the features; it cannot tell patients apart`,
    });
  });
}
