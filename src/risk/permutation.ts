/**
 * How likely a rule as good as the best of a search is where nothing is to be found. A threshold chosen for its score has
 * a score that is too good, and the best of many features more so; both are repaired by repeating the whole search on
 * permuted labels.
 */
import type { Random } from '../random/index.js';
import { SCORE_TIE } from './score.js';
import type { CutTable, ThresholdRule } from './threshold.js';

/** P-values of one feature's rule, in (0, 1]. */
export interface RuleSignificance {
  /** Of this feature's search alone. */
  readonly pValue: number;
  /** With the family-wise error over all features of the label controlled. */
  readonly adjustedPValue: number;
}

/** A feature and what the search found on the labels as they are. */
export interface SearchedFeature {
  readonly table: CutTable;
  readonly rule: ThresholdRule;
}

/**
 * Permutation p-values of maximally selected scores, (1 + permutations with a score as good) / (1 + permutations)
 * [phipson2010permutation]. The adjusted ones are Westfall and Young's step-down max-T [westfall1993resampling]: the k-th
 * best feature is compared with the best permuted score among itself and the worse ones, and no feature gets a smaller
 * value than a better one. For this, a feature's scores are centred and scaled by their mean and standard deviation over
 * all labellings, the given one included: a feature with many thresholds reaches a higher score by chance than one with
 * two values, and would otherwise hide it.
 *
 * Labels are permuted between patients: those with equally many rows exchange their rows' labels, in row order
 * [winkler2015multilevel]. So rows of one patient stay as alike as they are; a patient whose number of rows nobody
 * shares keeps the labels, which errs towards no finding.
 * @param features those with an admissible rule
 * @param target [row of the cohort] 1 = positive
 * @param rows distinct rows with a known label, both classes among them
 * @param search repeats the search on counts [code][class], by which `rule` was found; finding none scores 0
 * @returns in the order of `features`
 */
export function permutationTest(
  features: readonly SearchedFeature[],
  target: Uint8Array,
  rows: Int32Array,
  patientIndex: Int32Array,
  permutations: number,
  search: (table: CutTable, counts: Float64Array) => ThresholdRule | null,
  random: Random,
): RuleSignificance[] {
  // [feature][labelling], the given labels first.
  const scores = features.map(({ rule }) => new Float64Array(permutations + 1).fill(rule.score, 0, 1));
  const totals = features.map(({ table }) => codeTotals(table, rows));
  const counts = totals.map((total) => new Float64Array(total.length * 2));
  const exchange = labelExchange(target, rows, patientIndex, random);
  for (let permutation = 1; permutation <= permutations; permutation++) {
    const positives = exchange();
    features.forEach(({ table }, f) => {
      countPositives(table.codes, positives, totals[f], counts[f]);
      scores[f][permutation] = search(table, counts[f])?.score ?? 0;
    });
  }
  const standard = scores.map(standardize);
  const adjusted = stepDownMaxT(standard);
  return standard.map((labellings, f) => ({
    pValue: shareAsGood(labellings, labellings[0]),
    adjustedPValue: adjusted[f],
  }));
}

/** @param scores [feature][labelling], the given labels first @returns [feature] */
function stepDownMaxT(scores: readonly Float64Array[]): Float64Array {
  const descending = [...scores.keys()].sort((a, b) => scores[b][0] - scores[a][0]);
  const adjusted = new Float64Array(scores.length);
  const bestOfWorse = new Float64Array(scores[0]?.length ?? 0).fill(Number.NEGATIVE_INFINITY);
  for (const feature of descending.toReversed()) {
    scores[feature].forEach((score, labelling) => {
      bestOfWorse[labelling] = Math.max(bestOfWorse[labelling], score);
    });
    adjusted[feature] = shareAsGood(bestOfWorse, scores[feature][0]);
  }
  let least = 0;
  for (const feature of descending) {
    least = Math.max(least, adjusted[feature]);
    adjusted[feature] = least;
  }
  return adjusted;
}

function standardize(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const sd = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
  return scores.map((score) => (sd < SCORE_TIE ? 0 : (score - mean) / sd));
}

/** Share of the labellings, the given one among them, whose score is at least the given one's. */
function shareAsGood(scores: Float64Array, given: number): number {
  const asGood = scores.reduce((count, score) => count + (score > given - SCORE_TIE ? 1 : 0), 0);
  return asGood / scores.length;
}

/**
 * Prepares the exchange of labels.
 * @returns a function that draws a permutation and gives the rows that are then positive, a view that it reuses
 */
function labelExchange(
  target: Uint8Array,
  rows: Int32Array,
  patientIndex: Int32Array,
  random: Random,
): () => Int32Array {
  const blocks = new Map<number, number[]>();
  for (const row of Int32Array.from(rows).sort()) {
    const block = blocks.get(patientIndex[row]);
    if (block === undefined) blocks.set(patientIndex[row], [row]);
    else block.push(row);
  }
  const bySize = new Map<number, (readonly number[])[]>();
  for (const block of blocks.values()) {
    const peers = bySize.get(block.length);
    if (peers === undefined) bySize.set(block.length, [block]);
    else peers.push(block);
  }
  const groups = [...bySize.values()].map((members) => ({
    members,
    // Only blocks with a positive row are dealt out: where the others go makes no difference.
    positive: members
      .map((block) => [...block.keys()].filter((i) => target[block[i]] === 1))
      .filter((places) => places.length > 0),
    order: Int32Array.from(members.keys()),
  }));
  const positives = new Int32Array(rows.reduce((sum, row) => sum + target[row], 0));
  return () => {
    let count = 0;
    for (const { members, positive, order } of groups) {
      // The first steps of a Fisher–Yates shuffle: as many receivers, drawn without replacement, as there are givers.
      for (let i = 0; i < positive.length; i++) {
        const j = i + random.integer(order.length - i);
        const receiver = order[j];
        order[j] = order[i];
        order[i] = receiver;
        for (const place of positive[i]) positives[count++] = members[receiver][place];
      }
    }
    return positives;
  };
}

function codeTotals({ codes, thresholds }: CutTable, rows: Int32Array): Float64Array {
  const totals = new Float64Array(thresholds.length + 1);
  for (let i = 0; i < rows.length; i++) totals[codes[rows[i]]]++;
  return totals;
}

/** @param counts [code][class], overwritten */
function countPositives(
  codes: Int32Array,
  positives: Int32Array,
  totals: Float64Array,
  counts: Float64Array,
): void {
  for (let code = 0; code < totals.length; code++) {
    counts[code * 2] = totals[code];
    counts[code * 2 + 1] = 0;
  }
  for (let i = 0; i < positives.length; i++) {
    const cell = codes[positives[i]] * 2;
    counts[cell]--;
    counts[cell + 1]++;
  }
}
