/** How fast a network trains and predicts on a device, and how that compares with what the device can do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../errors.js';
import type { Precision } from '../../graph/index.js';
import { quantile } from '../../metrics/index.js';
import { Interrupted } from '../fit.js';
import { type Contender, ContenderRefused, openContender } from './contender.js';
import { findClassifier, type WorkloadDescription, type WorkloadSettings } from './workload.js';

export interface BenchOptions {
  /** A name of `imageClassifiers`. */
  readonly model: string;
  /** Image side, pixels; default the model's own. */
  readonly side?: number;
  readonly batch: number;
  /** Outputs of the network. */
  readonly classes: number;
  readonly device: string;
  /** Default: the machine's cores. */
  readonly threads?: number;
  /** What programs compute in. Default float32. */
  readonly precision?: Precision;
  /** Most bytes that the training step may take; default what the device has. */
  readonly memoryLimit?: number;
  /** Turns that training, inference and matrix product take, in rotation; each turn is `batchesPerRound` batches. */
  readonly rounds: number;
  readonly listener?: { readonly message: (text: string) => void };
  readonly signal?: AbortSignal;
}

/** Batches of a turn. */
export const batchesPerRound = 5;

/** Runs before anything is timed: the first ones allocate. */
export const warmUpRuns = 2;

/** The middle half of repeated measurements. */
export interface Quartiles {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

export interface TaskMeasurement {
  readonly imagesPerSecond: Quartiles;
  /** Of one batch. */
  readonly latencyMs: Quartiles;
  /** Useful arithmetic per second: forward pass, and twice that again for its derivatives in training. */
  readonly gigaflops: number;
  /** `gigaflops` over that of the matrix product. */
  readonly shareOfPeak: number;
  /** Peak resident memory of a process that does nothing else, MB of 2²⁰ bytes; a GPU's own memory is not in it. */
  readonly peakMegabytes: number;
  /** Nodes of the ONNX program. */
  readonly nodes: number;
  /** From the first symbolic tensor to the bytes of the ONNX model. */
  readonly compileMs: number;
  /** From these bytes to a program that can run, nothing of it cached. */
  readonly loadMs: number;
  /** The same from the cache of optimised programs; null where it keeps none: of small ones, and on other devices than `cpu`. */
  readonly cachedLoadMs: number | null;
}

export interface BenchResult {
  readonly model: string;
  readonly side: number;
  readonly batch: number;
  readonly classes: number;
  readonly device: string;
  readonly threads: number;
  readonly precision: Precision;
  readonly rounds: number;
  /** Trained values. */
  readonly parameters: number;
  /** Of one forward pass over one image; a floating-point operation is half of one. */
  readonly multiplyAddsPerImage: number;
  /** The fastest product of square matrices in that precision. */
  readonly matmulPeak: { readonly extent: number; readonly gigaflops: number };
  readonly training: TaskMeasurement;
  readonly inference: TaskMeasurement;
}

export type Worker = Contender<WorkloadDescription>;

/** Starts a process of our own that runs one workload. @throws ConfigError when it cannot be had */
export async function openWorker(settings: WorkloadSettings): Promise<Worker> {
  // As the command runs, see its first line.
  const program = {
    file: process.execPath,
    args: ['--expose-gc', fileURLToPath(new URL('./worker.js', import.meta.url))],
  };
  try {
    return await openContender<WorkloadDescription>(program, settings);
  } catch (error) {
    throw error instanceof ContenderRefused ? new ConfigError(error.message) : error;
  }
}

/** Quartiles of repeated measurements, by linear interpolation [hyndman1996quantiles, type 7]. */
export function quartiles(values: readonly number[]): Quartiles {
  const ascending = Float64Array.from(values).sort();
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(ascending, share));
  return { q1, median, q3 };
}

/**
 * Measures a network on batches of random images, every task in a process of its own. The tasks take turns, so that
 * whatever else the machine does meets them all alike.
 * @throws ConfigError for a model, side, device or thread count that is not there
 * @throws Interrupted when the signal aborts
 */
