/**
 * Difference hash of an image: whether brightness rises from each cell of a coarse grid to its right neighbour
 * [krawetz2013dhash]. Scaling, recompression and a change of brightness leave most bits alone. Deviations: 256 bits
 * in place of 64, since all radiographs are alike in the coarse; a rise below one grey level in a hundred is none, so
 * that the black around a picture does not turn noise into bits; bits are gathered in bands of sixteen, one from each row
 * and all from other columns, so that a band tells pictures apart and can be searched by.
 */
/** 32-bit words of a hash, and bands of 16 bits, two in each word. */
export const HASH_WORDS = 8;
export const HASH_BANDS = 16;
const SIDE = 16;
const LEAST_RISE = 0.01;

/**
 * The hash of one image.
 * @param pixels [channels, size, size] in [0, 1]
 * @returns [8] 256 bits
 */
export function differenceHash(pixels: Float32Array, channels: number, size: number): Uint32Array {
  const grid = cellMeans(pixels, channels, size);
  const words = new Uint32Array(HASH_WORDS);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * (SIDE + 1) + x;
      const band = (x + 3 * y) % HASH_BANDS;
      if (grid[at + 1] - grid[at] > LEAST_RISE) words[band >>> 1] |= 1 << (16 * (band & 1) + y);
    }
  }
  return words;
}

/** Mean brightness of the cells of a grid, [SIDE, SIDE + 1]. */
function cellMeans(pixels: Float32Array, channels: number, size: number): Float64Array {
  const width = SIDE + 1;
  const sums = new Float64Array(SIDE * width);
  const counts = new Float64Array(SIDE * width);
  const across = Int32Array.from({ length: size }, (_, x) => Math.floor((x * width) / size));
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < size; y++) {
      const from = Math.floor((y * SIDE) / size) * width;
      for (let x = 0; x < size; x++, i++) {
        sums[from + across[x]] += pixels[i];
        counts[from + across[x]]++;
      }
    }
  }
  return sums.map((sum, cell) => sum / counts[cell]);
}

/** Mean of the channels, [size, size]. */
export function grey(pixels: Float32Array, channels: number, size: number): Float32Array {
  if (channels === 1) return pixels;
  const length = size * size;
  return Float32Array.from({ length }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += pixels[c * length + i];
    return sum / channels;
  });
}

/** Bits in which hashes a and b of a flat list [hash, 8] differ, 0 … 256. */
export function hammingDistance(hashes: Uint32Array, a: number, b: number): number {
  let bits = 0;
  for (let w = 0; w < HASH_WORDS; w++) {
    let x = hashes[a * HASH_WORDS + w] ^ hashes[b * HASH_WORDS + w];
    x -= (x >>> 1) & 0x55555555;
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    bits += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return bits;
}

/**
 * All pairs of hashes within a distance, by multi-index hashing [norouzi2012fast]: two hashes that differ in fewer bits
 * than they have bands agree in a whole band, so only hashes that share a band are compared. A hash of zeros is that of
 * a picture without contrast and is passed over.
 * @param hashes   [hash, 8]
 * @param distance bits, 0 … 15
 * @param visit    called once for each pair a < b
 * @returns how many pairs were compared
 */
export function eachNearPair(
  hashes: Uint32Array,
  distance: number,
  visit: (a: number, b: number) => void,
): number {
  if (distance >= HASH_BANDS)
    throw new Error(`internal: eachNearPair: distance must be below ${HASH_BANDS} bands, got ${distance}`);
  const bandOf = (hash: number, band: number) =>
    (hashes[hash * HASH_WORDS + (band >>> 1)] >>> (16 * (band & 1))) & 0xffff;
  const all = Uint32Array.from({ length: hashes.length / HASH_WORDS }, (_, hash) => hash);
  const seen = all.filter((hash) =>
    hashes.subarray(hash * HASH_WORDS, (hash + 1) * HASH_WORDS).some((bits) => bits !== 0),
  );
  const metBefore = (a: number, b: number, band: number) => {
    for (let earlier = 0; earlier < band; earlier++)
      if (bandOf(a, earlier) === bandOf(b, earlier)) return true;
    return false;
  };
  let compared = 0;
  for (let band = 0; band < HASH_BANDS; band++) {
    for (const bucket of buckets(seen, (hash) => bandOf(hash, band))) {
      compared += (bucket.length * (bucket.length - 1)) / 2;
      for (let i = 0; i < bucket.length; i++) {
        for (let j = i + 1; j < bucket.length; j++) {
          const [a, b] = [bucket[i], bucket[j]];
          if (hammingDistance(hashes, a, b) <= distance && !metBefore(a, b, band)) visit(a, b);
        }
      }
    }
  }
  return compared;
}

/** Hashes by their value of a band, ascending within a bucket. */
function buckets(hashes: Uint32Array, bandOf: (hash: number) => number): number[][] {
  const byBand = new Map<number, number[]>();
  for (const hash of hashes) {
    const bucket = byBand.get(bandOf(hash));
    if (bucket === undefined) byBand.set(bandOf(hash), [hash]);
    else bucket.push(hash);
  }
  return [...byBand.values()];
}
