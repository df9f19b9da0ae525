/** What stage 1 sees of a cohort: the table columns and, where the study asks for them, features of the images (P2). */
import { type Cohort, type ImageStore, imageStatisticColumns, type NumericColumn } from '../data/index.js';
import { ConfigError } from '../errors.js';
import type { Study } from './schema.js';

/** Whether stage 1 looks at images. */
export function usesImageFeatures({ stage1 }: Study): boolean {
  const { statistics, embeddings } = stage1.images;
  return stage1.enabled && (statistics || embeddings > 0);
}

/** Images that a row has of its own, one per view; a row without one of them has fewer. */
export function viewsOf({ data }: Study): number {
  return data.images?.columns.length ?? 0;
}

/**
 * Intensity and texture statistics of every row's own images, which nothing is fitted for.
 * @param images  prepared; null when the study reads none
 * @returns one column per view and statistic; none where the study does not ask for them
 */
export function imageStatistics(study: Study, cohort: Cohort, images: ImageStore | null): NumericColumn[] {
  if (images === null || !study.stage1.enabled || !study.stage1.images.statistics) return [];
  return imageStatisticColumns(cohort, images, viewsOf(study));
}

/**
 * The cohort that stage 1 is fitted on and applied to. What of it stage 1 picks enters the network as an indicator or
 * a top feature; the network's own columns stay those of the table.
 * @param features  columns of image features, by row of the cohort
 * @throws ConfigError when a table column bears the name of an image feature
 */
export function stage1Cohort({ model }: Study, cohort: Cohort, features: readonly NumericColumn[]): Cohort {
  const { numeric, categorical } = model.modalities.includes('tabular')
    ? cohort
    : { numeric: [], categorical: [] };
  const taken = new Set([...numeric, ...categorical].map(({ name }) => name));
  const clash = features.find(({ name }) => taken.has(name));
  if (clash !== undefined) {
    throw new ConfigError(
      `stage 1: names of features must differ, got a table column and an image feature named "${clash.name}"; rename the column`,
      'stage1.images',
    );
  }
  return { ...cohort, numeric: [...numeric, ...features], categorical };
}

/** Whether a column that stage 1 was fitted with is a feature of the images and not a column of the table. */
export function isImageFeature(study: Study, column: string): boolean {
  const { numeric, ordinal, categorical } = study.data;
  return ![...numeric, ...Object.keys(ordinal), ...categorical].some((name) => name.trim() === column);
}
