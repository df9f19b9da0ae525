/**
 * The study file: one strict schema from which types, checks, defaults and documentation follow.
 *
 * Every key has a default that is good on its own or is required; an unknown key is an error that names the
 * nearest one (`parse.ts`).
 */
import { z } from 'zod';
import { crossChecks } from './crossChecks.js';
import {
  dataSection,
  declaredModalities,
  labelsSection,
  type Modality,
  splitSection,
} from './sections/data.js';
import { modelSection } from './sections/model.js';
import { evaluationSection, stage1Section, tiersSection } from './sections/risk.js';
import { trainingSection } from './sections/training.js';

const sections = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
      'must be letters, digits, ".", "_" or "-", since run folders bear it',
    )
    .describe('Short name of the study; run folders bear it.'),
  description: z.string().optional().describe('One sentence for the report. Default: none.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe('Seed of everything random: split, initial weights, order, augmentation, resampling.'),
  data: dataSection,
  labels: labelsSection,
  split: splitSection.prefault({ method: 'holdout' }),
  stage1: stage1Section,
  model: modelSection,
  training: trainingSection,
  tiers: tiersSection,
  evaluation: evaluationSection,
});

type Sections = z.output<typeof sections>;

/** A study with every default written out. Paths are as the file gives them; `resolveStudy` makes them absolute. */
export type Study = Omit<Sections, 'model' | 'split'> & {
  readonly model: Omit<Sections['model'], 'modalities'> & { readonly modalities: readonly Modality[] };
  readonly split: Sections['split'] & { readonly seed: number };
};
/** A study as it may be written: what has a default may be left out. */
export type StudyInput = z.input<typeof sections>;

/** The schema of the study file; parse with `parseStudy`, whose messages name file, line and nearest key. */
export const studySchema = sections.superRefine(crossChecks).transform(
  (study): Study => ({
    ...study,
    split: { ...study.split, seed: study.split.seed ?? study.seed },
    model: { ...study.model, modalities: study.model.modalities ?? declaredModalities(study.data) },
  }),
);
