/**
 * WordPiece: a vocabulary of word parts learnt from training text, and the encoder that cuts text into them
 * [schuster2012voice; devlin2019bert]. No Node, so it runs in a browser as it is.
 *
 * Intended deviations from BERT: superscript digits become `^` and digits ("10⁹" is not 109), a decimal number is
 * one word, and a missing text has a token of its own.
 */
import { ConfigError, DataError } from '../errors.js';

/** A learnt vocabulary, plain JSON. A token's id is its index; `##` marks the continuation of a word. */
export interface Vocabulary {
  readonly kind: 'wordpiece';
  readonly tokens: readonly string[];
}

/** Tokens that stand for something other than text, with ids 0, 1, …, before all others. */
export const specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MISSING]'] as const;
const [pad, unknown, start, separator, missing] = specialTokens.map((_, id) => id);

/** Longer words are unknown: they are no words, and cutting them up takes quadratic time. */
const longestWord = 100;

/** How to learn a vocabulary. */
export interface VocabularyOptions {
  /** Most tokens, special ones included. Default 2000. */
  readonly size?: number;
  /** Characters and pairs seen less often than this are not learnt. Default 2. */
  readonly minFrequency?: number;
}

/**
 * Text as words, numbers and marks, the same in training and use:
 * compatibility forms are unified (NFKC: full-width "，" is ","), letters lower-cased and stripped of accents; each
 * Han character, punctuation mark and symbol is a word of its own; digits stay, with the point or comma between them.
 */
export function basicTokens(text: string): string[] {
  const plain = text
    .replace(/[\u00b2\u00b3\u00b9\u2070-\u2079]+/g, '^$&')
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC');
  return plain.match(word) ?? [];
}

const word =
  /\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}]|(?<=\p{N})[.,](?=\p{N}))+|[^\s\p{Cc}\p{Cf}]/gu;

/**
 * Learns a vocabulary: starts from characters and joins, again and again, the pair of neighbours that raises most
 * the likelihood of the text under a model of independent pieces [schuster2012voice, section 2]. With counts c of
 * pieces, N = Σ c and h(x) = x ln x that gain is
 *   h(c_ab) + h(c_a − c_ab) + h(c_b − c_ab) − h(N − c_ab) − h(c_a) − h(c_b) + h(N)     (nats; a ≠ b)
 * The often quoted score c_ab / (c_a c_b) is this gain per occurrence; it fills a small vocabulary with rare words
 * while common ones stay in letters. Ties go to the alphabetically first pair. The result depends on the words of
 * the texts and their counts alone, not on their order.
 * @param texts training texts; null = missing
 * @throws ConfigError when `size` has no room beside the special tokens, or an option is not a positive integer
 */
