/** Finds words and phrases in free text: the one rule by which notes are searched and masked. */

/** From this length on a word is looked for inside other words too: notes run words together ("forCOVID-19"). */
const FOUND_INSIDE = 5;
const wordCharacter = String.raw`[\p{L}\p{N}]`;

/**
 * A pattern that finds every occurrence of the phrases with the rest of the word that they end in, ignoring case. A
 * phrase of fewer than five characters counts only where a word begins ("ards" leaves "towards" alone); of two that fit,
 * the longer is found; any run of blanks matches any other.
 * @param phrases at least one, none empty
 * @returns a global pattern
 */
export function phrasePattern(phrases: readonly string[]): RegExp {
  const longestFirst = phrases.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(alternative).join('|'), 'giu');
}

function alternative(phrase: string): string {
  const literal = phrase
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('\\s+');
  const boundary = phrase.length < FOUND_INSIDE ? `(?<!${wordCharacter})` : '';
  return `${boundary}${literal}${wordCharacter}*`;
}
