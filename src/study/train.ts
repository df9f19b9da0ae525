/** `medfusion train`: from a study file to a run folder. */
import { readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  type Cohort,
  type ImageStore,
  loadCohort,
  openImageStore,
  prepareImages,
  type Split,
} from '../data/index.js';
import { ConfigError } from '../errors.js';
import { Runtime } from '../runtime/index.js';
import type { ProgressListener } from '../train/index.js';
import { countRules, summarizeColumns } from './dataSummary.js';
import { collectEnvironment, fileSetSha256, fileSha256 } from './environment.js';
import { evaluateRun, type RunMetrics } from './evaluate.js';
import { exportModel } from './exportModel.js';
import { type TrainedFold, trainFold } from './fold.js';
import { maskWords } from './maskWords.js';
import { parseStudy } from './parse.js';
import { formatPredictions, type Predictions } from './predictions.js';
import { reportRun } from './report.js';
import { dumpStudy, type ResolvedStudy, resolveStudy } from './resolve.js';
import { createRunFolder, latestRunFolder, openRunFolder, RUN_FILES, writeRunFile } from './runFolder.js';
import { logEpoch, writeDataRecord, writeFitted } from './runRecords.js';
import type { Study } from './schema.js';
import { studySplits } from './splits.js';
import { encodeModel, keepSplit, readSplit } from './trainedSplit.js';

export interface TrainOptions {
  /** Path of the study file. */
  readonly studyFile: string;
  /** Folder that the study's paths are relative to; default the study file's. */
  readonly dataDirectory?: string;
  /** Run folder; default `runs/<name>-<n>`. */
  readonly out?: string;
  readonly device?: string;
  readonly threads?: number;
  /** `key=value` overrides of the study, `seed` among them. */
  readonly overrides?: readonly string[];
  /** Go on with the run in `out`, or with the study's latest run. */
  readonly resume?: boolean;
  readonly listener: ProgressListener;
  /** When it aborts, a checkpoint is written and `Interrupted` is thrown. */
  readonly signal?: AbortSignal;
}

export interface TrainedRun {
  /** Absolute path of the run folder. */
  readonly run: string;
  readonly metrics: RunMetrics;
}

/**
 * Trains a study: reads and checks its data, trains every split, evaluates, reports.
 * @throws ConfigError, DataError for bad input, before anything is written
 * @throws Interrupted when the signal aborts; `resume` goes on to the same result
 */
export async function trainStudy(options: TrainOptions): Promise<TrainedRun> {
  const started = performance.now();
  const { listener } = options;
  const text = await readFile(options.studyFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new ConfigError(`train: no study file ${options.studyFile}; check the path`);
    throw error;
  });
  const study = parseStudy(text, options.studyFile, options.overrides);
  const resolved = resolveStudy(study, {
    studyFile: options.studyFile,
    dataDirectory: options.dataDirectory,
  });
  const runtime = await Runtime.open({ device: options.device, threads: options.threads });
  const cacheRoot = options.out === undefined ? resolve('runs') : dirname(resolve(options.out));
  const { cohort, images } = await readCohort(resolved, join(cacheRoot, '.cache', 'images'), listener);
  const splits = await studySplits(resolved, cohort);

  const run = await openRun(study, options);
  listener.message(
    `${study.name}: ${cohort.size} rows, ${splits.length === 1 ? 'one split' : `${splits.length} splits`} -> ${run}`,
  );
  const work = { study, cohort, images, runtime, listener, signal: options.signal };
  const folds: TrainedFold[] = [];
  for (const split of splits) {
    const part = splits.length === 1 ? undefined : `repeat ${split.repeat + 1}, fold ${split.fold + 1}`;
    folds.push(await trainOrReadSplit(run, split, { ...work, part }, options.resume ?? false));
  }
  // Under cross-validation the figures come from the folds; the model to use is fitted once more, on all of them.
  const final =
    splits.length === 1
      ? folds[0]
      : await trainOrReadSplit(
          run,
          finalSplit(splits),
          { ...work, part: 'final model' },
          options.resume ?? false,
        );

  await writeRunFile(
    run,
    'predictions',
    formatPredictions(joinPredictions(folds.map((fold) => fold.predictions))),
  );
  await writeFitted(
    run,
    folds.map(({ stage1, saved }, i) => ({
      repeat: splits[i].repeat,
      fold: splits[i].fold,
      stage1,
      tiers: saved.tiers,
    })),
  );
  const { stage1 } = folds[0];
  await writeDataRecord(run, {
    ...summarizeColumns(cohort),
    rules: stage1 === null ? null : countRules(stage1, cohort, splits[0].test),
  });
  await writeRunFile(run, 'weights', encodeModel(final));
  await writeRunFile(run, 'model', exportModel(final, study));
  const metrics = await evaluateRun(run, {
    seconds: (performance.now() - started) / 1000,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    environment: collectEnvironment({ device: runtime.device, threads: runtime.threads, seed: study.seed }),
    checksums: await checksums(resolved, cohort),
    audit: {
      accepted: acceptedFindings(study),
      notes: [...cohort.notes, ...splits.flatMap((split) => split.notes)],
    },
  });
  await reportRun(run);
  await rm(join(run, 'splits'), { recursive: true, force: true });
  return { run, metrics };
}

