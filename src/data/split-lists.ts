/** Splits that were published as lists of row ids, one id per line. */
import { readFile } from 'node:fs/promises';
import { DataError } from '../errors.js';
import { excerpt } from './bad-row.js';
import type { CohortNote } from './cohort.js';
import { carveValidation, checkSplit, type Split, type SplitPart, splitParts } from './split.js';
import type { SplitSource } from './stratify.js';

export interface ListOptions {
  /** Absolute path of the list of test ids. */
  readonly test: string;
  /** Absolute path of the list of training ids. Default: all rows that are in no other list. */
  readonly train?: string;
  /** Share in (0, 1) of the training rows to carve out by patient, or absolute path of a list. */
  readonly validation: number | string;
  readonly seed: number;
}

/**
 * A split from lists of row ids. Ids that the cohort lacks are counted; with a training list, rows in no
 * list are left out and counted.
 * @throws DataError `unreadable-list`, `list-without-rows`, `patient-in-two-parts`, `too-few-patients`,
 *   `one-class-label`
 */
export async function fromLists(cohort: SplitSource, options: ListOptions): Promise<Split> {
  const notes: CohortNote[] = [];
  const files = {
    train: options.train,
    validation: typeof options.validation === 'string' ? options.validation : undefined,
    test: options.test,
  };
  const rowOfId = new Map(cohort.ids.map((id, row) => [id, row]));
  const unlisted: SplitPart | null = files.train === undefined ? 'train' : null;
  const part = new Array<SplitPart | null>(cohort.size).fill(unlisted);
  const origin = new Map<number, { file: string; row: number }>();
  for (const name of splitParts) {
    const file = files[name];
    if (file === undefined) continue;
    const list = await readList(file);
    const found = list.filter(({ id }) => rowOfId.has(id));
    if (found.length === 0) throw noRows(name, file, list);
    if (found.length < list.length) {
      notes.push({
        code: 'ids-not-in-cohort',
        message: `ids of the ${name} list that the cohort lacks`,
        count: list.length - found.length,
      });
    }
    for (const { id, line } of found) {
      const row = rowOfId.get(id)!;
      if (origin.has(row) && part[row] !== name) throw inTwo(id, part[row]!, name, { file, row: line });
      part[row] = name;
      origin.set(row, { file, row: line });
    }
  }
  requireWholePatients(cohort, part, origin);
  const left = part.filter((name) => name === null).length;
  if (left > 0) notes.push({ code: 'rows-in-no-list', message: 'rows in no list are left out', count: left });
  const rowsOf = (name: SplitPart) =>
    Int32Array.from(part.flatMap((assigned, row) => (assigned === name ? [row] : [])));
  const [train, validation] =
    typeof options.validation === 'string'
      ? [rowsOf('train'), rowsOf('validation')]
      : carveValidation(cohort, rowsOf('train'), options.validation, [options.seed, 'lists']);
  return checkSplit(cohort, { repeat: 0, fold: 0, train, validation, test: rowsOf('test'), notes });
}

async function readList(file: string): Promise<{ id: string; line: number }[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new DataError(
      'unreadable-list',
      `fromLists: a list must be a readable file, got ${(cause as NodeJS.ErrnoException).code}; check the path`,
      { file },
    );
  }
  return text
    .replace(/^\ufeff/, '')
    .split(/\r\n?|\n/)
    .map((id, i) => ({ id: id.trim(), line: i + 1 }))
    .filter(({ id }) => id !== '');
}

/** A patient is in one part, whichever of its rows the lists name. */
function requireWholePatients(
  cohort: SplitSource,
  part: readonly (SplitPart | null)[],
  origin: ReadonlyMap<number, { file: string; row: number }>,
): void {
  const first = new Map<number, number>();
  part.forEach((name, row) => {
    if (name === null) return;
    const other = first.get(cohort.patientIndex[row]);
    if (other === undefined) first.set(cohort.patientIndex[row], row);
    else if (part[other] !== name) {
      const listed = origin.has(row) ? row : other;
      const partOf = (which: number) => part[which]!;
      throw inTwo(
        cohort.ids[listed],
        partOf(listed === row ? other : row),
        partOf(listed),
        origin.get(listed)!,
      );
    }
  });
}

function inTwo(id: string, one: SplitPart, other: SplitPart, at: { file: string; row: number }): DataError {
  return new DataError(
    'patient-in-two-parts',
    `fromLists: a patient is in one part, got the patient of row ${excerpt(id)} in ${one} and in ${other}; move all rows of the patient to one list`,
    at,
  );
}

function noRows(part: SplitPart, file: string, list: readonly { id: string }[]): DataError {
  const example = list.length === 0 ? 'an empty list' : `${list.length} ids such as ${excerpt(list[0].id)}`;
  return new DataError(
    'list-without-rows',
    `fromLists: the ${part} list must name ids of the cohort, got ${example}; set data.id to the column that holds these ids`,
    { file },
  );
}
