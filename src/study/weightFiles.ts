/** Files of published weights: read from the disk, or fetched once into the cache; their checksum is verified before use. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../errors.js';
import { Interrupted, type ProgressListener, writeWhole } from '../train/index.js';

export interface WeightFile {
  readonly bytes: Uint8Array;
  /** Of the bytes, hexadecimal. */
  readonly sha256: string;
}

/**
 * Reads a file of weights.
 * @param path      absolute
 * @param expected  its SHA-256, hexadecimal; undefined: any
 * @throws DataError `missing-weights` when it cannot be read, `checksum` when it is another file, `pickled-weights` when it is
 *   PyTorch's own format
 */
export async function readWeightFile(path: string, expected: string | undefined): Promise<WeightFile> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(
      'missing-weights',
      `readWeightFile: the file must be readable, got ${error.code}; paths are relative to the study's data, check model.pretrained`,
      { file: path },
    );
  });
  const sha256 = sha256Of(bytes);
  if (expected !== undefined && sha256 !== expected)
    throw otherFile('readWeightFile', sha256, expected, path);
  requireSafetensors(bytes, path);
  return { bytes, sha256 };
}

/**
 * Fetches a file of weights with a plain GET request, or takes it from the cache. Only bytes with the expected checksum are
 * kept or used.
 * @param expected  SHA-256, hexadecimal
 * @param cache     folder to keep it in, made where missing
 * @throws DataError `download-failed` when the server does not deliver it whole, `checksum` when it delivers another file,
 *   `pickled-weights`; the cache then holds nothing new
 * @throws Interrupted when the signal aborts
 */
export async function fetchWeightFile(
  url: string,
  expected: string,
  cache: string,
  { listener, signal }: { listener: Pick<ProgressListener, 'message'>; signal?: AbortSignal },
): Promise<WeightFile> {
  const path = join(cache, `${expected}.safetensors`);
  const kept = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (kept !== null && sha256Of(kept) === expected) return { bytes: kept, sha256: expected };
  listener.message(`fetching ${url}`);
  const bytes = await download(url, signal);
  const sha256 = sha256Of(bytes);
  if (sha256 !== expected) throw otherFile('fetchWeightFile', sha256, expected, url);
  requireSafetensors(bytes, url);
  await writeWhole(path, bytes);
  return { bytes, sha256 };
}

async function download(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const failed = (got: string) =>
    new DataError(
      'download-failed',
      `fetchWeightFile: the server must deliver the file whole, got ${got}; try again, or fetch it yourself and name it as \`file\``,
      { file: url },
    );
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw failed(`status ${response.status} ${response.statusText}`.trim());
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof DataError) throw error;
    if (signal?.aborted) throw new Interrupted('the download was interrupted; nothing of it was kept');
    const { message, cause } = error as Error;
    throw failed(cause instanceof Error ? `${message} (${cause.message})` : message);
  }
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function otherFile(reader: string, sha256: string, expected: string, file: string): DataError {
  return new DataError(
    'checksum',
    `${reader}: the file must have the SHA-256 ${expected}, got ${sha256}; it is another file, or was cut short: fetch it again or correct sha256 in model.pretrained`,
    { file },
  );
}

/** Refuses what `torch.save` writes: a ZIP archive, or a pickle of protocol 2 and later. */
function requireSafetensors(bytes: Uint8Array, file: string): void {
  // A safetensors file begins with eight bytes, its header's length, and the header with "{".
  if (bytes[8] === 0x7b) return;
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
  const pickle = bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
  if (!zip && !pickle) return;
  throw new DataError(
    'pickled-weights',
    'readWeightFile: the file must be safetensors, got a pickle of PyTorch, which may run code when it is read; convert it: ' +
      "python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('weights.pth', weights_only=True), 'weights.safetensors')\"",
    { file },
  );
}
