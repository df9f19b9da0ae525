/** Image files of a row and of the patient's earlier rows. */
import { readdirSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { BadRow, excerpt } from './bad-row.js';
import type { Cohort, ImageSpec, Visit } from './cohort.js';
import type { Column } from './columns.js';

/** Answers whether a path exists, listing each folder once. */
export type FileIndex = (path: string) => boolean;

/** An index of image files. @throws DataError `missing-image-folder` */
export function indexFiles(images: ImageSpec): FileIndex {
  const folders = new Map<string, ReadonlySet<string>>();
  const list = (folder: string): ReadonlySet<string> => {
    let names = folders.get(folder);
    if (names === undefined) {
      try {
        names = new Set(readdirSync(folder));
      } catch (cause) {
        if (folder === resolve(images.directory)) {
          throw new DataError(
            'missing-image-folder',
            `loadCohort: the image folder must be readable, got ${(cause as NodeJS.ErrnoException).code}; check data.images.directory`,
            { file: images.directory },
          );
        }
        names = new Set();
      }
      folders.set(folder, names);
    }
    return names;
  };
  list(resolve(images.directory));
  return (path) => list(dirname(path)).has(basename(path));
}

/** The path that a cell of an image column names; null where the cell is a missing marker. */
export function imagePath(cell: string, images: ImageSpec, missing: ReadonlySet<string>): string | null {
  if (missing.has(cell)) return null;
  const name =
    images.extension === undefined
      ? cell
      : `${cell.replace(/\.[^./\\]*$/, '')}.${images.extension.replace(/^\./, '')}`;
  return resolve(images.directory, name);
}

/**
 * Paths of a row's views; null where no file is named, or where it is absent and `images` allows it.
 * @throws BadRow `missing-image` for a file that is named but absent otherwise
 */
export function imagePaths(
  cells: readonly string[],
  columns: readonly Column[],
  images: ImageSpec,
  missing: ReadonlySet<string>,
  exists: FileIndex,
): (string | null)[] {
  return columns.map(({ name, index }) => {
    const path = imagePath(cells[index], images, missing);
    if (path === null || exists(path)) return path;
    if (images.present || images.absentIsMissing) return null;
    throw new BadRow(
      'missing-image',
      'every image that the table names is in the image folder',
      `no file ${excerpt(basename(path))}`,
      'add the file, empty the cell, name the right folder, or leave such rows out (data.images.present, --on-bad-row skip)',
      name,
    );
  });
}

/** What visits are made of; everything but `history` is per row. */
export interface VisitSource {
  readonly paths: readonly (readonly (string | null)[])[];
  readonly view: readonly (string | null)[] | null;
  readonly patientIndex: Int32Array;
  readonly order: Float64Array | null;
  readonly time: Float64Array | null;
  readonly history: number;
}

/** Visits per row, and the rows whose place among the patient's visits is not certain. */
export interface Visits extends Pick<Cohort, 'visits' | 'slots'> {
  /** Rows that share their order with another row of the patient: neither is the other's history. */
  readonly tied: readonly number[];
  /** Rows without an order: they have no history and are nobody's. */
  readonly unordered: readonly number[];
  /** Rows with an earlier visit that is later in time: its time offset is given as unknown. */
  readonly timeReversed: readonly number[];
}

/**
 * Each row's own views, then the views of up to `history` rows of the patient that have an image and a
 * strictly smaller order, from the newest to the oldest (rows of equal order as in the file).
 */
export function collectVisits(source: VisitSource): Visits {
  const { paths, order, history } = source;
  const views = paths.length === 0 ? 0 : paths[0].length;
  const tied: number[] = [];
  const unordered: number[] = [];
  const timeReversed: number[] = [];
  const own = paths.map((_, row) => viewsOf(source, row, row, 0));
  const visits = [...own];
  if (history > 0 && order !== null) {
    for (const rows of rowsByPatient(source.patientIndex)) {
      const newestFirst = rows
        .filter((row) => !Number.isNaN(order[row]))
        .sort((a, b) => order[b] - order[a] || a - b);
      unordered.push(...rows.filter((row) => Number.isNaN(order[row])));
      for (const row of newestFirst) {
        if (newestFirst.some((other) => other !== row && order[other] === order[row])) tied.push(row);
        const earlier = newestFirst.filter((other) => order[other] < order[row] && own[other].length > 0);
        const lent = earlier.slice(0, history);
        const lentViews = lent.flatMap((other, age) => viewsOf(source, other, row, (age + 1) * views));
        visits[row] = [...own[row], ...lentViews];
        if (lent.some((other) => elapsed(source.time, other, row) > 0)) timeReversed.push(row);
      }
    }
  }
  return { visits, slots: views * (1 + history), tied, unordered, timeReversed };
}

/** Rows of each patient, ascending, by patient index. */
export function rowsByPatient(patientIndex: Int32Array): number[][] {
  const rows: number[][] = [];
  patientIndex.forEach((patient, row) => {
    rows[patient] ??= [];
    rows[patient].push(row);
  });
  return rows;
}

const NO_VISITS: readonly Visit[] = [];

function viewsOf(source: VisitSource, row: number, seenFrom: number, firstSlot: number): readonly Visit[] {
  if (source.paths[row].length === 0) return NO_VISITS;
  const offset = elapsed(source.time, row, seenFrom);
  return source.paths[row].flatMap((path, v) =>
    path === null
      ? []
      : {
          path,
          slot: firstSlot + v,
          view: source.view?.[row] ?? null,
          timeOffset: Number.isNaN(offset) ? 0 : Math.min(offset, 0),
          row,
        },
  );
}

function elapsed(time: Float64Array | null, row: number, seenFrom: number): number {
  return time === null || row === seenFrom ? 0 : time[row] - time[seenFrom];
}
