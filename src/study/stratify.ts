/** `medfusion stratify`: stage 1 alone, from a study file to a run folder. */
import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ImageStore, NumericColumn, Split } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { clippedLogit } from '../metrics/index.js';
import { stage1Firings, stage1Probabilities } from '../risk/index.js';
import type { Runtime } from '../runtime/index.js';
import { Interrupted, type ProgressListener } from '../train/index.js';
import { requireClean } from './audit.js';
import { countRules } from './dataSummary.js';
import type { RunMetrics } from './evaluate.js';
import { type EmbedderTask, fitImageEmbedder, type ImageEmbedder, usesEmbeddings } from './imageEmbedder.js';
import { imageStatistics, stage1Cohort, usesImageFeatures } from './imageFeatures.js';
import { openRuntime } from './openRuntime.js';
import { dumpStudy, type ResolvedStudy, resolveStudy } from './resolve.js';
import { cacheFolder, createRunFolder, requireUnused, writeRunFile } from './runFolder.js';
import type { Stage1Predictor } from './runRecords.js';
import { type FittedPart, measureRun, writeResults } from './runResults.js';
import { encodeEmbedder } from './savedEmbedder.js';
import type { Study } from './schema.js';
import { declaredModalities } from './sections/data.js';
import { settleSplit, splitRows } from './settle.js';
import { countSplits, splitName, wholeSplit } from './splits.js';
import { fitStudyStage1 } from './stage1.js';
import { readStudy, readStudyData, type StudySource } from './studyData.js';

export interface StratifyOptions extends StudySource {
  /** Run folder; default `runs/<name>-<n>`. */
  readonly out?: string;
  /** Where, and with how many threads, images are embedded. */
  readonly device?: string;
  readonly threads?: number;
  readonly listener: Pick<ProgressListener, 'message'>;
  /** When it aborts, the fit under way is ended and `Interrupted` is thrown; nothing is written. */
  readonly signal?: AbortSignal;
}

export interface StratifiedRun {
  /** Absolute path of the run folder. */
  readonly run: string;
  readonly metrics: RunMetrics;
  /** The model to predict with: of a hold-out its own, of a cross-validation one more, fitted on all rows. */
  readonly model: Stage1Predictor;
}

/**
 * Fits and evaluates stage 1 of a study: on each split, rules and trees on training rows, calibration and tiers on
 * validation rows. The run folder is made when all is fitted.
 * @throws ConfigError, DataError for bad input, before anything is written
 * @throws Interrupted when the signal aborts
 */
