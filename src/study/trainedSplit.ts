/**
 * What is kept of a finished split: model, weights, predictions. It stands in `splits/<repeat>-<fold>/` of the run folder until
 * the run is complete, so that an interrupted cross-validation goes on with the next split.
 */
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors, toFloat32 } from '../models/index.js';
import type { Stage1Model } from '../risk/index.js';
import { type Weights, writeWhole } from '../train/index.js';
import type { TrainedFold } from './fold.js';
import { formatPredictions, parsePredictions } from './predictions.js';
import { ruleCounts } from './runRecords.js';
import { decodeEmbedder, encodeEmbedder } from './savedEmbedder.js';
import type { SavedModel } from './savedModel.js';

const savedSchema = z.object({
  saved: z
    .looseObject({ format: z.literal('medfusion-model'), version: z.literal(1) })
    .transform((model) => model as unknown as SavedModel),
  stage1: z
    .looseObject({ format: z.literal('medfusion-stage1'), version: z.literal(1) })
    .nullable()
    .transform((model) => model as unknown as Stage1Model | null),
});

/** A model as it is saved: weights under published names, everything else as JSON in the file's metadata. */
export type ModelParts = Pick<TrainedFold, 'saved' | 'stage1' | 'weights'>;

/** The bytes of model.safetensors. */
export function encodeModel({ saved, stage1, weights }: ModelParts): Uint8Array {
  const tensors = Object.fromEntries(
    [...weights].map(([name, { shape, values }]) => [name, { shape, data: values }]),
  );
  return encodeSafetensors(tensors, { medfusion: JSON.stringify({ saved, stage1 }) });
}

/**
 * Reads the bytes of model.safetensors.
 * @param path  name of the file, for messages
 * @throws DataError `not-a-model` when the file holds weights but no medfusion model; errors of `decodeSafetensors`
 */
export function decodeModel(bytes: Uint8Array, path: string): ModelParts {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const parsed = savedSchema.safeParse(
    metadata.medfusion === undefined ? null : JSON.parse(metadata.medfusion),
  );
  if (!parsed.success) {
    throw new DataError(
      'not-a-model',
      'decodeModel: the file must hold a model that "medfusion train" wrote; name the run folder of a finished run',
      { file: path },
    );
  }
  const weights: Weights = new Map(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: toFloat32(tensor, name) },
    ]),
  );
  return { ...parsed.data, weights };
}

/** Keeps a finished split. The predictions are written last: where they are, the split is whole. */
export async function keepSplit(directory: string, fold: TrainedFold): Promise<void> {
  await writeWhole(join(directory, 'rules.json'), JSON.stringify(fold.rules));
  if (fold.embedder !== null)
    await writeWhole(join(directory, 'embedder.safetensors'), encodeEmbedder(fold.embedder));
  await writeWhole(join(directory, 'model.safetensors'), encodeModel(fold));
  await writeWhole(join(directory, 'predictions.csv'), formatPredictions(fold.predictions));
}

/** A split that an earlier, interrupted run has finished; null where it has not. */
export async function readSplit(directory: string): Promise<TrainedFold | null> {
  const file = join(directory, 'predictions.csv');
  if (!existsSync(file)) return null;
  const model = join(directory, 'model.safetensors');
  const embedder = join(directory, 'embedder.safetensors');
  return {
    ...decodeModel(await readFile(model), model),
    embedder: existsSync(embedder) ? decodeEmbedder(await readFile(embedder), embedder) : null,
    rules: ruleCounts.parse(JSON.parse(await readFile(join(directory, 'rules.json'), 'utf8'))),
    predictions: await parsePredictions(createReadStream(file), file),
  };
}
