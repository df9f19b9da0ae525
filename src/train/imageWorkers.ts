/** Threads that fill batches with images while the training's own thread is busy with a step. */
import { Worker } from 'node:worker_threads';
import type { ImageSettings } from './batchImages.js';
import type { ImageRequest } from './imageWorker.js';

/** A number of threads; requests go to them in turn. */
export interface ImageWorkers {
  /** Fills `request.into`, which is gone here until the promise hands it back. */
  fill(request: ImageRequest): Promise<Float32Array<ArrayBuffer>>;
  /** Ends the threads; what they had not done is rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (into: Float32Array<ArrayBuffer>) => void;
  readonly reject: (fault: Error) => void;
}

/** Starts the threads. They do not keep the process alive while nothing is asked of them. */
export function startImageWorkers(count: number, settings: ImageSettings): ImageWorkers {
  const threads = Array.from({ length: count }, () => startThread(settings));
  let next = 0;
  return {
    fill: (request) => threads[next++ % count].fill(request),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

function startThread(settings: ImageSettings): ImageWorkers {
  // Without the process's own flags, some of which (--input-type) a file may not be started with.
  const worker = new Worker(new URL('./imageWorker.js', import.meta.url), {
    workerData: settings,
    execArgv: [],
  });
  // Replies come in the order of the requests.
  const waiting: Waiting[] = [];
  let ended: Error | null = null;
  const settle = (into: Float32Array<ArrayBuffer>): void => {
    const { resolve } = waiting.shift()!;
    if (waiting.length === 0) worker.unref();
    resolve(into);
  };
  const end = (reason: Error): void => {
    ended ??= reason;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  worker.on('message', settle);
  worker.on('error', end);
  worker.on('exit', () => end(new Error('internal: an image worker ended before its work was done')));
  worker.unref();
  return {
    fill: (request) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(request, [request.into.buffer]);
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}
