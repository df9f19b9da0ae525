/**
 * Seeded image augmentation on typed arrays; no Node, so it runs in a browser as it is. Images are [channel,
 * height, width] with grey values in [0, 1], and stay so. What is done to an image depends on its settings and
 * its random stream alone, never on the images before it.
 */
import { ConfigError, ShapeError } from '../errors.js';
import { type Random, randomStream } from '../random/index.js';

/** What may happen to a training image. Every amount is drawn uniformly from ± its value; 0 leaves as is. */
export interface Augmentation {
  /** Rotation about the centre, ± degrees, 0..180. */
  readonly rotationDegrees: number;
  /** Shift along each axis, ± share of that side, 0..0.5. */
  readonly shift: number;
  /** Magnification by a factor 1 ± share, 0..0.5. */
  readonly scale: number;
  /** Mirror left and right in half of the images. */
  readonly flipHorizontal: boolean;
  /** Mirror top and bottom in half of the images. */
  readonly flipVertical: boolean;
  /** What lies outside the image: its nearest edge pixel, or black. */
  readonly edge: 'replicate' | 'black';
  /** Added to every value, ± share of the range, 0..1. */
  readonly brightness: number;
  /** Factor 1 ± share on the distance from the image's mean, 0..1. */
  readonly contrast: number;
  /** Power-law change: exponent exp(± value), 0..1. */
  readonly gamma: number;
  /** Factor 1 ± share on the distance from a pixel's own grey, 0..1; for images of three channels. */
  readonly saturation: number;
  /** Largest standard deviation of added noise, 0..0.5; drawn from 0 up. */
  readonly noise: number;
  /** Probability of a hole filled with the image's mean, 0..1, and the hole's side as a share, 0..1. */
  readonly cutout: number;
  readonly cutoutSize: number;
}

const none: Augmentation = {
  rotationDegrees: 0,
  shift: 0,
  scale: 0,
  flipHorizontal: false,
  flipVertical: false,
  edge: 'replicate',
  brightness: 0,
  contrast: 0,
  gamma: 0,
  saturation: 0,
  noise: 0,
  cutout: 0,
  cutoutSize: 0.25,
};

/**
 * Ready settings by name.
 * - `radiograph`: what differs between two exposures of one patient: a small turn, shift and magnification, other
 *   exposure and grain. Never mirrored: the heart, the stomach bubble and the written side marker have a side, and
 *   a mirrored image is a rare disease (situs inversus) or another person's.
 * - `fundus`: the camera has no fixed up, so larger turns and both flips. A horizontal flip turns a right eye into
 *   the picture of a left one; where the two eyes are separate views, that view then shows the other eye, which is
 *   harmless for findings that do not depend on the eye and wrong for a label that names one.
 */
export const augmentations = {
  none,
  radiograph: {
    ...none,
    rotationDegrees: 7,
    shift: 0.05,
    scale: 0.1,
    brightness: 0.08,
    contrast: 0.15,
    gamma: 0.15,
    noise: 0.02,
  },
  fundus: {
    ...none,
    rotationDegrees: 20,
    shift: 0.05,
    scale: 0.1,
    flipHorizontal: true,
    flipVertical: true,
    edge: 'black',
    brightness: 0.08,
    contrast: 0.15,
    gamma: 0.1,
    saturation: 0.2,
    noise: 0.01,
  },
} as const satisfies Readonly<Record<string, Augmentation>>;

/** Name of a preset. */
export type AugmentationName = keyof typeof augmentations;

/** The images that an augmenter is made for. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The value that black has in these images, 0..1: 0 (default) as recorded, 0.5 in local contrast. */
  readonly outside?: number;
}

