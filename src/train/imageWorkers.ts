/** Threads that fill batches with images while the training's own thread is busy with a step. */
import { takeThread } from '../data/index.js';
import type { ImageSettings } from './batchImages.js';
import type { ImageRequest } from './imageWorker.js';

/** A number of threads; requests go to them in turn. */
export interface ImageWorkers {
  /** Fills `request.into`, which is the thread's until the promise hands it back. */
  fill(request: Omit<ImageRequest, 'settings'>): Promise<Float32Array<SharedArrayBuffer>>;
  /** Gives the threads back; what they had not done is rejected. */
  close(): Promise<void>;
}

/** Starts the threads. They do not keep the process alive while nothing is asked of them. */
export function startImageWorkers(count: number, settings: ImageSettings): ImageWorkers {
  const script = new URL('./imageWorker.js', import.meta.url);
  const threads = Array.from({ length: count }, () => takeThread<ImageRequest, null>(script));
  let next = 0;
  return {
    fill: async (request) => {
      await threads[next++ % count].ask({ ...request, settings });
      return request.into;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