export async function stratifyStudy(options: StratifyOptions): Promise<StratifiedRun> {
  const started = performance.now();
  const { listener, out, signal } = options;
  const study = stage1Study(await readStudy('stratify', options), listener);
  if (out !== undefined) await requireUnused(out);
  const say = (message: string) => listener.message(message);
  const runtime = usesEmbeddings(study)
    ? await openRuntime({ ...options, cache: cacheFolder('programs', out) }, say, study.training.precision)
    : null;
  const resolved = withoutUnseen(resolveStudy(study, options));
  const cache = cacheFolder('images', out);
  const data = await readStudyData(resolved, cache, listener);
  const { cohort, images, splits } = data;
  const accepted = await requireClean({ resolved, cohort, splits, images, cache }, listener);
  const statistics = imageStatistics(study, cohort, images);
  const work = { study, cohort, images, statistics, runtime, listener, signal };
  listener.message(`${study.name}: ${cohort.size} rows, ${countSplits(splits)}`);

  const fit = async (split: Split, part: string): Promise<FittedSplit> => {
    const begun = performance.now();
    const fitted = await fitSplit({ ...work, part: splits.length === 1 ? undefined : part }, split).catch(
      explainInterrupted,
    );
    listener.message(`${part} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    await nextTurn(); // lets a signal in
    if (signal?.aborted) throw interrupted();
    return fitted;
  };
  const parts: FittedSplit[] = [];
  for (const split of splits)
    parts.push(await fit(split, splits.length === 1 ? 'stage 1' : splitName(split)));
  const { model, embedder } = splits.length === 1 ? parts[0] : await fit(wholeSplit(splits), 'final model');

  const run = await createRunFolder(study.name, out);
  try {
    await writeRunFile(run, 'study', dumpStudy(study));
    if (embedder !== null) await writeRunFile(run, 'embedder', encodeEmbedder(embedder));
    await writeResults(run, study, data, parts, model);
    const history = { ...data, accepted, pretrained: null, parts };
    const metrics = await measureRun(run, study, history, { started, engine: runtime });
    return { run, metrics, model };
  } catch (error) {
    await rm(run, { recursive: true });
    throw error;
  }
}

/** What every split is fitted from. */
interface Work extends Omit<EmbedderTask, 'images' | 'runtime'> {
  readonly images: ImageStore | null;
  readonly statistics: readonly NumericColumn[];
  /** Null where no image is embedded. */
  readonly runtime: Runtime | null;
}

interface FittedSplit extends FittedPart {
  readonly model: Stage1Predictor;
  /** Embeds images for the model; null where it does not ask for that. */
  readonly embedder: ImageEmbedder | null;
}

const interrupted = () => new Interrupted('stratify was interrupted; nothing was written');

/** A fit under way says that training can be resumed; here it cannot. */
function explainInterrupted(error: unknown): never {
  throw error instanceof Interrupted ? interrupted() : error;
}

async function fitSplit(work: Work, split: Split): Promise<FittedSplit> {
  const { study, cohort, images, statistics, runtime } = work;
  const embedded =
    images === null || runtime === null
      ? null
      : await fitImageEmbedder({ ...work, images, runtime }, split.train);
  const seen = stage1Cohort(study, cohort, [...statistics, ...(embedded?.columns ?? [])]);
  const stage1 = fitStudyStage1(study, seen, split.train);
  const probabilities = stage1Probabilities(stage1, seen);
  const logits = (rows: Int32Array) => stage1Logits(probabilities, rows, cohort.labels.length);
  const { calibration, tiers, predictions } = settleSplit(study, cohort, split, {
    validation: logits(split.validation),
    all: logits(splitRows(split)),
  });
  return {
    stage1,
    rules: countRules(stage1Firings(stage1, seen), cohort, split.test),
    tiers,
    predictions,
    embedder: embedded?.embedder ?? null,
    model: { stage1, calibration, tiers, image: images?.format ?? null },
  };
}

/** Logits of stage 1's probabilities for some rows. @param probabilities [row, label] @returns [rows, label], finite */
function stage1Logits(probabilities: Float64Array, rows: Int32Array, labels: number): Float64Array {
  const logits = new Float64Array(rows.length * labels);
  rows.forEach((row, i) => {
    for (let l = 0; l < labels; l++) logits[i * labels + l] = clippedLogit(probabilities[row * labels + l]);
  });
  return logits;
}

/**
 * The study as stage 1 sees it: the table and, where it asks for features of them, the images.
 * @throws ConfigError when there is neither, or the study switches stage 1 off
 */
function stage1Study(study: Study, listener: Pick<ProgressListener, 'message'>): Study {
  if (!study.stage1.enabled) {
    throw new ConfigError(
      'stratify: stage1.enabled must be true, got false; leave the key out, or add --set stage1.enabled=true',
      'stage1.enabled',
    );
  }
  const declared = declaredModalities(study.data);
  const sees = { tabular: true, image: usesImageFeatures(study), text: false };
  const modalities = declared.filter((modality) => sees[modality]);
  if (modalities.length === 0) {
    throw new ConfigError(
      'stratify: stage 1 reads table columns or image features, got a study that names none; list columns under data.numeric, data.categorical or data.ordinal, or set stage1.images',
      'data',
    );
  }
  const others = declared.filter((modality) => !sees[modality]);
  if (others.length > 0) {
    const names = others.map((modality) => (modality === 'image' ? 'images' : 'notes')).join(' and ');
    const read = sees.image ? 'table columns and image features' : 'table columns';
    listener.message(`${names} are left out: stage 1 reads ${read} alone`);
  }
  return { ...study, model: { ...study.model, modalities } };
}

/** Without what stage 1 does not read. Without images none is looked for, and no row left out for want of one. */
function withoutUnseen(resolved: ResolvedStudy): ResolvedStudy {
  const { images, view: _, ...cohort } = resolved.cohort;
  const seen = resolved.study.model.modalities.includes('image') ? { images } : {};
  return { ...resolved, cohort: { ...cohort, ...seen, history: 0, text: [] } };
}
