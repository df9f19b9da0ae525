/**
 * Reading patients that a model has not seen: as its study reads its own table, but labels are not looked for, and
 * what the table lacks is missing instead of an error.
 */
import { dirname, resolve } from 'node:path';
import {
  type Cohort,
  type CohortNote,
  type CohortSpec,
  type ImageFormat,
  type ImageStore,
  loadCohort,
  nearestName,
  openImageStore,
  prepareImages,
  readHeader,
  selectRows,
} from '../data/index.js';
import { ConfigError, DataError } from '../errors.js';
import { maskWords } from './maskWords.js';
import { describeNote } from './notes.js';
import { resolveStudy } from './resolve.js';
import type { Study } from './schema.js';
import { MODALITIES, type Modality } from './sections/data.js';

/** What a model reads of a patient. */
export interface ModelInputs {
  /** How images are decoded; null when the model sees none. */
  readonly image: Required<ImageFormat> | null;
  /** Names of its table columns: numeric, ordinal, categorical. */
  readonly columns: readonly string[];
  /** Names of its columns of notes. */
  readonly notes: readonly string[];
  /** Columns that raise a tier without being features of the model, or besides. */
  readonly raising: readonly string[];
}

export interface NewPatientsOptions {
  /** Path of the table: .csv or .tsv, optionally .gz. */
  readonly table: string;
  /** Folder that the table's image names are relative to; default the table's. */
  readonly images?: string;
  /** A row that cannot be read: stop, or skip and say so. Default as in the study. */
  readonly onBadRow?: 'stop' | 'skip';
  /** Told what was missing, skipped and coerced. */
  readonly say: (message: string) => void;
}

export interface NewPatients {
  /** Every column of the model, those that the table lacks without a value. Labels are not read. */
  readonly cohort: Cohort;
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
  /** Modalities of the model of which the table has no column at all. */
  readonly absent: ReadonlySet<Modality>;
}

/**
 * Reads new patients for a model.
 * @param study  of the run that the model belongs to
 * @throws DataError of `loadCohort` and `prepareImages`; `no-model-column` when the table has no column that the
 *   model reads, `empty-row` for a row without an image, a note or a recorded value
 * @throws ConfigError when images are given to a model that sees none
 */
export async function readNewPatients(
  study: Study,
  model: ModelInputs,
  options: NewPatientsOptions,
): Promise<NewPatients> {
  const { say } = options;
  if (model.image === null && options.images !== undefined) {
    throw new ConfigError(
      'predict: the model sees no images, got an image folder; leave --images out',
      'images',
    );
  }
  const wanted = modelSpec(study, model, options);
  const { columns: header } = await readHeader(wanted.table);
  const { spec, absent, messages } = availableSpec(wanted, header);
  const missing = absentModalities(model, new Set(header), wanted);
  if (MODALITIES.every((modality) => missing.has(modality) || !study.model.modalities.includes(modality))) {
    throw new DataError(
      'no-model-column',
      `predict: the table must have a column that the model reads, got none of ${absent.map(quote).join(', ')}; check the header and the file's delimiter`,
      { file: wanted.table, row: 1 },
    );
  }
  messages.forEach(say);

  const onBadRow = options.onBadRow ?? study.data.onBadRow;
  const read = maskWords(await loadCohort({ ...spec, onBadRow }), study.data.maskWords);
  const whole = complete(read, wanted, spec);
  const { cohort, images } = await decodeImages(whole, model, wanted, onBadRow);
  const filled = withoutEmptyRows(cohort, model, wanted.table, onBadRow);
  filled.notes.map(describeNote).forEach(say);
  return { cohort: filled, images, absent: missing };
}

/** What the study reads, from another table, without labels and without columns that the model has no use for. */
function modelSpec(study: Study, model: ModelInputs, { table, images }: NewPatientsOptions): CohortSpec {
  const path = resolve(table);
  const { cohort } = resolveStudy(study, { studyFile: path });
  const sees = (modality: Modality) => study.model.modalities.includes(modality);
  const tabular = (name: string) => sees('tabular') || model.raising.includes(name);
  const withImages = model.image !== null && cohort.images !== undefined;
  return {
    ...cohort,
    table: path,
    labels: { columns: [] },
    numeric: cohort.numeric?.filter(tabular),
    categorical: cohort.categorical?.filter(tabular),
    ordinal: Object.fromEntries(Object.entries(cohort.ordinal ?? {}).filter(([name]) => tabular(name))),
    text: sees('text') ? cohort.text : [],
    images: withImages
      ? {
          ...cohort.images!,
          directory: resolve(images ?? dirname(path)),
          // A study that leaves rows without files out of training is asked about them here all the same.
          absentIsMissing: cohort.images!.present,
          present: false,
        }
      : undefined,
    history: withImages ? cohort.history : 0,
    view: withImages ? cohort.view : undefined,
  };
}

