/** Tables, images, cohorts and splits. */
export type {
  CategoricalColumn,
  Cohort,
  CohortNote,
  CohortSpec,
  ColumnLabels,
  DelimitedLabels,
  ImageSpec,
  NumericColumn,
  TextColumn,
  Visit,
} from './cohort.js';
export { loadCohort } from './load.js';
export { editDistance, nearestName, suggestName } from './nearest.js';
export { columnIndex, readTable, type Table } from './table.js';
export { defaultMissing } from './values.js';
