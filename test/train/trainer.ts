/** A model with its store and training programs, as tests need it: built, filled, stepped. */
import { type CompileOptions, compile, gradients, input, type Tensor } from '../../src/graph/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { type Executable, ParameterStore, Runtime, type Values } from '../../src/runtime/index.js';
import {
  averageName,
  compileTraining,
  type GroupOf,
  type Layout,
  type LossOptions,
  labelLoss,
  layOut,
  meanLoss,
  stepScalars,
  storeInitialValues,
  storeTrainingState,
  type TrainingComputations,
  type TrainingPrograms,
  trainingComputations,
  type UpdateOptions,
} from '../../src/train/index.js';
import { compileRounded } from '../graph/roundedHalf.js';

/** A model from images [batch, 3, side, side] to logits [batch, classes]. */
export type Model = (scope: Scope, x: Tensor) => Tensor;

export interface TrainerSpec {
  readonly model: Model;
  readonly batch: number;
  readonly side: number;
  readonly classes: number;
  readonly update: UpdateOptions;
  readonly loss?: LossOptions;
  readonly groupOf?: GroupOf;
  readonly seed?: number;
  readonly threads?: number;
  readonly averageDecay?: number;
  /** With loss scaling: round as a device with float16 kernels does, which the processor does not. */
  readonly rounded?: boolean;
  /** Whether a run may do several steps. */
  readonly repeat?: boolean;
}

export class Trainer {
  private steps = 0;
  private seen = 0;

  private constructor(
    readonly spec: TrainerSpec,
    readonly runtime: Runtime,
    readonly list: ParameterList,
    readonly layout: Layout,
    readonly store: ParameterStore,
    private readonly programs: { accumulate: Executable | null; step: Executable },
  ) {}

  /** @param load changes the initial weights, before the training state copies them */
  static async create(
    spec: TrainerSpec,
    load: (store: ParameterStore, list: ParameterList) => void = () => {},
  ): Promise<Trainer> {
    const runtime = await Runtime.open({ threads: spec.threads ?? 2 });
    const { list, loss } = build(spec);
    const layout = layOut(list, spec.groupOf ?? (() => 'all'));
    const store = new ParameterStore();
    storeInitialValues(store, layout, list, spec.seed ?? 1);
    load(store, list);
    storeTrainingState(store, layout, spec.update);
    const { repeat } = spec;
    const { accumulate, step } = spec.rounded
      ? compileRoundedTraining(trainingComputations(list, layout, loss, {}, spec.update), { repeat })
      : compileTraining(list, layout, loss, {}, spec.update, { ...runtime.emitOptions, repeat });
    return new Trainer(spec, runtime, list, layout, store, {
      accumulate: accumulate === null ? null : await runtime.load(accumulate, store),
      step: await runtime.load(step, store),
    });
  }

  /** One batch: an update when `accumulate` batches are in. @returns the batch's loss before the update */
  async train(feeds: Readonly<Record<string, Values>>): Promise<number> {
    return (await this.step(feeds)).loss[0];
  }

  /** The same. @returns all that the program returns */
  async step(feeds: Readonly<Record<string, Values>>): Promise<Record<string, Float32Array>> {
    this.seen++;
    const draw = { seed: 1, step: this.seen };
    return this.seen % this.spec.update.accumulate === 0
      ? this.programs.step.run(this.withScalars(feeds), draw)
      : this.programs.accumulate!.run(feeds, draw);
  }

  /** Steps of a batch each in one run. */
  async together(batches: readonly Readonly<Record<string, Values>>[]) {
    for (const feeds of batches) {
      this.programs.step.add(this.withScalars(feeds), { seed: 1, step: ++this.seen });
    }
    return this.programs.step.runAdded();
  }

  private withScalars(feeds: Readonly<Record<string, Values>>): Record<string, Values> {
    const { update, averageDecay = 0.9 } = this.spec;
    const { learningRate } = update.optimizer;
    return { ...feeds, ...stepScalars({ learningRate, step: this.steps++, averageDecay }, update) };
  }

  /** Logits, loss and the derivative of every parameter (under its own name), in training mode. */
  async differentiate(feeds: Readonly<Record<string, Values>>): Promise<Record<string, Float32Array>> {
    const { list, logits, loss } = build(this.spec);
    const entries = list.trainable();
    const derivatives = gradients(
      loss,
      entries.map(([, { tensor }]) => tensor),
    );
    const named = Object.fromEntries(entries.map(([name], i) => [`gradient/${name}`, derivatives[i]]));
    return this.runOnce({ logits, loss, ...named }, feeds);
  }

  /** Logits in evaluation mode. */
  async predict(x: Float32Array): Promise<Float32Array> {
    const scope = new Scope(new ParameterList(), false);
    const logits = this.spec.model(scope, inputs(this.spec).x);
    return (await this.runOnce({ logits }, { x })).logits;
  }

  /** The vectors of weights and running statistics, each with its moving average. */
  segments(): { name: string; values: Float32Array; average: Float32Array | null }[] {
    const { weights, buffers } = this.layout;
    return [...weights, ...(buffers === null ? [] : [buffers])].map(({ name }) => ({
      name,
      values: this.store.get(name).values.slice(),
      average: this.spec.update.average ? this.store.get(averageName(name)).values.slice() : null,
    }));
  }

  private async runOnce(
    outputs: Readonly<Record<string, Tensor>>,
    feeds: Readonly<Record<string, Values>>,
  ): Promise<Record<string, Float32Array>> {
    const executable = await this.runtime.load(compile(outputs, this.runtime.emitOptions), this.store);
    try {
      return await executable.run(feeds);
    } finally {
      await executable.release();
    }
  }
}

function compileRoundedTraining(
  { accumulate, step }: TrainingComputations,
  options: CompileOptions,
): TrainingPrograms {
  return {
    accumulate: accumulate === null ? null : compileRounded(accumulate, options),
    step: compileRounded(step, options),
  };
}

function inputs({ batch, side, classes }: TrainerSpec) {
  return {
    x: input('x', [batch, 3, side, side]),
    targets: input('targets', [batch, classes]),
    mask: input('mask', [batch, classes]),
  };
}

function build(spec: TrainerSpec) {
  const list = new ParameterList();
  const { x, targets, mask } = inputs(spec);
  const logits = spec.model(new Scope(list, true), x);
  return {
    list,
    logits,
    loss: meanLoss(labelLoss(logits, targets, mask, spec.loss ?? { name: 'bce' }), mask),
  };
}
