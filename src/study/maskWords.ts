/** Blanks the words of a text that name the diagnosis, so that notes cannot be read as labels. */
import { type Cohort, phrasePattern } from '../data/index.js';

/**
 * Takes out every occurrence of the words, as `phrasePattern` finds them ("covid" leaves the "-19" of "COVID-19"
 * standing, so name both). Nothing marks the place: that a word was hidden would itself give the diagnosis away.
 * @returns the cohort with its text columns masked and a note of how many cells changed
 */
export function maskWords(cohort: Cohort, words: readonly string[]): Cohort {
  if (words.length === 0) return cohort;
  const pattern = phrasePattern(words);
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
