/** A thread that fills batches with images, one after the other in the order in which it is asked. */
import { parentPort } from 'node:worker_threads';
import type { PackedPixels } from '../data/index.js';
import { createImageFiller, type ImageSettings, type ImageWork } from './batchImages.js';

/** One batch to fill. */
export interface ImageRequest {
  readonly settings: ImageSettings;
  readonly work: ImageWork;
  /** The samples of each image, shared memory. */
  readonly pixels: readonly PackedPixels[];
  /** Where to; the reply says that it is filled. */
  readonly into: Float32Array<SharedArrayBuffer>;
}

parentPort!.on('message', ({ settings, work, pixels, into }: ImageRequest) => {
  createImageFiller(settings)(work, into, pixels);
  parentPort!.postMessage(null);
});
