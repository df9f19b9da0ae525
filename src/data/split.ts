/**
 * Who is trained on and who is held out. Every split keeps a patient in one part, deals patients by
 * multilabel stratification, is the same for the same seed, and leaves every part at its natural
 * prevalence: no row is repeated or left out to balance classes.
 */
import { ConfigError, DataError } from '../errors.js';
import { randomStream } from '../random/index.js';
import type { CohortNote } from './cohort.js';
import { dealPatients, patientStrata, type SplitSource } from './stratify.js';

/** Row indices of a cohort, each ascending; no patient is in two parts. */
export interface Split {
  /** 0-based repeat and fold; 0 and 0 unless cross-validated. */
  readonly repeat: number;
  readonly fold: number;
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
  /** Labels with one class in validation or test, rows left out, ids not found. */
  readonly notes: readonly CohortNote[];
}

/** The parts of a split. */
export const splitParts = ['train', 'validation', 'test'] as const;
export type SplitPart = (typeof splitParts)[number];

export interface HoldOutOptions {
  /** Share of rows in the test part, in (0, 1). */
  readonly test: number;
  /** Share of the remaining rows in the validation part, in (0, 1). */
  readonly validation: number;
  readonly seed: number;
}

export interface KFoldOptions {
  /** Number of test parts that together are the cohort, ≥ 2. */
  readonly folds: number;
  /** How often the patients are dealt afresh, ≥ 1. Default 1. */
  readonly repeats?: number;
  /** Share of a fold's remaining rows in its validation part, in (0, 1). */
  readonly validation: number;
  readonly seed: number;
}

/**
 * One test part and one validation part. The test part does not depend on `validation`.
 * @throws ConfigError for a share outside (0, 1)
 * @throws DataError `too-few-patients`, `one-class-label`
 */
export function holdOut(cohort: SplitSource, options: HoldOutOptions): Split {
  requireShare('holdOut', 'test', options.test);
  const all = Int32Array.from({ length: cohort.size }, (_, row) => row);
  requirePatients(cohort, 3, 'hold-out, which needs one each for train, validation and test');
  const [rest, test] = deal(cohort, all, [1 - options.test, options.test], [options.seed, 'holdout']);
  const [train, validation] = carveValidation(cohort, rest, options.validation, [options.seed, 'holdout']);
  return checkSplit(cohort, { repeat: 0, fold: 0, train, validation, test, notes: [] });
}

/**
 * Repeated k-fold cross-validation: in each repeat every row is in the test part of one fold.
 * @returns repeats · folds splits, repeat by repeat
 * @throws ConfigError for impossible counts or a share outside (0, 1)
 * @throws DataError `too-few-patients`, `one-class-label`
 */
export function kFold(cohort: SplitSource, options: KFoldOptions): Split[] {
  const { folds, repeats = 1, seed } = options;
  requireCount('folds', folds, 2);
  requireCount('repeats', repeats, 1);
  requirePatients(cohort, Math.max(folds, 3), `${folds} folds with a validation part`);
  const all = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const splits: Split[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const shares = new Array<number>(folds).fill(1 / folds);
    const tests = deal(cohort, all, shares, [seed, 'kfold', repeat]);
    for (let fold = 0; fold < folds; fold++) {
      const rest = Int32Array.from(tests.filter((_, other) => other !== fold).flatMap((rows) => [...rows]));
      const purpose = [seed, 'kfold', repeat, fold] as const;
      const [train, validation] = carveValidation(cohort, rest.sort(), options.validation, purpose);
      splits.push(checkSplit(cohort, { repeat, fold, train, validation, test: tests[fold], notes: [] }));
    }
  }
  return splits;
}

/**
 * Deals part of the training rows, patient by patient, into a validation part.
 * @param purpose seed and names of the random stream
 * @returns [train, validation]
 */
export function carveValidation(
  cohort: SplitSource,
  rows: Int32Array,
  share: number,
  purpose: readonly [number, ...(string | number)[]],
): [Int32Array, Int32Array] {
  requireShare('split', 'validation', share);
  const [seed, ...names] = purpose;
  const [train, validation] = deal(cohort, rows, [1 - share, share], [seed, ...names, 'validation']);
  return [train, validation];
}

