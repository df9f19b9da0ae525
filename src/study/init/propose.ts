/** From the profile of a table to the part that each column plays in a study. */
import { defaultMissing } from '../../data/index.js';
import { ConfigError } from '../../errors.js';
import {
  type Exclusion,
  excluded,
  type Feature,
  featureOf,
  levelCounts,
  namesImages,
  number,
  type Part,
  recorded,
  saysNone,
} from './features.js';
import { kindOf, validRange } from './kinds.js';
import { labelColumns, type ProposedLabels, proposeLabels } from './labels.js';
import { suggests } from './names.js';
import { type ColumnProfile, NUMBER_MARKERS, type TableProfile } from './profile.js';

export interface Proposal {
  readonly table: TableProfile;
  readonly id: Part | null;
  readonly patient: (Part & { readonly guessed: boolean }) | null;
  readonly order: Part | null;
  readonly view: Part | null;
  readonly images: {
    readonly columns: readonly Part[];
    readonly extension: string | null;
    /** Whether every named file is there. */
    readonly whole: boolean;
  } | null;
  /** Image columns while no folder is known. */
  readonly imageColumns: readonly Part[];
  readonly missing: { readonly spellings: readonly string[]; readonly why: string };
  readonly features: readonly Feature[];
  readonly valid: readonly (Part & { readonly range: readonly [number, number] })[];
  readonly leftOut: readonly Exclusion[];
  readonly labels: ProposedLabels;
  /** Whether rows without a patient, or of another length, have to be skipped for the rest to be read. */
  readonly skip: string | null;
}

/**
 * Proposes a study.
 * @throws DataError `no-label`; ConfigError when no column names a file of the image folder
 */
export function propose(table: TableProfile, folder: string | null): Proposal {
  const columns = table.columns.filter(({ name }) => name !== '');
  const labels = proposeLabels(table);
  const free = new Set(columns.filter((column) => !labelColumns(labels).includes(column)));
  const found = folder === null ? null : imagesOf(columns, table, folder);
  const imageColumns = found?.columns ?? columns.filter((column) => namesImages(column) && free.has(column));
  for (const column of imageColumns) free.delete(column);

  const missing = missingMarkers(columns, labels);
  const lacking = (column: ColumnProfile) => rowsWithout(column, missing.spellings);
  const names = (column: ColumnProfile) =>
    suggests(column.meant, 'patient') && lacking(column) < table.rows / 2;
  const patient = [...free].find(names) ?? null;
  const distinctRows = table.rows - table.duplicates;
  const identifies = (column: ColumnProfile) => column.distinct === distinctRows && lacking(column) === 0;
  const candidates = [...free, ...imageColumns];
  const id =
    candidates.find((column) => suggests(column.meant, 'identifier') && identifies(column)) ??
    candidates.find((column) => imageColumns.includes(column) && identifies(column)) ??
    null;
  const complete = [...free].filter((column) => lacking(column) === 0);
  const person = patient ?? (id === null ? repeatingId(complete, table) : null);
  const repeats = person !== null && (person.distinct ?? 0) < distinctRows;
  const orders = (column: ColumnProfile) =>
    suggests(column.meant, 'order') &&
    ['numeric', 'binary'].includes(kindOf(column)) &&
    saysNone(column, labels) === null;
  const order = repeats ? ([...free].find((column) => column !== person && orders(column)) ?? null) : null;
  const view =
    found === null
      ? null
      : ([...free].find(
          ({ meant, distinct }) => suggests(meant, 'view') && distinct !== null && distinct <= 20,
        ) ?? null);
  for (const column of [id, person, order, view]) if (column !== null) free.delete(column);

  const features: Feature[] = [];
  const leftOut: Exclusion[] = [];
  for (const column of free) {
    const exclusion = excluded(column, table.rows, labels);
    if (exclusion === null) features.push(featureOf(column));
    else leftOut.push(exclusion);
  }
  const unnamed = table.columns.length - columns.length;
  if (unnamed > 0) leftOut.push({ name: '', why: `${unnamed} without a name in the header`, outcome: false });
  const used = features.filter(({ kind }) => kind === 'numeric').map(({ name }) => name);
  return {
    table,
    id: id && {
      name: id.name,
      why: `different in every row${table.duplicates > 0 ? ' but the repeated ones' : ''}`,
    },
    patient: person && {
      name: person.name,
      why: `${number(person.distinct)} patients in ${number(distinctRows)} different rows${patient === null ? '; taken for the patient since its values return' : ''}`,
      guessed: patient === null,
    },
    order: order && { name: order.name, why: `name; ${recorded(order, table.rows)}` },
    view: view && { name: view.name, why: levelCounts(view) },
    images:
      found === null
        ? null
        : {
            columns: found.columns.map(({ name, values, files, filesByExtension }) => ({
              name,
              why: `${number(found.extension === null ? files : filesByExtension)} of ${number(values)} named files are there`,
            })),
            extension: found.extension,
            whole: found.columns.every(
              (column) =>
                (found.extension === null ? column.files : column.filesByExtension) === column.values,
            ),
          },
    imageColumns: imageColumns.map(({ name, imageNames }) => ({
      name,
      why: `${number(imageNames)} names of image files`,
    })),
    missing,
    features,
    valid: columns
      .filter(({ name }) => used.includes(name))
      .flatMap((column) => {
        const range = validRange(column);
        return range === null ? [] : { name: column.name, ...range };
      }),
    leftOut,
    labels,
    skip: skipReason(table, person === null ? 0 : lacking(person)),
  };
}

