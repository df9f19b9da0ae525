/** The training loop of MedFusionNet (P17–P20). */
import type { Augmentation, ImageStore } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { input } from '../graph/index.js';
import { auroc } from '../metrics/index.js';
import { type MedFusionConfig, medFusionGroup, medFusionInputs, medFusionNet } from '../models/index.js';
import { ParameterList, Scope } from '../nn/index.js';
import { ParameterStore, type Runtime } from '../runtime/index.js';
import { type BatchSource, createBatcher } from './batches.js';
import {
  type Checkpoint,
  loadCheckpoint,
  type StateTensor,
  saveCheckpoint,
  type TrainingProgress,
} from './checkpoint.js';
import { curriculumBalance } from './curriculum.js';
import { earlyStoppingStart, stepEarlyStopping } from './earlyStopping.js';
import { openPredictor, type Weights } from './inference.js';
import { countLabels } from './labelCounts.js';
import { averageName, type Layout, layOut, storeInitialValues } from './layout.js';
import { type LossOptions, labelLoss, meanLoss } from './losses.js';
import { positiveWeights } from './lossWeights.js';
import type { OptimizerOptions } from './optimizers.js';
import type { ProgressListener } from './progress.js';
import { batchesOf, createSampler, epochLength, epochOrder, type Sampler } from './sampler.js';
import { emaDecay, learningRateFactor } from './schedule.js';
import { compileTraining, stepScalars, trainingState, type UpdateOptions } from './trainingProgram.js';

export interface FitOptions {
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly loss: LossOptions;
  /** `effective`: positives weighted by effective numbers, up to `weightCap`; `none`: all alike. */
  readonly classWeights: 'effective' | 'none';
  readonly weightCap: number;
  readonly optimizer: OptimizerOptions;
  readonly groupRates: Readonly<Record<string, number>>;
  readonly schedule: { readonly warmup: number; readonly floor: number };
  readonly sampling: {
    readonly balanced: boolean;
    readonly maxRepeat: number;
    readonly negativeKeep: number;
  };
  readonly curriculum: { readonly enabled: boolean; readonly until: number };
  readonly clip: number | null;
  readonly accumulate: number;
  readonly ema: number | null;
  readonly earlyStopping: { readonly patience: number | null; readonly metric: 'auroc' | 'loss' };
  readonly augmentation: Augmentation;
  readonly modalityDropout: number;
}

/** One line of log.jsonl. */
export interface EpochRecord {
  /** 1-based. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validationLoss: number;
  /** Macro AUROC on validation rows; null where no label defines it. */
  readonly validationAuroc: number | null;
  readonly learningRate: number;
  readonly seconds: number;
  readonly best: boolean;
}

export interface FitTask {
  readonly runtime: Runtime;
  readonly config: MedFusionConfig;
  readonly source: BatchSource & { readonly images: ImageStore | null };
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly options: FitOptions;
  readonly listener: ProgressListener;
  /** Which of several trainings this is, for the progress display. */
  readonly part?: string;
  /** Where to write checkpoints, and the resolved study they belong to; null: none. */
  readonly checkpoint: {
    readonly directory: string;
    readonly study: unknown;
    readonly resume: boolean;
  } | null;
  /** When it aborts, a checkpoint is written after the batch under way and `Interrupted` is thrown. */
  readonly signal?: AbortSignal;
  readonly onEpoch?: (record: EpochRecord) => Promise<void> | void;
}

export interface FitResult {
  /** Weights and running statistics of the best epoch. */
  readonly weights: Weights;
  readonly bestEpoch: number;
  /** Validation logits [validation rows, label] at the best epoch. */
  readonly validationLogits: Float64Array;
  readonly parameterCount: number;
}

/** Training was asked to stop; what it had done is in the checkpoint. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Trains until the last epoch or until validation no longer improves, and keeps the best epoch.
 * @throws Interrupted when the signal aborts
 * @throws ConfigError when a batch is larger than an epoch, or training diverges
 */
export async function fit(task: FitTask): Promise<FitResult> {
  const trainer = await prepare(task);
  try {
    return await run(task, trainer);
  } finally {
    await trainer.release();
  }
}

