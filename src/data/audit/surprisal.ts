/** How rare the values are that a row holds: what two rows share by chance is common. */
import type { Codes } from './codes.js';

/** [column][row] bits. */
export type Surprisals = ReadonlyMap<Codes, Float64Array>;

/** Bits by which an agreement must be rarer than 1 / rows². */
const SPARE_BITS = 10;
/** Values of a column from which others are predicted, of one that is predicted, and rows to judge by, at most. */
const MOST_LEVELS = 20;
const MOST_PREDICTED = 1000;
const MOST_ROWS = 5000;

/** Bits from which an agreement of two rows is rarer than any pair of so many rows would bring by chance. */
export function tellingBits(size: number): number {
  return 2 * Math.log2(size) + SPARE_BITS;
}

/**
 * Bits that each cell tells, −log2 P(cell | one earlier cell of its row): each column depends on the column of fewer
 * values that it shares most information with, a tree of dependences [chow1968approximating], so that redundant columns
 * are not counted twice.
 * @returns [column][row]
 */
export function surprisals(columns: readonly Codes[], size: number): Surprisals {
  const byCount = columns.toSorted((a, b) => a.count - b.count);
  const step = Math.ceil(size / MOST_ROWS);
  return new Map(
    byCount.map((column, c) => {
      let parent: Codes | null = null;
      let most = 0;
      for (const earlier of byCount.slice(0, c)) {
        if (earlier.count > MOST_LEVELS || column.count > MOST_PREDICTED) break;
        const shared = mutualInformation(column, earlier, step);
        if (shared > most) [parent, most] = [earlier, shared];
      }
      const width = parent?.count ?? 1;
      const parents = new Float64Array(width);
      const cells = new Float64Array(column.count * width);
      for (let row = 0; row < size; row++) {
        const given = parent?.codes[row] ?? 0;
        parents[given]++;
        cells[column.codes[row] * width + given]++;
      }
      const bits = new Float64Array(size);
      for (let row = 0; row < size; row++) {
        const given = parent?.codes[row] ?? 0;
        bits[row] = Math.log2(parents[given] / cells[column.codes[row] * width + given]);
      }
      return [column, bits];
    }),
  );
}

/** Mutual information of two columns over every `step`-th row, nats. */
function mutualInformation(a: Codes, b: Codes, step: number): number {
  const joint = new Float64Array(a.count * b.count);
  const ofA = new Float64Array(a.count);
  const ofB = new Float64Array(b.count);
  let n = 0;
  for (let row = 0; row < a.codes.length; row += step, n++) {
    joint[a.codes[row] * b.count + b.codes[row]]++;
    ofA[a.codes[row]]++;
    ofB[b.codes[row]]++;
  }
  let sum = 0;
  joint.forEach((count, cell) => {
    if (count > 0)
      sum += count * Math.log((count * n) / (ofA[Math.floor(cell / b.count)] * ofB[cell % b.count]));
  });
  return sum / n;
}
