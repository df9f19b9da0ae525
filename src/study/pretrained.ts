/** `model.pretrained`: what the image branches start from, and the record of it that a run keeps. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { DataError } from '../errors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  imageBranchNames,
  publishedBranch,
  toFloat32,
} from '../models/index.js';
import { type ProgressListener, type Weights, writeWhole } from '../train/index.js';
import type { ResolvedStudy } from './resolve.js';
import { checkpointFolder } from './runFolder.js';
import type { Study } from './schema.js';
import type { Checksums } from './studyData.js';
import { fetchWeightFile, readWeightFile } from './weightFiles.js';

const recordSchema = z.object({
  source: z.string(),
  sha256: z.string(),
  matched: z.int(),
  adapted: z.array(z.string()),
  missing: z.array(z.string()),
  unexpected: z.array(z.string()),
});

export const pretrainedSchema = z.partialRecord(z.enum(imageBranchNames), recordSchema);

/**
 * By branch: where its weights come from and their SHA-256, how many tensors went in, which of them were adapted, which
 * parameters the file lacks, and which tensors have no place in the branch.
 */
export type PretrainedRecord = z.output<typeof pretrainedSchema>;

export interface Pretrained {
  /** By the model's own names. */
  readonly weights: Weights;
  readonly record: PretrainedRecord;
}

/**
 * Reads or fetches the weights that a study starts from and fits them to its model; tells the listener what matched.
 * @param cache  folder of fetched files
 * @returns null when the study names none
 * @throws DataError when a file is missing, damaged, another one, or does not fit; nothing is loaded then
 */
export async function readPretrained(
  { study, dataDirectory }: ResolvedStudy,
  cache: string,
  { listener, signal }: { listener: Pick<ProgressListener, 'message'>; signal?: AbortSignal },
): Promise<Pretrained | null> {
  const { pretrained, size, imageSize: side, channels } = study.model;
  if (pretrained === undefined) return null;
  const weights = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  const record: PretrainedRecord = {};
  for (const branch of imageBranchNames) {
    const source = pretrained[branch];
    if (source === undefined) continue;
    const path = source.file === undefined ? source.url! : resolve(dataDirectory, source.file);
    const { bytes, sha256 } =
      source.file === undefined
        ? await fetchWeightFile(path, source.sha256!, cache, { listener, signal })
        : await readWeightFile(path, source.sha256);
    const { tensors } = decodeSafetensors(bytes, path);
    const loaded = publishedBranch(branch, tensors, { size, image: { side, channels } }, path);
    for (const [name, value] of loaded.weights) weights.set(name, value);
    const { matched, adapted, missing, unexpected } = loaded;
    record[branch] = {
      source: source.file ?? path,
      sha256,
      matched: matched.length,
      adapted: [...adapted],
      missing: [...missing],
      unexpected: [...unexpected],
    };
    listener.message(`model.pretrained.${branch}: ${describe(record[branch])}`);
  }
  return { weights, record };
}

/** One line: what matched and what did not. */
function describe({
  source,
  sha256,
  matched,
  adapted,
  missing,
  unexpected,
}: PretrainedRecord['cnn'] & object): string {
  const list = (names: readonly string[]) =>
    names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
  return [
    `${matched} of ${matched + missing.length} tensors from ${basename(source)} (sha256 ${sha256.slice(0, 12)}…)`,
    ...(adapted.length === 0 ? [] : [list(adapted)]),
    ...(missing.length === 0 ? [] : [`not in the file: ${list(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`not used: ${list(unexpected)}`]),
  ].join('; ');
}

/** The files' SHA-256, beside those of the data. */
export function pretrainedChecksums(pretrained: Pretrained | null): Checksums {
  return Object.fromEntries(
    Object.entries(pretrained?.record ?? {}).map(([branch, { sha256 }]) => [`weights of ${branch}`, sha256]),
  );
}

const keptFile = (run: string) => join(checkpointFolder(run), 'pretrained.safetensors');

/** Keeps what was loaded with the run, so that it can be resumed without the file it came from. */
export async function keepPretrained(run: string, { weights, record }: Pretrained): Promise<void> {
  const tensors = Object.fromEntries(
    [...weights].map(([name, { shape, values }]) => [name, { shape, data: values }]),
  );
  await writeWhole(keptFile(run), encodeSafetensors(tensors, { record: JSON.stringify(record) }));
}

/**
 * What an earlier start of the run has loaded.
 * @returns null when the study names none
 * @throws DataError `damaged-run` when the run does not hold it
 */
export async function readKeptPretrained(run: string, study: Study): Promise<Pretrained | null> {
  if (study.model.pretrained === undefined) return null;
  const file = keptFile(run);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DataError(
      'damaged-run',
      'train: --resume needs the weights that the run was started with, got none; start a new run without --resume',
      { file },
    );
  });
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  const weights: Weights = new Map(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: toFloat32(tensor, name) },
    ]),
  );
  return { weights, record: pretrainedSchema.parse(JSON.parse(metadata.record)) };
}
