/**
 * Local contrast: every sample as its difference from the blurred image, so that what is left is structure, not
 * illumination, exposure or the colour of one camera. Winner's preparation in the diabetic-retinopathy competition of
 * 2015 [graham2015diabetic]; no Node, so it runs in a browser as it is. Differences from the source: the blur is taken
 * over the field of view alone, so that its rim does not light up, and the image's own brightest sample counts as 1.
 */

/** Standard deviation of the blur, share of the side: structures wider than about twice that fade. */
const blurShare = 1 / 16;
/** Differences are enlarged by this factor, and cut where they leave [0, 1]. */
const gain = 4;
/** A pixel whose mean over channels is darker than this share of the brightest sample lies outside the field of view. */
const darkest = 0.04;

/**
 * 0.5 + 4 (x − blur(x)) / max(x) within the field of view, 0.5 outside it, cut to [0, 1].
 * @param pixels [channel, side, side], not negative
 * @returns a new array of the same shape; 0.5 throughout for a black image
 */
export function localContrast(pixels: Float32Array, channels: number, side: number): Float32Array {
  const area = side * side;
  const result = new Float32Array(pixels.length).fill(0.5);
  const brightest = pixels.reduce((most, value) => Math.max(most, value), 0);
  if (brightest === 0) return result;
  const view = new Float32Array(area);
  for (let i = 0; i < area; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += pixels[channel * area + i];
    view[i] = Number(sum / channels > darkest * brightest);
  }
  const blur = gaussianBlur(side, blurShare * side);
  const weight = blur(view);
  const seen = new Float32Array(area);
  for (let start = 0; start < pixels.length; start += area) {
    for (let i = 0; i < area; i++) seen[i] = pixels[start + i] * view[i];
    const blurred = blur(seen);
    for (let i = 0; i < area; i++) {
      if (view[i] === 0) continue;
      const difference = (seen[i] - blurred[i] / weight[i]) / brightest;
      result[start + i] = Math.max(0, Math.min(1, 0.5 + gain * difference));
    }
  }
  return result;
}

/** A blur of square images, the kernel cut at three standard deviations; nothing lies beyond the image. */
function gaussianBlur(side: number, sigma: number): (image: Float32Array) => Float32Array {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  /** Blurs along rows and transposes; twice is the whole blur, upright again. */
  const rows = (image: Float32Array): Float32Array => {
    const result = new Float32Array(side * side);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        let sum = 0;
        const last = Math.min(side - 1, x + radius);
        for (let from = Math.max(0, x - radius); from <= last; from++) {
          sum += kernel[from - x + radius] * image[y * side + from];
        }
        result[x * side + y] = sum / total;
      }
    }
    return result;
  };
  return (image) => rows(rows(image));
}
