/**
 * What stage 1 reads of a cohort, and the features it makes of it: one number per row and feature, never missing.
 */
import type { Cohort } from '../data/index.js';

/** The part of a cohort that stage 1 looks at. */
export type Stage1Features = Pick<Cohort, 'size' | 'numeric' | 'categorical' | 'patientIndex' | 'order'>;

/** One label's training rows with a known value. */
export interface LabelRows {
  readonly label: string;
  /** [row of the cohort] 1 = positive; meaningful at `rows`. */
  readonly target: Uint8Array;
  readonly rows: Int32Array;
}

/** One column of stage 1's matrix and how its numbers are to be read. */
export type Feature =
  | {
      readonly kind: 'numeric';
      readonly column: string;
      /** Cut points a1 < … < ak: the value is then the bin 0 … k, bin i holding a_i ≤ x < a_(i+1); else null. */
      readonly cuts: readonly number[] | null;
      /** Levels from low to high when the values are ranks; else null. */
      readonly levels: readonly string[] | null;
      /** Whether every training value was a whole number. */
      readonly integer: boolean;
    }
  /** 1 where the category equals the level, else 0. */
  | { readonly kind: 'level'; readonly column: string; readonly level: string }
  /** 1 where nothing was recorded in the row, else 0. */
  | { readonly kind: 'missing'; readonly column: string };

/** A test of one feature. `feature` is an index into the model's features. */
export interface Condition {
  readonly feature: number;
  readonly op: '>=' | '<' | '>' | '<=';
  readonly threshold: number;
}

/** Whether a value satisfies a condition's test. */
export function holds(op: Condition['op'], value: number, threshold: number): boolean {
  switch (op) {
    case '>=':
      return value >= threshold;
    case '<':
      return value < threshold;
    case '>':
      return value > threshold;
    case '<=':
      return value <= threshold;
    default:
      return op satisfies never;
  }
}

/** The feature's name in a list: `Age`, `HPV = yes`, `HPV missing`. */
export function featureName(feature: Feature): string {
  switch (feature.kind) {
    case 'numeric':
      return feature.column;
    case 'level':
      return `${feature.column} = ${feature.level}`;
    case 'missing':
      return `${feature.column} missing`;
    default:
      return feature satisfies never;
  }
}
