/**
 * How far apart two cores are: the time in which a number passes from a thread to another and back. On virtual machines it
 * changes with where the two virtual cores presumably run at the moment: 110 to 120 ns where they share a cache, 250 to 500
 * where they do not. Whatever many small operations share between threads is then slower, though each thread is as fast.
 */
import { Worker } from 'node:worker_threads';

/** Nanoseconds from which on cores count as far apart. */
export const far = 200;

const roundTrips = 20_000;
const warmUp = 2_000;

const partner = `
  const { workerData } = require('node:worker_threads');
  for (;;) {
    Atomics.wait(workerData, 1, 0);
    if (Atomics.load(workerData, 1) === 2) break;
    while (Atomics.load(workerData, 1) === 1) if (Atomics.load(workerData, 0) === 1) Atomics.store(workerData, 0, 0);
  }`;

export interface HandoverProbe {
  /** Nanoseconds of a round trip between two threads, the median of three measurements. */
  measure(): number;
  close(): Promise<void>;
}

/** Starts the second thread, which sleeps between measurements. */
export function openHandoverProbe(): HandoverProbe {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(partner, { eval: true, workerData: cells });
  // A bench that fails half-way ends nevertheless.
  worker.unref();
  const pass = (times: number) => {
    for (let i = 0; i < times; i++) {
      Atomics.store(cells, 0, 1);
      while (Atomics.load(cells, 0) === 1);
    }
  };
  const once = () => {
    pass(warmUp);
    const start = performance.now();
    pass(roundTrips);
    return ((performance.now() - start) * 1e6) / roundTrips;
  };
  return {
    measure() {
      Atomics.store(cells, 1, 1);
      Atomics.notify(cells, 1);
      const measured = [once(), once(), once()].sort((a, b) => a - b)[1];
      Atomics.store(cells, 1, 0);
      return measured;
    },
    close: async () => {
      Atomics.store(cells, 1, 2);
      Atomics.notify(cells, 1);
      await worker.terminate();
    },
  };
}