type Trainer = Awaited<ReturnType<typeof prepare>>;

async function prepare({ runtime, config, source, train, options }: FitTask) {
  const { cohort } = source;
  const labelCount = config.labels;
  const rows = {
    labelCount,
    targets: gatherRows(cohort.targets, train, labelCount),
    known: gatherRows(cohort.known, train, labelCount),
  };
  const list = new ParameterList();
  const inputs = medFusionInputs(config, options.batchSize);
  const logits = medFusionNet(new Scope(list, true), inputs, config);
  const targets = input('targets', [options.batchSize, labelCount]);
  const mask = input('mask', [options.batchSize, labelCount]);
  // Weights are fed, not compiled in, so that the folds of a cross-validation share one program.
  const classWeights = input('classWeights', [1, labelCount]);
  const losses = labelLoss(logits, targets, mask, options.loss, classWeights);
  const layout = layOut(list, medFusionGroup);
  const update: UpdateOptions = {
    optimizer: options.optimizer,
    groupRates: options.groupRates,
    clip: options.clip,
    average: options.ema !== null,
    accumulate: options.accumulate,
  };
  const programs = compileTraining(list, layout, meanLoss(losses, mask), {}, update, runtime.emitOptions);
  const store = new ParameterStore();
  storeInitialValues(store, layout, list, options.seed);
  for (const { name, length, copyOf } of trainingState(layout, update)) {
    store.set(name, copyOf === undefined ? new Float32Array(length) : store.get(copyOf).values, [length]);
  }
  const step = await runtime.load(programs.step, store);
  const accumulate = programs.accumulate === null ? null : await runtime.load(programs.accumulate, store);
  const evaluated = new ParameterStore();
  const stored = new Set(store.names());
  const average = (name: string) => (stored.has(averageName(name)) ? averageName(name) : name);
  copyWeights(store, layout, evaluated, average);
  const predictor = await openPredictor(runtime, config, evaluated, options.batchSize);
  return {
    store,
    layout,
    update,
    classWeights:
      options.classWeights === 'effective'
        ? positiveWeights(countLabels(rows), options)
        : new Float32Array(labelCount).fill(1),
    step,
    accumulate,
    predictor,
    evaluated,
    sampler: createSampler(rows, options.sampling),
    parameterCount: list.count(),
    syncEvaluated: () => copyWeights(store, layout, evaluated, average),
    release: async () => {
      await step.release();
      await accumulate?.release();
      await predictor.release();
    },
  };
}

/** Batches of each epoch, from the first: the schedule needs their number beforehand. */
function planEpochs(
  sampler: Sampler,
  options: FitOptions,
): { balance: number; batches: number; before: number }[] {
  let before = 0;
  return Array.from({ length: options.epochs }, (_, epoch) => {
    const { sampling, curriculum } = options;
    const balance = !sampling.balanced
      ? 0
      : curriculum.enabled
        ? curriculumBalance(epoch, options.epochs, curriculum)
        : 1;
    const whole = Math.floor(epochLength(sampler, balance) / options.batchSize);
    const batches = Math.floor(whole / options.accumulate) * options.accumulate;
    if (batches === 0) {
      throw new ConfigError(
        `training: an epoch has ${epochLength(sampler, balance)} rows, fewer than one step of ` +
          `${options.accumulate} × ${options.batchSize}; choose a smaller training.batchSize or training.accumulate`,
        'training.batchSize',
      );
    }
    const plan = { balance, batches, before };
    before += batches;
    return plan;
  });
}

