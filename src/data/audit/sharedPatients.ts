/** Patients with rows in two parts of a split. */
import { type Finding, makeFinding } from './finding.js';
import type { Parts } from './parts.js';

/** Who each row belongs to, and the column that says so; null where the study names the column itself. */
export interface People {
  readonly column: string | null;
  /** Per row; null = unknown. */
  readonly ids: readonly (string | number | null)[];
}

/**
 * Finding `shared-patients` or `shared-patients:COLUMN`, the latter for a column that names patients although the
 * study does not use it: its rows are then dealt one by one, as images are in an image-level split.
 */
export function findSharedPatients(people: People, lines: Int32Array, parts: Parts): Finding[] {
  const shared = new Set<string | number>();
  for (const part of parts) {
    const home = new Map<string | number, number>();
    people.ids.forEach((id, row) => {
      if (id === null || part[row] === 0) return;
      const first = home.get(id) ?? part[row];
      home.set(id, first);
      if (first !== part[row]) shared.add(id);
    });
  }
  if (shared.size === 0) return [];
  const { column, ids } = people;
  const rows = Array.from(lines.keys()).filter((row) => shared.has(ids[row] ?? ''));
  const where = column === null ? '' : ` by column "${column}", which the study does not name`;
  return [
    makeFinding('shared-patients', 'serious', column ?? '', {
      message: `${shared.size} ${shared.size === 1 ? 'patient has' : 'patients have'} rows in two parts of a split${where}: a model may be tested on whom it was trained on`,
      columns: column === null ? [] : [column],
      count: rows.length,
      lines: rows.map((row) => lines[row]),
      remedy:
        column === null
          ? 'move all rows of a patient to one part'
          : `name it: "patient: ${column}" under data, so that all rows of a patient are in one part`,
    }),
  ];
}
