/** One training of a study: everything that is fitted, fitted on the rows of one split. */
import {
  augmentations,
  type Cohort,
  type ImageStore,
  type NumericColumn,
  type Split,
} from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import { applyStage1, type Stage1Model, type Stage1Output, stage1Firings } from '../risk/index.js';
import type { Runtime } from '../runtime/index.js';
import { ParameterStore } from '../runtime/index.js';
import {
  type BatchSource,
  countLabels,
  type EpochRecord,
  encodeCohort,
  type FitOptions,
  fit,
  fitEncoder,
  type InputEncoder,
  openPredictor,
  type ProgressListener,
  positiveWeights,
  priorLogits,
  storeWeights,
  type Weights,
} from '../train/index.js';
import { countRules, type RuleCount } from './dataSummary.js';
import { stage1Cohort } from './imageFeatures.js';
import type { Predictions } from './predictions.js';
import type { SavedModel } from './savedModel.js';
import type { Study } from './schema.js';
import { outcomes, settleSplit, splitRows } from './settle.js';
import { fitStudyStage1 } from './stage1.js';

export interface FoldTask {
  readonly study: Study;
  readonly cohort: Cohort;
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
  /** Image statistics that stage 1 sees beside the table. */
  readonly statistics: readonly NumericColumn[];
  readonly runtime: Runtime;
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
  readonly saved: SavedModel;
  readonly weights: Weights;
  /** Predictions of the split's rows: train, validation and test. */
  readonly predictions: Predictions;
}

/**
 * Fits stage 1, encoder, network, calibration and tiers: the first three on the split's training rows, the last two
 * on its validation rows. Test rows are only predicted.
 */
export async function trainFold(task: FoldTask, split: Split): Promise<TrainedFold> {
  const { study, cohort, images, runtime } = task;
  const first = fitFoldStage1(study, stage1Cohort(study, cohort, task.statistics), split);
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

/** The network's configuration for a study and the encoder of one fold. */
function networkConfig(
  study: Study,
  cohort: Cohort,
  train: Int32Array,
  encoder: InputEncoder,
): MedFusionConfig {
  const { model } = study;
  const counts = countLabels({ labelCount: cohort.labels.length, ...outcomes(cohort, train) });
  const { classWeights, weightCap } = study.training.loss;
  const weights =
    classWeights === 'effective' ? positiveWeights(counts, { weightCap }) : counts.positives.map(() => 1);
  const numeric = encoder.numeric.length + encoder.stage1.length;
  const levels = encoder.categorical.map((column) => column.levels.length + 1);
  return {
    size: model.size,
    labels: cohort.labels.length,
    image:
      encoder.image === null
        ? null
        : {
            side: model.imageSize,
            channels: model.channels,
            slots: encoder.image.slots,
            views: encoder.image.views.length + 1,
            mirror: model.mirror,
          },
    tabular: numeric + levels.length === 0 ? null : { numeric, levels },
    text:
      encoder.text === null
        ? null
        : { vocabulary: encoder.text.vocabulary.tokens.length, tokens: encoder.text.tokens },
    branches: model.branches,
    interaction: model.interaction,
    pyramid: model.pyramid,
    fusion: model.fusion,
    classGate: model.classGate,
    dropout: model.dropout,
    stochasticDepth: model.stochasticDepth,
    prevalence: Array.from(counts.positives, (n, l) => (n + 1) / (n + counts.negatives[l] + 2)),
    // A weighted loss is least, before anything is learnt, where the odds are weighted too.
    priorLogits: Array.from(priorLogits(counts), (logit, l) => logit + Math.log(weights[l])),
  };
}

function fitOptions(study: Study): FitOptions {
  const { training, model, seed } = study;
  const { groups, ...optimizer } = training.optimizer;
  const { classWeights, weightCap, ...loss } = training.loss;
  const { augmentation } = training;
  return {
    ...training,
    seed,
    loss,
    classWeights,
    weightCap,
    optimizer,
    groupRates: groups,
    augmentation:
      typeof augmentation === 'string'
        ? augmentations[augmentation]
        : { ...augmentations.none, ...augmentation },
    modalityDropout: model.modalityDropout,
  };
}