export async function benchModel(options: BenchOptions): Promise<BenchResult> {
  const { model, batch, classes, device, threads, precision = 'float32', memoryLimit, rounds } = options;
  const { listener, signal } = options;
  const { side } = findClassifier(model, options.side);
  const workers: Worker[] = [];
  const start = async (settings: WorkloadSettings) => {
    listener?.message(`${settings.task}: compiling and loading`);
    const worker = await openWorker(settings);
    workers.push(worker);
    await worker.repeat(warmUpRuns);
    return worker;
  };
  try {
    const network = { model, side, batch, classes };
    const training = await start({ task: 'training', ...network, device, threads, precision, memoryLimit });
    // `auto` is to pick once for all of them.
    const place = { device: training.description.device, threads, precision };
    const inference = await start({ task: 'inference', ...network, ...place });
    listener?.message('training: loading from the cache');
    const cachedLoadMs = await timeCachedLoad({ task: 'training', ...network, ...place });
    const product = await openProduct(place, start);
    const contestants = [training, inference, product.worker];
    const seconds = contestants.map(() => [] as number[]);
    for (let round = 0; round < rounds; round++) {
      signal?.throwIfAborted();
      listener?.message(`round ${round + 1} of ${rounds}`);
      for (const [i, worker] of contestants.entries())
        seconds[i].push(...(await worker.repeat(batchesPerRound)));
    }
    const { parameters, multiplyAdds } = inference.description;
    const peak = gigaflops(product.worker.description.multiplyAdds, Math.min(...seconds[2]));
    const measured = (worker: Worker, times: readonly number[], passes: number) =>
      taskMeasurement(worker, times, { batch, multiplyAdds: multiplyAdds * passes, peak });
    const trained = { ...measured(training, seconds[0], 3), cachedLoadMs };
    return {
      model,
      side,
      batch,
      classes,
      device: place.device,
      threads: training.description.threads,
      precision,
      rounds,
      parameters,
      multiplyAddsPerImage: multiplyAdds / batch,
      matmulPeak: { extent: product.extent, gigaflops: peak },
      training: trained,
      inference: measured(inference, seconds[1], 1),
    };
  } catch (error) {
    throw signal?.aborted ? new Interrupted('the measurement was interrupted; nothing is kept of it') : error;
  } finally {
    for (const worker of workers) await worker.close();
  }
}

/** Milliseconds that a program takes to load in a process after one that has put it into the cache; null if none did. */
async function timeCachedLoad(settings: WorkloadSettings): Promise<number | null> {
  const cache = await mkdtemp(join(tmpdir(), 'medfusion-bench-'));
  try {
    let description: WorkloadDescription | null = null;
    for (let process = 0; process < 2; process++) {
      const worker = await openWorker({ ...settings, cache });
      description = worker.description;
      await worker.close();
    }
    return description!.fromCache ? description!.loadMs : null;
  } finally {
    await rm(cache, { recursive: true });
  }
}

/** A run of the matrix product that takes longer is large enough to fill the device, seconds. */
const enoughSeconds = 0.02;
const largestExtent = 8192;

/** Starts the product of matrices that are large enough for the device. */
async function openProduct(
  place: Pick<BenchOptions, 'device' | 'threads' | 'precision'>,
  start: (settings: WorkloadSettings) => Promise<Worker>,
): Promise<{ worker: Worker; extent: number }> {
  for (let extent = 1024; ; extent *= 2) {
    const worker = await start({ task: 'matmul', extent, ...place });
    const [seconds] = await worker.repeat(1);
    if (seconds > enoughSeconds || extent === largestExtent) return { worker, extent };
  }
}

const gigaflops = (multiplyAdds: number, seconds: number) => (2 * multiplyAdds) / seconds / 1e9;

function taskMeasurement(
  { description, peakMegabytes }: Worker,
  seconds: readonly number[],
  { batch, multiplyAdds, peak }: { batch: number; multiplyAdds: number; peak: number },
): TaskMeasurement {
  const { nodes, compileMs, loadMs } = description;
  const reached = gigaflops(multiplyAdds, quartiles(seconds).median);
  return {
    imagesPerSecond: quartiles(seconds.map((value) => batch / value)),
    latencyMs: quartiles(seconds.map((value) => value * 1000)),
    gigaflops: reached,
    shareOfPeak: reached / peak,
    peakMegabytes: peakMegabytes(),
    nodes,
    compileMs,
    loadMs,
    // Weights are part of the program that predicts: it is not kept.
    cachedLoadMs: null,
  };
}
