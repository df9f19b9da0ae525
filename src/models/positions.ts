/** Position embeddings for another grid of patches. */

/** Weight of a sample at a distance: Keys' cubic convolution with a = −0.75, as PyTorch's bicubic. [keys1981cubic, eq. 4] */
function cubic(distance: number): number {
  const a = -0.75;
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * a * x - 4 * a : 0;
}

/** For each cell of the new grid, the four old ones that it is made of: index and weight. */
function taps(from: number, to: number): readonly (readonly [index: number, weight: number])[][] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(centre);
    return [-1, 0, 1, 2].map((step) => {
      const index = Math.min(Math.max(low + step, 0), from - 1);
      return [index, cubic(centre - low - step)] as const;
    });
  });
}

/**
 * Position embeddings of a square grid, for another: the class token's stays, the others are resampled bicubically, with
 * half-pixel centres, clamped edges and no antialiasing, as DeiT does when it is fine-tuned at another resolution
 * [touvron2021training].
 * @param positions [1, 1 + from², width], class token first
 * @returns [1, 1 + to², width]
 */
export function resizePositions(
  positions: Float32Array,
  width: number,
  from: number,
  to: number,
): Float32Array {
  const weights = taps(from, to);
  const result = new Float32Array((1 + to * to) * width);
  result.set(positions.subarray(0, width));
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) {
      const place = (1 + row * to + column) * width;
      for (let channel = 0; channel < width; channel++) {
        let sum = 0;
        for (const [i, vertical] of weights[row]) {
          for (const [j, horizontal] of weights[column]) {
            sum += vertical * horizontal * positions[(1 + i * from + j) * width + channel];
          }
        }
        result[place + channel] = sum;
      }
    }
  }
  return result;
}
