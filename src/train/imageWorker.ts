/** A thread that fills batches with images, one after the other in the order in which it is asked. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PackedPixels } from '../data/index.js';
import { createImageFiller, type ImageSettings, type ImageWork } from './batchImages.js';

/** One batch to fill. */
export interface ImageRequest {
  readonly work: ImageWork;
  /** The samples of each image, shared memory. */
  readonly pixels: readonly PackedPixels[];
  /** Where to; travels there and back. */
  readonly into: Float32Array<ArrayBuffer>;
}

const fill = createImageFiller(workerData as ImageSettings);
parentPort!.on('message', ({ work, pixels, into }: ImageRequest) => {
  fill(work, into, pixels);
  parentPort!.postMessage(into, [into.buffer]);
});
