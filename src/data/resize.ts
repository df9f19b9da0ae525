/**
 * Antialiased resizing on plain arrays: a triangle filter as wide as the reduction, the rule of PIL and of
 * PyTorch's `interpolate(mode="bilinear", antialias=True)`. Enlarging, it is bilinear interpolation with
 * pixel centres at half-integers. Values stay within the range of the input.
 */

/** Weights of a separable filter along one axis: output i sums inputs from `start[i]`, weighted by its row of weights. */
interface Taps {
  readonly start: Int32Array;
  readonly count: Int32Array;
  /** [to, most]: the first `count[i]` of row i are used. */
  readonly weights: Float64Array;
  readonly most: number;
}

function taps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const most = Math.min(from, Math.ceil(2 * support) + 1);
  const [start, count, weights] = [new Int32Array(to), new Int32Array(to), new Float64Array(to * most)];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    start[i] = first;
    count[i] = end - first;
    let sum = 0;
    for (let k = 0; k < end - first; k++) {
      const weight = Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / support);
      weights[i * most + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < end - first; k++) weights[i * most + k] /= sum;
  }
  return { start, count, weights, most };
}

/**
 * Resizes interleaved pixels.
 * @param pixels [height, width, channels]
 * @returns [toHeight, toWidth, channels], in the unit of the input
 */
export function resizePixels(
  pixels: Uint8Array | Uint16Array | Float32Array,
  [height, width, channels]: readonly [number, number, number],
  [toHeight, toWidth]: readonly [number, number],
): Float32Array {
  const narrow = new Float32Array(height * toWidth * channels);
  const across = taps(width, toWidth);
  if (channels === 3) narrowColours(pixels, narrow, across, height, width, toWidth);
  else narrowAny(pixels, narrow, across, height, width, toWidth, channels);
  const { start, count, weights, most } = taps(height, toHeight);
  const stride = toWidth * channels;
  const out = new Float32Array(toHeight * stride);
  // Row by row, which reads memory in its order; the sums are those of a loop over the taps of each sample.
  const sums = new Float64Array(stride);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * most + k];
      const from = (start[y] + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] += weight * narrow[from + i];
    }
    out.set(sums, y * stride);
  }
  return out;
}

function narrowAny(
  pixels: Uint8Array | Uint16Array | Float32Array,
  narrow: Float32Array,
  { start, count, weights, most }: Taps,
  height: number,
  width: number,
  toWidth: number,
  channels: number,
): void {
  for (let y = 0, into = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++) {
      const first = (y * width + start[x]) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0, at = first + c; k < count[x]; k++, at += channels)
          sum += weights[x * most + k] * pixels[at];
        narrow[into++] = sum;
      }
    }
  }
}

/** The same for three channels at a time, in a third of the time. */
function narrowColours(
  pixels: Uint8Array | Uint16Array | Float32Array,
  narrow: Float32Array,
  { start, count, weights, most }: Taps,
  height: number,
  width: number,
  toWidth: number,
): void {
  for (let y = 0, into = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++, into += 3) {
      let [red, green, blue] = [0, 0, 0];
      for (let k = 0, at = (y * width + start[x]) * 3; k < count[x]; k++, at += 3) {
        const weight = weights[x * most + k];
        red += weight * pixels[at];
        green += weight * pixels[at + 1];
        blue += weight * pixels[at + 2];
      }
      narrow[into] = red;
      narrow[into + 1] = green;
      narrow[into + 2] = blue;
    }
  }
}
