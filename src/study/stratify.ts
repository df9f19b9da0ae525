/** `medfusion stratify`: stage 1 alone, from a study file to a run folder, without images or a network. */
import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cohort, Split } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { clippedLogit } from '../metrics/index.js';
import { stage1Probabilities } from '../risk/index.js';
import { Interrupted, type ProgressListener } from '../train/index.js';
import { requireClean } from './audit.js';
import type { RunMetrics } from './evaluate.js';
import type { Predictions } from './predictions.js';
import { dumpStudy, type ResolvedStudy, resolveStudy } from './resolve.js';
import { createRunFolder, requireUnused, writeRunFile } from './runFolder.js';
import type { Stage1Predictor } from './runRecords.js';
import { measureRun, writeResults } from './runResults.js';
import type { Study } from './schema.js';
import { declaredModalities } from './sections/data.js';
import { settleSplit, splitRows } from './settle.js';
import { countSplits, splitName, wholeSplit } from './splits.js';
import { fitStudyStage1 } from './stage1.js';
import { readStudy, readStudyData, type StudySource } from './studyData.js';

export interface StratifyOptions extends StudySource {
  /** Run folder; default `runs/<name>-<n>`. */
  readonly out?: string;
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
  const study = tableStudy(await readStudy('stratify', options), listener);
  if (out !== undefined) await requireUnused(out);
  const resolved = tableAlone(resolveStudy(study, options));
  const data = await readStudyData(resolved, null, listener);
  const { cohort, images, splits } = data;
  const accepted = await requireClean({ resolved, cohort, splits, images, cache: null }, listener);
  listener.message(`${study.name}: ${cohort.size} rows, ${countSplits(splits)}`);

  const fit = async (split: Split, part: string): Promise<FittedSplit> => {
    const begun = performance.now();
    const fitted = fitSplit(study, cohort, split);
    listener.message(`${part} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    await nextTurn(); // lets a signal in
    if (signal?.aborted) throw new Interrupted('stratify was interrupted; nothing was written');
    return fitted;
  };
  const parts: FittedSplit[] = [];
  for (const split of splits)
    parts.push(await fit(split, splits.length === 1 ? 'stage 1' : splitName(split)));
  const { predictions: _, ...model } =
    splits.length === 1 ? parts[0] : await fit(wholeSplit(splits), 'final model');

  const run = await createRunFolder(study.name, out);
  try {
    await writeRunFile(run, 'study', dumpStudy(study));
    await writeResults(run, study, data, parts, model);
    const history = { ...data, accepted, parts };
    const metrics = await measureRun(run, study, history, { started, engine: null });
    return { run, metrics, model };
  } catch (error) {
    await rm(run, { recursive: true });
    throw error;
  }
}

interface FittedSplit extends Stage1Predictor {
  readonly predictions: Predictions;
}

function fitSplit(study: Study, cohort: Cohort, split: Split): FittedSplit {
  const stage1 = fitStudyStage1(study, cohort, split.train);
  const probabilities = stage1Probabilities(stage1, cohort);
  const logits = (rows: Int32Array) => stage1Logits(probabilities, rows, cohort.labels.length);
  return {
    stage1,
    ...settleSplit(study, cohort, split, {
      validation: logits(split.validation),
      all: logits(splitRows(split)),
    }),
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
 * The study as stage 1 sees it: with the table as its one modality.
 * @throws ConfigError when it names no table column, or switches stage 1 off
 */
function tableStudy(study: Study, listener: Pick<ProgressListener, 'message'>): Study {
  const declared = declaredModalities(study.data);
  if (!declared.includes('tabular')) {
    throw new ConfigError(
      `stratify: stage 1 reads table columns, got a study that names none; list them under data.numeric, data.categorical or data.ordinal`,
      'data',
    );
  }
  if (!study.stage1.enabled) {
    throw new ConfigError(
      'stratify: stage1.enabled must be true, got false; leave the key out, or add --set stage1.enabled=true',
      'stage1.enabled',
    );
  }
  const others = declared.filter((modality) => modality !== 'tabular');
  if (others.length > 0) {
    const names = others.map((modality) => (modality === 'image' ? 'images' : 'notes')).join(' and ');
    listener.message(`${names} are left out: stage 1 reads table columns alone`);
  }
  return { ...study, model: { ...study.model, modalities: ['tabular'] } };
}

/** Without what stage 1 does not read: no image is looked for, and no row left out for want of one. */
function tableAlone(resolved: ResolvedStudy): ResolvedStudy {
  const { images: _, view: __, ...cohort } = resolved.cohort;
  return { ...resolved, cohort: { ...cohort, history: 0, text: [] } };
}
