/**
 * Antialiased resizing on plain arrays: a triangle filter as wide as the reduction, the rule of PIL and of
 * PyTorch's `interpolate(mode="bilinear", antialias=True)`. Enlarging, it is bilinear interpolation with
 * pixel centres at half-integers. Values stay within the range of the input.
 */

/** Weights of a separable filter along one axis: output i sums `weights` over inputs from `start`. */
interface Taps {
  readonly start: Int32Array;
  readonly weights: readonly Float64Array[];
}

function taps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const start = new Int32Array(to);
  const weights = Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    start[i] = first;
    const row = Float64Array.from({ length: end - first }, (_tap, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / support),
    );
    const sum = row.reduce((total, weight) => total + weight, 0);
    return row.map((weight) => weight / sum);
  });
  return { start, weights };
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
  const across = taps(width, toWidth);
  const down = taps(height, toHeight);
  const narrow = new Float32Array(height * toWidth * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++) {
      const weights = across.weights[x];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let at = (y * width + across.start[x]) * channels + c;
        for (let k = 0; k < weights.length; k++, at += channels) sum += weights[k] * pixels[at];
        narrow[(y * toWidth + x) * channels + c] = sum;
      }
    }
  }
  const stride = toWidth * channels;
  const out = new Float32Array(toHeight * stride);
  for (let y = 0; y < toHeight; y++) {
    const weights = down.weights[y];
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      let at = down.start[y] * stride + i;
      for (let k = 0; k < weights.length; k++, at += stride) sum += weights[k] * narrow[at];
      out[y * stride + i] = sum;
    }
  }
  return out;
}