async function run(task: FitTask, trainer: Trainer): Promise<FitResult> {
  const { options, listener, source, train, validation, checkpoint } = task;
  const plans = planEpochs(trainer.sampler, options);
  const totalSteps = plans.reduce((sum, { batches }) => sum + batches / options.accumulate, 0);
  const batcher = createBatcher(source, options.batchSize);
  const labelCount = task.config.labels;
  const targets = new Float32Array(options.batchSize * labelCount);
  const mask = new Float32Array(options.batchSize * labelCount);
  const best = new ParameterStoreCopy();
  let progress: TrainingProgress = {
    epoch: 0,
    batch: 0,
    step: 0,
    lossSum: 0,
    lossCount: 0,
    earlyStopping: earlyStoppingStart,
    random: {},
  };
  const resumed = checkpoint?.resume ? await loadCheckpoint(checkpoint.directory, checkpoint.study) : null;
  if (resumed !== null) {
    restore(trainer.store, best, resumed);
    progress = resumed.progress;
    listener.message(`resuming at epoch ${progress.epoch + 1}, batch ${progress.batch + 1}`);
  }
  const save = async () => {
    if (checkpoint === null) return;
    await saveCheckpoint(
      checkpoint.directory,
      { tensors: snapshot(trainer.store, best), progress },
      checkpoint.study,
    );
  };
  const rateAt = (step: number) =>
    options.optimizer.learningRate * learningRateFactor(step, { totalSteps, ...options.schedule });
  const { patience, metric } = options.earlyStopping;
  const stopped = () => patience !== null && progress.earlyStopping.epochsWithout >= patience;
  while (progress.epoch < options.epochs && !stopped()) {
    const { epoch } = progress;
    const plan = plans[epoch];
    const started = performance.now();
    listener.epochStart({
      epoch,
      epochs: options.epochs,
      batches: plan.batches,
      batchesDone: progress.batch,
      part: task.part,
    });
    const order = epochOrder(trainer.sampler, { seed: options.seed, epoch, balance: plan.balance });
    const batches = batchesOf(order, options.batchSize).slice(0, plan.batches);
    for (let batch = progress.batch; batch < batches.length; batch++) {
      const rows = batches[batch].map((position) => train[position]);
      const variation = {
        seed: options.seed,
        epoch,
        augmentation: options.augmentation,
        modalityDropout: options.modalityDropout,
      };
      const batchFeeds = { ...batcher(rows, variation), targets, mask, classWeights: trainer.classWeights };
      rows.forEach((row, place) => {
        copyLabels(source.cohort, row, targets, mask, place, labelCount);
      });
      const isStep = (batch + 1) % options.accumulate === 0;
      const draw = { seed: options.seed, step: plan.before + batch };
      const averageDecay = options.ema === null ? 0 : emaDecay(progress.step, options.ema);
      const scalars = stepScalars(
        { learningRate: rateAt(progress.step), step: progress.step, averageDecay },
        trainer.update,
      );
      const result = isStep
        ? await trainer.step.run({ ...batchFeeds, ...scalars }, draw)
        : await trainer.accumulate!.run(batchFeeds, draw);
      const loss = result.loss[0];
      if (!Number.isFinite(loss)) {
        throw new ConfigError(
          `training: the loss became ${loss} in epoch ${epoch + 1}, batch ${batch + 1}; lower training.optimizer.learningRate`,
          'training.optimizer.learningRate',
        );
      }
      progress = {
        ...progress,
        batch: batch + 1,
        step: progress.step + Number(isStep),
        lossSum: progress.lossSum + loss,
        lossCount: progress.lossCount + 1,
      };
      listener.batch({ batch: batch + 1, loss: progress.lossSum / progress.lossCount });
      if (task.signal?.aborted) {
        await save();
        throw new Interrupted('training was interrupted; go on with --resume');
      }
    }
    trainer.syncEvaluated();
    const logits = await trainer.predictor.logits(source, validation);
    const scores = scoreValidation(logits, source.cohort, validation, labelCount);
    const watched = metric === 'auroc' ? scores.auroc : scores.loss;
    const { state, improved } = stepEarlyStopping(progress.earlyStopping, epoch, watched, {
      patience,
      mode: metric === 'auroc' ? 'max' : 'min',
    });
    if (improved || epoch === 0) best.take(trainer.evaluated);
    const trainLoss = progress.lossSum / progress.lossCount;
    listener.epochEnd({ loss: trainLoss, validationAuroc: scores.auroc, improved });
    progress = { ...progress, epoch: epoch + 1, batch: 0, lossSum: 0, lossCount: 0, earlyStopping: state };
    await task.onEpoch?.({
      epoch: epoch + 1,
      trainLoss,
      validationLoss: scores.loss,
      validationAuroc: scores.auroc,
      learningRate: rateAt(progress.step - 1),
      seconds: (performance.now() - started) / 1000,
      best: improved,
    });
    await save();
    if (task.signal?.aborted) throw new Interrupted('training was interrupted; go on with --resume');
  }
  best.giveTo(trainer.evaluated);
  return {
    weights: best.values,
    bestEpoch: (progress.earlyStopping.bestEpoch ?? 0) + 1,
    validationLogits: await trainer.predictor.logits(source, validation),
    parameterCount: trainer.parameterCount,
  };
}

