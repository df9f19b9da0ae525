/** The split that a study asks for. */
import {
  type Cohort,
  fromLists,
  holdOut,
  kFold,
  type Split,
  type SplitPart,
  splitParts,
  summarizeSplit,
} from '../data/index.js';
import { DataError } from '../errors.js';
import type { ResolvedStudy } from './resolve.js';

/**
 * Splits a cohort as the study says: one split for a hold-out or lists, repeats · folds for cross-validation.
 * @throws DataError of the splitting functions, `one-class-label`, and `one-class-part` where a label is all present or all absent among
 *   the rows that it is to be learnt from, calibrated on or, pooled over folds, tested on; better known before training
 *   than after
 */
export async function studySplits(resolved: ResolvedStudy, cohort: Cohort): Promise<Split[]> {
  requireBothClassesAtAll(cohort, resolved.cohort.table);
  const splits = await deal(resolved, cohort);
  // Of a cross-validation the test rows are pooled, and together they are all rows.
  const parts = splits.length === 1 ? splitParts : (['train', 'validation'] as const);
  for (const split of splits) requireBothClasses(cohort, split, parts, resolved.cohort.table);
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

/** `repeat 2, fold 3`: a split of a cross-validation, for readers. */
export function splitName({ repeat, fold }: Pick<Split, 'repeat' | 'fold'>): string {
  return `repeat ${repeat + 1}, fold ${fold + 1}`;
}

/** `one split`, `25 splits`. */
export function countSplits({ length }: readonly Split[]): string {
  return length === 1 ? 'one split' : `${length} splits`;
}

/** All rows of a cross-validation, the first fold's validation rows kept apart; nothing is tested on it. */
export function wholeSplit([first]: readonly Split[]): Split {
  return {
    ...first,
    train: Int32Array.from([...first.train, ...first.test]).sort(),
    test: new Int32Array(0),
  };
}

function requireBothClassesAtAll({ labels, known, targets }: Cohort, file: string): void {
  labels.forEach((label, l) => {
    let [positives, negatives] = [0, 0];
    for (let cell = l; cell < known.length; cell += labels.length) {
      if (known[cell] === 0) continue;
      if (targets[cell] === 1) positives++;
      else negatives++;
    }
    if (positives > 0 && negatives > 0) return;
    throw new DataError(
      'one-class-label',
      `split: label "${label}" must be present in some rows and absent from others, got ${positives} positives and ` +
        `${negatives} negatives; leave the label out, or check how the table spells it (labels.positive, labels.negative)`,
      { file, column: label },
    );
  });
}

/** What each part decides about a label, and how to give it more rows. */
const uses: Record<SplitPart, { readonly what: string; readonly remedy: string }> = {
  train: { what: 'it is learnt', remedy: 'lower split.test or split.validation' },
  validation: { what: 'its threshold is chosen', remedy: 'raise split.validation' },
  test: { what: 'it is measured', remedy: 'raise split.test' },
};

function requireBothClasses(cohort: Cohort, split: Split, parts: readonly SplitPart[], file: string): void {
  const summary = summarizeSplit(cohort, split);
  for (const part of parts) {
    for (const [label, { positives, negatives }] of Object.entries(summary[part].labels)) {
      if (positives > 0 && negatives > 0) continue;
      const name = part === 'train' ? 'training' : part;
      throw new DataError(
        'one-class-part',
        `split: label "${label}" must have both classes among the ${name} rows, where ${uses[part].what}, got ` +
          `${positives} positives and ${negatives} negatives (repeat ${split.repeat}, fold ${split.fold}); ` +
          `${uses[part].remedy}, choose another split.seed, or leave the label out`,
        { file, column: label },
      );
    }
  }
}