/** The image columns, and the extension to put in place of theirs where that finds more files. */
function imagesOf(
  columns: readonly ColumnProfile[],
  { extension }: TableProfile,
  folder: string,
): { columns: readonly ColumnProfile[]; extension: string | null } {
  const best = (key: 'files' | 'filesByExtension') => Math.max(...columns.map((column) => column[key]));
  const key = best('filesByExtension') > best('files') ? 'filesByExtension' : 'files';
  const most = best(key);
  if (most === 0) {
    throw new ConfigError(
      `init: --images must hold files that a column of the table names, got none in ${folder}; check the folder`,
      'images',
    );
  }
  const matching = columns.filter((column) => column[key] >= most / 2);
  // An id that a file is called after is not itself the name of a file.
  const named = matching.filter(namesImages);
  return { columns: named.length > 0 ? named : matching, extension: key === 'files' ? null : extension };
}

/** A column called an id whose values return although the rows differ: a person with several rows. */
function repeatingId(
  complete: readonly ColumnProfile[],
  { rows, duplicates }: TableProfile,
): ColumnProfile | null {
  const returns = ({ meant, distinct }: ColumnProfile) =>
    suggests(meant, 'identifier') &&
    distinct !== null &&
    distinct < rows - duplicates &&
    distinct > rows / 50;
  return complete.find(returns) ?? null;
}

/** Rows in which a column says nothing, once a study takes these spellings for missing. */
function rowsWithout({ missing, levels }: ColumnProfile, spellings: readonly string[]): number {
  const markers = spellings.filter((spelling) => NUMBER_MARKERS.has(spelling));
  return markers.reduce((sum, marker) => sum + (levels.get(marker) ?? 0), missing);
}

function missingMarkers(columns: readonly ColumnProfile[], labels: ProposedLabels): Proposal['missing'] {
  const none = 'none' in labels ? labels.none : null;
  const seen = new Map<string, number>();
  const add = (marker: string, rows: number) => seen.set(marker, (seen.get(marker) ?? 0) + rows);
  for (const column of columns) {
    for (const [marker, rows] of column.markers) add(marker, rows);
    if (['numeric', 'binary'].includes(kindOf(column)))
      for (const marker of NUMBER_MARKERS)
        if (marker !== none && column.levels.has(marker)) add(marker, column.levels.get(marker)!);
  }
  const found = [...seen].map(
    ([marker, rows]) => `${marker === '' ? 'empty' : JSON.stringify(marker)} ${number(rows)}`,
  );
  return {
    spellings: [...new Set([...defaultMissing, ...seen.keys()])],
    why: found.length === 0 ? 'none seen' : `cells seen: ${found.join(', ')}`,
  };
}

function skipReason({ ragged }: TableProfile, nameless: number): string | null {
  const reasons: string[] = [];
  if (ragged.length > 0) {
    const shown = ragged.slice(0, 5).join(', ');
    reasons.push(
      `${number(ragged.length)} rows differ in their number of cells from the header, line ${shown}${ragged.length > 5 ? ' …' : ''}`,
    );
  }
  if (nameless > 0) reasons.push(`${number(nameless)} rows name no patient`);
  return reasons.length === 0 ? null : reasons.join('; ');
}
