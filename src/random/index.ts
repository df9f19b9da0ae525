/**
 * Seeded random streams. Every consumer derives its own stream from the study's seed and a name, so that
 * adding one consumer never shifts the numbers of another.
 *
 * Generator: xoshiro128** [blackman2021scrambled], seeded through SplitMix32 from an FNV-1a hash of the key.
 */

/** A deterministic stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform unsigned 32-bit integer. */
  uint32(): number;
  /** Uniform integer in [0, n). @throws RangeError unless n is an integer in 1..2^32 */
  integer(n: number): number;
  /**
   * Adds to counts[k] how often k comes in so many draws of `integer(counts.length)`: the same draws, at a fraction of
   * the time of calls one by one.
   */
  countIntegers(draws: number, counts: Int32Array): void;
  /** Sets each value to 1 with the given probability, rounded to a multiple of 2⁻¹⁶, else to 0; half a draw each. */
  fillBernoulli(values: Uint8Array, probability: number): void;
  /** Standard normal. */
  normal(): number;
  /**
   * Fills an array with draws of `normal` times `deviation`, rounded to float32; draws beyond ± `limit` are drawn again. The
   * same numbers, at a third of the time of calls one by one.
   */
  fillNormal(values: Float32Array, deviation: number, limit?: number): void;
  /** Fisher–Yates shuffle in place; returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T;
  /** The stream's state: four 32-bit words; `restore` continues from it bit for bit. */
  state(): readonly number[];
  restore(state: readonly number[]): void;
}

/**
 * A stream for one purpose.
 * @param seed the study's seed, any finite number
 * @param purpose names of the consumer, e.g. `randomStream(7, 'split', 'fold', 2)`
 */
export function randomStream(seed: number, ...purpose: (string | number)[]): Random {
  return fromKey([seed, ...purpose].join('\u0000'));
}

/** Room for words that one call draws ahead, a multiple of 4. No call leaves anything in it to another. */
const block = new Int32Array(1024);

function fromKey(key: string): Random {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  const splitMix = (): number => {
    hash = (hash + 0x9e3779b9) | 0;
    let z = hash ^ (hash >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitMix(), splitMix(), splitMix(), splitMix()];

  const uint32 = (): number => {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 0x20000000000000;
  const integer = (n: number): number => {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) {
      throw new RangeError(`integer: n must be an integer in 1..2^32, got ${n}`);
    }
    // Quotients in place of remainders, which take three times as long: a quotient of 32-bit numbers that is not whole
    // is at least 2^-32 away from the next whole number, so that rounding never reaches it.
    const limit = Math.floor(0x100000000 / n) * n;
    let value = uint32();
    while (value >= limit) value = uint32();
    return value - Math.floor(value / n) * n;
  };
  /** Draws of `uint32` one after the other. Written out, on variables of its own: a call for each takes longer than the number. */
  const fillWords = (words: Int32Array): void => {
    let [w, x, y, z] = [a | 0, b | 0, c | 0, d | 0];
    for (let i = 0; i < words.length; i++) {
      const scaled = Math.imul(x, 5);
      words[i] = Math.imul((scaled << 7) | (scaled >>> 25), 9);
      const t = x << 9;
      y ^= w;
      z ^= x;
      x ^= y;
      w ^= z;
      y ^= t;
      z = (z << 11) | (z >>> 21);
    }
    [a, b, c, d] = [w, x, y, z];
  };
  /** Words for so many items of `each` words at most; never more than will be used. */
  const wordsFor = (items: number, each: number): Int32Array => {
    const words = block.subarray(0, Math.min(items * each, block.length));
    fillWords(words);
    return words;
  };
  const countIntegers = (draws: number, counts: Int32Array): void => {
    const n = counts.length;
    const limit = Math.floor(0x100000000 / n) * n;
    for (let missing = draws; missing > 0; ) {
      const words = wordsFor(missing, 1);
      for (let k = 0; k < words.length; k++) {
        const value = words[k] >>> 0;
        if (value >= limit) continue;
        counts[value - Math.floor(value / n) * n]++;
        missing--;
      }
    }
  };
  const fillBernoulli = (values: Uint8Array, probability: number): void => {
    const threshold = Math.round(probability * 0x10000);
    for (let i = 0; i < values.length; ) {
      const words = wordsFor(Math.ceil((values.length - i) / 2), 1);
      for (let k = 0; k < words.length; k++) {
        const word = words[k];
        values[i] = word >>> 16 < threshold ? 1 : 0;
        if (i + 1 < values.length) values[i + 1] = (word & 0xffff) < threshold ? 1 : 0;
        i += 2;
      }
    }
  };
  const fillNormal = (values: Float32Array, deviation: number, limit = Number.POSITIVE_INFINITY): void => {
    for (let i = 0; i < values.length; ) {
      const words = wordsFor(values.length - i, 4);
      // The high and low bits of two uniform numbers.
      for (let k = 0; k < words.length; k += 4) {
        const radius = ((words[k] >>> 5) * 0x4000000 + (words[k + 1] >>> 6)) / 0x20000000000000;
        const angle = ((words[k + 2] >>> 5) * 0x4000000 + (words[k + 3] >>> 6)) / 0x20000000000000;
        const draw = Math.sqrt(-2 * Math.log(1 - radius)) * Math.cos(2 * Math.PI * angle);
        if (Math.abs(draw) <= limit) values[i++] = draw * deviation;
      }
    }
  };
  return {
    uniform,
    uint32,
    integer,
    countIntegers,
    fillBernoulli,
    fillNormal,
    // Box–Muller without the cached second value, so that `state` is the whole state.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = items[i];
        (items as { [index: number]: unknown })[i] = items[j];
        (items as { [index: number]: unknown })[j] = held;
      }
      return items;
    },
    state: () => [a, b, c, d].map((word) => word >>> 0),
    restore: (state) => {
      [a, b, c, d] = state as [number, number, number, number];
    },
  };
}
