/** Stage 1 of a study, fitted on the training rows of a split. */
import type { Cohort } from '../data/index.js';
import { fitStage1, type Stage1Model } from '../risk/index.js';
import type { Study } from './schema.js';

/** @param rows  training rows */
export function fitStudyStage1(
  { stage1, model, seed }: Study,
  cohort: Cohort,
  rows: Int32Array,
): Stage1Model {
  const { enabled: _, images: __, ...settings } = stage1;
  // Where stage 1 sees the images alone, what is said of table columns does not concern it.
  const table = model.modalities.includes('tabular');
  const bins = table ? settings.bins : { ...settings.bins, fixed: {} };
  const forwardFill = table ? settings.forwardFill : [];
  const options = { ...settings, bins, forwardFill, seed };
  return fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, rows, options);
}
