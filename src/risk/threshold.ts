/**
 * Threshold grid search (P4): for one feature, the rule "x ≥ T → positive" or "x < T → positive" with the best score.
 * Works on counts per distinct value, so that one pass over the rows serves every threshold and every inner fold.
 */
import type { ConfusionCounts } from '../metrics/index.js';
import { type Criterion, criteria, emptyTally, SCORE_TIE, tally } from './score.js';

/** A feature's rows by value interval, and the thresholds between the intervals. Made once per fit, without labels. */
export interface CutTable {
  /** [row of the cohort] number of thresholds ≤ x; meaningful at the training rows. */
  readonly codes: Int32Array;
  /** Candidate thresholds T1 < … < Tk; code ≥ i means x ≥ Ti (i from 1). */
  readonly thresholds: Float64Array;
  /** Decimals each threshold is written with: of equally good thresholds the plainest is taken. */
  readonly decimals: Uint8Array;
  /** [code] mean of the training values with this code. */
  readonly centres: Float64Array;
}

/** The best rule of one feature. */
export interface ThresholdRule {
  readonly threshold: number;
  /** Which side is called positive. */
  readonly op: '>=' | '<';
  /** Score on the rows searched. */
  readonly score: number;
}

/** Positive and negative rows per code, [fold][code][class], class 1 = positive. */
export interface CodeCounts {
  readonly folds: number;
  readonly size: number;
  readonly counts: Float64Array;
}

/**
 * Candidate thresholds of a column: one between every two neighbouring values, or a grid of the given step, or, where
 * there would be more than `maxCuts`, those nearest to equally filled quantiles.
 * @param order the training rows in ascending order of the column
 */
export function cutTable(
  column: Float64Array,
  order: Int32Array,
  step: number | null,
  maxCuts: number,
): CutTable {
  const kept = step === null ? gaps(column, order, maxCuts) : grid(column, order, step, maxCuts);
  const codes = new Int32Array(column.length);
  const centres = new Float64Array(kept.length + 1);
  const sizes = new Float64Array(kept.length + 1);
  let code = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    while (code < kept.length && column[row] >= kept[code].threshold) code++;
    codes[row] = code;
    // A running mean, exact where all values are equal.
    centres[code] += (column[row] - centres[code]) / ++sizes[code];
  }
  return {
    codes,
    thresholds: Float64Array.from(kept, (cut) => cut.threshold),
    decimals: Uint8Array.from(kept, (cut) => cut.decimals),
    centres,
  };
}

/** Counts rows by fold, code and class. @param fold [rows.length], null = all in one */
export function countCodes(
  { codes, thresholds }: CutTable,
  target: Uint8Array,
  rows: Int32Array,
  fold: Int32Array | null = null,
  folds = 1,
): CodeCounts {
  const size = thresholds.length + 1;
  const counts = new Float64Array(folds * size * 2);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    counts[((fold === null ? 0 : fold[i] * size) + codes[row]) * 2 + target[row]]++;
  }
  return { folds, size, counts };
}

/** All folds together, or all but one. @returns [code][class] */
export function poolCounts({ folds, size, counts }: CodeCounts, without = -1): Float64Array {
  const pooled = new Float64Array(size * 2);
  for (let f = 0; f < folds; f++) {
    if (f === without) continue;
    for (let i = 0; i < pooled.length; i++) pooled[i] += counts[f * pooled.length + i];
  }
  return pooled;
}

/**
 * The best threshold and direction. Of equal scores the simpler rule wins: fewer decimals, then `>=`, then the lower
 * threshold.
 * @param counts [code][class] from `poolCounts`
 * @param minSamples fewest rows on either side
 * @returns null when no threshold leaves enough rows on both sides or a class is absent
 */
