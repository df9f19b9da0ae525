/**
 * Notes that state the diagnosis. Naming a label counts as soon as it goes with the label; any other word only when it
 * all but decides it, since symptoms and findings are what notes are read for.
 */
import type { Cohort, TextColumn } from '../cohort.js';
import { phrasePattern } from '../phrases.js';
import { familyQuantile, likelihoodRatio, likelihoodRatioBound, type SignCounts } from './evidence.js';
import { type Finding, makeFinding } from './finding.js';
import type { AuditSample } from './sample.js';
import { conclusive, leastShare } from './targetProxies.js';

/** Other names of each label, e.g. that of its column. */
export type LabelNames = Readonly<Record<string, readonly string[]>>;

/** Naming goes with a label from this likelihood ratio on. */
const GOES_WITH = 2;
/** A word of fewer patients than this is neither judged nor printed. */
const FEWEST_PATIENTS = 5;
/** Words that a finding lists. */
const MOST_WORDS = 20;

/** Findings `label-words:COLUMN>LABEL` and `giveaway-words:COLUMN>LABEL`. */
export function findLabelWords(cohort: Cohort, sample: AuditSample, names: LabelNames): Finding[] {
  return cohort.text.flatMap((column) => {
    const patterns = cohort.labels.map((label) => namePhrases([label, ...(names[label] ?? [])]));
    return [
      ...cohort.labels.flatMap((_, l) => labelNamed(column, cohort, l, sample, patterns[l])),
      ...giveaways(column, cohort, sample, patterns),
    ];
  });
}

/**
 * How a note may spell a name: words joined by blanks or hyphens; of a name with one word in letters, such as
 * "COVID-19", that word too. Names of fewer than three letters are codes and not looked for.
 */
export function namePhrases(names: readonly string[]): string[] {
  const phrases = names.flatMap((name) => {
    const words = name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const letters = words.filter((word) => /^\p{L}{3,}$/u.test(word));
    if (letters.length === 0) return [];
    return [
      name.trim().toLowerCase(),
      words.join(' '),
      words.join('-'),
      ...(letters.length === 1 ? letters : []),
    ];
  });
  return [...new Set(phrases)];
}

function labelNamed(
  { name, values }: TextColumn,
  cohort: Cohort,
  l: number,
  sample: AuditSample,
  phrases: readonly string[],
): Finding[] {
  if (phrases.length === 0) return [];
  const pattern = phrasePattern(phrases);
  const named = (row: number) => values[row]?.match(pattern) ?? null;
  const counts = new WordCounts(cohort, sample);
  const spellings = new Set<string>();
  const lines: number[] = [];
  sample.rows.forEach((row, i) => {
    const found = named(row);
    if (found === null) return;
    counts.add('', i);
    lines.push(cohort.lines[row]);
    for (const spelling of found) spellings.add(spelling.toLowerCase());
  });
  if (lines.length === 0) return [];
  const signs = counts.of('', l);
  const ratio = likelihoodRatio(signs) ?? 0;
  const telling = ratio >= GOES_WITH && likelihoodRatioBound(signs, familyQuantile(cohort.labels.length)) > 1;
  const label = cohort.labels[l];
  return [
    makeFinding('label-words', telling ? 'serious' : 'warning', `${name}>${label}`, {
      message:
        `text column "${name}" names label "${label}"` +
        (telling
          ? `, in ${share(signs)} % of the patients who have it and ${shareWithout(signs)} % of the others`
          : ''),
      columns: [name],
      count: lines.length,
      lines,
      remedy: `mask the words with data.maskWords: ${JSON.stringify([...spellings].sort().slice(0, MOST_WORDS))}`,
    }),
  ];
}

