/**
 * The pixels of a batch: read, augmented, standardised and put into their places. What it takes is plain data, so that
 * the training's own thread and a worker do the same, to the same bits.
 */
import {
  type Augmentation,
  type Augmenter,
  augmentationStream,
  createAugmenter,
  type ImageFormat,
} from '../data/index.js';

/** What is alike in all batches. */
export interface ImageSettings {
  readonly format: Required<ImageFormat>;
  /** Per channel, mean and standard deviation over training images. */
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

/** The images of one batch, in ascending order of their places. */
export interface ImageWork {
  /** Where each image lies in the batch: place of its row · slots + slot. */
  readonly places: readonly number[];
  /** Row of the cohort and slot of each image, which name its random stream. */
  readonly rows: readonly number[];
  readonly slots: readonly number[];
  /** How images are augmented; null: not at all. */
  readonly augmented: {
    readonly seed: number;
    readonly epoch: number;
    readonly settings: Augmentation;
  } | null;
}

/** Writes image k of the work, [channels, size, size] in [0, 1], to the start of an array. */
export type ReadImage = (k: number, into: Float32Array) => void;

/** A function that fills `into`, [places, channels, size, size], with the images of a batch. */
export function createImageFiller({ format, mean, sd }: ImageSettings) {
  const { channels, size } = format;
  const length = channels * size ** 2;
  const image = new Float32Array(length);
  let augmenter: { readonly settings: string; readonly apply: Augmenter['apply'] } | null = null;
  const augmenterFor = (settings: Augmentation): Augmenter['apply'] => {
    // By value: what comes from another thread is another object every time.
    const name = JSON.stringify(settings);
    if (augmenter?.settings !== name) {
      const outside = format.contrast === 'local' ? 0.5 : 0;
      const { apply } = createAugmenter(settings, { channels, height: size, width: size, outside });
      augmenter = { settings: name, apply };
    }
    return augmenter.apply;
  };

  return ({ places, rows, slots, augmented }: ImageWork, into: Float32Array, read: ReadImage): void => {
    const apply = augmented === null ? null : augmenterFor(augmented.settings);
    places.forEach((place, k) => {
      const at = place * length;
      read(k, image);
      if (apply === null || augmented === null) into.set(image, at);
      else apply(image, 0, into, at, augmentationStream(augmented.seed, augmented.epoch, rows[k], slots[k]));
      standardise(into, at, length, mean, sd);
    });
    fillEmpty(into, length, places);
  };
}

/** Batch statistics shall see real images alone: an empty, masked slot holds a copy of the one before it. */
function fillEmpty(into: Float32Array, length: number, places: readonly number[]): void {
  if (places.length === 0) {
    into.fill(0);
    return;
  }
  let source = places[places.length - 1];
  for (let at = 0, next = 0; at * length < into.length; at++) {
    if (places[next] === at) {
      source = at;
      next++;
    } else into.copyWithin(at * length, source * length, (source + 1) * length);
  }
}

function standardise(
  pixels: Float32Array,
  offset: number,
  length: number,
  mean: readonly number[],
  sd: readonly number[],
): void {
  const area = length / mean.length;
  for (let channel = 0; channel < mean.length; channel++) {
    const start = offset + channel * area;
    const [m, scale] = [mean[channel], 1 / sd[channel]];
    for (let i = start; i < start + area; i++) pixels[i] = (pixels[i] - m) * scale;
  }
}