/** Reads the cohort and decodes its images. */
export async function readCohort(
  resolved: ResolvedStudy,
  cache: string | null,
  listener: Pick<ProgressListener, 'message'>,
): Promise<{ cohort: Cohort; images: ImageStore | null }> {
  const { study } = resolved;
  const cohort = maskWords(await loadCohort(resolved.cohort), study.data.maskWords);
  if (!study.model.modalities.includes('image')) return { cohort, images: null };
  const store = openImageStore({ size: study.model.imageSize, channels: study.model.channels, cache });
  const { cohort: readable, prepared } = await prepareImages(store, cohort, {
    onBadImage: study.data.onBadRow,
  });
  listener.message(`images: ${prepared.decoded} decoded, ${prepared.reused} from the cache`);
  return { cohort: readable, images: store };
}

/** The folder of a new run, or the one to go on with. @throws ConfigError when the study has changed since */
async function openRun(study: Study, options: TrainOptions): Promise<string> {
  const yaml = dumpStudy(study);
  if (!options.resume) {
    const run = await createRunFolder(study.name, options.out);
    await writeRunFile(run, 'study', yaml);
    return run;
  }
  const run = await openRunFolder(options.out ?? (await latestRunFolder(study.name)));
  const before = (await readFile(join(run, RUN_FILES.study), 'utf8')).split('\n');
  const after = new Set(yaml.split('\n'));
  const changed = before.filter((line) => !after.has(line)).map((line) => line.trim());
  if (changed.length > 0 || before.length !== yaml.split('\n').length) {
    throw new ConfigError(
      `train: --resume needs the study that the run in ${run} was started with; changed since: ${changed.slice(0, 5).join('; ')}. ` +
        'Undo the change, or start a new run without --resume',
    );
  }
  return run;
}

async function trainOrReadSplit(
  run: string,
  split: Split,
  work: Omit<Parameters<typeof trainFold>[0], 'checkpoint' | 'onEpoch'>,
  resume: boolean,
): Promise<TrainedFold> {
  const name = split.repeat < 0 ? 'final' : `${split.repeat}-${split.fold}`;
  const kept = join(run, 'splits', name);
  const done = resume ? await readSplit(kept) : null;
  if (done !== null) return done;
  const fold = await trainFold(
    {
      ...work,
      checkpoint: { directory: join(run, 'checkpoint', name), resume },
      onEpoch: async ({ best, ...record }) => {
        if (split.repeat >= 0)
          await logEpoch(run, { repeat: split.repeat, fold: split.fold, ...record, improved: best });
      },
    },
    split,
  );
  await keepSplit(kept, fold);
  return fold;
}

/** All rows of a cross-validation, the first fold's validation rows kept apart; nothing is tested on it. */
function finalSplit([first]: readonly Split[]): Split {
  return {
    ...first,
    repeat: -1,
    fold: -1,
    train: Int32Array.from([...first.train, ...first.test]).sort(),
    test: new Int32Array(0),
  };
}

function joinPredictions(parts: readonly Predictions[]): Predictions {
  const joined = <T extends Float32Array | Float64Array | Int32Array | Uint8Array>(
    pick: (part: Predictions) => T,
  ): T => {
    const arrays = parts.map(pick);
    const length = arrays.reduce((sum, array) => sum + array.length, 0);
    const all = new (arrays[0].constructor as new (length: number) => T)(length);
    let offset = 0;
    for (const array of arrays) {
      all.set(array, offset);
      offset += array.length;
    }
    return all;
  };
  return {
    labels: parts[0].labels,
    ids: parts.flatMap((part) => part.ids),
    patients: parts.flatMap((part) => part.patients),
    splits: parts.flatMap((part) => part.splits),
    repeat: joined((part) => part.repeat),
    fold: joined((part) => part.fold),
    targets: joined((part) => part.targets),
    known: joined((part) => part.known),
    probabilities: joined((part) => part.probabilities),
    tiers: joined((part) => part.tiers),
  };
}

async function checksums(
  { cohort: spec, dataDirectory, lists }: ResolvedStudy,
  cohort: Cohort,
): Promise<Record<string, string>> {
  const paths = cohort.visits.flat().map((visit) => visit.path);
  const images = paths.length === 0 ? null : await fileSetSha256(paths, dataDirectory);
  return {
    table: await fileSha256(spec.table),
    ...(lists === null ? {} : { testList: await fileSha256(lists.test) }),
    ...(images === null ? {} : { [`${images.files} images (names and sizes)`]: images.sha256 }),
  };
}

function acceptedFindings({ data }: Study) {
  return data.acceptLeakage.map((column) => ({
    code: 'accepted-leakage',
    message: `column "${column}" is used as a feature although it is a label or an identifier (data.acceptLeakage)`,
    count: 1,
  }));
}
