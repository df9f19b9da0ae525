/**
 * Parts of a number column. Plain loops: over a million rows, `filter` and `from` with a function take ten times as long.
 */

/** The values at some rows, in their order. */
export function gather(values: Float64Array, rows: Int32Array): Float64Array {
  const gathered = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) gathered[i] = values[rows[i]];
  return gathered;
}

/** The values that are not missing (NaN), in order. */
export function recordedValues(values: Float64Array): Float64Array {
  const recorded = new Float64Array(values.length);
  let count = 0;
  for (let row = 0; row < values.length; row++) {
    if (!Number.isNaN(values[row])) recorded[count++] = values[row];
  }
  return recorded.slice(0, count);
}

/** The distinct ones of ascending values. */
export function distinctValues(ascending: Float64Array): Float64Array {
  const distinct = new Float64Array(ascending.length);
  let count = 0;
  for (let i = 0; i < ascending.length; i++) {
    if (i === 0 || ascending[i] !== ascending[i - 1]) distinct[count++] = ascending[i];
  }
  return distinct.slice(0, count);
}
