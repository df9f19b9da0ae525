/**
 * Simple statistics of an image's intensities and texture, for models of tables: moments, percentiles and entropy of the
 * grey values, and two features of the grey-level co-occurrence matrix [haralick1973textural].
 */
import { ShapeError } from '../errors.js';
import type { Cohort, NumericColumn } from './cohort.js';
import type { ImageStore } from './image-store.js';

/** Grey values count in this many equally wide levels for entropy and co-occurrence. */
const LEVELS = 32;

/** Statistics of one image, grey values in [0, 1]. */
export interface ImageStatistics {
  readonly mean: number;
  /** Population standard deviation. */
  readonly sd: number;
  /** Percentiles, linear between order statistics [hyndman1996quantiles, type 7]. */
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  /** −Σ p log2 p over the levels, bits in 0 … 5. */
  readonly entropy: number;
  /** Σ p(i, j) (i − j)² over neighbouring levels i, j, in 0 … 961. */
  readonly contrast: number;
  /** Σ p(i, j) / (1 + (i − j)²), in (0, 1]. */
  readonly homogeneity: number;
}

/** The names in a fixed order. */
export const imageStatisticNames = [
  'mean',
  'sd',
  'p5',
  'p50',
  'p95',
  'entropy',
  'contrast',
  'homogeneity',
] as const satisfies readonly (keyof ImageStatistics)[];

/**
 * Statistics of an image. Colour becomes grey by the luma weights of ITU-R BT.709, as in scikit-image. Neighbours are the
 * pixels at distance 1 in the four directions, each pair counted both ways; contrast and homogeneity are the means over
 * the directions that the image has room for.
 * @param pixels [channels, height, width] in [0, 1], 1 or 3 channels
 * @throws ShapeError when the sizes do not fit, or there is a single pixel
 */
export function imageStatistics(
  pixels: Float32Array,
  channels: number,
  height: number,
  width: number,
): ImageStatistics {
  const size = height * width;
  if ((channels !== 1 && channels !== 3) || pixels.length !== channels * size || size < 2) {
    throw new ShapeError(
      `imageStatistics: pixels must be [1 or 3, height, width] with at least two pixels, got ${pixels.length} values for [${channels}, ${height}, ${width}]; decode the image first`,
    );
  }
  const grey = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    grey[i] =
      channels === 1
        ? pixels[i]
        : 0.2125 * pixels[i] + 0.7154 * pixels[size + i] + 0.0721 * pixels[2 * size + i];
  }
  const mean = grey.reduce((sum, value) => sum + value, 0) / size;
  const variance = grey.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
  const sorted = grey.slice().sort();
  const levels = Uint8Array.from(grey, (value) => Math.min(LEVELS - 1, Math.floor(value * LEVELS)));
  return {
    mean,
    sd: Math.sqrt(variance),
    p5: percentile(sorted, 0.05),
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    entropy: entropy(levels),
    ...texture(levels, height, width),
  };
}

/**
 * One numeric column per statistic and view of a row, such as `image 2: contrast`; missing where the row has no such
 * image. Images of earlier rows are left to those rows.
 * @param images prepared; images that could not be decoded count as missing
 * @param views how many images a row can have of its own; the columns are always these
 */
export function imageStatisticColumns(
  { size, visits }: Pick<Cohort, 'size' | 'visits'>,
  images: ImageStore,
  views: number,
): NumericColumn[] {
  const { channels, size: side } = images.format;
  const columns = Array.from({ length: views }, () =>
    imageStatisticNames.map(() => new Float64Array(size).fill(Number.NaN)),
  );
  const pixels = new Float32Array(images.length);
  visits.forEach((list, row) => {
    for (const { path, slot, row: owner } of list) {
      if (owner !== row || !images.has(path)) continue;
      images.read(path, pixels);
      const statistics = imageStatistics(pixels, channels, side, side);
      imageStatisticNames.forEach((name, s) => {
        columns[slot][s][row] = statistics[name];
      });
    }
  });
  return columns.flatMap((view, v) =>
    view.map((values, s) => ({
      name: `image ${v + 1}: ${imageStatisticNames[s]}`,
      kind: 'numeric' as const,
      values,
    })),
  );
}

function percentile(ascending: Float64Array, share: number): number {
  const at = (ascending.length - 1) * share;
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
}

function entropy(levels: Uint8Array): number {
  const counts = new Float64Array(LEVELS);
  for (const level of levels) counts[level]++;
  return counts.reduce((sum, count) => {
    const p = count / levels.length;
    return p === 0 ? sum : sum - p * Math.log2(p);
  }, 0);
}

/** Steps to the right, down, and along both diagonals: [rows, columns]. */
const DIRECTIONS = [
  [0, 1],
  [1, 0],
  [1, 1],
  [1, -1],
] as const;

/** Both sums are symmetric in i and j, so that each pair counted one way gives the same means. */
function texture(
  levels: Uint8Array,
  height: number,
  width: number,
): Pick<ImageStatistics, 'contrast' | 'homogeneity'> {
  let contrast = 0;
  let homogeneity = 0;
  let directions = 0;
  for (const [down, right] of DIRECTIONS) {
    let pairs = 0;
    let squares = 0;
    let closeness = 0;
    for (let y = 0; y + down < height; y++) {
      for (let x = Math.max(0, -right); x < Math.min(width, width - right); x++) {
        const difference = levels[y * width + x] - levels[(y + down) * width + x + right];
        pairs++;
        squares += difference ** 2;
        closeness += 1 / (1 + difference ** 2);
      }
    }
    if (pairs === 0) continue;
    directions++;
    contrast += squares / pairs;
    homogeneity += closeness / pairs;
  }
  return { contrast: contrast / directions, homogeneity: homogeneity / directions };
}