/**
 * Checks what every split must hold and notes what evaluation will have to leave undefined.
 * @returns the split with its notes completed
 * @throws DataError `too-few-patients` for an empty part, `one-class-label` when the training rows lack
 *   positives or negatives of a label
 */
export function checkSplit(cohort: SplitSource, split: Split): Split {
  const notes = [...split.notes];
  const L = cohort.labels.length;
  for (const part of splitParts) {
    const rows = split[part];
    if (rows.length === 0) {
      throw new DataError(
        'too-few-patients',
        `split: every part needs rows, got none for ${part} from ${countPatients(cohort)} patients; give it a larger share or more patients`,
      );
    }
    cohort.labels.forEach((label, l) => {
      const known = rows.filter((row) => cohort.known[row * L + l] === 1);
      const positives = known.filter((row) => cohort.targets[row * L + l] === 1).length;
      if (positives > 0 && positives < known.length) return;
      const lacking = `got ${positives} positives and ${known.length - positives} negatives in ${rows.length} rows`;
      if (part === 'train') {
        throw new DataError(
          'one-class-label',
          `split: label "${label}" must have both classes in the training part, ${lacking}; remove the label, merge it with another or add patients`,
          { column: label },
        );
      }
      notes.push({
        code: 'one-class-part',
        message: `label "${label}" has one class in the ${part} part (${lacking}): its metrics there are undefined`,
        count: 1,
      });
    });
  }
  return { ...split, notes };
}

/** Counts of one part of a split; matrices are per label. */
export interface PartSummary {
  readonly rows: number;
  readonly patients: number;
  readonly labels: Readonly<Record<string, { positives: number; negatives: number; unknown: number }>>;
}

/** Rows, patients and label counts of each part. */
export function summarizeSplit(cohort: SplitSource, split: Split): Record<SplitPart, PartSummary> {
  const L = cohort.labels.length;
  const summary = (rows: Int32Array): PartSummary => ({
    rows: rows.length,
    patients: new Set(rows.map((row) => cohort.patientIndex[row])).size,
    labels: Object.fromEntries(
      cohort.labels.map((label, l) => {
        const known = rows.filter((row) => cohort.known[row * L + l] === 1);
        const positives = known.filter((row) => cohort.targets[row * L + l] === 1).length;
        const unknown = rows.length - known.length;
        return [label, { positives, negatives: known.length - positives, unknown }];
      }),
    ),
  });
  return {
    train: summary(split.train),
    validation: summary(split.validation),
    test: summary(split.test),
  };
}

function deal(
  cohort: SplitSource,
  rows: Int32Array,
  shares: readonly number[],
  [seed, ...purpose]: readonly [number, ...(string | number)[]],
): Int32Array[] {
  const part = dealPatients(patientStrata(cohort, rows), shares, randomStream(seed, 'split', ...purpose));
  return shares.map((_, p) => rows.filter((row) => part[cohort.patientIndex[row]] === p));
}

function countPatients(cohort: SplitSource): number {
  return new Set(cohort.patientIndex).size;
}

function requirePatients(cohort: SplitSource, least: number, purpose: string): void {
  const patients = countPatients(cohort);
  if (patients >= least) return;
  throw new DataError(
    'too-few-patients',
    `split: at least ${least} patients are needed for ${purpose}, got ${patients}; add patients or use fewer parts`,
  );
}

function requireShare(caller: string, name: string, share: number): void {
  if (share > 0 && share < 1) return;
  throw new ConfigError(
    `${caller}: ${name} is a share of the rows between 0 and 1, got ${share}; e.g. 0.2`,
    `split.${name}`,
  );
}

function requireCount(name: string, count: number, least: number): void {
  // A part is an Int8, and more than 127 folds are leave-one-out by another name.
  if (Number.isInteger(count) && count >= least && count <= 127) return;
  throw new ConfigError(
    `kFold: ${name} is a whole number from ${least} to 127, got ${count}; e.g. 5`,
    `split.${name}`,
  );
}
