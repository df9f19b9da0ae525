/** The split that a study asks for. */
import { type Cohort, fromLists, holdOut, kFold, type Split, summarizeSplit } from '../data/index.js';
import { DataError } from '../errors.js';
import type { ResolvedStudy } from './resolve.js';

/**
 * Splits a cohort as the study says: one split for a hold-out or lists, repeats · folds for cross-validation.
 * @throws DataError of the splitting functions, and `one-class-validation` where a label's threshold, calibration
 *   and tiers could not be chosen for want of positives or negatives; better known before training than after
 */
export async function studySplits(resolved: ResolvedStudy, cohort: Cohort): Promise<Split[]> {
  const splits = await deal(resolved, cohort);
  for (const split of splits) requireBothClasses(cohort, split);
  return splits;
}

async function deal({ study, lists }: ResolvedStudy, cohort: Cohort): Promise<Split[]> {
  const { split } = study;
  switch (split.method) {
    case 'holdout':
      return [holdOut(cohort, split)];
    case 'kfold':
      return kFold(cohort, split);
    case 'lists':
      if (lists === null) throw new Error('internal: studySplits: a split by lists without lists');
      return [await fromLists(cohort, { ...lists, validation: split.validation, seed: split.seed })];
    default:
      return split satisfies never;
  }
}

function requireBothClasses(cohort: Cohort, split: Split): void {
  const { labels } = summarizeSplit(cohort, split).validation;
  for (const [label, { positives, negatives }] of Object.entries(labels)) {
    if (positives > 0 && negatives > 0) continue;
    throw new DataError(
      'one-class-validation',
      `split: label "${label}" must have both classes among the validation rows, where its threshold is chosen, got ` +
        `${positives} positives and ${negatives} negatives (repeat ${split.repeat}, fold ${split.fold}); raise ` +
        'split.validation, choose another split.seed, or leave the label out',
      { column: label },
    );
  }
}
