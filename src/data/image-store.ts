/**
 * The images of a study, each decoded once. Decoded images are held packed in memory (one or two bytes per
 * sample: 5,000 colour images at 64 px take 60 MB) and, given a cache folder, in packs on disk, so that
 * neither the second epoch nor the second run decodes. Collections larger than memory are not served yet.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { DataError } from '../errors.js';
import { checkFormat, decodePacked, type ImageFormat } from './decode.js';
import type { DecodeReply, DecodeRequest } from './decodeWorker.js';
import { type PackedPixels, readPacks, unpackImage, writePack } from './image-pack.js';
import { type Thread, takeThread } from './threads.js';

export interface ImageStoreOptions extends ImageFormat {
  /** Folder of the cache on disk; null keeps images in memory only. */
  readonly cache: string | null;
  /** Files decoded at the same time. Default: the processors available. */
  readonly concurrency?: number;
}

export interface PrepareOptions {
  /** `stop` (default) throws at the first file that cannot be decoded, `skip` lists it in `failed`. */
  readonly onBadImage?: 'stop' | 'skip';
  /** Called after each image. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What `prepare` did; counts are of distinct files. */
export interface Prepared {
  readonly decoded: number;
  /** Images found in memory or in the cache. */
  readonly reused: number;
  readonly failed: readonly { readonly path: string; readonly error: DataError }[];
  /** Cache files that could not be read and whose images were decoded again. */
  readonly damaged: readonly string[];
}

/** Decoded images by path. */
export interface ImageStore {
  readonly format: Required<ImageFormat>;
  /** Samples per image: channels · size². */
  readonly length: number;
  /**
   * Decodes what is neither in memory nor in the cache, and keeps it.
   * @throws DataError of `decodeImage`, or `cache-unwritable`
   */
  prepare(paths: Iterable<string>, options?: PrepareOptions): Promise<Prepared>;
  /** True once `prepare` has read the image. */
  has(path: string): boolean;
  /**
   * Writes [channels, size, size] in [0, 1] into `into` from `offset` on.
   * @throws DataError `image-not-prepared`
   * @throws RangeError when the image does not fit
   */
  read(path: string, into: Float32Array, offset?: number): void;
  /**
   * The samples as the store keeps them, for an augmenter: in memory that threads share, so that an image is
   * handed to a worker without a copy. Not to be written to.
   * @throws DataError `image-not-prepared`
   */
  stored(path: string): PackedPixels;
}

/** Files for which it is worth while to start a thread, which takes as long as the decoding of half of them. */
const filesPerThread = 64;
/** Files of one message to a thread, which takes as long as a tenth of an image. */
const filesPerRequest = 8;

/** Decoded bytes after which a pack is written, so that an interrupted run keeps most of its work. */
const packBytes = 64 * 2 ** 20;

/**
 * An empty store.
 * @throws ConfigError when the format is impossible
 */
export function openImageStore({
  cache,
  concurrency = availableParallelism(),
  ...options
}: ImageStoreOptions): ImageStore {
  checkFormat(options);
  const format: Required<ImageFormat> = {
    size: options.size,
    channels: options.channels,
    fit: options.fit ?? 'letterbox',
    contrast: options.contrast ?? 'recorded',
  };
  const length = format.channels * format.size ** 2;
  const prefix = `${format.size}px-${format.channels}ch-${format.fit}-${format.contrast}`;
  const images = new Map<string, PackedPixels>();

  const stored = (path: string): PackedPixels => {
    const pixels = images.get(path);
    if (pixels === undefined) {
      throw new DataError(
        'image-not-prepared',
        'ImageStore.read: an image is prepared before it is read, got one that is not; call prepare with it',
        { file: path },
      );
    }
    return pixels;
  };

  /** None where a thread would have too little to do for its start, or were the only one. */
  const takeDecoders = (count: number): Thread<DecodeRequest, DecodeReply>[] => {
    const threads = Math.min(concurrency, Math.floor(count / filesPerThread));
    const script = new URL('./decodeWorker.js', import.meta.url);
    return threads < 2 ? [] : Array.from({ length: threads }, () => takeThread(script));
  };

  const decodeAll = async (
    files: readonly { path: string; digest: string }[],
    onDone: (path: string, pixels: PackedPixels | DataError) => void,
  ): Promise<void> => {
    let pending = new Map<string, PackedPixels>();
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const full = pending;
      pending = new Map();
      bytes = 0;
      if (cache !== null && full.size > 0) await writePack(cache, prefix, full);
    };
    const threads = takeDecoders(files.length);
    let next = 0;
    let stopped = false;
    const work = async (worker: number): Promise<void> => {
      while (next < files.length && !stopped) {
        const some = files.slice(next, next + (threads.length > 0 ? filesPerRequest : 1));
        next += some.length;
        const paths = some.map(({ path }) => path);
        const decoded: DecodeReply = await (threads[worker % threads.length]?.ask({ paths, format }) ?? []);
        for (const [i, { path, digest }] of some.entries()) {
          const pixels =
            decoded[i] ??
            (await decodePacked(path, format).catch((error: unknown) => {
              if (error instanceof DataError) return error;
              throw error;
            }));
          onDone(path, pixels);
          if (pixels instanceof DataError) continue;
          pending.set(digest, pixels);
          bytes += pixels.byteLength;
          if (bytes >= packBytes) await flush();
        }
      }
    };
    // Two requests for each thread: one that it works on and one that waits, so that it is never idle.
    const workers = Array.from({ length: threads.length > 0 ? 2 * threads.length : concurrency }, (_, i) =>
      work(i).catch((error: unknown) => {
        stopped = true;
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(workers);
    for (const thread of threads) await thread.close();
    // What was decoded before a fault is kept.
    await flush();
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  };

  return {
    format,
    length,
    has: (path) => images.has(path),
    prepare: async (paths, { onBadImage = 'stop', onProgress } = {}) => {
      const asked = [...new Set(paths)];
      const failed: { path: string; error: DataError }[] = [];
      let done = 0;
      const finish = (path: string, result: PackedPixels | DataError): void => {
        if (!(result instanceof DataError)) images.set(path, result);
        else if (onBadImage === 'skip') failed.push({ path, error: result });
        else throw result;
        done++;
        onProgress?.(done, asked.length);
      };
      const files: { path: string; digest: string }[] = [];
      for (const path of asked) {
        const pixels = images.get(path);
        if (pixels !== undefined) finish(path, pixels);
        else {
          const digest = digestOf(path);
          if (digest instanceof DataError) finish(path, digest);
          else files.push({ path, digest });
        }
      }
      const wanted = new Set(files.map(({ digest }) => digest));
      const stored =
        cache === null
          ? { images: new Map<string, PackedPixels>(), damaged: [] }
          : await readPacks(cache, prefix, wanted, length);
      for (const { path, digest } of files) {
        const pixels = stored.images.get(digest);
        if (pixels !== undefined) finish(path, pixels);
      }
      const missing = files.filter(({ digest }) => !stored.images.has(digest));
      const before = failed.length;
      await decodeAll(missing, finish);
      const decoded = missing.length - (failed.length - before);
      return { decoded, reused: asked.length - decoded - failed.length, failed, damaged: stored.damaged };
    },
    stored,
    read: (path, into, offset = 0) => {
      const pixels = stored(path);
      if (offset < 0 || offset + length > into.length) {
        throw new RangeError(
          `ImageStore.read: ${length} samples at ${offset} must fit into the buffer, got one of ${into.length}`,
        );
      }
      unpackImage(pixels, into, offset);
    },
  };
}

/** Digest of a file's path, time of change and size: a file that was replaced is decoded again. */
function digestOf(path: string): string | DataError {
  try {
    const { mtimeMs, size } = statSync(path);
    return createHash('sha256')
      .update(JSON.stringify([path, mtimeMs, size]))
      .digest('hex')
      .slice(0, 32);
  } catch (cause) {
    return new DataError(
      'missing-image',
      `ImageStore.prepare: the image must be a readable file, got ${(cause as NodeJS.ErrnoException).code}; add it`,
      { file: path },
    );
  }
}
