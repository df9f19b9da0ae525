/** Which rows a study looks at, decided before their cells are read. */
import { createHash } from 'node:crypto';
import type { CohortNote, CohortSpec } from './cohort.js';
import type { Columns } from './columns.js';
import { type FileIndex, imagePath } from './visits.js';

interface Rule {
  readonly code: string;
  readonly message: string;
  readonly accepts: (cells: readonly string[]) => boolean;
  /** Rows that it has left out. */
  count: number;
}

/** Row filter, exact duplicates, absent images, in this order; counts what each leaves out. */
export class RowChoice {
  readonly #rules: readonly Rule[];

  constructor(spec: CohortSpec, columns: Columns, missing: ReadonlySet<string>, exists: FileIndex) {
    const { images } = spec;
    const rules: Omit<Rule, 'count'>[] = columns.filters.map(({ name, index, accepted }) => ({
      code: 'filtered-rows',
      message: `rows left out by the filter on column "${name}"`,
      accepts: (cells) => accepted.has(cells[index]),
    }));
    if (spec.dropDuplicateRows) {
      const seen = new Set<string>();
      rules.push({
        code: 'dropped-duplicate-rows',
        message: 'rows equal to an earlier one in every used column',
        accepts: (cells) => {
          const before = seen.size;
          return seen.add(rowFingerprint(columns.used.map((index) => cells[index]))).size > before;
        },
      });
    }
    if (images?.present) {
      rules.push({
        code: 'dropped-rows-without-image',
        message: 'rows none of whose images are on disk',
        accepts: (cells) =>
          columns.images.some(({ index }) => {
            const path = imagePath(cells[index], images, missing);
            return path !== null && exists(path);
          }),
      });
    }
    this.#rules = rules.map((rule) => ({ ...rule, count: 0 }));
  }

  /** Whether the row is looked at. A row that one rule leaves out is not shown to the next. */
  accepts(cells: readonly string[]): boolean {
    const against = this.#rules.find((rule) => !rule.accepts(cells));
    if (against !== undefined) against.count++;
    return against === undefined;
  }

  /** One note per rule that has left rows out. */
  notes(): CohortNote[] {
    return this.#rules
      .filter(({ count }) => count > 0)
      .map(({ code, message, count }) => ({ code, message, count }));
  }
}

/** SHA-256 of the cells, as a string of 32 bytes: short, and no two rows that differ have the same. */
export function rowFingerprint(cells: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(cells)).digest('binary');
}
