import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  basicTokens,
  createWordPieceEncoder,
  learnVocabulary,
  specialTokens,
  type Vocabulary,
} from '../../src/data/wordpiece.js';
import { ConfigError, DataError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';

const [PAD, UNK, CLS, SEP, MISSING] = [0, 1, 2, 3, 4];

function encode(vocabulary: Vocabulary, fields: readonly (string | null)[], maxTokens: number) {
  const ids = new Int32Array(maxTokens);
  const mask = new Float32Array(maxTokens);
  createWordPieceEncoder(vocabulary, maxTokens).encode(fields, ids, mask, 0);
  return { ids: [...ids], mask: [...mask], text: createWordPieceEncoder(vocabulary, maxTokens).decode(ids) };
}

const written: readonly (readonly [string, readonly string[]])[] = [
  ['No Fever.', ['no', 'fever', '.']],
  ['38.5 °C, 1,5 mg', ['38.5', '°', 'c', ',', '1,5', 'mg']],
  ['aged 65. Then', ['aged', '65', '.', 'then']],
  ['10⁹/L, kg/m²', ['10', '^', '9', '/', 'l', ',', 'kg', '/', 'm', '^', '2']],
  ['mild background dr，normal fundus', ['mild', 'background', 'dr', ',', 'normal', 'fundus']],
  ['Ménière Ödem İ', ['meniere', 'odem', 'i']],
  ['COVID-19 T2', ['covid', '-', '19', 't2']],
  ['肺炎 und ﬁbrose', ['肺', '炎', 'und', 'fibrose']],
  ['한국', ['한국']],
  ['a\u200bb\u0000c\n\t😀', ['a', 'b', 'c', '😀']],
  [' \n', []],
];
for (const [text, tokens] of written) {
  test(`${JSON.stringify(text)} is cut into ${tokens.length} words`, () => {
    assert.deepEqual(basicTokens(text), tokens);
  });
}

test('a case worked out by hand', () => {
  // Words ab ×4, ac, bc: pieces a 5, ##b 4, ##c 2, b 1, N = 12, and with h(x) = x ln x the gains
  //   a ##b: h4 + h1 + h0 − h8 − h5 − h4 + h12 = 5.14,  b ##c: 2.06,  a ##c: −0.45;
  // then, N = 8, a ##c and b ##c both gain h8 − h7 − h2 = 1.63 and the alphabet decides.
  const { tokens } = learnVocabulary(['ab ab ac', 'ab bc', null, 'ab'], { minFrequency: 1 });
  assert.deepEqual(tokens, [...specialTokens, 'a', '##b', '##c', 'b', 'ab', 'ac', 'bc']);
});

/** Learns by counting everything anew before each merge. */
function literalVocabulary(words: readonly string[], size: number, minFrequency: number): string[] {
  const all = words.map((text) => [...text].map((c, at) => (at === 0 ? c : `##${c}`)));
  const countOf = (items: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
    return counts;
  };
  const h = (x: number) => (x === 0 ? 0 : x * Math.log(x));
  const characters = [...countOf(all.flat())]
    .filter(([, count]) => count >= minFrequency)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const learnt = new Set(characters.map(([piece]) => piece));
  const sequences = all.filter((sequence) => sequence.every((piece) => learnt.has(piece)));
  const tokens: string[] = [...specialTokens, ...characters.map(([piece]) => piece)];
  while (tokens.length < size) {
    const pieces = countOf(sequences.flat());
    const total = sequences.flat().length;
    const pairs = countOf(
      sequences.flatMap((sequence) => sequence.slice(1).map((piece, at) => `${sequence[at]} ${piece}`)),
    );
    const scored = [...pairs]
      .filter(([, count]) => count >= minFrequency)
      .map(([key, count]) => {
        const [first, second] = key.split(' ');
        const a = pieces.get(first) ?? Number.NaN;
        const b = pieces.get(second) ?? Number.NaN;
        const gain =
          first === second
            ? h(count) + h(Math.max(0, a - 2 * count)) - h(total - count) - h(a) + h(total)
            : h(count) + (h(a - count) + h(b - count)) - h(total - count) - (h(a) + h(b)) + h(total);
        return { first, second, gain };
      });
    if (scored.length === 0) break;
    scored.sort(
      (p, q) =>
        q.gain - p.gain ||
        (p.first < q.first ? -1 : p.first > q.first ? 1 : 0) ||
        (p.second < q.second ? -1 : 1),
    );
    const { first, second } = scored[0];
    const merged = first + second.slice(2);
    for (const sequence of sequences) {
      for (let at = 0; at + 1 < sequence.length; at++) {
        if (sequence[at] === first && sequence[at + 1] === second) sequence.splice(at, 2, merged);
      }
    }
    if (!tokens.includes(merged)) tokens.push(merged);
  }
  return tokens;
}

test('the counts kept while merging equal counting anew', () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = randomStream(seed, 'words');
    const letters = 'abcd'.slice(0, 2 + random.integer(3));
    const vocabulary = Array.from({ length: 12 }, () =>
      Array.from({ length: 1 + random.integer(7) }, () => letters[random.integer(letters.length)]).join(''),
    );
    const words = Array.from({ length: 80 }, () => vocabulary[random.integer(vocabulary.length)]);
    const size = 15 + random.integer(30);
    const minFrequency = 1 + random.integer(3);
    const learnt = learnVocabulary([words.join(' ')], { size, minFrequency });
    const frequent = literalVocabulary(words, size, minFrequency);
    assert.deepEqual(learnt.tokens, frequent, `seed ${seed}`);
  }
});