/** Applies one augmentation to images of one shape. */
export interface Augmenter {
  /**
   * Augments the image at `source[sourceOffset …]` into `output[outputOffset …]`; both may be the same place.
   * Allocates no array.
   * @param random the image's own stream, see `augmentationStream`
   * @throws ShapeError when an image does not fit into an array
   */
  apply(
    source: Float32Array,
    sourceOffset: number,
    output: Float32Array,
    outputOffset: number,
    random: Random,
  ): void;
}

/** The stream of one image in one epoch: `slot` counts the views and visits of a row. */
export function augmentationStream(seed: number, epoch: number, row: number, slot: number): Random {
  return randomStream(seed, 'augment', epoch, row, slot);
}

const upperLimits = {
  rotationDegrees: 180,
  shift: 0.5,
  scale: 0.5,
  brightness: 1,
  contrast: 1,
  gamma: 1,
  saturation: 1,
  noise: 0.5,
  cutout: 1,
  cutoutSize: 1,
} as const;

/** Steps of the table of powers, and below which step the power is steep and computed itself. */
const powerSteps = 1024;
const steepSteps = 8;

/**
 * Prepares an augmentation: checks it and allocates its scratch memory.
 * @param settings a preset, or amounts of your own; what is left out does nothing
 * @throws ConfigError for an amount out of range; ShapeError for an impossible image shape
 */
export function createAugmenter(settings: Partial<Augmentation>, shape: ImageShape): Augmenter {
  const chosen: Augmentation = { ...none, ...settings };
  checkSettings(chosen);
  const { channels, height, width } = shape;
  if (![channels, height, width].every((side) => Number.isInteger(side) && side > 0)) {
    throw new ShapeError(
      `createAugmenter: channels, height and width must be positive integers, got ${channels}, ${height}, ${width}`,
    );
  }
  const area = height * width;
  const size = channels * area;
  const copy = new Float32Array(size);
  const warp = createWarp(chosen.edge, shape);
  const powers = new Float32Array(powerSteps + 2);
  const apply: Augmenter['apply'] = (source, sourceOffset, output, outputOffset, random) => {
    if (sourceOffset < 0 || sourceOffset + size > source.length)
      misfit('source', sourceOffset, source.length);
    if (outputOffset < 0 || outputOffset + size > output.length)
      misfit('output', outputOffset, output.length);
    const end = outputOffset + size;
    const drawn = draw(chosen, height, width, random);
    // Through a copy, since source and output may overlap.
    for (let i = 0; i < size; i++) copy[i] = source[sourceOffset + i];
    if (moves(drawn)) warp(drawn, copy, output, outputOffset);
    else output.set(copy, outputOffset);
    const { brightness, contrast, gamma, saturation } = drawn;
    if (channels === 3 && saturation !== 1) saturate(output, outputOffset, area, saturation);
    if (brightness !== 0 || contrast !== 1) {
      const mean = meanOf(output, outputOffset, end);
      for (let i = outputOffset; i < end; i++) {
        output[i] = clamp(contrast * (output[i] - mean) + mean + brightness);
      }
    }
    if (gamma !== 1) applyPower(output, outputOffset, end, gamma, powers);
    if (drawn.noise > 0) addNoise(output, outputOffset, end, drawn.noise, random);
    if (drawn.cut) {
      const mean = meanOf(output, outputOffset, end);
      const holeWidth = Math.round(chosen.cutoutSize * width);
      const holeHeight = Math.round(chosen.cutoutSize * height);
      const left = Math.round(drawn.cutX * (width - holeWidth));
      const top = Math.round(drawn.cutY * (height - holeHeight));
      for (let channel = 0; channel < channels; channel++) {
        for (let y = top; y < top + holeHeight; y++) {
          const start = outputOffset + channel * area + y * width + left;
          output.fill(mean, start, start + holeWidth);
        }
      }
    }
  };
  const misfit = (what: string, offset: number, length: number): never => {
    throw new ShapeError(
      `augment: ${what} must hold ${channels} × ${height} × ${width} values from ${offset}, got a length of ${length}`,
    );
  };
  return { apply };
}