export function learnVocabulary(texts: Iterable<string | null>, options: VocabularyOptions = {}): Vocabulary {
  const { size = 2000, minFrequency = 2 } = options;
  for (const [name, value, least] of [
    ['size', size, specialTokens.length + 1],
    ['minFrequency', minFrequency, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new ConfigError(
        `learnVocabulary: ${name} must be an integer of at least ${least}, got ${value}`,
        name,
      );
  }
  const words = splitWords(countWords(texts), minFrequency, size - specialTokens.length);
  const tokens = [...specialTokens, ...words.pieces];
  const learner = new PairCounts(words);
  while (tokens.length < size) {
    const merged = learner.mergeBest(minFrequency);
    if (merged === null) break;
    // Two different pairs can spell the same piece.
    if (!words.known.has(merged)) {
      words.known.add(merged);
      tokens.push(merged);
    }
  }
  return { kind: 'wordpiece', tokens };
}

/** Counts of all words of the texts. */
function countWords(texts: Iterable<string | null>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    if (text === null) continue;
    for (const token of basicTokens(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return counts;
}

/** Words as sequences of piece ids, with their counts. */
interface SplitWords {
  /** The characters, the most frequent first. */
  readonly pieces: readonly string[];
  readonly known: Set<string>;
  /** Words whose characters are all known, in alphabetical order. */
  readonly words: readonly { readonly pieces: string[]; readonly count: number }[];
}

function splitWords(counts: ReadonlyMap<string, number>, minFrequency: number, most: number): SplitWords {
  const characters = new Map<string, number>();
  const split = [...counts]
    .filter(([text]) => text.length <= longestWord)
    .sort(([a], [b]) => compare(a, b))
    .map(([text, count]) => ({ pieces: [...text].map((c, at) => (at === 0 ? c : `##${c}`)), count }));
  for (const { pieces, count } of split)
    for (const piece of pieces) characters.set(piece, (characters.get(piece) ?? 0) + count);
  const pieces = [...characters]
    .filter(([, count]) => count >= minFrequency)
    .sort(([a, x], [b, y]) => y - x || compare(a, b))
    .slice(0, most)
    .map(([piece]) => piece);
  const known = new Set(pieces);
  return { pieces, known, words: split.filter((entry) => entry.pieces.every((piece) => known.has(piece))) };
}

interface Pair {
  readonly first: string;
  readonly second: string;
  count: number;
  /** Indices of words that hold the pair, or held it once. */
  readonly words: Set<number>;
}

/** Counts of pieces and of neighbouring pairs, kept up to date while pairs are merged. */
class PairCounts {
  private readonly pieces = new Map<string, number>();
  private readonly pairs = new Map<string, Pair>();
  private total = 0;

  constructor(private readonly split: SplitWords) {
    split.words.forEach((_, index) => {
      this.count(index, 1);
    });
  }

  /** Merges the pair with the highest gain everywhere and returns the new piece; null when none is left. */
  mergeBest(minFrequency: number): string | null {
    let best: Pair | null = null;
    let bestGain = 0;
    const mostEach = Math.log(this.total) + 1;
    for (const pair of this.pairs.values()) {
      // No pair gains more than count · (ln N + 1), which spares most of them the logarithms.
      if (pair.count < minFrequency || pair.count * mostEach < bestGain) continue;
      const gain = this.gain(pair);
      if (best === null || gain > bestGain || (gain === bestGain && precedes(pair, best))) {
        best = pair;
        bestGain = gain;
      }
    }
    if (best === null) return null;
    const merged = best.first + best.second.slice(2); // a pair's second piece always starts with ##
    for (const index of best.words) {
      this.count(index, -1);
      mergeInPlace(this.split.words[index].pieces, best, merged);
      this.count(index, 1);
    }
    return merged;
  }

  /** Rise of the log likelihood, in nats, when every occurrence of the pair becomes one piece. */
  private gain({ first, second, count }: Pair): number {
    const a = this.pieces.get(first)!;
    const b = this.pieces.get(second)!;
    const before = first === second ? xLogX(a) : xLogX(a) + xLogX(b);
    const after = first === second ? xLogX(Math.max(0, a - 2 * count)) : xLogX(a - count) + xLogX(b - count);
    return xLogX(count) + after - xLogX(this.total - count) - before + xLogX(this.total);
  }

  /** Adds (or takes away) one word's pieces and pairs. */
  private count(index: number, sign: 1 | -1): void {
    const { pieces, count } = this.split.words[index];
    this.total += sign * pieces.length * count;
    for (let at = 0; at < pieces.length; at++) {
      this.pieces.set(pieces[at], (this.pieces.get(pieces[at]) ?? 0) + sign * count);
      if (at === 0) continue;
      const key = `${pieces[at - 1]} ${pieces[at]}`;
      let pair = this.pairs.get(key);
      if (pair === undefined) {
        pair = { first: pieces[at - 1], second: pieces[at], count: 0, words: new Set() };
        this.pairs.set(key, pair);
      }
      pair.count += sign * count;
      pair.words.add(index);
      if (pair.count === 0) this.pairs.delete(key);
    }
  }
}

function precedes(a: Pair, b: Pair): boolean {
  return (compare(a.first, b.first) || compare(a.second, b.second)) < 0;
}

function xLogX(x: number): number {
  return x === 0 ? 0 : x * Math.log(x);
}

function mergeInPlace(pieces: string[], { first, second }: Pair, merged: string): void {
  for (let at = 0; at + 1 < pieces.length; at++) {
    if (pieces[at] === first && pieces[at + 1] === second) pieces.splice(at, 2, merged);
  }
}

/** Order by code units, the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Cuts texts into ids of a vocabulary. */
export interface WordPieceEncoder {
  readonly vocabularySize: number;
  readonly maxTokens: number;
  /**
   * Writes one row: `[CLS] field [SEP] field … [PAD] …`, a missing or empty field being `[MISSING]`, a word with
   * an unknown character `[UNK]`. What is too long is cut from the end of the longest fields, so that no field is
   * pushed out by another.
   * @param fields one text per text column; null = missing
   * @param ids    receives `maxTokens` ids from `offset`
   * @param mask   receives 1 where there is a token, 0 where there is padding; the first is always 1
   * @throws ConfigError when `maxTokens` has no room for two tokens per field
   */
  encode(
    fields: readonly (string | null)[],
    ids: Int32Array,
    mask: Float32Array | Uint8Array,
    offset: number,
  ): void;
  /** The words that ids stand for, separated by blanks; padding and `[CLS]` are left out. */
  decode(ids: ArrayLike<number>): string;
}

/**
 * @param maxTokens length of an encoded row
 * @throws DataError `bad-vocabulary` unless the vocabulary starts with the special tokens and repeats none
 */
export function createWordPieceEncoder(vocabulary: Vocabulary, maxTokens: number): WordPieceEncoder {
  const { tokens } = vocabulary;
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const complete = specialTokens.every((token, id) => tokens[id] === token);
  if (vocabulary.kind !== 'wordpiece' || !complete || idOf.size !== tokens.length) {
    throw new DataError(
      'bad-vocabulary',
      `createWordPieceEncoder: a vocabulary must start with ${specialTokens.join(' ')} and repeat no token, got ` +
        `${idOf.size} different of ${tokens.length} tokens; learn it again`,
    );
  }
  const cut = new Map<string, readonly number[]>();
  const piecesOf = (token: string): readonly number[] => {
    let pieces = cut.get(token);
    if (pieces === undefined) {
      pieces = longestMatches(token, idOf);
      cut.set(token, pieces);
    }
    return pieces;
  };

  return {
    vocabularySize: tokens.length,
    maxTokens,
    encode(fields, ids, mask, offset) {
      if (maxTokens < 2 * fields.length || maxTokens < 1) {
        throw new ConfigError(
          `encode: maxTokens must be at least 2 per text column, got ${maxTokens} for ${fields.length} columns`,
          'model.text.maxTokens',
        );
      }
      const encoded = fields.map((field) => {
        const pieces = field === null ? [] : basicTokens(field).flatMap(piecesOf);
        return pieces.length === 0 ? [missing] : pieces;
      });
      const shared = sharedLength(
        encoded.map(({ length }) => length),
        maxTokens - Math.max(1, fields.length),
      );
      ids.fill(pad, offset, offset + maxTokens);
      mask.fill(0, offset, offset + maxTokens);
      let at = offset;
      ids[at++] = start;
      encoded.forEach((pieces, field) => {
        if (field > 0) ids[at++] = separator;
        for (const id of pieces.slice(0, shared[field])) ids[at++] = id;
      });
      mask.fill(1, offset, at);
    },
    decode(ids) {
      let text = '';
      for (let i = 0; i < ids.length; i++) {
        if (ids[i] === pad || ids[i] === start) continue;
        const token = tokens[ids[i]];
        if (token.startsWith('##') && ids[i] >= specialTokens.length) text += token.slice(2);
        else text += text === '' ? token : ` ${token}`;
      }
      return text;
    },
  };
}

/** Greedy longest matches from the left; the whole word is unknown if a part of it is. */
function longestMatches(token: string, idOf: ReadonlyMap<string, number>): readonly number[] {
  if (token.length > longestWord) return [unknown];
  const ids: number[] = [];
  let from = 0;
  while (from < token.length) {
    let to = token.length;
    let id: number | undefined;
    for (; to > from; to--) {
      id = idOf.get((from === 0 ? '' : '##') + token.slice(from, to));
      if (id !== undefined) break;
    }
    if (id === undefined) return [unknown];
    ids.push(id);
    from = to;
  }
  return ids;
}

/** Lengths that add up to `room` at most: each field's own where there is room, else a common highest length. */
function sharedLength(lengths: readonly number[], room: number): number[] {
  const kept = [...lengths];
  let excess = kept.reduce((sum, length) => sum + length, 0) - room;
  for (; excess > 0; excess--) kept[kept.lastIndexOf(Math.max(...kept))]--;
  return kept;
}
