/** Blanks the words of a text that name the diagnosis, so that notes cannot be read as labels. */
import type { Cohort } from '../data/index.js';

/**
 * Replaces every word that starts with one of the words by "[masked]", ignoring case ("covid" hides COVID-19 down
 * to "[masked]-19"; "ards" leaves "towards" alone). A longer phrase wins over a shorter one it contains.
 * @returns the cohort with its text columns masked and a note of how many cells changed
 */
export function maskWords(cohort: Cohort, words: readonly string[]): Cohort {
  if (words.length === 0) return cohort;
  const alternatives = [...words].sort((a, b) => b.length - a.length).map(escaped);
  const wordCharacter = String.raw`[\p{L}\p{N}]`;
  const pattern = new RegExp(`(?<!${wordCharacter})(?:${alternatives.join('|')})${wordCharacter}*`, 'giu');
  let count = 0;
  const text = cohort.text.map((column) => ({
    ...column,
    values: column.values.map((value) => {
      const masked = value?.replace(pattern, '[masked]') ?? null;
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
function escaped(phrase: string): string {
  return phrase
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('\\s+');
}
