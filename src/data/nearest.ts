/** The nearest known name to a mistyped one, for messages that say `did you mean`. */

/**
 * Fewest insertions, deletions, substitutions and swaps of neighbours that turn one string into the other,
 * no substring being edited twice (optimal string alignment).   [damerau1964technique]
 * @returns edits, 0 … max(length)
 */
export function editDistance(from: string, to: string): number {
  let beforeLast = new Int32Array(to.length + 1);
  let last = Int32Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = new Int32Array(to.length + 1);
    row[0] = i;
    for (let j = 1; j <= to.length; j++) {
      const substitution = last[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      row[j] = Math.min(substitution, last[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length];
}

/**
 * The candidate nearest to `name`, letter case aside; the earlier one on a tie.
 * @returns null when every candidate needs edits in more than half of the longer name
 */
export function nearestName(name: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance <= Math.max(name.length, candidate.length) / 2) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** `did you mean "x"?`, or the first names that exist when none is near. */
export function suggestName(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  if (nearest !== null) return `did you mean "${nearest}"?`;
  const shown = candidates.slice(0, 12).map((candidate) => `"${candidate}"`);
  return `known names: ${shown.join(', ')}${candidates.length > shown.length ? ', …' : ''}`;
}
