/** Batches: the arrays that a training or inference program is fed. */
import type { Augmentation, Cohort, ImageStore } from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import { type Random, randomStream } from '../random/index.js';
import type { Values } from '../runtime/index.js';
import { createImageFiller, type ImageWork } from './batchImages.js';
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
  const { images } = source;
  const batch = createBatchParts(source, batchSize);
  const { imageSettings } = batch;
  if (images === null || imageSettings === null) return batch.fill;
  const pixels = new Float32Array(batch.imageValues);
  const fillImages = createImageFiller(imageSettings);
  return (rows: Int32Array, variation?: TrainingVariation): Feeds => {
    const feeds = batch.fill(rows, variation);
    const { paths, ...work } = batch.imageWork(rows, variation);
    fillImages(
      work,
      pixels,
      paths.map((path) => images.stored(path)),
    );
    return { ...feeds, images: pixels };
  };
}

/** A batch in two parts: pixels, which take time and may be made by another thread, and all else. */
export function createBatchParts(
  { cohort, encoder, encoded, config, images }: BatchSource,
  batchSize: number,
) {
  const { image, tabular, text } = config;
  const feeds: Feeds = { present: new Float32Array(batchSize * 3) };
  if (image !== null) {
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

  /** Everything but `images`. */
  const fill = (rows: Int32Array, variation?: TrainingVariation): Feeds => {
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
    if (images !== null && image !== null) fillVisits(rows);
    return feeds;
  };

  const fillVisits = (rows: Int32Array): void => {
    const [mask, time] = [feeds.visitMask as Float32Array, feeds.visitTime as Float32Array];
    const view = feeds.visitView as Int32Array;
    const { slots, views, timeScale } = encoder.image!;
    for (const values of [mask, time, view]) values.fill(0);
    for (let place = 0; place < batchSize; place++) {
      for (const visit of cohort.visits[rows[place < rows.length ? place : 0]]) {
        if (visit.slot >= slots) continue;
        const at = place * slots + visit.slot;
        mask[at] = 1;
        time[at] = Math.max(-furthest, visit.timeOffset / timeScale);
        view[at] = visit.view === null ? 0 : views.indexOf(visit.view) + 1;
      }
    }
  };

  /** Which pixels the batch needs; row of the cohort and path of each image, in the order of its places. */
  const imageWork = (
    rows: Int32Array,
    variation?: TrainingVariation,
  ): ImageWork & { readonly paths: readonly string[] } => {
    const { slots } = encoder.image!;
    const [places, ofRows, ofSlots]: number[][] = [[], [], []];
    const paths: string[] = [];
    for (let place = 0; place < batchSize; place++) {
      const row = rows[place < rows.length ? place : 0];
      for (let slot = 0; slot < slots; slot++) {
        const visit = cohort.visits[row].find((candidate) => candidate.slot === slot);
        if (visit === undefined) continue;
        places.push(place * slots + slot);
        ofRows.push(row);
        ofSlots.push(slot);
        paths.push(visit.path);
      }
    }
    const augmented =
      variation === undefined
        ? null
        : { seed: variation.seed, epoch: variation.epoch, settings: variation.augmentation };
    return { places, rows: ofRows, slots: ofSlots, paths, augmented };
  };

  const imageSettings =
    images === null || image === null
      ? null
      : { format: images.format, mean: encoder.image!.mean, sd: encoder.image!.sd };
  return {
    fill,
    imageWork,
    imageSettings,
    imageValues: batchSize * (image?.slots ?? 0) * (images?.length ?? 0),
  };
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
