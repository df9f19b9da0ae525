/** Rules as data and as sentences: which rows they fire on, how often the finding is there with and without. */
import type { Estimate } from '../metrics/index.js';
import { type Condition, type Feature, holds } from './features.js';
import { describePremise } from './premise.js';
import type { ClassWeight, Tree } from './tree.js';
import { leafPaths, nodeIsPositive } from './tree.js';

/** Rows and positive rows on one side of a rule. */
export interface Support {
  readonly n: number;
  readonly positives: number;
}

/** A rule of one label; plain JSON. It fires on a row when all its conditions hold. */
export interface Rule {
  /** `threshold`: the best single test of a top-N feature; `leaf`: a path of the multivariate tree. */
  readonly kind: 'threshold' | 'leaf';
  readonly conditions: readonly Condition[];
  readonly prediction: 'positive' | 'negative';
  /** Training rows on which it fires, and the others. */
  readonly with: Support;
  readonly without: Support;
  /** Patients of the rows on which it fires. */
  readonly patients: number;
  /** Odds of the finding with the rule over those without; see `oddsRatio`. */
  readonly oddsRatio: { readonly value: number; readonly ci95: readonly [low: number, high: number] };
  /** Out-of-fold score of a threshold rule; null for leaves, whose tree has one score. */
  readonly score: Estimate | null;
  /** Permutation p-value of a threshold rule and the same corrected for the many features, see `permutationTest`; else null. */
  readonly pValue: number | null;
  readonly adjustedPValue: number | null;
  /**
   * E.g. `HPV = yes and Age ≥ 35 → higher risk: 41 of 60 such patients had Biopsy (68 %), 12 of 200 others (6 %)`; where
   * patients have several rows, `41 of 60 such rows (38 patients)`.
   */
  readonly text: string;
}

/** Corrected p-values from here on are no evidence that a rule holds beyond its training rows. */
const CHANCE = 0.05;

/** Whether a rule's corrected p-value cannot tell it from chance; false where none was computed. */
export function mayBeChance({ adjustedPValue }: Pick<Rule, 'adjustedPValue'>): boolean {
  return adjustedPValue !== null && adjustedPValue >= CHANCE;
}

/** What a rule is before its support is counted. */
export type RuleParts = Pick<
  Rule,
  'kind' | 'conditions' | 'prediction' | 'score' | 'pValue' | 'adjustedPValue'
>;

/** Where all of a rule's conditions hold. @param columns [feature][row] @returns [row] 1 where it fires */
export function firings(
  { conditions }: Pick<Rule, 'conditions'>,
  columns: readonly Float64Array[],
  size: number,
): Uint8Array {
  const fired = new Uint8Array(size).fill(1);
  for (const { feature, op, threshold } of conditions) {
    const column = columns[feature];
    for (let row = 0; row < size; row++) if (!holds(op, column[row], threshold)) fired[row] = 0;
  }
  return fired;
}

/** One label's rows, to count a rule's support on. */
export interface RuleRows {
  readonly label: string;
  /** [row of the cohort] 1 = positive */
  readonly target: Uint8Array;
  readonly rows: Int32Array;
  readonly patientIndex: Int32Array;
}

/** Counts a rule's support on a label's rows and puts it into words. @param columns [feature][row of the cohort] */
export function describeRule(
  parts: RuleParts,
  features: readonly Feature[],
  columns: readonly Float64Array[],
  { label, target, rows, patientIndex }: RuleRows,
): Rule {
  const inside = { n: 0, positives: 0 };
  const outside = { n: 0, positives: 0 };
  const fired = firings(parts, columns, target.length);
  // [patient] 1 = has a row, 2 = has one on which the rule fires
  const seen = new Uint8Array(rows.reduce((most, row) => Math.max(most, patientIndex[row]), -1) + 1);
  let everyone = 0;
  let patients = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const side = fired[row] === 1 ? inside : outside;
    side.n++;
    side.positives += target[row];
    const patient = patientIndex[row];
    if (seen[patient] === 0) {
      seen[patient] = 1;
      everyone++;
    }
    if (fired[row] === 1 && seen[patient] === 1) {
      seen[patient] = 2;
      patients++;
    }
  }
  const premise = describePremise(features, parts.conditions);
  const who = everyone === rows.length ? 'patients' : 'rows';
  const people = who === 'patients' ? '' : ` (${patients} patients)`;
  const found = `${inside.positives} of ${inside.n} such ${who}${people} had ${label}${percent(inside)}`;
  const others = `${outside.positives} of ${outside.n} others${percent(outside)}`;
  return {
    ...parts,
    with: inside,
    without: outside,
    patients,
    oddsRatio: oddsRatio(inside, outside),
    text:
      parts.conditions.length === 0
        ? `everyone: ${inside.positives} of ${inside.n} ${who}${people} had ${label}${percent(inside)}`
        : `${premise} → ${compareRisk(inside, outside)}: ${found}, ${others}`,
  };
}

/** One rule per leaf of a tree, in the order of its leaves. */
export function leafRules(tree: Tree, weight: ClassWeight): RuleParts[] {
  return leafPaths(tree).map(({ leaf, path }) => ({
    kind: 'leaf',
    conditions: path,
    prediction: nodeIsPositive(tree, leaf, weight) ? 'positive' : 'negative',
    score: null,
    pValue: null,
    adjustedPValue: null,
  }));
}

/**
 * Odds ratio with half a row added to every cell, so that an empty cell gives a finite value   [haldane1956]
 *   OR = (a + ½)(d + ½) / ((b + ½)(c + ½)),   95 % interval exp(ln OR ± 1.96 √(Σ 1/(cell + ½)))
 * The interval takes rows as independent: with several rows per patient it is too narrow.
 */
export function oddsRatio(inside: Support, outside: Support): Rule['oddsRatio'] {
  const a = inside.positives + 0.5;
  const b = inside.n - inside.positives + 0.5;
  const c = outside.positives + 0.5;
  const d = outside.n - outside.positives + 0.5;
  const value = (a * d) / (b * c);
  const spread = Math.exp(1.959963984540054 * Math.sqrt(1 / a + 1 / b + 1 / c + 1 / d));
  return { value, ci95: [value / spread, value * spread] };
}

function compareRisk(inside: Support, outside: Support): string {
  // Shares compared crosswise, in whole numbers; a side without rows compares as equal.
  const difference = inside.positives * outside.n - outside.positives * inside.n;
  if (difference === 0) return 'equal risk';
  return difference > 0 ? 'higher risk' : 'lower risk';
}

function percent({ n, positives }: Support): string {
  return n === 0 ? '' : ` (${Math.round((100 * positives) / n)} %)`;
}
