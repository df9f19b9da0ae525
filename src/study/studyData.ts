/** From a study file to rows and splits: all that is read, and checked, before a run folder is made. */
import { readFile } from 'node:fs/promises';
import {
  type Cohort,
  type CohortNote,
  type ImageStore,
  loadCohort,
  openImageStore,
  prepareImages,
  type Split,
} from '../data/index.js';
import { ConfigError } from '../errors.js';
import { checkOverrides, firesOverride } from '../risk/index.js';
import type { ProgressListener } from '../train/index.js';
import { fileSetSha256, fileSha256 } from './environment.js';
import { maskWords } from './maskWords.js';
import { describeNote } from './notes.js';
import { parseStudy } from './parse.js';
import type { ResolvedStudy } from './resolve.js';
import type { Study } from './schema.js';
import { studySplits } from './splits.js';
import { subgroupValues } from './subgroups.js';

/** Which study, with what changes, over what data. */
export interface StudySource {
  /** Path of the study file. */
  readonly studyFile: string;
  /** Folder that the study's paths are relative to; default the study file's. */
  readonly dataDirectory?: string;
  /** `key=value` overrides of the study, `seed` among them. */
  readonly overrides?: readonly string[];
}

/** SHA-256 of what a run reads, by name. */
export type Checksums = Readonly<Record<string, string>>;

export interface StudyData {
  readonly cohort: Cohort;
  /** Prepared images; null when the study's model sees none. */
  readonly images: ImageStore | null;
  readonly splits: readonly Split[];
  readonly inputs: Checksums;
  /** What reading and splitting did besides. */
  readonly notes: readonly CohortNote[];
}

/**
 * Reads and checks a study file.
 * @param command  that asks, for messages
 * @throws ConfigError when there is no such file or a key is wrong
 */
export async function readStudy(command: string, { studyFile, overrides }: StudySource): Promise<Study> {
  const text = await readFile(studyFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new ConfigError(`${command}: no study file ${studyFile}; check the path`);
    throw error;
  });
  return parseStudy(text, studyFile, overrides);
}

/**
 * Reads a study's rows, decodes its images and splits it; notes are told to the listener.
 * @param cache  folder of decoded images; null: none is kept
 * @throws ConfigError, DataError for bad input
 */
export async function readStudyData(
  resolved: ResolvedStudy,
  cache: string | null,
  listener: Pick<ProgressListener, 'message'>,
): Promise<StudyData> {
  const { cohort, images } = await readCohort(resolved, cache, listener);
  checkColumnValues(cohort, resolved.study);
  const splits = await studySplits(resolved, cohort);
  const inputs = await checksums(resolved, cohort);
  const notes = [...cohort.notes, ...splits.flatMap((split) => split.notes)];
  for (const text of new Set(notes.map(describeNote))) listener.message(text);
  return { cohort, images, splits, inputs, notes };
}

/** Reads the cohort and decodes its images. */
export async function readCohort(
  resolved: ResolvedStudy,
  cache: string | null,
  listener: Pick<ProgressListener, 'message'>,
): Promise<Pick<StudyData, 'cohort' | 'images'>> {
  const { study } = resolved;
  const cohort = maskWords(await loadCohort(resolved.cohort), study.data.maskWords);
  if (!study.model.modalities.includes('image')) return { cohort, images: null };
  const { imageSize, channels, contrast } = study.model;
  const store = openImageStore({ size: imageSize, channels, contrast, cache });
  const { cohort: readable, prepared } = await prepareImages(store, cohort, {
    onBadImage: study.data.onBadRow,
    source: { table: resolved.cohort.table, columns: resolved.cohort.images?.columns ?? [] },
  });
  listener.message(`images: ${prepared.decoded} decoded, ${prepared.reused} from the cache`);
  return { cohort: readable, images: store };
}

/** Tier overrides and subgroups come last; that they fit the columns' values is to be known first. */
function checkColumnValues(cohort: Cohort, { tiers, evaluation }: Study): void {
  checkOverrides(tiers.overrides, cohort.labels, tiers.diagnosisColumns);
  for (const override of tiers.overrides) firesOverride(override, cohort);
  subgroupValues(cohort, evaluation.subgroups);
}

async function checksums(
  { cohort: spec, dataDirectory, lists }: ResolvedStudy,
  cohort: Cohort,
): Promise<Checksums> {
  const paths = cohort.visits.flat().map((visit) => visit.path);
  const images = paths.length === 0 ? null : await fileSetSha256(paths, dataDirectory);
  return {
    table: await fileSha256(spec.table),
    ...(lists === null ? {} : { testList: await fileSha256(lists.test) }),
    ...(images === null ? {} : { [`${images.files} images (names and sizes)`]: images.sha256 }),
  };
}
