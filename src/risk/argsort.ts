/** Stable order of rows by a numeric column: a radix sort on the bits of the numbers, in time linear in the rows. */

const DIGIT_BITS = 11;
const BUCKETS = 1 << DIGIT_BITS;
/** Digits of the low and of the high 32 bits: 11 + 11 + 10 each. */
const SHIFTS = [0, 11, 22] as const;

/**
 * @param column [row of the cohort], no NaN in the rows used; −0 equals 0
 * @param rows rows of the cohort
 * @returns the rows in ascending order of their value, equal values in the order of `rows`
 */
export function argsort(column: Float64Array, rows: Int32Array): Int32Array {
  const n = rows.length;
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = column[rows[i]] + 0;
  const words = new Uint32Array(values.buffer);
  // Keys whose unsigned order is that of the numbers: negative ones with all bits flipped, others with the sign bit set.
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const flip = words[2 * i + 1] >>> 31 === 1 ? 0xffffffff : 0;
    low[i] = words[2 * i] ^ flip;
    high[i] = words[2 * i + 1] ^ (flip | 0x80000000);
  }
  let order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let scratch = new Int32Array(n);
  const starts = new Int32Array(BUCKETS + 1);
  for (const keys of [low, high]) {
    for (const shift of SHIFTS) {
      starts.fill(0);
      for (let i = 0; i < n; i++) starts[((keys[i] >>> shift) & (BUCKETS - 1)) + 1]++;
      // A digit that all keys share sorts nothing: most of those of whole numbers.
      if (n === 0 || starts[((keys[0] >>> shift) & (BUCKETS - 1)) + 1] === n) continue;
      for (let bucket = 0; bucket < BUCKETS; bucket++) starts[bucket + 1] += starts[bucket];
      for (let i = 0; i < n; i++) {
        const item = order[i];
        scratch[starts[(keys[item] >>> shift) & (BUCKETS - 1)]++] = item;
      }
      [order, scratch] = [scratch, order];
    }
  }
  for (let i = 0; i < n; i++) scratch[i] = rows[order[i]];
  return scratch;
}
