/** Cohorts of fewer rows: a part of a cohort, or one whose damaged images were left out. */
import { DataError } from '../errors.js';
import type { Cohort, Visit } from './cohort.js';
import { gather } from './gather.js';
import type { ImageStore, Prepared, PrepareOptions } from './image-store.js';

/**
 * The cohort of some of the rows, renumbered. Visits of rows that are left out go with them, and patients
 * are numbered anew.
 * @param rows ascending row indices
 */
export function selectRows(cohort: Cohort, rows: Int32Array): Cohort {
  const L = cohort.labels.length;
  /** Place of each row among those that stay, −1 for the others. */
  const newRow = new Int32Array(cohort.size).fill(-1);
  rows.forEach((row, r) => {
    newRow[row] = r;
  });
  const newPatient = new Map<number, number>();
  const pick = <T>(values: readonly T[]): T[] => Array.from(rows, (row) => values[row]);
  return {
    ...cohort,
    size: rows.length,
    ids: pick(cohort.ids),
    patients: pick(cohort.patients),
    patientIndex: rows.map((row) => {
      const patient = cohort.patientIndex[row];
      if (!newPatient.has(patient)) newPatient.set(patient, newPatient.size);
      return newPatient.get(patient)!;
    }),
    lines: rows.map((row) => cohort.lines[row]),
    order: cohort.order === null ? null : gather(cohort.order, rows),
    targets: Float32Array.from(
      { length: rows.length * L },
      (_, i) => cohort.targets[rows[Math.floor(i / L)] * L + (i % L)],
    ),
    known: Uint8Array.from(
      { length: rows.length * L },
      (_, i) => cohort.known[rows[Math.floor(i / L)] * L + (i % L)],
    ),
    numeric: cohort.numeric.map((column) => ({
      ...column,
      values: gather(column.values, rows),
    })),
    categorical: cohort.categorical.map((column) => ({ ...column, values: pick(column.values) })),
    text: cohort.text.map((column) => ({ ...column, values: pick(column.values) })),
    visits: Array.from(rows, (row) =>
      cohort.visits[row].flatMap((visit) => {
        const owner = newRow[visit.row];
        return owner < 0 ? [] : { ...visit, row: owner };
      }),
    ),
  };
}

/** Where a cohort's images are named, for messages. */
export interface ImageSource {
  /** Path of the table. */
  readonly table: string;
  /** Its image columns, one per view. */
  readonly columns: readonly string[];
}

/**
 * Prepares all images of a cohort. With `onBadImage: 'skip'`, rows one of whose own images cannot be decoded
 * are left out and noted.
 * @returns the cohort that remains
 * @throws DataError of `decodeImage` naming the file and the line of the table, `empty-cohort`
 */
export async function prepareImages(
  store: ImageStore,
  cohort: Cohort,
  { source, ...options }: PrepareOptions & { readonly source?: ImageSource } = {},
): Promise<{ cohort: Cohort; prepared: Prepared }> {
  const owner = new Map<string, Visit>();
  cohort.visits.forEach((visits, row) => {
    for (const visit of visits) if (visit.row === row && !owner.has(visit.path)) owner.set(visit.path, visit);
  });
  const prepared = await store.prepare(owner.keys(), options).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.location.file === undefined) throw error;
    const visit = owner.get(error.location.file);
    if (visit === undefined) throw error;
    const message = `prepareImages: the table names images that can be read; ${error.message}`;
    throw new DataError(error.code, message, {
      file: source?.table,
      row: cohort.lines[visit.row],
      column: source?.columns[visit.slot],
    });
  });
  if (prepared.failed.length === 0) return { cohort, prepared };
  const bad = new Set(prepared.failed.map(({ path }) => path));
  const isBad = (row: number) => cohort.visits[row].some((visit) => visit.row === row && bad.has(visit.path));
  const rows = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const kept = rows.filter((row) => !isBad(row));
  if (kept.length === 0) {
    throw new DataError(
      'empty-cohort',
      `prepareImages: at least one row must have readable images, got 0 of ${cohort.size}; check the image folder`,
    );
  }
  const lines = Array.from(rows.filter(isBad), (row) => cohort.lines[row]);
  const message = 'skipped rows: an image cannot be decoded';
  const note = { code: 'skipped-corrupt-image', message, count: lines.length, rows: lines };
  const rest = selectRows(cohort, kept);
  return { cohort: { ...rest, notes: [...cohort.notes, note] }, prepared };
}
