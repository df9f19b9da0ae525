/** `medfusion train`: from a study file to a run folder. */
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Cohort, Split } from '../data/index.js';
import { isUserError } from '../errors.js';
import { checkOverrides, firesOverride } from '../risk/index.js';
import { Runtime } from '../runtime/index.js';
import type { EpochRecord, ProgressListener } from '../train/index.js';
import { requireClean } from './audit.js';
import { countRules, summarizeColumns } from './dataSummary.js';
import { collectEnvironment, fileSetSha256, fileSha256 } from './environment.js';
import { evaluateRun, type RunMetrics, readMetrics } from './evaluate.js';
import { exportModel } from './exportModel.js';
import { type TrainedFold, trainFold } from './fold.js';
import { describeNote } from './notes.js';
import { formatPredictions, type Predictions } from './predictions.js';
import { reportRun } from './report.js';
import { type ResolvedStudy, resolveStudy } from './resolve.js';
import { requireUnused, writeRunFile } from './runFolder.js';
import { logEpoch, writeDataRecord, writeFitted } from './runRecords.js';
import type { Study } from './schema.js';
import { studySplits } from './splits.js';
import {
  type Checksums,
  findInterrupted,
  removeUntrained,
  requireSameInputs,
  splitsFolder,
  startRun,
} from './startRun.js';
import { readCohort, readStudy, type StudySource } from './studyData.js';
import { subgroupValues } from './subgroups.js';
import { encodeModel, keepSplit, readSplit } from './trainedSplit.js';

export interface TrainOptions extends StudySource {
  /** Run folder; default `runs/<name>-<n>`. */
  readonly out?: string;
  readonly device?: string;
  readonly threads?: number;
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
  const resolved = resolveStudy(study, {
    studyFile: options.studyFile,
    dataDirectory: options.dataDirectory,
  });
  const runtime = await Runtime.open({ device: options.device, threads: options.threads });
  const cacheRoot = out === undefined ? resolve('runs') : dirname(resolve(out));
  const cache = join(cacheRoot, '.cache', 'images');
  const { cohort, images } = await readCohort(resolved, cache, listener);
  checkColumnValues(cohort, study);
  const splits = await studySplits(resolved, cohort);
  const inputs = await checksums(resolved, cohort);
  const notes = [...cohort.notes, ...splits.flatMap((split) => split.notes)];
  for (const text of new Set(notes.map(describeNote))) listener.message(text);

  if (earlier !== null) await requireSameInputs(earlier.run, inputs);
  const accepted = await requireClean({ resolved, cohort, splits, images, cache }, listener);
  const run = earlier?.run ?? (await startRun(study, inputs, out));
  listener.message(
    `${study.name}: ${cohort.size} rows, ${splits.length === 1 ? 'one split' : `${splits.length} splits`} -> ${run}`,
  );
  const work = { study, cohort, images, runtime, listener, signal: options.signal };
  const { folds, final } = await trainSplits(run, splits, work, earlier !== null).catch(async (error) => {
    if (isUserError(error) && earlier === null) await removeUntrained(run);
    throw error;
  });
  await writeResults(run, cohort, splits, folds, final, study);
  const metrics = await evaluateRun(run, {
    seconds: (performance.now() - started) / 1000,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    environment: collectEnvironment({ device: runtime.device, threads: runtime.threads, seed: study.seed }),
    checksums: inputs,
    audit: { accepted, notes },
  });
  await reportRun(run);
  await rm(splitsFolder(run), { recursive: true, force: true });
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
    const part = splits.length === 1 ? undefined : `repeat ${repeat + 1}, fold ${fold + 1}`;
    const log = ({ best, ...record }: EpochRecord) =>
      logEpoch(run, { repeat, fold, ...record, improved: best });
    folds.push(
      await trainOrReadSplit(run, `${repeat}-${fold}`, split, { ...work, part, onEpoch: log }, resume),
    );
  }
  if (splits.length === 1) return { folds, final: folds[0] };
  const whole = { ...work, part: 'final model' };
  return { folds, final: await trainOrReadSplit(run, 'final', allRows(splits), whole, resume) };
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
  const checkpoint = { directory: join(run, 'checkpoint', name), resume };
  const fold = await trainFold({ ...work, checkpoint }, split);
  await keepSplit(kept, fold);
  return fold;
}

/** All rows of a cross-validation, the first fold's validation rows kept apart; nothing is tested on it. */
function allRows([first]: readonly Split[]): Split {
  return {
    ...first,
    train: Int32Array.from([...first.train, ...first.test]).sort(),
    test: new Int32Array(0),
  };
}

/** Everything in the run folder that training makes and evaluation and report start from. */
async function writeResults(
  run: string,
  cohort: Cohort,
  splits: readonly Split[],
  folds: readonly TrainedFold[],
  final: TrainedFold,
  study: Study,
): Promise<void> {
  const predictions = joinPredictions(folds.map((fold) => fold.predictions));
  await writeRunFile(run, 'predictions', formatPredictions(predictions));
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
}

/** Tier overrides and subgroups come last; that they fit the columns' values is to be known first. */
function checkColumnValues(cohort: Cohort, { tiers, evaluation }: Study): void {
  checkOverrides(tiers.overrides, cohort.labels, tiers.diagnosisColumns);
  for (const override of tiers.overrides) firesOverride(override, cohort);
  subgroupValues(cohort, evaluation.subgroups);
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
    subgroups: parts[0].subgroups.map(({ column }, i) => ({
      column,
      values: parts.flatMap((part) => part.subgroups[i].values),
    })),
  };
}

async function checksums(
  { cohort: spec, dataDirectory, lists }: ResolvedStudy,
  cohort: Cohort,
): Promise<Checksums> {
  const paths = cohort.visits.flat().map((visit) => visit.path);
  const images = paths.length === 0 ? null : await fileSetSha256(paths, dataDirectory);
  return {
    table: await fileSha256(spec.table),
    ...(lists === null ? {} : { testList: await fileSha256(lists.test) }),
    ...(images === null ? {} : { [`${images.files} images (names and sizes)`]: images.sha256 }),
  };
}
