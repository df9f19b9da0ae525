/** Whether two rows, or a patient's rows, fall into different parts of a split. */
import type { Split } from '../split.js';
import { splitParts } from '../split.js';

/** [split][row] 1, 2, 3 for train, validation, test; 0 where the row is left out. */
export type Parts = readonly Uint8Array[];

export function partsOf(splits: readonly Split[], size: number): Parts {
  return splits.map((split) => {
    const part = new Uint8Array(size);
    splitParts.forEach((name, p) => {
      for (const row of split[name]) part[row] = p + 1;
    });
    return part;
  });
}

/** True where some split fits on one of the rows and measures on the other, or settles on it. */
export function apart(parts: Parts, a: number, b: number): boolean {
  return parts.some((part) => part[a] !== part[b] && part[a] !== 0 && part[b] !== 0);
}
