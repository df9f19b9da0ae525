/** The training loop of MedFusionNet (P17–P20). */
import type { Augmentation, ImageStore } from '../data/index.js';
import { ConfigError } from '../errors.js';
import type { Precision } from '../graph/index.js';
import type { MedFusionConfig } from '../models/index.js';
import type { Runtime } from '../runtime/index.js';
import type { BatchSource } from './batches.js';
import { type BatchLoader, imageWorkersFor, openBatchLoader } from './batchLoader.js';
import { loadCheckpoint, saveCheckpoint, type TrainingProgress } from './checkpoint.js';
import { earlyStoppingStart, stepEarlyStopping } from './earlyStopping.js';
import { planEpochs } from './epochPlan.js';
import type { Weights } from './inference.js';
import type { LossOptions } from './losses.js';
import type { OptimizerOptions } from './optimizers.js';
import type { ProgressListener } from './progress.js';
import { batchesOf, epochOrder } from './sampler.js';
import { emaDecay, learningRateFactor } from './schedule.js';
import { BestWeights, restore, snapshot } from './snapshot.js';
import { type BatchResult, StepRuns } from './stepRuns.js';
import { openTrainer, type Trainer } from './trainer.js';
import { stepScalars } from './trainingProgram.js';
import { scoreValidation } from './validationScore.js';

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
  /** What training steps compute in; validation and prediction always in float32. Default float32. */
  readonly precision?: Precision;
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
  /** May be empty: then no epoch counts as better than another, and the last one is kept. */
  readonly validation: Int32Array;
  readonly options: FitOptions;
  /** Values to start from in place of the model's own initial ones, for any of its parameters and buffers. */
  readonly initial?: Weights;
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
  /** Threads that prepare images while a step runs, see `openBatchLoader`. Default: `imageWorkersFor`. */
  readonly imageWorkers?: number;
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
  const trainer = await openTrainer(task);
  const workers = task.imageWorkers ?? imageWorkersFor(task.runtime.threads);
  const loader = openBatchLoader(task.source, task.options.batchSize, workers);
  try {
    return await run(task, trainer, loader);
  } finally {
    await loader.close();
    await trainer.release();
  }
}

async function run(task: FitTask, trainer: Trainer, loader: BatchLoader): Promise<FitResult> {
  const { options, listener, source, train, validation, checkpoint } = task;
  const plans = planEpochs(trainer.sampler, options);
  const totalSteps = plans.reduce((sum, { batches }) => sum + batches / options.accumulate, 0);
  const labelCount = task.config.labels;
  const targets = new Float32Array(options.batchSize * labelCount);
  const mask = new Float32Array(options.batchSize * labelCount);
  const best = new BestWeights();
  let progress: TrainingProgress = {
    epoch: 0,
    batch: 0,
    step: 0,
    lossSum: 0,
    lossCount: 0,
    skippedSteps: 0,
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
    await trainer.store.download();
    await saveCheckpoint(
      checkpoint.directory,
      { tensors: snapshot(trainer.store, best), progress },
      checkpoint.study,
    );
  };
  const rateAt = (step: number) =>
    options.optimizer.learningRate * learningRateFactor(step, { totalSteps, ...options.schedule });
  const { patience, metric } = options.earlyStopping;
  const steps = new StepRuns(trainer.step, trainer.accumulate);
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
    const batches = batchesOf(order, options.batchSize)
      .slice(progress.batch, plan.batches)
      .map((positions) => positions.map((position) => train[position]));
    const variation = {
      seed: options.seed,
      epoch,
      augmentation: options.augmentation,
      modalityDropout: options.modalityDropout,
    };
    let batch = progress.batch;
    for await (const prepared of loader.batches(batches, variation)) {
      const { rows } = prepared;
      const feeds = { ...prepared.feeds, targets, mask, classWeights: trainer.classWeights };
      rows.forEach((row, place) => {
        copyLabels(source.cohort, row, targets, mask, place, labelCount);
      });
      const done = plan.before + batch;
      batch++;
      const isStep = (done + 1) % options.accumulate === 0;
      const step = Math.floor(done / options.accumulate);
      const averageDecay = options.ema === null ? 0 : emaDecay(step, options.ema);
      const scalars = stepScalars({ learningRate: rateAt(step), step, averageDecay }, trainer.update);
      const results = await steps.add(
        { isStep, now: batch === plan.batches },
        isStep ? { ...feeds, ...scalars } : feeds,
        { seed: options.seed, step: done },
      );
      for (const result of results) {
        progress = addBatch(progress, result, plan.before, options.accumulate);
        listener.batch({ batch: progress.batch, loss: progress.lossSum / progress.lossCount });
      }
      if (results.length > 0 && task.signal?.aborted) {
        await save();
        throw new Interrupted('training was interrupted; go on with --resume');
      }
    }
    await trainer.syncEvaluated();
    const logits = await trainer.predictor.logits(source, validation);
    const scores = scoreValidation(logits, source.cohort, validation, labelCount);
    const watched = metric === 'auroc' ? scores.auroc : scores.loss;
    const { state, improved } = stepEarlyStopping(progress.earlyStopping, epoch, watched, {
      patience,
      mode: metric === 'auroc' ? 'max' : 'min',
    });
    if (improved || epoch === 0 || validation.length === 0) best.take(trainer.evaluated);
    const trainLoss = progress.lossSum / progress.lossCount;
    listener.epochEnd({ loss: trainLoss, validationAuroc: scores.auroc, improved });
    if (progress.skippedSteps > 0) {
      listener.message(
        `epoch ${epoch + 1}: ${progress.skippedSteps} of ${plan.batches / options.accumulate} steps changed no weights, ` +
          'as derivatives left the range of float16; the loss scale was lowered',
      );
    }
    progress = {
      ...progress,
      epoch: epoch + 1,
      batch: 0,
      lossSum: 0,
      lossCount: 0,
      skippedSteps: 0,
      earlyStopping: state,
    };
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
    bestEpoch: validation.length === 0 ? progress.epoch : (progress.earlyStopping.bestEpoch ?? 0) + 1,
    validationLogits: await trainer.predictor.logits(source, validation),
    parameterCount: trainer.parameterCount,
  };
}

/**
 * Progress after one more batch.
 * @param before  batches of earlier epochs
 * @throws ConfigError when the loss is no number, or its derivatives do not fit float16 even unscaled
 */
function addBatch(
  progress: TrainingProgress,
  { loss, skipped, lossScale }: BatchResult,
  before: number,
  accumulate: number,
): TrainingProgress {
  const { epoch, lossSum, lossCount } = progress;
  const batch = progress.batch + 1;
  if (!Number.isFinite(loss)) {
    throw new ConfigError(
      `training: the loss became ${loss} in epoch ${epoch + 1}, batch ${batch}; lower training.optimizer.learningRate` +
        (skipped === undefined ? '' : ', or train with training.precision float32'),
      'training.optimizer.learningRate',
    );
  }
  if (skipped && lossScale! <= 1) {
    throw new ConfigError(
      `training: derivatives leave the range of float16 in epoch ${epoch + 1}, batch ${batch}, even unscaled; ` +
        'lower training.optimizer.learningRate, or train with training.precision float32',
      'training.precision',
    );
  }
  const step = Math.floor((before + batch) / accumulate);
  const skippedSteps = progress.skippedSteps + Number(skipped ?? false);
  return { ...progress, batch, step, lossSum: lossSum + loss, lossCount: lossCount + 1, skippedSteps };
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
