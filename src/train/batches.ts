/** Batches: the arrays that a training or inference program is fed. */
import {
  type Augmentation,
  augmentationStream,
  type Cohort,
  createAugmenter,
  type ImageStore,
} from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import { type Random, randomStream } from '../random/index.js';
import type { Values } from '../runtime/index.js';
import { type EncodedCohort, furthest, type InputEncoder } from './encoder.js';

export interface BatchSource {
  readonly cohort: Cohort;
  readonly encoder: InputEncoder;
  readonly encoded: EncodedCohort;
  readonly config: MedFusionConfig;
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
}

/** What training does to a batch and inference does not. */
export interface TrainingVariation {
  readonly seed: number;
  readonly epoch: number;
  readonly augmentation: Augmentation;
  /** Probability of hiding one modality of a row that has several. */
  readonly modalityDropout: number;
}

/** Feeds of one batch, without targets. */
export type Feeds = Record<string, Values>;

/**
 * A function that assembles batches of a fixed size. The arrays it returns are reused by the next call.
 * Rows beyond `rows.length` repeat the first row; drop their outputs.
 */
export function createBatcher(source: BatchSource, batchSize: number) {
  const { cohort, encoder, encoded, config, images } = source;
  const { image, tabular, text } = config;
  const pixels = images?.length ?? 0;
  const feeds: Feeds = { present: new Float32Array(batchSize * 3) };
  if (image !== null) {
    feeds.images = new Float32Array(batchSize * image.slots * pixels);
    feeds.visitMask = new Float32Array(batchSize * image.slots);
    feeds.visitTime = new Float32Array(batchSize * image.slots);
    feeds.visitView = new Int32Array(batchSize * image.slots);
  }
  if (tabular !== null && tabular.numeric > 0) {
    feeds.numeric = new Float32Array(batchSize * tabular.numeric);
    feeds.numericMissing = new Float32Array(batchSize * tabular.numeric);
  }
  if (tabular !== null && tabular.levels.length > 0)
    feeds.categorical = new Int32Array(batchSize * tabular.levels.length);
  if (text !== null) {
    feeds.textIds = new Int32Array(batchSize * text.tokens);
    feeds.textMask = new Float32Array(batchSize * text.tokens);
  }
  let augment: { settings: Augmentation; apply: ReturnType<typeof createAugmenter>['apply'] } | null = null;

  return (rows: Int32Array, variation?: TrainingVariation): Feeds => {
    if (variation !== undefined && images !== null && augment?.settings !== variation.augmentation) {
      const { channels, size, contrast } = images.format;
      const outside = contrast === 'local' ? 0.5 : 0;
      const shape = { channels, height: size, width: size, outside };
      const augmenter = createAugmenter(variation.augmentation, shape);
      augment = { settings: variation.augmentation, apply: augmenter.apply.bind(augmenter) };
    }
    for (let place = 0; place < batchSize; place++) {
      const row = rows[place < rows.length ? place : 0];
      copyRow(encoded.numeric, row, feeds.numeric, place, encoded.numericColumns);
      copyRow(encoded.missing, row, feeds.numericMissing, place, encoded.numericColumns);
      copyRow(encoded.categorical, row, feeds.categorical, place, encoder.categorical.length);
      copyRow(encoded.textIds, row, feeds.textIds, place, text?.tokens ?? 0);
      copyRow(encoded.textMask, row, feeds.textMask, place, text?.tokens ?? 0);
      copyRow(encoded.present, row, feeds.present, place, 3);
      if (variation !== undefined && variation.modalityDropout > 0) {
        const stream = randomStream(variation.seed, 'modality', variation.epoch, row, place);
        hideModality(feeds.present as Float32Array, place * 3, variation.modalityDropout, stream);
      }
    }
    if (images !== null && image !== null) fillImages(rows, variation);
    return feeds;
  };

  function fillImages(rows: Int32Array, variation: TrainingVariation | undefined): void {
    const into = feeds.images as Float32Array;
    const mask = feeds.visitMask as Float32Array;
    const { slots, views, timeScale, mean, sd } = encoder.image!;
    mask.fill(0);
    (feeds.visitTime as Float32Array).fill(0);
    (feeds.visitView as Int32Array).fill(0);
    let filled = -1;
    const empty: number[] = [];
    for (let place = 0; place < batchSize; place++) {
      const row = rows[place < rows.length ? place : 0];
      for (let slot = 0; slot < slots; slot++) {
        const visit = cohort.visits[row].find((candidate) => candidate.slot === slot);
        const at = place * slots + slot;
        if (visit === undefined) {
          empty.push(at);
          continue;
        }
        images!.read(visit.path, into, at * pixels);
        if (variation !== undefined) {
          const stream = augmentationStream(variation.seed, variation.epoch, row, slot);
          augment!.apply(into, at * pixels, into, at * pixels, stream);
        }
        normalize(into, at * pixels, pixels, mean, sd);
        mask[at] = 1;
        (feeds.visitTime as Float32Array)[at] = Math.max(-furthest, visit.timeOffset / timeScale);
        (feeds.visitView as Int32Array)[at] = visit.view === null ? 0 : views.indexOf(visit.view) + 1;
        filled = at;
      }
    }
    // Batch statistics shall see real images alone: an empty, masked slot holds a copy of the one before it.
    let source = filled;
    for (const at of empty) {
      if (at > 0 && mask[at - 1] === 1) source = at - 1;
      if (source >= 0) into.copyWithin(at * pixels, source * pixels, (source + 1) * pixels);
      else into.fill(0, at * pixels, (at + 1) * pixels);
    }
  }
}

function copyRow(from: Values, row: number, into: Values | undefined, place: number, width: number): void {
  if (into !== undefined && width > 0) into.set(from.subarray(row * width, (row + 1) * width), place * width);
}

/** Hides one of the row's modalities with the given probability, but never the only one. */
function hideModality(present: Float32Array, offset: number, probability: number, random: Random): void {
  const there = [0, 1, 2].filter((modality) => present[offset + modality] === 1);
  if (there.length > 1 && random.uniform() < probability)
    present[offset + there[random.integer(there.length)]] = 0;
}

function normalize(
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