function checkSettings(settings: Augmentation): void {
  for (const [name, limit] of Object.entries(upperLimits)) {
    const value = settings[name as keyof typeof upperLimits];
    if (!(value >= 0 && value <= limit)) {
      throw new ConfigError(`augmentation: ${name} must lie in 0..${limit}, got ${value}`, name);
    }
  }
}

/** A similarity: mirror, then magnify and turn about the centre (radians), then shift (pixels). */
interface Motion {
  readonly angle: number;
  readonly shiftX: number;
  readonly shiftY: number;
  readonly scale: number;
  readonly mirrorX: boolean;
  readonly mirrorY: boolean;
}

/**
 * The amounts for one image. All are drawn, also those that do nothing, so that changing one setting leaves the
 * draws of the others alone.
 */
function draw(settings: Augmentation, height: number, width: number, random: Random) {
  const within = (amount: number) => amount * (2 * random.uniform() - 1);
  return {
    angle: (within(settings.rotationDegrees) * Math.PI) / 180,
    shiftX: within(settings.shift) * width,
    shiftY: within(settings.shift) * height,
    scale: 1 + within(settings.scale),
    mirrorX: random.uniform() < 0.5 && settings.flipHorizontal,
    mirrorY: random.uniform() < 0.5 && settings.flipVertical,
    brightness: within(settings.brightness),
    contrast: 1 + within(settings.contrast),
    gamma: Math.exp(within(settings.gamma)),
    saturation: 1 + within(settings.saturation),
    noise: settings.noise * random.uniform(),
    cut: random.uniform() < settings.cutout,
    cutX: random.uniform(),
    cutY: random.uniform(),
  };
}

function moves({ angle, shiftX, shiftY, scale, mirrorX, mirrorY }: Motion): boolean {
  return angle !== 0 || shiftX !== 0 || shiftY !== 0 || scale !== 1 || mirrorX || mirrorY;
}

/** Where the pixels of one output row are sampled. */
interface SampledRow {
  /** Index of the upper left of four neighbours in a channel. */
  readonly bases: Int32Array;
  readonly fractionsX: Float32Array;
  readonly fractionsY: Float32Array;
  /** Share of the sample that lies within the image. */
  readonly coverage: Float32Array;
}

/** Bilinear resampling under a similarity; where to sample is worked out row by row, once for all channels. */
function createWarp(edge: Augmentation['edge'], shape: ImageShape) {
  const { channels, height, width } = shape;
  const row: SampledRow = {
    bases: new Int32Array(width),
    fractionsX: new Float32Array(width),
    fractionsY: new Float32Array(width),
    coverage: new Float32Array(width).fill(1),
  };
  return (motion: Motion, source: Float32Array, output: Float32Array, offset: number): void => {
    for (let y = 0; y < height; y++) {
      locateRow(y, motion, shape, edge, row);
      for (let channel = 0; channel < channels; channel++) {
        const plane = channel * height * width;
        sampleRow(row, shape, source, plane, output, offset + plane + y * width);
      }
    }
  };
}

// The two loops below stand outside of `createWarp`: numbers in a closure are fetched anew for every pixel, and grey
// images take half as long again.

