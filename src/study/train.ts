/** `medfusion train`: from a study file to a run folder. */
import { join } from 'node:path';
import type { Split } from '../data/index.js';
import { isUserError } from '../errors.js';
import type { EpochRecord, ProgressListener } from '../train/index.js';
import { requireClean } from './audit.js';
import { type RunMetrics, readMetrics } from './evaluate.js';
import { exportModel } from './exportModel.js';
import { type TrainedFold, trainFold } from './fold.js';
import { imageStatistics } from './imageFeatures.js';
import { openRuntime } from './openRuntime.js';
import { readKeptPretrained, readPretrained } from './pretrained.js';
import { resolveStudy } from './resolve.js';
import { cacheFolder, checkpointFolder, requireUnused, writeRunFile } from './runFolder.js';
import { logEpoch } from './runRecords.js';
import { measureRun, writeResults } from './runResults.js';
import { encodeEmbedder } from './savedEmbedder.js';
import { countSplits, splitName, wholeSplit } from './splits.js';
import {
  findInterrupted,
  removeCheckpoints,
  removeUntrained,
  requireSameInputs,
  splitsFolder,
  startRun,
} from './startRun.js';
import { readStudy, readStudyData, type StudySource } from './studyData.js';
import { encodeModel, keepSplit, readSplit } from './trainedSplit.js';

export interface TrainOptions extends StudySource {
  /** Run folder; default `runs/<name>-<n>`. */
  readonly out?: string;
  readonly device?: string;
  readonly threads?: number;
  /** Most bytes that a program may take; default what the device has. */
  readonly memoryLimit?: number;
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
 * Trains a study: reads and checks its data, trains every split, evaluates, reports. With `resume`, a run that is
 * finished is returned as it is.
 * @throws ConfigError, DataError for bad input, before anything is written
 * @throws Interrupted when the signal aborts; `resume` goes on to the same result
 */
export async function trainStudy(options: TrainOptions): Promise<TrainedRun> {
  const started = performance.now();
  const { listener, out } = options;
  const study = await readStudy('train', options);
  const earlier = options.resume ? await findInterrupted(study, out) : null;
  if (earlier?.finished) {
    listener.message(`the run in ${earlier.run} is finished; nothing is left to resume`);
    return { run: earlier.run, metrics: await readMetrics(earlier.run) };
  }
  if (earlier === null && out !== undefined) await requireUnused(out);
  const resolved = resolveStudy(study, options);
  const say = (message: string) => listener.message(message);
  const programs = cacheFolder('programs', out);
  const runtime = await openRuntime({ ...options, cache: programs }, say, study.training.precision);
  const pretrained =
    earlier === null
      ? await readPretrained(resolved, cacheFolder('weights', out), options)
      : await readKeptPretrained(earlier.run, study);
  const cache = cacheFolder('images', out);
  const data = await readStudyData(resolved, cache, listener);
  const { cohort, images, splits, inputs } = data;

  if (earlier !== null) await requireSameInputs(earlier.run, inputs);
  const accepted = await requireClean({ resolved, cohort, splits, images, cache }, listener);
  const run = earlier?.run ?? (await startRun(study, inputs, pretrained, out));
  listener.message(`${study.name}: ${cohort.size} rows, ${countSplits(splits)} -> ${run}`);
  const statistics = imageStatistics(study, cohort, images);
  const initial = pretrained?.weights;
  const work = { study, cohort, images, statistics, runtime, initial, listener, signal: options.signal };
  const { folds, final } = await trainSplits(run, splits, work, earlier !== null).catch(async (error) => {
    if (isUserError(error) && earlier === null) await removeUntrained(run);
    throw error;
  });
  const parts = folds.map(({ saved, ...fold }) => ({ ...fold, tiers: saved.tiers }));
  await writeResults(run, study, data, parts, null);
  if (final.embedder !== null) await writeRunFile(run, 'embedder', encodeEmbedder(final.embedder));
  await writeRunFile(run, 'weights', encodeModel(final));
  await writeRunFile(run, 'model', exportModel(final, study));
  const history = { ...data, accepted, pretrained, parts };
  const metrics = await measureRun(run, study, history, { started, engine: runtime });
  await removeCheckpoints(run);
  return { run, metrics };
}

type Work = Omit<Parameters<typeof trainFold>[0], 'checkpoint' | 'onEpoch' | 'part'>;

/**
 * Trains every split, and the model to keep: of a hold-out that split's; under cross-validation, where the figures come
 * from the folds, one more that is fitted on all rows.
 */
async function trainSplits(
  run: string,
  splits: readonly Split[],
  work: Work,
  resume: boolean,
): Promise<{ folds: readonly TrainedFold[]; final: TrainedFold }> {
  const folds: TrainedFold[] = [];
  for (const split of splits) {
    const { repeat, fold } = split;
    const part = splits.length === 1 ? undefined : splitName(split);
    const log = ({ best, ...record }: EpochRecord) =>
      logEpoch(run, { repeat, fold, ...record, improved: best });
    folds.push(
      await trainOrReadSplit(run, `${repeat}-${fold}`, split, { ...work, part, onEpoch: log }, resume),
    );
  }
  if (splits.length === 1) return { folds, final: folds[0] };
  const whole = { ...work, part: 'final model' };
  return { folds, final: await trainOrReadSplit(run, 'final', wholeSplit(splits), whole, resume) };
}

async function trainOrReadSplit(
  run: string,
  name: string,
  split: Split,
  work: Omit<Parameters<typeof trainFold>[0], 'checkpoint'>,
  resume: boolean,
): Promise<TrainedFold> {
  const kept = join(splitsFolder(run), name);
  const done = resume ? await readSplit(kept) : null;
  if (done !== null) return done;
  const checkpoint = { directory: join(checkpointFolder(run), name), resume };
  const fold = await trainFold({ ...work, checkpoint }, split);
  await keepSplit(kept, fold);
  return fold;
}
