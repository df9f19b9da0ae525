/**
 * SMOTE: synthetic minority rows on the segments between a minority row and its nearest minority neighbours
 * [chawla2002smote], two-valued columns by the vote of the neighbours as in the article's SMOTE-NC.
 */
import { gather } from '../data/index.js';
import type { Random } from '../random/index.js';
import { neighbourSearch } from './neighbours.js';

/** Neighbours among which the other end of a segment is drawn, as in the article. */
const NEIGHBOURS = 5;

/**
 * Draws synthetic rows of the smaller class until both classes have as many rows. Every minority row is the start of
 * equally many segments (one more for some, drawn at random). Distances are Euclidean on columns divided by their
 * standard deviation over all rows given; a two-valued column adds, where it differs, the squared median of the
 * minority's standard deviations over the other columns (1 when there are none). A lone minority row is repeated.
 *
 * Deviation from the article: columns are scaled first, for without it the unit of a column decides who is near.
 * @param columns [column][row], finite
 * @param target [row] 1 = positive, 0 = negative
 * @returns the synthetic rows, [column][synthetic row], all of class `minority`; none when a class is absent
 */
export function smote(
  columns: readonly Float64Array[],
  target: Uint8Array,
  random: Random,
): { readonly minority: 0 | 1; readonly columns: Float64Array[] } {
  const positives = target.reduce((sum, value) => sum + value, 0);
  const minority = positives * 2 <= target.length ? 1 : 0;
  const rows = Int32Array.from(target.keys()).filter((row) => target[row] === minority);
  const wanted = rows.length === 0 ? 0 : target.length - 2 * rows.length;
  const synthetic = columns.map(() => new Float64Array(wanted));
  if (wanted === 0) return { minority, columns: synthetic };

  const nominal = columns.map(isTwoValued);
  const search = neighbourSearch(
    minorityPoints(columns, nominal, rows),
    columns.length,
    rows.length,
    NEIGHBOURS,
  );
  // Whole rounds over the minority, then a random part of one more.
  const starts = Int32Array.from({ length: wanted }, (_, i) => i % rows.length);
  const rest = wanted % rows.length;
  const drawn = random.shuffle(Int32Array.from(rows.keys())).subarray(0, rest);
  starts.set(drawn, wanted - rest);
  const neighbours = new Map<number, Int32Array>();
  starts.forEach((start, s) => {
    const near = neighbours.get(start) ?? search(start);
    neighbours.set(start, near);
    const end = near.length === 0 ? start : near[random.integer(near.length)];
    const gap = random.uniform();
    columns.forEach((column, c) => {
      const from = column[rows[start]];
      synthetic[c][s] = nominal[c]
        ? majority(
            from,
            Array.from(near, (other) => column[rows[other]]),
          )
        : from + gap * (column[rows[end]] - from);
    });
  });
  return { minority, columns: synthetic };
}

/**
 * The minority rows as points whose squared distances are those of `smote`: numeric columns first, then for every
 * two-valued column 0 or the median spread.
 * @returns [minority row, column]
 */
function minorityPoints(
  columns: readonly Float64Array[],
  nominal: readonly boolean[],
  rows: Int32Array,
): Float64Array {
  const scaled = columns
    .filter((_, c) => !nominal[c])
    .map((column) => {
      const sd = standardDeviation(column);
      return gather(column, rows).map((value) => value / sd);
    });
  const spreads = Float64Array.from(scaled, standardDeviation).sort();
  const middle = (spreads.length - 1) / 2;
  const median = spreads.length === 0 ? 1 : (spreads[Math.floor(middle)] + spreads[Math.ceil(middle)]) / 2;
  const codes = columns
    .filter((_, c) => nominal[c])
    .map((column) => gather(column, rows).map((value) => (value === column[0] ? 0 : median)));
  const points = new Float64Array(rows.length * columns.length);
  [...scaled, ...codes].forEach((coordinates, c) => {
    for (let i = 0; i < rows.length; i++) points[i * columns.length + c] = coordinates[i];
  });
  return points;
}

/** The value most neighbours have; with a tie, or without neighbours, the row's own. */
function majority(own: number, values: readonly number[]): number {
  const agreeing = values.filter((value) => value === own).length;
  return agreeing * 2 >= values.length ? own : values.find((value) => value !== own)!;
}

function isTwoValued(column: Float64Array): boolean {
  const first = column[0];
  const second = column.find((value) => value !== first) ?? first;
  return column.every((value) => value === first || value === second);
}

function standardDeviation(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) * (values[i] - mean);
  return Math.sqrt(squares / values.length);
}
