/**
 * Checkpoints: all that an interrupted training needs to go on as if it had not been interrupted. One file
 * holds the tensors and, in its metadata, the progress and the study, so that the three cannot disagree.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, DataError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors } from '../models/index.js';
import { type WriteContent, writeWhole } from './wholeFile.js';

const count = z.int().min(0);
const progressSchema = z.strictObject({
  epoch: count,
  batch: count,
  step: count,
  lossSum: z.number(),
  lossCount: z.number().min(0),
  skippedSteps: count.default(0),
  earlyStopping: z.strictObject({
    best: z.number().nullable(),
    bestEpoch: count.nullable(),
    epochsWithout: count,
  }),
  random: z.record(z.string(), z.array(z.int().min(0).max(0xffffffff)).length(4)),
});

/**
 * Where training stands:
 * - `epoch` under way, 0-based, and `batch`, how many batches of it are done (the sampler draws an epoch from
 *   seed and epoch alone, so these two are its whole state);
 * - `step`, optimiser steps done since the start;
 * - `lossSum` and `lossCount` of the epoch under way, so that its mean loss comes out the same;
 * - `skippedSteps` of that epoch, whose derivatives left the range of float16;
 * - `earlyStopping`, with the best validation value so far;
 * - `random`, the state of every random stream that is in use, by purpose.
 */
export type TrainingProgress = z.output<typeof progressSchema>;

/** A named array of the state: parameters, optimiser moments, averages, running statistics. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly tensors: Readonly<Record<string, StateTensor>>;
  readonly progress: TrainingProgress;
}

const fileName = 'checkpoint.safetensors';
const formatName = 'medfusion-checkpoint-1';

/**
 * Writes a checkpoint; until it is complete the previous one stays in its place.
 * @param directory the run's `checkpoint` folder, made where missing
 * @param study     the resolved study, plain JSON, that training goes by
 * @param write     how the bytes get into the file, see {@link writeWhole}
 * @throws DataError `cannot-write` when the disk is full or may not be written; the previous one stays valid
 * @throws Error `internal:` when the progress is not valid
 */
export async function saveCheckpoint(
  directory: string,
  { tensors, progress }: Checkpoint,
  study: unknown,
  write?: WriteContent,
): Promise<void> {
  const checked = progressSchema.safeParse(progress); // JSON would turn NaN into null
  if (!checked.success) {
    throw new Error(`internal: saveCheckpoint: invalid progress: ${z.prettifyError(checked.error)}`);
  }
  const bytes = encodeSafetensors(tensors, {
    format: formatName,
    progress: JSON.stringify(progress),
    study: JSON.stringify(study),
  });
  await writeWhole(join(directory, fileName), bytes, write);
}

/**
 * Reads a checkpoint back, bit for bit.
 * @param directory the run's `checkpoint` folder
 * @param study     the resolved study of the run that is to go on
 * @returns null where no checkpoint has been written
 * @throws ConfigError when the study differs from the checkpoint's, with every key that changed
 * @throws DataError (`checkpoint`, `safetensors`) when the file is damaged or something else
 */
export async function loadCheckpoint(directory: string, study: unknown): Promise<Checkpoint | null> {
  const file = join(directory, fileName);
  const bytes = await readFile(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (bytes === null) return null;
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  if (metadata.format !== formatName) {
    throw damaged(`the format must be ${formatName}, got ${metadata.format ?? 'none'}`, file);
  }
  requireSameStudy(parseJson(metadata.study, 'study', file), JSON.parse(JSON.stringify(study)));
  const progress = progressSchema.safeParse(parseJson(metadata.progress, 'progress', file));
  if (!progress.success) throw damaged(`its progress: ${z.prettifyError(progress.error)}`, file);
  const state = Object.entries(tensors).map(([name, { shape, data, dtype }]): [string, StateTensor] => {
    if (!(data instanceof Float32Array)) throw damaged(`"${name}" must be F32, got ${dtype}`, file);
    return [name, { shape, data }];
  });
  return { tensors: Object.fromEntries(state), progress: progress.data };
}

function requireSameStudy(saved: unknown, current: unknown): void {
  const changed = changedKeys(saved, current);
  if (changed.length === 0) return;
  throw new ConfigError(
    `loadCheckpoint: the study must be the one the checkpoint was written with, got ${changed.length} ` +
      `changed ${changed.length === 1 ? 'key' : 'keys'}: ${changed.map(({ text }) => text).join(', ')}; ` +
      'put them back, or train into a new run folder',
    changed[0].key,
  );
}

/**
 * What differs between two studies, plain JSON both: dotted key and, as text, `training.epochs (5, now 9)`. A list is
 * one value.
 */
export function changedKeys(
  saved: unknown,
  current: unknown,
): { readonly key: string; readonly text: string }[] {
  const before = new Map(leaves(saved, ''));
  const after = new Map(leaves(current, ''));
  const show = (value: string | undefined) => value ?? 'absent';
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => ({ key, text: `${key} (${show(before.get(key))}, now ${show(after.get(key))})` }));
}

/** Every value of a study by its dotted path, as JSON; a list is one value. */
function leaves(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === '' ? key : `${path}.${key}`));
}

function parseJson(text: string | undefined, what: string, file: string): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw damaged(`its ${what} must be JSON`, file);
  }
}

function damaged(rule: string, file: string): DataError {
  return new DataError(
    'checkpoint',
    `loadCheckpoint: ${rule}; the file is not a checkpoint of this version, train into a new run folder`,
    { file },
  );
}
