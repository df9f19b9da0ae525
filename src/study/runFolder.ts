/**
 * The run folder: one folder per run that other programs read. Files appear whole or not at all, and an
 * earlier run is never written over.
 */
import { appendFile, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, DataError } from '../errors.js';
import { writeWhole } from '../train/index.js';

/** The files of a run folder, by what they hold. */
export const RUN_FILES = {
  study: 'study.yaml',
  metrics: 'metrics.json',
  predictions: 'predictions.csv',
  stage1: 'stage1.json',
  data: 'data.json',
  weights: 'model.safetensors',
  embedder: 'embedder.safetensors',
  model: 'model.onnx',
  log: 'log.jsonl',
  report: 'report.html',
  card: 'model-card.md',
} as const;
export type RunFile = keyof typeof RUN_FILES;

/**
 * Makes the folder of a new run.
 * @param name  name of the study
 * @param out   folder to use; must not exist or be empty. Default: `runs/<name>-<n>`, n the first free number
 * @returns absolute path of the new, empty folder
 * @throws ConfigError when `out` already holds something
 */
export async function createRunFolder(name: string, out?: string): Promise<string> {
  if (out !== undefined) {
    await requireUnused(out);
    const path = resolve(out);
    await mkdir(path, { recursive: true });
    return path;
  }
  const root = resolve('runs');
  await mkdir(root, { recursive: true });
  for (let n = 1; ; n++) {
    const path = join(root, `${name}-${n}`);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/**
 * A folder that runs beside each other share: of decoded images, of fetched weights, or of optimised programs.
 * @param out  run folder; default: one in `runs`
 */
export function cacheFolder(holds: 'images' | 'weights' | 'programs', out?: string): string {
  return join(out === undefined ? resolve('runs') : dirname(resolve(out)), '.cache', holds);
}

/** What an interrupted training goes on from stands in here; a finished run has none. */
export const checkpointFolder = (run: string): string => join(run, 'checkpoint');

/** @throws ConfigError when `out` already holds something */
export async function requireUnused(out: string): Promise<void> {
  const names = await readdir(resolve(out)).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    if (hasCode(error, 'ENOTDIR')) return [out];
    throw error;
  });
  if (names.length === 0) return;
  throw new ConfigError(
    `--out: the folder must be new or empty, got ${out}; name another, or go on with "medfusion train --resume"`,
    'out',
  );
}

/**
 * The newest run of a study among `runs/<name>-<n>`.
 * @throws ConfigError when there is none
 */
export async function latestRunFolder(name: string): Promise<string> {
  const root = resolve('runs');
  const names = await readdir(root).catch(() => [] as string[]);
  const numbers = names.flatMap((folder) => {
    const number = folder.startsWith(`${name}-`) ? Number(folder.slice(name.length + 1)) : Number.NaN;
    return Number.isInteger(number) ? [number] : [];
  });
  if (numbers.length === 0) {
    throw new ConfigError(
      `train: --resume found no run of "${name}" in ${root}; name its folder with --out, or start without --resume`,
      'resume',
    );
  }
  return join(root, `${name}-${Math.max(...numbers)}`);
}

/**
 * Finds an existing run folder.
 * @returns its absolute path
 * @throws ConfigError when the folder holds no study.yaml
 */
export async function openRunFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  const names = await readdir(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR'))
      throw new ConfigError(`run folder ${folder}: no such folder; name one that "medfusion train" wrote`);
    throw error;
  });
  if (!names.includes(RUN_FILES.study))
    throw new ConfigError(
      `run folder ${folder}: holds no ${RUN_FILES.study}; name a folder that "medfusion train" wrote`,
    );
  return path;
}

/** Writes one file of a run, JSON for values that are not text or bytes. */
export function writeRunFile(run: string, file: RunFile, content: unknown): Promise<void> {
  const text =
    typeof content === 'string' || content instanceof Uint8Array
      ? content
      : `${JSON.stringify(content, null, 2)}\n`;
  return writeWhole(join(run, RUN_FILES[file]), text);
}

/**
 * Reads one text file of a run.
 * @throws DataError `missing-run-file` when the run has no such file
 */
export async function readRunFile(run: string, file: RunFile): Promise<string> {
  return (await readRunBytes(run, file)).toString('utf8');
}

/**
 * Reads one file of a run as it is.
 * @throws DataError `missing-run-file` when the run has no such file
 */
export async function readRunBytes(run: string, file: RunFile): Promise<Buffer> {
  const path = join(run, RUN_FILES[file]);
  return readFile(path).catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? missingFile(run, file) : error;
  });
}

/**
 * Opens one file of a run, to be read piece by piece.
 * @throws DataError `missing-run-file` when the run has no such file
 */
export async function openRunFile(run: string, file: RunFile): Promise<AsyncIterable<Buffer>> {
  const handle = await open(join(run, RUN_FILES[file])).catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? missingFile(run, file) : error;
  });
  return handle.createReadStream();
}

function missingFile(run: string, file: RunFile): DataError {
  return new DataError(
    'missing-run-file',
    `run folder ${run}: holds no ${RUN_FILES[file]}; the run has not finished, go on with "medfusion train --resume"`,
    { file: join(run, RUN_FILES[file]) },
  );
}

/**
 * Reads one JSON file of a run.
 * @throws DataError `missing-run-file`, or `corrupt-run-file` when it is not JSON
 */
export async function readRunJson(run: string, file: RunFile): Promise<unknown> {
  return parseJson(await readRunFile(run, file), join(run, RUN_FILES[file]));
}

/** Adds one line to log.jsonl, usually one per epoch. */
export function appendLog(run: string, entry: Readonly<Record<string, unknown>>): Promise<void> {
  return appendFile(join(run, RUN_FILES.log), `${JSON.stringify(entry)}\n`);
}

/**
 * Reads log.jsonl.
 * @throws DataError `missing-run-file`, or `corrupt-run-file` with the line that is not JSON
 */
export async function readLog(run: string): Promise<unknown[]> {
  const lines = (await readRunFile(run, 'log')).split('\n');
  return lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [parseJson(line, join(run, RUN_FILES.log), i + 1)],
  );
}

function parseJson(text: string, file: string, row?: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError('corrupt-run-file', `run folder: the file must be JSON: ${reason}`, { file, row });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
