/** Stage 1 of a study, fitted on the training rows of a split. */
import type { Cohort } from '../data/index.js';
import { fitStage1, type Stage1Model } from '../risk/index.js';
import type { Study } from './schema.js';

/** @param rows  training rows */
export function fitStudyStage1({ stage1, seed }: Study, cohort: Cohort, rows: Int32Array): Stage1Model {
  const { enabled: _, ...settings } = stage1;
  return fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, rows, { ...settings, seed });
}
