/** Rules as data and as sentences: which rows they fire on, how often the finding is there with and without. */
import type { Estimate } from '../metrics/index.js';
import { type Condition, describeCondition, type Feature, holds } from './features.js';
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
  /** Odds of the finding with the rule over those without; see `oddsRatio`. */
  readonly oddsRatio: { readonly value: number; readonly ci95: readonly [low: number, high: number] };
  /** Out-of-fold score of a threshold rule; null for leaves, whose tree has one score. */
  readonly score: Estimate | null;
  /** Permutation p-value of a threshold rule and the same corrected for the many features, see `permutationTest`; else null. */
  readonly pValue: number | null;
  readonly adjustedPValue: number | null;
  /** E.g. `Age >= 35 -> positive; 41 of 60 (68 %) vs 12 of 200 (6 %) without`. */
  readonly text: string;
}

/** What a rule is before its support is counted. */
export type RuleParts = Pick<
  Rule,
  'kind' | 'conditions' | 'prediction' | 'score' | 'pValue' | 'adjustedPValue'
>;

/** Whether all of a rule's conditions hold in a row. @param columns [feature][row] */
export function fires(
  rule: Pick<Rule, 'conditions'>,
  columns: readonly Float64Array[],
  row: number,
): boolean {
  return rule.conditions.every(({ feature, op, threshold }) => holds(op, columns[feature][row], threshold));
}

/** Counts a rule's support on the given rows and puts it into words. */
export function describeRule(
  parts: RuleParts,
  features: readonly Feature[],
  columns: readonly Float64Array[],
  target: Uint8Array,
  rows: Int32Array,
): Rule {
  const inside = { n: 0, positives: 0 };
  const outside = { n: 0, positives: 0 };
  for (const row of rows) {
    const side = fires(parts, columns, row) ? inside : outside;
    side.n++;
    side.positives += target[row];
  }
  const tests = parts.conditions.map(({ feature, op, threshold }) =>
    describeCondition(features[feature], op, threshold),
  );
  const premise = tests.length === 0 ? 'all rows' : tests.join(' and ');
  const comparison = outside.n === 0 ? '' : ` vs ${share(outside)} without`;
  return {
    ...parts,
    with: inside,
    without: outside,
    oddsRatio: oddsRatio(inside, outside),
    text: `${premise} -> ${parts.prediction}; ${share(inside)}${comparison}`,
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

function share({ n, positives }: Support): string {
  return n === 0 ? '0 of 0' : `${positives} of ${n} (${Math.round((100 * positives) / n)} %)`;
}
