/** The nearest known name to a mistyped one: study keys, commands, labels. */

/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours, each 1.
 * @returns edits that turn `a` into `b`, 0 when equal
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/**
 * The known name closest to `name`, ignoring case.
 * @returns undefined when nothing is closer than half the longer name
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const [a, b] = [name.toLowerCase(), candidate.toLowerCase()];
    const contained = a.length >= 3 && (b.includes(a) || (b.length >= 3 && a.includes(b)));
    const distance = contained ? 1 : editDistance(a, b);
    if (distance <= Math.max(a.length, b.length) / 2 && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
