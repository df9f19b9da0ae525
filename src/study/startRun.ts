/** Where a training writes: the folder of a new run, or of the interrupted one that it goes on with. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError, DataError } from '../errors.js';
import { changedKeys, writeWhole } from '../train/index.js';
import { keepPretrained, type Pretrained } from './pretrained.js';
import { dumpStudy } from './resolve.js';
import {
  checkpointFolder,
  createRunFolder,
  latestRunFolder,
  openRunFolder,
  RUN_FILES,
  readRunFile,
  writeRunFile,
} from './runFolder.js';
import { readStage1Predictor } from './runRecords.js';
import type { Study } from './schema.js';
import type { Checksums } from './studyData.js';

const inputsFile = (run: string) => join(checkpointFolder(run), 'inputs.json');

/** Finished splits stand in here until the whole run is finished. */
export const splitsFolder = (run: string): string => join(run, 'splits');

/** Makes the folder of a new run and puts down what it is to be trained from. */
export async function startRun(
  study: Study,
  inputs: Checksums,
  pretrained: Pretrained | null,
  out: string | undefined,
): Promise<string> {
  const run = await createRunFolder(study.name, out);
  await writeWhole(inputsFile(run), JSON.stringify(inputs));
  if (pretrained !== null) await keepPretrained(run, pretrained);
  await writeRunFile(run, 'study', dumpStudy(study));
  return run;
}

/**
 * The run to go on with: the one in `out`, or the newest of the study.
 * @throws ConfigError when there is none, it is one of stage 1 alone, or the study has changed since, with every key that changed
 */
export async function findInterrupted(
  study: Study,
  out: string | undefined,
): Promise<{ readonly run: string; readonly finished: boolean }> {
  const run = await openRunFolder(out ?? (await latestRunFolder(study.name)));
  if ((await readStage1Predictor(run)) !== null) {
    throw new ConfigError(
      `train: --resume goes on with a training, got ${run}, which "medfusion stratify" wrote; name the folder of the training with --out, or start one without --resume`,
      'resume',
    );
  }
  const changed = changedKeys(parse(await readRunFile(run, 'study')), parse(dumpStudy(study)));
  if (changed.length > 0) {
    throw new ConfigError(
      `train: --resume needs the study that the run in ${run} was started with, got ${changed.length} changed ` +
        `${changed.length === 1 ? 'key' : 'keys'}: ${changed.map(({ text }) => text).join(', ')}; ` +
        'put them back, or start a new run without --resume',
      changed[0].key,
    );
  }
  return { run, finished: existsSync(join(run, RUN_FILES.report)) && !existsSync(splitsFolder(run)) };
}

/**
 * Refuses to go on with other data than the run was started with.
 * @throws DataError `changed-inputs` naming what changed; `damaged-run` when the run does not say what it read
 */
export async function requireSameInputs(run: string, inputs: Checksums): Promise<void> {
  const file = inputsFile(run);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const before = z.record(z.string(), z.string()).safeParse(text === '' ? null : JSON.parse(text));
  if (!before.success) {
    throw new DataError(
      'damaged-run',
      'train: --resume needs the record of what the run has read, got none; start a new run without --resume',
      { file },
    );
  }
  const changed = changedKeys(before.data, inputs).map(({ key }) => key);
  if (changed.length === 0) return;
  throw new DataError(
    'changed-inputs',
    `train: --resume needs the data that the run in ${run} was started with, got others: ${changed.join(', ')}; ` +
      'put them back, or start a new run without --resume',
  );
}

/**
 * Removes what only an interrupted run is resumed from, several times the size of the model. Until the kept splits are
 * gone a run counts as unfinished, and then it still needs its checkpoints: they go last.
 */
export async function removeCheckpoints(run: string): Promise<void> {
  await rm(splitsFolder(run), { recursive: true, force: true });
  await rm(checkpointFolder(run), { recursive: true, force: true });
}

/** Removes a run in which nothing has been trained yet, so that bad input leaves nothing behind. */
export async function removeUntrained(run: string): Promise<void> {
  const left = (await readdir(run, { recursive: true })).filter(
    (name) => name !== RUN_FILES.study && name !== 'checkpoint' && join(run, name) !== inputsFile(run),
  );
  // A folder that a checkpoint was to be written to holds nothing to go on from.
  const trained = left.filter((name) => !/^checkpoint[\\/][^\\/]+$/.test(name));
  if (trained.length === 0) await rm(run, { recursive: true });
}