/** The specification reduced to the columns that a table has, and what that means, in words. */
function availableSpec(
  wanted: CohortSpec,
  header: readonly string[],
): { spec: CohortSpec; absent: readonly string[]; messages: readonly string[] } {
  const has = (name: string) => header.includes(name.trim());
  const keep = (name: string | undefined) => (name !== undefined && has(name) ? name : undefined);
  const present = (names: readonly string[] = []) => names.filter(has);
  const images = present(wanted.images?.columns);
  const ordered = keep(wanted.patient) !== undefined && keep(wanted.order) !== undefined;
  const spec: CohortSpec = {
    ...wanted,
    id: keep(wanted.id),
    patient: keep(wanted.patient),
    order: keep(wanted.order),
    time: keep(wanted.time),
    view: keep(wanted.view),
    rows: wanted.rows?.filter(({ column }) => has(column)),
    // Without ids every row is asked about, also two that are equal.
    dropDuplicateRows: wanted.dropDuplicateRows && keep(wanted.id) !== undefined,
    images: images.length === 0 ? undefined : { ...wanted.images!, columns: images },
    history: ordered ? wanted.history : 0,
    numeric: present(wanted.numeric),
    categorical: present(wanted.categorical),
    ordinal: Object.fromEntries(Object.entries(wanted.ordinal ?? {}).filter(([name]) => has(name))),
    text: present(wanted.text),
  };
  const { valid } = wanted;
  const ranged = new Set([...(spec.numeric ?? []), spec.order, spec.time]);
  const range = Object.fromEntries(Object.entries(valid ?? {}).filter(([name]) => ranged.has(name)));

  const read = columnsRead(wanted);
  const absent = read.filter((name) => !has(name));
  const spare = header.filter((name) => !read.includes(name));
  const messages: string[] = [];
  const lacks = (name: string | undefined, consequence: string) => {
    if (name !== undefined && !has(name)) messages.push(`the table lacks column "${name}": ${consequence}`);
  };
  lacks(wanted.id, 'rows are named by their line');
  lacks(wanted.patient, 'every row counts as a patient of its own');
  lacks(wanted.order, 'no row looks at earlier ones');
  for (const { column } of wanted.rows ?? []) lacks(column, 'its row filter is not applied');
  if (absent.length > 0) {
    const named = absent.map((name) => {
      const nearest = nearestName(name, spare);
      return `${quote(name)}${nearest === null ? '' : ` (did you mean "${nearest}"?)`}`;
    });
    messages.push(
      `the table lacks ${absent.length} ${absent.length === 1 ? 'column' : 'columns'} that the model reads; ` +
        `every value counts as missing: ${named.join(', ')}`,
    );
  }
  return { spec: { ...spec, valid: range }, absent, messages };
}

/** Columns whose values the model reads, each once. */
function columnsRead({ images, view, time, numeric, ordinal, categorical, text }: CohortSpec): string[] {
  const names = [
    ...(images?.columns ?? []),
    ...(view === undefined ? [] : [view]),
    ...(time === undefined ? [] : [time]),
    ...(numeric ?? []),
    ...Object.keys(ordinal ?? {}),
    ...(categorical ?? []),
    ...(text ?? []),
  ];
  return [...new Set(names.map((name) => name.trim()))];
}

function absentModalities(
  { columns: ofTable, notes }: ModelInputs,
  header: ReadonlySet<string>,
  wanted: CohortSpec,
): ReadonlySet<Modality> {
  const lacks = (names: readonly string[]) =>
    names.length > 0 && names.every((name) => !header.has(name.trim()));
  const columns: Record<Modality, readonly string[]> = {
    image: wanted.images?.columns ?? [],
    tabular: ofTable,
    text: notes,
  };
  return new Set(MODALITIES.filter((modality) => lacks(columns[modality])));
}

