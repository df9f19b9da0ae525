/** One training of a study: everything that is fitted, fitted on the rows of one split. */
import type { Cohort, ImageStore, NumericColumn, Split } from '../data/index.js';
import { applyStage1, type Stage1Model, type Stage1Output, stage1Firings } from '../risk/index.js';
import type { Runtime } from '../runtime/index.js';
import { ParameterStore } from '../runtime/index.js';
import {
  type BatchSource,
  type EpochRecord,
  encodeCohort,
  fit,
  fitEncoder,
  openPredictor,
  type ProgressListener,
  storeWeights,
  type Weights,
} from '../train/index.js';
import { countRules, type RuleCount } from './dataSummary.js';
import { fitImageEmbedder, type ImageEmbedder, usesEmbeddings } from './imageEmbedder.js';
import { stage1Cohort } from './imageFeatures.js';
import { fitOptions, networkConfig } from './networkConfig.js';
import type { Predictions } from './predictions.js';
import type { SavedModel } from './savedModel.js';
import type { Study } from './schema.js';
import { settleSplit, splitRows } from './settle.js';
import { fitStudyStage1 } from './stage1.js';

export interface FoldTask {
  readonly study: Study;
  readonly cohort: Cohort;
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
  /** Image statistics that stage 1 sees beside the table. */
  readonly statistics: readonly NumericColumn[];
  readonly runtime: Runtime;
  /** Published weights to start from, by the model's own names. */
  readonly initial?: Weights;
  readonly listener: ProgressListener;
  readonly signal?: AbortSignal;
  /** Which of several trainings this is, e.g. `repeat 1/5, fold 2/5`. */
  readonly part?: string;
  /** Where checkpoints go; null: none are written. */
  readonly checkpoint: { readonly directory: string; readonly resume: boolean } | null;
  readonly onEpoch?: (record: EpochRecord) => Promise<void> | void;
}

export interface TrainedFold {
  readonly stage1: Stage1Model | null;
  /** Where the rules of stage 1 fire in test rows; null without stage 1. */
  readonly rules: readonly (readonly RuleCount[])[] | null;
  /** Embeds images for stage 1; null where it does not ask for that. */
  readonly embedder: ImageEmbedder | null;
  readonly saved: SavedModel;
  readonly weights: Weights;
  /** Predictions of the split's rows: train, validation and test. */
  readonly predictions: Predictions;
}

/**
 * Fits the image embedder, stage 1, encoder, network, calibration and tiers: the first four on the split's training
 * rows, the last two on its validation rows. Test rows are only predicted.
 */
export async function trainFold(task: FoldTask, split: Split): Promise<TrainedFold> {
  const { study, cohort, images, runtime } = task;
  const embedded =
    images !== null && usesEmbeddings(study)
      ? await fitImageEmbedder({ ...task, images }, split.train)
      : null;
  const features = [...task.statistics, ...(embedded?.columns ?? [])];
  const first = fitFoldStage1(study, stage1Cohort(study, cohort, features), split);
  const inputs = first?.inputs ?? null;
  const encoder = fitEncoder(cohort, split.train, {
    modalities: study.model.modalities,
    vocabulary: study.model.text.vocabulary,
    maxTokens: study.model.text.maxTokens,
    images: images ?? undefined,
    stage1: inputs?.names,
  });
  const config = networkConfig(study, cohort, split.train, encoder);
  const encoded = encodeCohort(encoder, cohort, inputs?.values ?? null);
  const source: BatchSource = { cohort, encoder, encoded, config, images };
  const result = await fit({
    runtime,
    config,
    source,
    train: split.train,
    validation: split.validation,
    options: fitOptions(study),
    initial: task.initial,
    listener: task.listener,
    part: task.part,
    checkpoint: task.checkpoint === null ? null : { ...task.checkpoint, study },
    signal: task.signal,
    onEpoch: task.onEpoch,
  });

  const store = new ParameterStore();
  storeWeights(store, result.weights);
  const predictor = await openPredictor(runtime, config, store, study.training.batchSize);
  const all = await predictor.logits(source, splitRows(split));
  await predictor.release();
  const logits = { validation: result.validationLogits, all };
  const { calibration, tiers, predictions } = settleSplit(study, cohort, split, logits);
  return {
    stage1: first?.stage1 ?? null,
    rules: first?.rules ?? null,
    embedder: embedded?.embedder ?? null,
    weights: result.weights,
    saved: {
      format: 'medfusion-model',
      version: 1,
      labels: cohort.labels,
      config,
      encoder,
      image: images === null ? null : images.format,
      calibration,
      tiers,
    },
    predictions,
  };
}

/**
 * Stage 1, what of it enters the network, and where its rules fire in test rows; null where it is off, or there is no
 * column for it to look at.
 */
function fitFoldStage1(
  study: Study,
  cohort: Cohort,
  split: Split,
): (Pick<Stage1Output, 'inputs'> & { readonly stage1: Stage1Model; readonly rules: RuleCount[][] }) | null {
  if (!study.stage1.enabled || cohort.numeric.length + cohort.categorical.length === 0) return null;
  const stage1 = fitStudyStage1(study, cohort, split.train);
  return {
    stage1,
    inputs: applyStage1(stage1, cohort).inputs,
    rules: countRules(stage1Firings(stage1, cohort), cohort, split.test),
  };
}
