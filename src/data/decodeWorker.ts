/** A thread that decodes files, one after the other in the order in which they are named. */
import { parentPort } from 'node:worker_threads';
import { decodePacked, type ImageFormat } from './decode.js';
import type { PackedPixels } from './image-pack.js';

export interface DecodeRequest {
  readonly paths: readonly string[];
  readonly format: ImageFormat;
}

/** Samples of each file, or null where decoding failed: the asking thread then decodes the file itself and meets the error. */
export type DecodeReply = readonly (PackedPixels | null)[];

let before: Promise<void> = Promise.resolve();
parentPort!.on('message', ({ paths, format }: DecodeRequest) => {
  before = before.then(async () => {
    const reply: (PackedPixels | null)[] = [];
    for (const path of paths) reply.push(await decodePacked(path, format).catch(() => null));
    parentPort!.postMessage(reply satisfies DecodeReply);
  });
});
