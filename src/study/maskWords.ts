/** Blanks the words of a text that name the diagnosis, so that notes cannot be read as labels. */
import type { Cohort } from '../data/index.js';

/** From this length on a word is looked for inside other words too: notes run words together ("forCOVID-19"). */
const FOUND_INSIDE = 5;
const wordCharacter = String.raw`[\p{L}\p{N}]`;

/**
 * Takes out every occurrence of the words with the rest of the word they stand in, ignoring case. A word of fewer
 * than five characters counts only where a word begins ("ards" leaves "towards" alone); of two that fit, the longer
 * is taken out ("covid" leaves the "-19" of "COVID-19" standing, so name both). Nothing marks the place: that a
 * word was hidden would itself give the diagnosis away.
 * @returns the cohort with its text columns masked and a note of how many cells changed
 */
export function maskWords(cohort: Cohort, words: readonly string[]): Cohort {
  if (words.length === 0) return cohort;
  const longestFirst = [...words].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(alternative).join('|'), 'giu');
  let count = 0;
  const text = cohort.text.map((column) => ({
    ...column,
    values: column.values.map((value) => {
      const masked = value?.replace(pattern, ' ') ?? null;
      if (masked !== value) count++;
      return masked;
    }),
  }));
  const note = {
    code: 'masked-words',
    message: `data.maskWords blanked words in ${count} text cells`,
    count,
  };
  return { ...cohort, text, notes: [...cohort.notes, note] };
}

/** The phrase as a pattern: its characters taken literally, any run of blanks matching any other. */
function alternative(phrase: string): string {
  const literal = phrase
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('\\s+');
  const boundary = phrase.length < FOUND_INSIDE ? `(?<!${wordCharacter})` : '';
  return `${boundary}${literal}${wordCharacter}*`;
}