export function bestThreshold(
  table: CutTable,
  counts: Float64Array,
  criterion: Criterion,
  minSamples: number,
): ThresholdRule | null {
  const score = criteria[criterion];
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < counts.length; i += 2) {
    negatives += counts[i];
    positives += counts[i + 1];
  }
  if (positives === 0 || negatives === 0) return null;
  let best = -1;
  let bestOp: ThresholdRule['op'] = '>=';
  let bestScore = Number.NEGATIVE_INFINITY;
  // Of equal scores, fewer decimals win, then `>=`.
  const offer = (i: number, op: ThresholdRule['op'], value: number): void => {
    const margin = value - bestScore;
    if (margin <= -SCORE_TIE) return;
    if (margin <= SCORE_TIE) {
      const fewer = table.decimals[best] - table.decimals[i];
      if (fewer < 0 || (fewer === 0 && !(bestOp === '<' && op === '>='))) return;
    }
    best = i;
    bestOp = op;
    bestScore = value;
  };
  const cells = emptyTally();
  let below0 = 0;
  let below1 = 0;
  for (let i = 0; i < table.thresholds.length; i++) {
    below0 += counts[i * 2];
    below1 += counts[i * 2 + 1];
    const below = below0 + below1;
    if (below < minSamples || positives + negatives - below < minSamples) continue;
    cells.truePositives = positives - below1;
    cells.falsePositives = negatives - below0;
    cells.falseNegatives = below1;
    cells.trueNegatives = below0;
    offer(i, '>=', score(cells));
    cells.truePositives = below1;
    cells.falsePositives = below0;
    cells.falseNegatives = positives - below1;
    cells.trueNegatives = negatives - below0;
    offer(i, '<', score(cells));
  }
  return best < 0 ? null : { threshold: table.thresholds[best], op: bestOp, score: bestScore };
}

/** The 2 × 2 table of a rule on counted rows; no rule calls every row negative. @param counts [code][class] */
export function confusionOf(
  table: CutTable,
  rule: ThresholdRule | null,
  counts: Float64Array,
): ConfusionCounts {
  const out = emptyTally();
  for (let code = 0; code * 2 < counts.length; code++) {
    const above = code > 0 && rule !== null && table.thresholds[code - 1] >= rule.threshold;
    tally(out, rule !== null && above === (rule.op === '>='), counts[code * 2 + 1], counts[code * 2]);
  }
  return out;
}

interface Cut {
  readonly threshold: number;
  readonly decimals: number;
}

function gaps(column: Float64Array, order: Int32Array, most: number): Cut[] {
  return Array.from(thin(changes(column, order), order.length, most), (below) =>
    plainNumberBetween(column[order[below - 1]], column[order[below]]),
  );
}

/** Multiples of the step within the values' range, one per gap that holds any. */
function grid(column: Float64Array, order: Int32Array, step: number, most: number): Cut[] {
  const cuts = new Map<number, Cut>();
  for (const below of changes(column, order)) {
    const low = column[order[below - 1]];
    const high = column[order[below]];
    // The multiple nearest to the middle of the gap, or the only one inside it.
    const nearest = Math.round((low / 2 + high / 2) / step);
    for (const multiple of [nearest, Math.floor(high / step)]) {
      const threshold = Number((multiple * step).toPrecision(12));
      if (threshold > low && threshold <= high) {
        cuts.set(below, { threshold, decimals: decimalsOf(threshold) });
        break;
      }
    }
  }
  return Array.from(thin(Int32Array.from(cuts.keys()), order.length, most), (below) => cuts.get(below)!);
}

/** How many rows lie below each change of value, ascending. */
function changes(column: Float64Array, order: Int32Array): Int32Array {
  const found = new Int32Array(order.length);
  let count = 0;
  for (let i = 1; i < order.length; i++) {
    if (column[order[i]] > column[order[i - 1]]) found[count++] = i;
  }
  return found.subarray(0, count);
}

/** At most `most` cuts, those that leave nearest to i/(most + 1) of the rows below. @param below rows below each cut */
function thin(below: Int32Array, rows: number, most: number): Int32Array {
  if (below.length <= most) return below;
  const kept = new Int32Array(most);
  let count = 0;
  let next = 0;
  for (let i = 1; i <= most && next < below.length; i++) {
    const wanted = (rows * i) / (most + 1);
    while (next + 1 < below.length && Math.abs(below[next + 1] - wanted) <= Math.abs(below[next] - wanted)) {
      next++;
    }
    kept[count++] = below[next++];
  }
  return kept.subarray(0, count);
}

/**
 * The number in (low, high] with the fewest decimals, of these the nearest to the middle: 35 between 34 and 35, 0.13
 * between 0.123 and 0.131. A threshold a clinician can read, that separates the same training rows.
 */
export function plainNumberBetween(low: number, high: number): { threshold: number; decimals: number } {
  const middle = low / 2 + high / 2;
  for (let decimals = 0; decimals <= 12; decimals++) {
    const scale = 10 ** decimals;
    for (const whole of [Math.round(middle * scale), Math.floor(high * scale)]) {
      // Adding 0 turns −0 into 0.
      const threshold = whole / scale + 0;
      if (threshold > low && threshold <= high) return { threshold, decimals };
    }
  }
  return { threshold: high, decimals: decimalsOf(high) };
}

function decimalsOf(value: number): number {
  const [mantissa, exponent = '0'] = String(value).split('e');
  return Math.max(0, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent));
}
