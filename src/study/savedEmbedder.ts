/** An image embedder as a file: weights under published names, everything else as JSON in the file's metadata. */
import { z } from 'zod';
import { DataError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors, toFloat32 } from '../models/index.js';
import type { ImageEmbedder } from './imageEmbedder.js';

const savedSchema = z
  .looseObject({ format: z.literal('medfusion-embedder'), version: z.literal(1) })
  .transform((embedder) => embedder as unknown as Omit<ImageEmbedder, 'weights'>);

/** The bytes of embedder.safetensors. */
export function encodeEmbedder({ weights, ...saved }: ImageEmbedder): Uint8Array {
  const tensors = Object.fromEntries(
    [...weights].map(([name, { shape, values }]) => [name, { shape, data: values }]),
  );
  return encodeSafetensors(tensors, { medfusion: JSON.stringify(saved) });
}

/**
 * Reads the bytes of embedder.safetensors.
 * @param path  name of the file, for messages
 * @throws DataError `not-an-embedder` when the file holds something else; errors of `decodeSafetensors`
 */
export function decodeEmbedder(bytes: Uint8Array, path: string): ImageEmbedder {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const parsed = savedSchema.safeParse(
    metadata.medfusion === undefined ? null : JSON.parse(metadata.medfusion),
  );
  if (!parsed.success) {
    throw new DataError(
      'not-an-embedder',
      'decodeEmbedder: the file must hold an image embedder that "medfusion train" or "stratify" wrote; name the folder of a finished run',
      { file: path },
    );
  }
  const weights = new Map(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: toFloat32(tensor, name) },
    ]),
  );
  return { ...parsed.data, weights };
}