/** Looks back from the pixels of an output row to the source: the inverse of mirror, then scale and turn, then shift. */
function locateRow(
  y: number,
  motion: Motion,
  { height, width }: ImageShape,
  edge: Augmentation['edge'],
  { bases, fractionsX, fractionsY, coverage }: SampledRow,
): void {
  const black = edge === 'black';
  const [lastX, lastY] = [width - 1, height - 1];
  const [centreX, centreY] = [lastX / 2, lastY / 2];
  const [mostLeft, mostTop] = [Math.max(0, width - 2), Math.max(0, height - 2)];
  const cos = Math.cos(motion.angle) / motion.scale;
  const sin = Math.sin(motion.angle) / motion.scale;
  const signX = motion.mirrorX ? -1 : 1;
  const signY = motion.mirrorY ? -1 : 1;
  const { shiftX } = motion;
  const dy = y - centreY - motion.shiftY;
  for (let x = 0; x < width; x++) {
    const dx = x - centreX - shiftX;
    const sourceX = signX * (cos * dx + sin * dy) + centreX;
    const sourceY = signY * (cos * dy - sin * dx) + centreY;
    const clampedX = sourceX < 0 ? 0 : sourceX > lastX ? lastX : sourceX;
    const clampedY = sourceY < 0 ? 0 : sourceY > lastY ? lastY : sourceY;
    const left = Math.min(mostLeft, clampedX | 0);
    const top = Math.min(mostTop, clampedY | 0);
    bases[x] = top * width + left;
    fractionsX[x] = clampedX - left;
    fractionsY[x] = clampedY - top;
    if (black) {
      // Sampling a black surround equals sampling the nearest edge, faded out over one pixel.
      const outsideX = Math.abs(sourceX - clampedX);
      const outsideY = Math.abs(sourceY - clampedY);
      coverage[x] = Math.max(0, 1 - outsideX) * Math.max(0, 1 - outsideY);
    }
  }
}

/** Samples one channel, which begins at `plane`, into a row of the output. */
function sampleRow(
  { bases, fractionsX, fractionsY, coverage }: SampledRow,
  { height, width, outside = 0 }: ImageShape,
  source: Float32Array,
  plane: number,
  output: Float32Array,
  target: number,
): void {
  // An image one pixel wide has no right neighbour: the pixel is its own.
  const right = width > 1 ? 1 : 0;
  const below = height > 1 ? width : 0;
  for (let x = 0; x < width; x++) {
    const base = plane + bases[x];
    const fraction = fractionsX[x];
    const upper = source[base] + fraction * (source[base + right] - source[base]);
    const under = source[base + below];
    const lower = under + fraction * (source[base + below + right] - under);
    output[target + x] = outside + coverage[x] * (upper + fractionsY[x] * (lower - upper) - outside);
  }
}

/** v ** exponent for values in [0, 1] through a table refilled per image; wrong by less than 1e-4. */
function applyPower(
  image: Float32Array,
  start: number,
  end: number,
  exponent: number,
  table: Float32Array,
): void {
  for (let step = 0; step < table.length; step++) table[step] = (step / powerSteps) ** exponent;
  for (let i = start; i < end; i++) {
    const value = clamp(image[i]);
    const at = value * powerSteps;
    const step = at | 0;
    image[i] =
      step < steepSteps ? value ** exponent : table[step] + (at - step) * (table[step + 1] - table[step]);
  }
}

function saturate(image: Float32Array, offset: number, area: number, factor: number): void {
  for (let red = offset; red < offset + area; red++) {
    const green = red + area;
    const blue = green + area;
    // Luma weights of ITU-R BT.601.
    const grey = 0.299 * image[red] + 0.587 * image[green] + 0.114 * image[blue];
    image[red] = clamp(grey + factor * (image[red] - grey));
    image[green] = clamp(grey + factor * (image[green] - grey));
    image[blue] = clamp(grey + factor * (image[blue] - grey));
  }
}

/** Adds the sum of four uniform bytes, centred and scaled: one draw per value, and near enough to normal here. */
function addNoise(image: Float32Array, start: number, end: number, deviation: number, random: Random): void {
  const factor = deviation / Math.sqrt((4 * (256 ** 2 - 1)) / 12);
  for (let i = start; i < end; i++) {
    const bits = random.uint32();
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    image[i] = clamp(image[i] + factor * (sum - 510));
  }
}

function meanOf(values: Float32Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += values[i];
  return sum / (end - start);
}

function clamp(value: number): number {
  return value > 0 ? (value < 1 ? value : 1) : 0;
}
