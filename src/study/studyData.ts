/** A study file and the data that it names, read. */
import { readFile } from 'node:fs/promises';
import { type Cohort, type ImageStore, loadCohort, openImageStore, prepareImages } from '../data/index.js';
import { ConfigError } from '../errors.js';
import type { ProgressListener } from '../train/index.js';
import { maskWords } from './maskWords.js';
import { parseStudy } from './parse.js';
import type { ResolvedStudy } from './resolve.js';
import type { Study } from './schema.js';

/** Which study, with what changes, over what data. */
export interface StudySource {
  /** Path of the study file. */
  readonly studyFile: string;
  /** Folder that the study's paths are relative to; default the study file's. */
  readonly dataDirectory?: string;
  /** `key=value` overrides of the study, `seed` among them. */
  readonly overrides?: readonly string[];
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

/** Reads the cohort and decodes its images. */
export async function readCohort(
  resolved: ResolvedStudy,
  cache: string | null,
  listener: Pick<ProgressListener, 'message'>,
): Promise<{ cohort: Cohort; images: ImageStore | null }> {
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
