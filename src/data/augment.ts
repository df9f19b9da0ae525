/**
 * Seeded image augmentation; no Node, so it runs in a browser as it is. Images are [channel, height, width] of 8 or 16
 * bits per sample and become floats in [0, 1], standardised if asked for. What is done to an image depends on its settings and
 * its random stream alone, never on the images before it.
 */
import { ConfigError, ShapeError } from '../errors.js';
import { type Random, randomStream } from '../random/index.js';
import { bytesAt, floatsAt, kernels, layOut } from './kernels.js';

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

/** Per channel, what is taken off a value in the end and what the rest is divided by. */
export interface Standard {
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

/** Applies one augmentation to images of one shape. */
export interface Augmenter {
  /**
   * Augments an image into `output[outputOffset …]`.
   * @param source [channels, height, width], 8 or 16 bits per sample
   * @param random the image's own stream, see `augmentationStream`; null: the image as it is
   * @throws ShapeError when the source is another image's or the result does not fit
   */
  apply(
    source: Uint8Array | Uint16Array,
    output: Float32Array,
    outputOffset: number,
    random: Random | null,
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

/** Longest side: places beyond it do not fit into the kernels' integers. */
const mostSide = 8192;

/** What the kernel notes for every four columns: `planStep` in assembly/augment.ts. */
const planBytes = 80;

/** Steps of the table of powers, which is wrong by less than 1e-4. */
const powerSteps = 512;

/**
 * Prepares an augmentation and checks it.
 * @param settings a preset, or amounts of your own; what is left out does nothing
 * @param standard applied last; default: values stay in [0, 1]
 * @throws ConfigError for an amount out of range; ShapeError for an impossible image shape
 */
export function createAugmenter(
  settings: Partial<Augmentation>,
  shape: ImageShape,
  standard: Standard | null = null,
): Augmenter {
  const chosen: Augmentation = { ...none, ...settings };
  checkSettings(chosen);
  const { channels, height, width, outside = 0 } = shape;
  if (![channels, height, width].every((side) => Number.isInteger(side) && side > 0 && side <= mostSide)) {
    throw new ShapeError(
      `createAugmenter: channels, height and width must be whole numbers from 1 to ${mostSide}, got ${channels}, ${height}, ${width}`,
    );
  }
  const area = height * width;
  const size = channels * area;
  const black = chosen.edge === 'black';
  const still = draw(none, height, width, randomStream(0));

  /** Clamps factor · v + added, and standardises if asked to. */
  const finish = (image: number, factor: number, added: number, last: boolean): void => {
    if (!last || standard === null) kernels.tone(image, size, factor, added, 0, 1);
    else {
      for (let channel = 0; channel < channels; channel++) {
        const plane = image + 4 * channel * area;
        kernels.tone(plane, area, factor, added, standard.mean[channel], 1 / standard.sd[channel]);
      }
    }
  };

  /** @returns the sum of the values, or null where it has not been worked out */
  const sample = (drawn: Drawn, source: number, bits: 8 | 16, image: number, plan: number): number | null => {
    if (!moves(drawn)) {
      if (bits === 8) kernels.unpack8(source, image, size);
      else kernels.unpack16(source, image, size);
      return null;
    }
    // Back from output to source: the inverse of mirror, then scale and turn, then shift.
    const [signX, signY] = [drawn.mirrorX ? -1 : 1, drawn.mirrorY ? -1 : 1];
    const cos = Math.cos(drawn.angle) / drawn.scale;
    const sin = Math.sin(drawn.angle) / drawn.scale;
    const turn = [signX * cos, signX * sin, signY * cos, signY * sin] as const;
    return kernels.warp(
      bits / 8,
      source,
      image,
      channels,
      height,
      width,
      ...turn,
      drawn.shiftX,
      drawn.shiftY,
      black,
      outside,
      plan,
    );
  };

  return {
    apply: (samples, output, outputOffset, random) => {
      if (samples.length !== size || outputOffset < 0 || outputOffset + size > output.length) {
        throw new ShapeError(
          `augment: source and output must hold ${channels} × ${height} × ${width} values, got ${samples.length}, and ${output.length} of which from ${outputOffset}`,
        );
      }
      const drawn = random === null ? still : draw(chosen, height, width, random);
      const [source, image, plan, table, state] = layOut(
        samples.byteLength,
        4 * size,
        planBytes * Math.ceil(width / 4),
        4 * (powerSteps + 2),
        16,
      );
      bytesAt(source, samples.byteLength).set(bytesOf(samples));
      let total = sample(drawn, source, samples.BYTES_PER_ELEMENT === 1 ? 8 : 16, image, plan);
      const { brightness, contrast, gamma, saturation, noise, cut } = drawn;
      if (channels === 3 && saturation !== 1) {
        kernels.saturate(image, area, saturation);
        total = null;
      }
      const toned = brightness !== 0 || contrast !== 1;
      const mean = toned ? (total ?? kernels.sum(image, size)) / size : 0;
      const added = mean - contrast * mean + brightness;
      const further = gamma !== 1 || noise > 0 || cut;
      if (toned || (standard !== null && !further)) finish(image, contrast, added, !further);
      if (gamma !== 1) {
        const entries = floatsAt(table, powerSteps + 2);
        for (let i = 0; i < entries.length; i++) entries[i] = (i / powerSteps) ** (4 * gamma);
        kernels.power(image, size, table, powerSteps);
      }
      if (noise > 0 && random !== null) addNoise(image, size, noise, random, state);
      const result = floatsAt(image, size);
      if (cut) cutOut(result, drawn, kernels.sum(image, size) / size, chosen.cutoutSize, shape);
      if (further && standard !== null) finish(image, 1, 0, true);
      output.set(result, outputOffset);
    },
  };
}

function checkSettings(settings: Augmentation): void {
  for (const [name, limit] of Object.entries(upperLimits)) {
    const value = settings[name as keyof typeof upperLimits];
    if (!(value >= 0 && value <= limit)) {
      throw new ConfigError(`augmentation: ${name} must lie in 0..${limit}, got ${value}`, name);
    }
  }
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

/**
 * What is done to one image. A similarity comes first: mirror, then magnify and turn about the centre (radians), then shift
 * (pixels).
 */
type Drawn = ReturnType<typeof draw>;

function moves({ angle, shiftX, shiftY, scale, mirrorX, mirrorY }: Drawn): boolean {
  return angle !== 0 || shiftX !== 0 || shiftY !== 0 || scale !== 1 || mirrorX || mirrorY;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Moves the image's stream on by a draw for every value. */
function addNoise(image: number, size: number, deviation: number, random: Random, state: number): void {
  const words = new Uint32Array(kernels.memory.buffer, state, 4);
  words.set(random.state());
  // The sum of four uniform bytes has the variance 4 (256² − 1) / 12.
  kernels.noise(image, size, deviation / Math.sqrt((4 * (256 ** 2 - 1)) / 12), state);
  random.restore([...words]);
}

/** Fills the hole with the mean. */
function cutOut(
  image: Float32Array,
  { cutX, cutY }: Drawn,
  mean: number,
  share: number,
  { channels, height, width }: ImageShape,
): void {
  const [holeWidth, holeHeight] = [Math.round(share * width), Math.round(share * height)];
  const left = Math.round(cutX * (width - holeWidth));
  const top = Math.round(cutY * (height - holeHeight));
  for (let channel = 0; channel < channels; channel++) {
    for (let y = top; y < top + holeHeight; y++) {
      const start = (channel * height + y) * width + left;
      image.fill(mean, start, start + holeWidth);
    }
  }
}
