/** One training of a study: everything that is fitted, fitted on the rows of one split. */
import { augmentations, type Cohort, type ImageStore, type Split } from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import { applyStage1, assignTiers, fitStage1, fitTiers, type Stage1Model } from '../risk/index.js';
import type { Runtime } from '../runtime/index.js';
import { ParameterStore } from '../runtime/index.js';
import {
  applyCalibration,
  type BatchSource,
  countLabels,
  type EpochRecord,
  encodeCohort,
  type FitOptions,
  fit,
  fitCalibration,
  fitEncoder,
  type InputEncoder,
  openPredictor,
  type ProgressListener,
  positiveWeights,
  priorLogits,
  storeWeights,
  type Weights,
} from '../train/index.js';
import type { Predictions } from './predictions.js';
import type { SavedModel } from './savedModel.js';
import type { Study } from './schema.js';
import { subgroupValues } from './subgroups.js';

export interface FoldTask {
  readonly study: Study;
  readonly cohort: Cohort;
  /** Prepared images; null when the model sees none. */
  readonly images: ImageStore | null;
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
  const { labels } = cohort;
  const stage1 = fitFoldStage1(study, cohort, split);
  const inputs = stage1 === null ? null : applyStage1(stage1, cohort).inputs;
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

  const rowsOf = (rows: Int32Array) => ({
    targets: pick(cohort.targets, rows, labels.length),
    known: pick(cohort.known, rows, labels.length),
  });
  const validation = rowsOf(split.validation);
  const calibration = fitCalibration(
    result.validationLogits,
    validation.targets,
    validation.known,
    labels,
    study.training.calibration,
  );
  const onValidation = applyCalibration(calibration, result.validationLogits);
  const tiers = fitTiers(onValidation, validation.targets, validation.known, labels, study.tiers);

  const store = new ParameterStore();
  storeWeights(store, result.weights);
  const predictor = await openPredictor(runtime, config, store, study.training.batchSize);
  const all = Int32Array.from([...split.train, ...split.validation, ...split.test]);
  const probabilities = applyCalibration(calibration, await predictor.logits(source, all));
  await predictor.release();
  const assigned = assignTiers(tiers, probabilities, cohortRows(cohort, all));
  const splits = [...split.train].map(() => 'train' as const);
  return {
    stage1,
    weights: result.weights,
    saved: {
      format: 'medfusion-model',
      version: 1,
      labels,
      config,
      encoder,
      image: images === null ? null : images.format,
      calibration,
      tiers,
    },
    predictions: {
      labels,
      ids: Array.from(all, (row) => cohort.ids[row]),
      patients: Array.from(all, (row) => cohort.patients[row]),
      splits: [
        ...splits,
        ...[...split.validation].map(() => 'validation' as const),
        ...[...split.test].map(() => 'test' as const),
      ],
      repeat: new Int32Array(all.length).fill(split.repeat),
      fold: new Int32Array(all.length).fill(split.fold),
      ...rowsOf(all),
      probabilities,
      tiers: assigned,
      subgroups: subgroupValues(cohort, study.evaluation.subgroups).map(({ column, values }) => ({
        column,
        values: Array.from(all, (row) => values[row]),
      })),
    },
  };
}

function fitFoldStage1(study: Study, cohort: Cohort, split: Split): Stage1Model | null {
  const { enabled, ...settings } = study.stage1;
  const columns = cohort.numeric.length + cohort.categorical.length;
  if (!enabled || columns === 0 || !study.model.modalities.includes('tabular')) return null;
  return fitStage1(cohort, cohort.targets, cohort.known, cohort.labels, split.train, {
    ...settings,
    seed: study.seed,
  });
}

/** The network's configuration for a study and the encoder of one fold. */
function networkConfig(
  study: Study,
  cohort: Cohort,
  train: Int32Array,
  encoder: InputEncoder,
): MedFusionConfig {
  const { model } = study;
  const counts = countLabels({
    labelCount: cohort.labels.length,
    targets: pick(cohort.targets, train, cohort.labels.length),
    known: pick(cohort.known, train, cohort.labels.length),
  });
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

/** The columns that tier overrides read, for some rows. */
function cohortRows(cohort: Cohort, rows: Int32Array) {
  return {
    size: rows.length,
    numeric: cohort.numeric.map((column) => ({
      ...column,
      values: Float64Array.from(rows, (row) => column.values[row]),
    })),
    categorical: cohort.categorical.map((column) => ({
      ...column,
      values: Array.from(rows, (row) => column.values[row]),
    })),
    patientIndex: rows.map((row) => cohort.patientIndex[row]),
    order: cohort.order === null ? null : Float64Array.from(rows, (row) => cohort.order![row]),
  };
}

function pick<T extends Float32Array | Uint8Array>(values: T, rows: Int32Array, width: number): T {
  const result = new (values.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((row, i) => {
    result.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return result;
}