/** Puts the columns that were left out of `spec` back, without values, and the views at their own slots. */
function complete(cohort: Cohort, wanted: CohortSpec, spec: CohortSpec): Cohort {
  const has = (columns: readonly { readonly name: string }[], name: string) =>
    columns.some((column) => column.name === name.trim());
  const lacking = (names: readonly string[] | undefined, columns: readonly { readonly name: string }[]) =>
    (names ?? []).filter((name) => !has(columns, name)).map((name) => name.trim());
  const unrecorded = () => new Float64Array(cohort.size).fill(Number.NaN);
  const noText = () => new Array<null>(cohort.size).fill(null);
  const views = wanted.images?.columns ?? [];
  const found = spec.images?.columns ?? [];
  const timeless = wanted.time !== undefined && spec.time === undefined;
  return {
    ...cohort,
    order: cohort.order ?? (wanted.order === undefined ? null : unrecorded()),
    numeric: [
      ...cohort.numeric,
      ...lacking(wanted.numeric, cohort.numeric).map((name) => ({
        name,
        kind: 'numeric' as const,
        values: unrecorded(),
      })),
      ...lacking(Object.keys(wanted.ordinal ?? {}), cohort.numeric).map((name) => ({
        name,
        kind: 'ordinal' as const,
        levels: wanted.ordinal![name],
        values: unrecorded(),
      })),
    ],
    categorical: [
      ...cohort.categorical,
      ...lacking(wanted.categorical, cohort.categorical).map((name) => ({ name, values: noText() })),
    ],
    text: [...cohort.text, ...lacking(wanted.text, cohort.text).map((name) => ({ name, values: noText() }))],
    visits: cohort.visits.map((visits) =>
      visits.map((visit) => ({
        ...visit,
        slot:
          Math.floor(visit.slot / found.length) * views.length +
          views.indexOf(found[visit.slot % found.length]),
        timeOffset: timeless ? 0 : visit.timeOffset,
      })),
    ),
  };
}

async function decodeImages(
  cohort: Cohort,
  { image }: ModelInputs,
  { table, images: named }: CohortSpec,
  onBadImage: 'stop' | 'skip',
): Promise<{ cohort: Cohort; images: ImageStore | null }> {
  if (image === null) return { cohort, images: null };
  // No cache on disk: pictures of patients are not to be left behind by a question about them.
  const images = openImageStore({ ...image, cache: null });
  const { cohort: readable } = await prepareImages(images, cohort, {
    onBadImage,
    source: { table, columns: named?.columns ?? [] },
  });
  return { cohort: readable, images };
}

/** A row of which nothing is recorded cannot be predicted from: it stops the run, or is left out and noted. */
function withoutEmptyRows(
  cohort: Cohort,
  { columns }: ModelInputs,
  file: string,
  onBadRow: 'stop' | 'skip',
): Cohort {
  const read = new Set(columns);
  const numeric = cohort.numeric.filter(({ name }) => read.has(name));
  const categorical = cohort.categorical.filter(({ name }) => read.has(name));
  const isEmpty = (row: number) =>
    cohort.visits[row].length === 0 &&
    cohort.text.every(({ values }) => values[row] === null) &&
    numeric.every(({ values }) => Number.isNaN(values[row])) &&
    categorical.every(({ values }) => values[row] === null);
  const rows = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const empty = rows.filter(isEmpty);
  if (empty.length === 0) return cohort;
  const rule = 'a row must have an image, a note or a recorded value among what the model reads';
  if (onBadRow === 'stop' || empty.length === cohort.size) {
    throw new DataError(
      'empty-row',
      `predict: ${rule}, got nothing; fill it in, or leave such rows out with --on-bad-row skip`,
      { file, row: cohort.lines[empty[0]] },
    );
  }
  const note: CohortNote = {
    code: 'skipped-empty-row',
    message: `skipped rows: ${rule}`,
    count: empty.length,
    rows: Array.from(empty, (row) => cohort.lines[row]),
  };
  const rest = selectRows(
    cohort,
    rows.filter((row) => !isEmpty(row)),
  );
  return { ...rest, notes: [...cohort.notes, note] };
}

function quote(name: string): string {
  return `"${name}"`;
}
