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