test('the gain is the rise of the likelihood of independent pieces', () => {
  // Σ c ln(c / N) before and after joining a ##b in: ab ×4, ac, bc.
  const logLikelihood = (counts: readonly number[]) => {
    const total = counts.reduce((a, b) => a + b, 0);
    return counts.reduce((sum, count) => sum + (count === 0 ? 0 : count * Math.log(count / total)), 0);
  };
  const h = (x: number) => x * Math.log(x);
  const rise = logLikelihood([4, 1, 2, 1]) - logLikelihood([5, 4, 2, 1]);
  assert.ok(Math.abs(rise - (h(12) - h(8) - h(5))) < 1e-12);
});

test('common words become whole before rare ones are joined', () => {
  const texts = Array.from({ length: 50 }, () => 'the heart is large').concat('zxqv zxqv wjkp wjkp');
  const { tokens } = learnVocabulary(texts, { size: 35 });
  for (const word of ['the', 'heart', 'is', 'large']) assert.ok(tokens.includes(word), word);
  assert.ok(!tokens.includes('zxqv'));
});

const notes = [
  'Temp 38.5 °C for 3 days. Coughs up yellow phlegm.',
  'No fever. Denies bringing up phlegm. Swollen ankles.',
  'Coughs, ankles swollen; feverish at night, 39.1 °C.',
  null,
  'no cough no fever no phlegm',
];

test('the order of the texts does not matter, their words do', () => {
  const learnt = learnVocabulary(notes, { minFrequency: 1 });
  assert.deepEqual(learnVocabulary([...notes].reverse(), { minFrequency: 1 }), learnt);
  assert.notDeepEqual(learnVocabulary(notes.slice(1), { minFrequency: 1 }), learnt);
});

test('a vocabulary keeps its size, repeats nothing and survives JSON', () => {
  for (const size of [6, 20, 45, 2000]) {
    const vocabulary = learnVocabulary(notes, { size, minFrequency: 1 });
    assert.ok(vocabulary.tokens.length <= size);
    assert.equal(new Set(vocabulary.tokens).size, vocabulary.tokens.length);
    const again = JSON.parse(JSON.stringify(vocabulary)) as Vocabulary;
    assert.deepEqual(encode(again, ['no fever'], 20), encode(vocabulary, ['no fever'], 20));
  }
});

test('characters seen too rarely are not learnt and make their word unknown', () => {
  const vocabulary = learnVocabulary(['aa aa ab ab aq'], { minFrequency: 2 });
  assert.ok(vocabulary.tokens.every((token) => !token.includes('q')));
  assert.equal(encode(vocabulary, ['ab aq ab'], 6).ids.filter((id) => id === UNK).length, 1);
  assert.equal(encode(vocabulary, ['a'.repeat(101)], 6).ids[1], UNK);
  assert.notEqual(encode(vocabulary, ['a'.repeat(100)], 6).ids[1], UNK);
});

