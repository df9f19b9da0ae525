/**
 * Confusion counts of many decision rules over the same cells. Cells that every rule decides alike share a pattern, so a
 * resample adds up its weights per pattern in one pass over the cells, whatever the number of rules.
 */
import type { ConfusionCounts } from './confusion.js';
import type { Cells } from './statistic.js';

/** Cells and how each of several rules decides them. */
export interface DecidedCells extends Pick<Cells, 'targets' | 'cluster' | 'clusters'> {
  /** [cell] row of `decisions`. */
  readonly pattern: Int32Array;
  /** [pattern, rule] 0 or 1. */
  readonly decisions: Uint8Array;
  readonly rules: number;
}

/** The rule per threshold that decides a cell positive when its probability ≥ threshold. @param thresholds ascending */
export function decideByThresholds(cells: Cells, thresholds: readonly number[]): DecidedCells {
  const rules = thresholds.length;
  return {
    ...cells,
    rules,
    pattern: patternOf(cells, thresholds),
    decisions: Uint8Array.from({ length: (rules + 1) * rules }, (_, i) =>
      Number(i % rules < Math.floor(i / rules)),
    ),
  };
}

function patternOf({ probabilities }: Cells, thresholds: readonly number[]): Int32Array {
  const pattern = new Int32Array(probabilities.length);
  for (let cell = 0; cell < pattern.length; cell++) pattern[cell] = reached(thresholds, probabilities[cell]);
  return pattern;
}

/** How many of the ascending thresholds are at most a probability. */
function reached(thresholds: readonly number[], probability: number): number {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] <= probability) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cells as several rules decide them. @param rules [rule][cell] 0 or 1; at least one rule */
export function decideByRules(
  cells: Pick<Cells, 'targets' | 'cluster' | 'clusters'>,
  rules: readonly Uint8Array[],
): DecidedCells {
  let pattern = new Int32Array(cells.targets.length);
  let patterns: number[][] = [[]];
  for (const decisions of rules) {
    // Every pattern so far splits in up to two.
    const numbers = new Int32Array(2 * patterns.length).fill(-1);
    const split: number[][] = [];
    pattern = pattern.map((before, cell) => {
      const key = 2 * before + decisions[cell];
      if (numbers[key] === -1) {
        numbers[key] = split.length;
        split.push([...patterns[before], decisions[cell]]);
      }
      return numbers[key];
    });
    patterns = split;
  }
  return { ...cells, rules: rules.length, pattern, decisions: Uint8Array.from(patterns.flat()) };
}

/**
 * A function that counts, patient c being counted multiplicity[c] times. The counts it returns, one per rule, are
 * overwritten by the next call.
 */
export function decisionCounter(
  cells: DecidedCells,
): (multiplicity: Int32Array) => readonly ConfusionCounts[] {
  const { targets, cluster, pattern, decisions, rules } = cells;
  const code = pattern.map((own, cell) => 2 * own + targets[cell]);
  const weights = new Float64Array((2 * decisions.length) / rules);
  const counts = Array.from({ length: rules }, () => ({
    truePositives: 0,
    falsePositives: 0,
    falseNegatives: 0,
    trueNegatives: 0,
  }));
  return (multiplicity) => {
    weights.fill(0);
    for (let cell = 0; cell < code.length; cell++) weights[code[cell]] += multiplicity[cluster[cell]];
    for (let rule = 0; rule < rules; rule++) {
      let [trueNegatives, falsePositives, falseNegatives, truePositives] = [0, 0, 0, 0];
      for (let own = 0; own < weights.length / 2; own++) {
        if (decisions[own * rules + rule] === 1) {
          falsePositives += weights[2 * own];
          truePositives += weights[2 * own + 1];
        } else {
          trueNegatives += weights[2 * own];
          falseNegatives += weights[2 * own + 1];
        }
      }
      Object.assign(counts[rule], { truePositives, falsePositives, falseNegatives, trueNegatives });
    }
    return counts;
  };
}
