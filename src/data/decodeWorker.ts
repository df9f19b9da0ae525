/** A thread that decodes files, one after the other in the order in which they are named. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodePacked, type ImageFormat } from './decode.js';
import type { PackedPixels } from './image-pack.js';

/** The samples, or null where decoding failed: the asking thread then decodes the file itself and meets the error. */
export type DecodeReply = PackedPixels | null;

let before: Promise<void> = Promise.resolve();
parentPort!.on('message', (path: string) => {
  before = before.then(async () => {
    const reply: DecodeReply = await decodePacked(path, workerData as ImageFormat).catch(() => null);
    parentPort!.postMessage(reply);
  });
});