test('text whose characters are known comes back word for word', () => {
  const vocabulary = learnVocabulary(notes, { minFrequency: 1, size: 70 });
  const starts = vocabulary.tokens.filter((token) => /^[a-z]$/.test(token));
  const inner = vocabulary.tokens.filter((token) => /^##[a-z]$/.test(token)).map((token) => token.slice(2));
  assert.ok(starts.length > 5 && inner.length > 10);
  const word = fc
    .tuple(fc.constantFrom(...starts), fc.array(fc.constantFrom(...inner), { maxLength: 9 }))
    .map(([first, rest]) => first + rest.join(''));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
      const { text, ids, mask } = encode(vocabulary, [words.join(' ')], 140);
      assert.equal(text, words.join(' '));
      assert.equal(ids[0], CLS);
      ids.forEach((id, at) => {
        assert.equal(mask[at], id === PAD ? 0 : 1);
      });
      assert.ok(ids.lastIndexOf(CLS) === 0 && !ids.includes(UNK));
    }),
  );
});

test('longest parts are taken from the left', () => {
  const tokens = [...specialTokens, 'un', 'u', '##aff', '##a', '##f', '##able', '##ble'];
  assert.deepEqual(encode({ kind: 'wordpiece', tokens }, ['unaffable'], 5).ids, [CLS, 5, 7, 10, PAD]);
  // "unaf": no piece starts "##af", so ##a, ##f.
  assert.deepEqual(encode({ kind: 'wordpiece', tokens }, ['unaf'], 5).ids, [CLS, 5, 8, 9, PAD]);
});

test('missing and empty fields are told from text, and the mask is never all zero', () => {
  const vocabulary = learnVocabulary(notes);
  assert.deepEqual(encode(vocabulary, [null], 5).ids, [CLS, MISSING, PAD, PAD, PAD]);
  assert.deepEqual(encode(vocabulary, [' \t'], 5).ids, [CLS, MISSING, PAD, PAD, PAD]);
  assert.deepEqual(encode(vocabulary, [null, ''], 5).ids, [CLS, MISSING, SEP, MISSING, PAD]);
  assert.deepEqual(encode(vocabulary, [null], 5).mask, [1, 1, 0, 0, 0]);
  assert.deepEqual(encode(vocabulary, [], 3).ids, [CLS, PAD, PAD]);
});

test('a long field is cut and leaves a short one whole', () => {
  const vocabulary = learnVocabulary(['a b c d', 'a b c d']);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((token) => vocabulary.tokens.indexOf(token));
  assert.deepEqual(encode(vocabulary, ['a b c d a b c d', 'd c'], 8).ids, [CLS, a, b, c, d, SEP, d, c]);
  assert.deepEqual(encode(vocabulary, ['d c', 'a b c d a b c d'], 8).ids, [CLS, d, c, SEP, a, b, c, d]);
  assert.deepEqual(encode(vocabulary, ['a b c d', 'd c b a'], 7).ids, [CLS, a, b, c, SEP, d, c]);
  assert.throws(() => encode(vocabulary, ['a', 'b'], 3), ConfigError);
});

test('a row is written at its offset and nowhere else', () => {
  const vocabulary = learnVocabulary(notes);
  const encoder = createWordPieceEncoder(vocabulary, 4);
  const ids = new Int32Array(12).fill(-1);
  const mask = new Uint8Array(12).fill(9);
  encoder.encode([null], ids, mask, 4);
  assert.deepEqual([...ids], [-1, -1, -1, -1, CLS, MISSING, PAD, PAD, -1, -1, -1, -1]);
  assert.deepEqual([...mask], [9, 9, 9, 9, 1, 1, 0, 0, 9, 9, 9, 9]);
});

test('impossible options and damaged vocabularies are refused', () => {
  assert.throws(() => learnVocabulary([], { size: 5 }), ConfigError);
  assert.throws(() => learnVocabulary([], { minFrequency: 0 }), ConfigError);
  const bad = (tokens: readonly string[]) => () => createWordPieceEncoder({ kind: 'wordpiece', tokens }, 8);
  for (const tokens of [[], ['a', 'b'], [...specialTokens, 'a', 'a']]) {
    assert.throws(bad(tokens), (error) => error instanceof DataError && error.code === 'bad-vocabulary');
  }
});

test('the source imports nothing that a browser lacks', () => {
  const source = readFileSync('src/data/wordpiece.ts', 'utf8');
  assert.deepEqual(
    [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1]),
    ['../errors.js'],
  );
});
