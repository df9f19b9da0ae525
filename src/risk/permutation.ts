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
  const count = positiveCounter(
    features.map(({ table }) => table.codes),
    totals,
    rows,
  );
  const exchange = labelExchange(target, rows, patientIndex, random);
  for (let permutation = 1; permutation <= permutations; permutation++) {
    const counts = count(exchange());
    features.forEach(({ table }, f) => {
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
 * @returns a function that draws a permutation and gives the places in `rows` that are then positive, a view that it
 *   reuses
 */
function labelExchange(
  target: Uint8Array,
  rows: Int32Array,
  patientIndex: Int32Array,
  random: Random,
): () => Int32Array {
  const { places, starts } = patientBlocks(rows, patientIndex);
  const bySize = new Map<number, number[]>();
  for (let block = 0; block + 1 < starts.length; block++) {
    const size = starts[block + 1] - starts[block];
    const peers = bySize.get(size);
    if (peers === undefined) bySize.set(size, [block]);
    else peers.push(block);
  }
  const isPositive = (block: number, offset: number) => target[rows[places[starts[block] + offset]]] === 1;
  const groups = [...bySize].map(([size, blocks]) => {
    const members = Int32Array.from(blocks);
    const offsets: number[] = [];
    // Only blocks with a positive row are dealt out: where the others go makes no difference.
    const ends: number[] = [];
    for (const block of members) {
      const before = offsets.length;
      for (let offset = 0; offset < size; offset++) if (isPositive(block, offset)) offsets.push(offset);
      if (offsets.length > before) ends.push(offsets.length);
    }
    // Of the i-th block that is dealt out, the positive rows are offsets[ends[i − 1]] … offsets[ends[i] − 1].
    return { members, offsets: Int32Array.from(offsets), ends: Int32Array.from(ends) };
  });
  const orders = groups.map(({ members }) => new Int32Array(members.length).map((_, i) => i));
  const positives = new Int32Array(rows.reduce((sum, row) => sum + target[row], 0));
  return () => {
    let count = 0;
    for (let g = 0; g < groups.length; g++) {
      const { members, offsets, ends } = groups[g];
      const order = orders[g];
      let place = 0;
      // The first steps of a Fisher–Yates shuffle: as many receivers, drawn without replacement, as there are givers.
      for (let i = 0; i < ends.length; i++) {
        const j = i + random.integer(order.length - i);
        const receiver = order[j];
        order[j] = order[i];
        order[i] = receiver;
        const start = starts[members[receiver]];
        for (; place < ends[i]; place++) positives[count++] = places[start + offsets[place]];
      }
    }
    return positives;
  };
}

/**
 * Places in `rows` by patient, patients in the order of their first row, a patient's rows ascending.
 * @returns `starts`: where each patient's places begin in `places`, and their end
 */
function patientBlocks(
  rows: Int32Array,
  patientIndex: Int32Array,
): { places: Int32Array; starts: Int32Array } {
  const ascending = new Int32Array(rows.length).map((_, place) => place);
  if (rows.some((row, i) => i > 0 && row < rows[i - 1])) ascending.sort((a, b) => rows[a] - rows[b]);
  const blockOf = new Int32Array(rows.reduce((most, row) => Math.max(most, patientIndex[row]), -1) + 1);
  const sizes: number[] = [];
  for (const place of ascending) {
    const patient = patientIndex[rows[place]];
    if (blockOf[patient] === 0) blockOf[patient] = sizes.push(0);
    sizes[blockOf[patient] - 1]++;
  }
  const starts = new Int32Array(sizes.length + 1);
  for (let block = 0; block < sizes.length; block++) starts[block + 1] = starts[block] + sizes[block];
  const next = starts.slice();
  const places = new Int32Array(rows.length);
  for (const place of ascending) places[next[blockOf[patientIndex[rows[place]]] - 1]++] = place;
  return { places, starts };
}

function codeTotals({ codes, thresholds }: CutTable, rows: Int32Array): Float64Array {
  const totals = new Float64Array(thresholds.length + 1);
  for (let i = 0; i < rows.length; i++) totals[codes[rows[i]]]++;
  return totals;
}

/**
 * Prepares counting by code and class for all features in one pass over the positive rows.
 * @param codes [feature][row of the cohort]
 * @param totals [feature][code] rows
 * @returns a function from the places in `rows` that are positive to counts [feature][code][class], which it reuses
 */
function positiveCounter(
  codes: readonly Int32Array[],
  totals: readonly Float64Array[],
  rows: Int32Array,
): (positives: Int32Array) => readonly Float64Array[] {
  const width = codes.length;
  const starts = new Int32Array(width + 1);
  for (let f = 0; f < width; f++) starts[f + 1] = starts[f] + totals[f].length;
  // All features' cells of a row side by side, in few bytes: counting is bound by memory.
  const Cells = starts[width] <= 0x10000 ? Uint16Array : Int32Array;
  const cells = new Cells(rows.length * width);
  codes.forEach((ofFeature, f) => {
    for (let i = 0; i < rows.length; i++) cells[i * width + f] = starts[f] + ofFeature[rows[i]];
  });
  const found = new Int32Array(starts[width]);
  const counts = totals.map((total) => new Float64Array(total.length * 2));
  return (positives) => {
    found.fill(0);
    for (let i = 0; i < positives.length; i++) {
      const end = (positives[i] + 1) * width;
      for (let at = end - width; at < end; at++) found[cells[at]]++;
    }
    totals.forEach((ofFeature, f) => {
      for (let code = 0; code < ofFeature.length; code++) {
        counts[f][code * 2] = ofFeature[code] - found[starts[f] + code];
        counts[f][code * 2 + 1] = found[starts[f] + code];
      }
    });
    return counts;
  };
}