/** The weights of the best epoch so far. */
class ParameterStoreCopy {
  readonly values = new Map<string, { shape: readonly number[]; values: Float32Array }>();

  take(store: ParameterStore): void {
    for (const name of store.names()) {
      const { values, shape } = store.get(name);
      this.values.set(name, { shape, values: values.slice() });
    }
  }

  giveTo(store: ParameterStore): void {
    for (const [name, { values, shape }] of this.values) store.set(name, values, shape);
  }
}

const bestPrefix = 'best:';

function snapshot(store: ParameterStore, best: ParameterStoreCopy): Record<string, StateTensor> {
  const tensors: Record<string, StateTensor> = {};
  for (const name of store.names()) {
    const { values, shape } = store.get(name);
    tensors[name] = { shape, data: values };
  }
  for (const [name, { values, shape }] of best.values) tensors[bestPrefix + name] = { shape, data: values };
  return tensors;
}

function restore(store: ParameterStore, best: ParameterStoreCopy, { tensors }: Checkpoint): void {
  for (const name of store.names()) {
    const saved = tensors[name];
    if (saved === undefined || saved.data.length !== store.get(name).values.length) {
      throw new ConfigError(
        `resume: the checkpoint does not fit the model at "${name}"; it is of another version, start a new run`,
      );
    }
    store.get(name).values.set(saved.data);
  }
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (name.startsWith(bestPrefix)) best.values.set(name.slice(bestPrefix.length), { shape, values: data });
  }
}

function copyWeights(
  from: ParameterStore,
  layout: Layout,
  into: ParameterStore,
  vectorOf: (segment: string) => string,
): void {
  for (const segment of [...layout.weights, ...(layout.buffers === null ? [] : [layout.buffers])]) {
    const flat = from.get(vectorOf(segment.name)).values;
    for (const { name, shape, offset } of segment.members) {
      const length = from.get(name).values.length;
      into.set(name, flat.subarray(offset, offset + length), shape);
    }
  }
}

function gatherRows<T extends Float32Array | Uint8Array>(values: T, rows: Int32Array, width: number): T {
  const result = new (values.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((row, i) => {
    result.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return result;
}

function copyLabels(
  cohort: BatchSource['cohort'],
  row: number,
  targets: Float32Array,
  mask: Float32Array,
  place: number,
  width: number,
): void {
  for (let label = 0; label < width; label++) {
    targets[place * width + label] = cohort.targets[row * width + label];
    mask[place * width + label] = cohort.known[row * width + label];
  }
}

/** Macro AUROC over the labels that define it, and mean binary cross-entropy over recorded labels. */
function scoreValidation(
  logits: Float64Array,
  cohort: BatchSource['cohort'],
  rows: Int32Array,
  width: number,
) {
  const areas: number[] = [];
  let [loss, count] = [0, 0];
  for (let label = 0; label < width; label++) {
    const at = Array.from(rows, (row) => row * width + label);
    const scores = at.map((_, i) => logits[i * width + label]);
    const targets = at.map((cell) => cohort.targets[cell]);
    const known = at.map((cell) => cohort.known[cell]);
    const area = auroc(scores, targets, known);
    if (area !== null) areas.push(area);
    scores.forEach((z, i) => {
      if (known[i] === 0) return;
      loss += Math.max(z, 0) - z * targets[i] + Math.log1p(Math.exp(-Math.abs(z)));
      count++;
    });
  }
  return {
    auroc: areas.length === 0 ? null : areas.reduce((sum, area) => sum + area, 0) / areas.length,
    loss: loss / Math.max(1, count),
  };
}
