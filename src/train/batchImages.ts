/**
 * The pixels of a batch: read, augmented, standardised and put into their places. What it takes is plain data, so that
 * the training's own thread and a worker do the same, to the same bits.
 */
// Not from the index, whose other parts would take half of a worker's start.
import { type Augmentation, augmentationStream, createAugmenter } from '../data/augment.js';
import type { ImageFormat, PackedPixels } from '../data/index.js';

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

/** A function that fills `into`, [places, channels, size, size], with the images of a batch: image k of the work is images[k]. */
export function createImageFiller({ format, mean, sd }: ImageSettings) {
  const { channels, size, contrast } = format;
  const shape = { channels, height: size, width: size, outside: contrast === 'local' ? 0.5 : 0 };
  return (
    { places, rows, slots, augmented }: ImageWork,
    into: Float32Array,
    images: readonly PackedPixels[],
  ): void => {
    const length = channels * size ** 2;
    const { apply } = createAugmenter(augmented?.settings ?? {}, shape, { mean, sd });
    places.forEach((place, k) => {
      const random =
        augmented === null ? null : augmentationStream(augmented.seed, augmented.epoch, rows[k], slots[k]);
      apply(images[k], into, place * length, random);
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