function giveaways(
  { name, values }: TextColumn,
  cohort: Cohort,
  sample: AuditSample,
  phrases: readonly (readonly string[])[],
): Finding[] {
  const counts = new WordCounts(cohort, sample);
  sample.rows.forEach((row, i) => {
    for (const word of new Set(values[row]?.toLowerCase().match(/[\p{L}\p{N}]+/gu))) counts.add(word, i);
  });
  const words = counts.frequent(FEWEST_PATIENTS);
  const z = familyQuantile(words.length * cohort.labels.length);
  return cohort.labels.flatMap((label, l) => {
    const isName = (word: string) => phrases[l].length > 0 && phrasePattern(phrases[l]).test(word);
    const found = words
      .map((word) => ({ word, signs: counts.of(word, l) }))
      // Stricter than for columns: at its lowest the ratio is conclusive.
      .filter(({ signs }) => likelihoodRatioBound(signs, z) >= conclusive.ratio)
      .filter(({ word }) => !isName(word))
      .sort((a, b) => b.signs.positivesWithSign - a.signs.positivesWithSign || (a.word < b.word ? -1 : 1));
    if (found.length === 0) return [];
    const [{ signs }] = found;
    const severe = signs.positivesWithSign >= leastShare * signs.positives;
    const list = JSON.stringify(found.slice(0, MOST_WORDS).map(({ word }) => word));
    return makeFinding('giveaway-words', severe ? 'serious' : 'warning', `${name}>${label}`, {
      message:
        `words of text column "${name}" all but decide label "${label}": the commonest stands in the notes of ` +
        `${share(signs)} % of the patients who have it and of ${shareWithout(signs)} % of the others`,
      columns: [name],
      count: found.length,
      remedy: `if they name the diagnosis, mask them with data.maskWords: ${list}`,
    });
  });
}

const share = ({ positivesWithSign, positives }: SignCounts) => percent(positivesWithSign / positives);
const shareWithout = ({ negativesWithSign, negatives }: SignCounts) => percent(negativesWithSign / negatives);
const percent = (value: number) => (100 * value).toFixed(1);

/** Patients with and without each label, by the words of their notes. */
class WordCounts {
  /** [label] weights of positive and negative rows. */
  readonly #totals: readonly { positives: number; negatives: number }[];
  /** Per word [positives of each label, negatives of each label, all]. */
  readonly #words = new Map<string, Float64Array>();
  readonly #cohort: Cohort;
  readonly #sample: AuditSample;

  constructor(cohort: Cohort, sample: AuditSample) {
    this.#cohort = cohort;
    this.#sample = sample;
    this.#totals = cohort.labels.map((_, l) => {
      const sums = { positives: 0, negatives: 0 };
      sample.rows.forEach((row, i) => {
        const cell = row * cohort.labels.length + l;
        if (cohort.known[cell] === 1)
          sums[cohort.targets[cell] === 1 ? 'positives' : 'negatives'] += sample.weights[i];
      });
      return sums;
    });
  }

  /** Counts a word of the i-th row of the sample. */
  add(word: string, i: number): void {
    const { labels, targets, known } = this.#cohort;
    const L = labels.length;
    let sums = this.#words.get(word);
    if (sums === undefined) {
      sums = new Float64Array(2 * L + 1);
      this.#words.set(word, sums);
    }
    const weight = this.#sample.weights[i];
    for (let l = 0, cell = this.#sample.rows[i] * L; l < L; l++, cell++) {
      if (known[cell] === 1) sums[targets[cell] === 1 ? l : L + l] += weight;
    }
    sums[2 * L] += weight;
  }

  /** Words of at least so many patients, in alphabetical order. */
  frequent(patients: number): string[] {
    const words = [...this.#words].filter(([, sums]) => sums[sums.length - 1] >= patients);
    return words.map(([word]) => word).sort();
  }

  of(word: string, l: number): SignCounts {
    const L = this.#cohort.labels.length;
    const sums = this.#words.get(word)!;
    return { ...this.#totals[l], positivesWithSign: sums[l], negativesWithSign: sums[L + l] };
  }
}
