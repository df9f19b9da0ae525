/** What the report says of fitting. Notes name columns and labels, never a patient's values. */
import type { LabelRows } from './features.js';
import type { Stage1Options } from './options.js';

/** Something that fitting did besides fitting. */
export interface Stage1Note {
  /** Stable identifier such as `constant-column`. */
  readonly code: string;
  readonly message: string;
}

export function columnNote(code: string, column: string, what: string): Stage1Note {
  return { code, message: `column "${column}" ${what}` };
}

/**
 * What a label's rows did not suffice for.
 * @param rules how many top features the label has
 * @param features how many usable features there are
 */
export function labelNotes(
  { label, target, rows }: LabelRows,
  rules: number,
  features: number,
  patientIndex: Int32Array,
  { threshold, tree, univariate }: Stage1Options,
): Stage1Note[] {
  const note = (code: string, what: string): Stage1Note[] => [{ code, message: `label "${label}" ${what}` }];
  const withFinding = new Set<number>();
  const everyone = new Set<number>();
  let positives = 0;
  for (const row of rows) {
    everyone.add(patientIndex[row]);
    if (target[row] === 0) continue;
    withFinding.add(patientIndex[row]);
    positives++;
  }
  if (positives === 0 || positives === rows.length) {
    return note(
      'one-class',
      `is ${positives === 0 ? 'absent from' : 'present in'} all ${rows.length} training rows that know it; stage 1 gives it one probability and no rule`,
    );
  }
  if (rules === 0) {
    return features === 0
      ? []
      : note(
          'no-rule',
          `has no feature with ${univariate.minSamples} rows on either side of a threshold, the least that stage1.univariate.minSamples allows; stage 1 gives it one probability and no rule`,
        );
  }
  const without = everyone.size - withFinding.size;
  const patients = `${withFinding.size} training patients with the finding and ${without} without`;
  const folds = Math.min(withFinding.size, without);
  const wanted = Math.max(threshold.folds, tree.folds);
  if (folds < 2) {
    return note(
      'few-patients',
      `has ${patients}, too few for inner folds; its thresholds are not cross-validated and no tree or classifier is fitted`,
    );
  }
  return folds < wanted
    ? note('fewer-folds', `has ${patients}; ${folds} instead of ${wanted} inner folds`)
    : [];
}
