/**
 * Training batches in their order, images prepared ahead by worker threads. The batches are those of `createBatcher`,
 * bit for bit: what is done to an image depends on its own random stream alone, not on the thread or the moment.
 */
import { availableParallelism } from 'node:os';
import type { ImageStore } from '../data/index.js';
import {
  type BatchSource,
  createBatcher,
  createBatchParts,
  type Feeds,
  type TrainingVariation,
} from './batches.js';
import { type ImageWorkers, startImageWorkers } from './imageWorkers.js';

/** Batches under way per worker: one that it fills and one that waits, so that it is never idle. */
const ahead = 2;

/** A batch that is ready to be trained on. */
export interface LoadedBatch {
  readonly rows: Int32Array;
  /** Without targets. */
  readonly feeds: Feeds;
}

export interface BatchLoader {
  /**
   * Each batch of rows with its feeds, in order. They are valid until the next batch is asked for.
   * @throws DataError `image-not-prepared`, naming the file
   */
  batches(
    batches: readonly Int32Array[],
    variation: TrainingVariation,
  ): AsyncGenerator<LoadedBatch, void, void>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/**
 * Opens a loader of batches of a fixed size.
 * @param workers threads that prepare images; 0 prepares each batch when it is asked for, in the calling thread. Memory
 *   for 2 · workers + 1 batches of images is held.
 * @throws RangeError unless workers is a whole number, 0 or more
 */
export function openBatchLoader(source: BatchSource, batchSize: number, workers: number): BatchLoader {
  if (!Number.isInteger(workers) || workers < 0) {
    throw new RangeError(`openBatchLoader: workers must be a whole number from 0, got ${workers}`);
  }
  const { images } = source;
  const parts = createBatchParts(source, batchSize);
  if (workers === 0 || images === null || parts.imageSettings === null) return loadHere(source, batchSize);
  const threads = startImageWorkers(workers, parts.imageSettings);
  const free = Array.from(
    { length: ahead * workers },
    () => new Float32Array(new SharedArrayBuffer(4 * parts.imageValues)),
  );
  const inUse = new Float32Array(parts.imageValues);
  return {
    batches: (batches, variation) => loadAhead(images, parts, threads, free, inUse, batches, variation),
    close: () => threads.close(),
  };
}

/**
 * How many workers a training on the CPU has by default: one for each processor that its own threads leave idle, at most 4,
 * since one worker makes images several times as fast as a processor trains on them. Where the threads take all processors
 * a worker would only take turns with them: measured, steps then wait less and take longer by as much.
 * @param threads of the training
 * @param processors available to the process
 */
export function imageWorkersFor(threads: number, processors: number = availableParallelism()): number {
  return Math.max(0, Math.min(4, processors - threads));
}

function loadHere(source: BatchSource, batchSize: number): BatchLoader {
  const batcher = createBatcher(source, batchSize);
  return {
    async *batches(batches, variation) {
      for (const rows of batches) yield { rows, feeds: batcher(rows, variation) };
    },
    close: async () => {},
  };
}

type SharedBatch = Float32Array<SharedArrayBuffer>;

async function* loadAhead(
  images: ImageStore,
  { fill, imageWork }: ReturnType<typeof createBatchParts>,
  threads: ImageWorkers,
  free: SharedBatch[],
  inUse: Float32Array,
  batches: readonly Int32Array[],
  variation: TrainingVariation,
): AsyncGenerator<LoadedBatch, void, void> {
  const underWay: Promise<SharedBatch>[] = [];
  let sent = 0;
  const send = (): void => {
    while (sent < batches.length && free.length > 0) {
      const { paths, ...work } = imageWork(batches[sent++], variation);
      const pixels = paths.map((path) => images.stored(path));
      const filled = threads.fill({ work, pixels, into: free.pop()! });
      // A fault is reported when its batch is due, not before.
      filled.catch(() => {});
      underWay.push(filled);
    }
  };
  try {
    send();
    for (const rows of batches) {
      const filled = await underWay.shift()!;
      // Copied, since the runtime takes no shared memory. Handing over memory that is not shared costs several times as
      // much: each batch that arrives counts as new, and the engine of JavaScript collects garbage for it.
      inUse.set(filled);
      free.push(filled);
      send();
      yield { rows, feeds: { ...fill(rows, variation), images: inUse } };
    }
  } finally {
    for (const outcome of await Promise.allSettled(underWay)) {
      if (outcome.status === 'fulfilled') free.push(outcome.value);
    }
  }
}
