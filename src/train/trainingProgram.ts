/** Forward pass, gradients and optimiser update of any model as one program. */
import { ConfigError } from '../errors.js';
import {
  add,
  type CompileOptions,
  type Computation,
  compile,
  concat,
  constant,
  div,
  gradients,
  inFullPrecision,
  input,
  minimum,
  mul,
  type Program,
  parameter,
  reciprocal,
  reshape,
  sliceAxis,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from '../graph/index.js';
import { bufferMomentum, type ParameterList } from '../nn/index.js';
import type { ParameterStore, Runtime } from '../runtime/index.js';
import { averageName, bindSegments, type Layout, type LayoutSegment } from './layout.js';
import {
  areFinite,
  biasCorrection,
  type LossScaling,
  lossScale,
  scalingState,
  scalingUpdates,
  unlessSkipped,
} from './lossScaling.js';
import { momentNames, type OptimizerOptions, optimizerUpdates } from './optimizers.js';

export interface UpdateOptions {
  readonly optimizer: OptimizerOptions;
  /** Factor on the learning rate per parameter group; 1 where absent; a group at 0 is frozen. */
  readonly groupRates?: Readonly<Record<string, number>>;
  /** Largest global norm of the gradient; null: none. */
  readonly clip: number | null;
  /** Whether an exponential moving average of the weights is kept. */
  readonly average: boolean;
  /** Batches whose gradients are averaged before an update. */
  readonly accumulate: number;
  /** Compute in float16, on derivatives of the loss scaled so; null or absent: in float32. Weights stay float32. */
  readonly lossScaling?: LossScaling | null;
}

/** The scalars that an updating program takes besides the model's inputs. */
export interface StepFeeds {
  readonly learningRate: number;
  /** Updates done before this one. */
  readonly step: number;
  /** Decay of the moving average at this step. */
  readonly averageDecay: number;
}

/** Programs of one optimiser step over `accumulate` batches: all but the last only add to the gradient sum. */
export interface TrainingPrograms {
  /** Null when every batch is a step. */
  readonly accumulate: Program | null;
  readonly step: Program;
}

/** The same as tensors. */
export interface TrainingComputations {
  readonly accumulate: Computation | null;
  readonly step: Computation;
}

const accumulatorName = (segment: string) => `${segment}:gradients`;

/** Puts what training keeps beside weights and buffers into their store: moments and sums at zero, averages as copies. */
export function storeTrainingState(store: ParameterStore, layout: Layout, options: UpdateOptions): void {
  const { optimizer, accumulate, lossScaling } = options;
  for (const { name, length } of trainedSegments(layout, options)) {
    const zeros = new Float32Array(length);
    for (const moment of momentNames(optimizer, name)) store.set(moment, zeros, [length]);
    if (accumulate > 1) store.set(accumulatorName(name), zeros, [length]);
  }
  for (const { name, length } of averagedSegments(layout, options))
    store.set(averageName(name), store.get(name).values, [length]);
  if (lossScaling) {
    for (const { name, value } of scalingState(lossScaling, optimizer.name === 'adamw'))
      store.set(name, Float32Array.of(value), []);
  }
}

/** Averaged weights need the statistics that belong to them, so the running statistics are averaged alike. */
function averagedSegments(layout: Layout, options: UpdateOptions): LayoutSegment[] {
  if (!options.average) return [];
  return [...trainedSegments(layout, options), ...(layout.buffers === null ? [] : [layout.buffers])];
}

const rateOf = (segment: LayoutSegment, { groupRates = {} }: UpdateOptions) => groupRates[segment.group] ?? 1;

/** Those of several members last, see `flatGradients`. */
function trainedSegments(layout: Layout, options: UpdateOptions): LayoutSegment[] {
  const trained = layout.weights.filter((segment) => rateOf(segment, options) > 0);
  return trained.sort((a, b) => Number(isJoined(a)) - Number(isJoined(b)));
}

const isJoined = ({ members }: LayoutSegment) => members.length > 1;

/**
 * Compiles the programs of a training step.
 * @param loss scalar, built from the parameters of `list`
 * @param outputs further values to return beside `loss`; with loss scaling the step also returns `skipped`, 1 where the
 *   step changed no weights, and the `lossScale` that it used
 * @throws ConfigError when every group is frozen
 */
export function compileTraining(
  list: ParameterList,
  layout: Layout,
  loss: Tensor,
  outputs: Readonly<Record<string, Tensor>>,
  options: UpdateOptions,
  emit: CompileOptions,
): TrainingPrograms {
  const { accumulate, step } = trainingComputations(list, layout, loss, outputs, options);
  const precision = options.lossScaling ? 'float16' : 'float32';
  const program = ({ outputs: results, updates, bind }: Computation) =>
    compile(results, { ...emit, precision, updates, bind });
  return { accumulate: accumulate === null ? null : program(accumulate), step: program(step) };
}

/**
 * The programs for a runtime: of several steps per run where it gains by that and has the memory for their state twice, else
 * of one step per run. The results are the same bits.
 */
export function programsWithin(
  runtime: Pick<Runtime, 'repeats' | 'fits'>,
  compiled: (repeat: boolean) => TrainingPrograms,
): TrainingPrograms {
  if (!runtime.repeats) return compiled(false);
  const repeated = compiled(true);
  return runtime.fits(repeated.step) ? repeated : compiled(false);
}

/** What `compileTraining` compiles. */
export function trainingComputations(
  list: ParameterList,
  layout: Layout,
  loss: Tensor,
  outputs: Readonly<Record<string, Tensor>>,
  options: UpdateOptions,
): TrainingComputations {
  const trained = trainedSegments(layout, options);
  if (trained.length === 0) {
    throw new ConfigError(
      `compileTraining: at least one group must have a factor above 0, got ${JSON.stringify(options.groupRates)}; ` +
        'raise one of training.optimizer.groups',
      'training.optimizer.groups',
    );
  }
  const scaling = options.lossScaling ?? null;
  const scale = scaling === null ? null : lossScale();
  const flat = flatGradients(loss, trained, scale);
  const bind = bindSegments([...layout.weights, ...(layout.buffers === null ? [] : [layout.buffers])]);
  const statistics = bufferUpdates(list, layout);
  const accumulators = trained.map(({ name, length }) => parameter(accumulatorName(name), [length]));
  const share = 1 / options.accumulate;

  const summed =
    options.accumulate === 1 ? flat : flat.map((part, i) => add(accumulators[i], mul(part, share)));
  const squares = once(() =>
    sum(
      concat(
        summed.map((part) => reshape(sum(square(part)), [1])),
        0,
      ),
    ),
  );
  const updates = new Map([...statistics, ...stepUpdates(trained, summed, squares, options)]);
  const averageDecay = input('averageDecay', []);
  for (const { name, tensor, length } of averagedSegments(layout, options)) {
    const average = parameter(averageName(name), [length]);
    const newest = mul(updates.get(tensor)!, sub(1, averageDecay));
    updates.set(average, add(mul(average, averageDecay), newest));
  }
  const finite = scale === null ? null : areFinite(squares());
  const guarded = (changes: ReadonlyMap<Tensor, Tensor>) =>
    finite === null ? changes : unlessSkipped(finite, changes);
  const sums = accumulators.map((tensor, i) => [tensor, summed[i]] as const);
  const report: Readonly<Record<string, Tensor>> =
    finite === null ? {} : { skipped: where(finite, 0, 1), lossScale: scale! };
  return {
    accumulate:
      options.accumulate === 1
        ? null
        : { outputs: { loss, ...outputs }, bind, updates: new Map([...guarded(statistics), ...sums]) },
    step: {
      outputs: { loss, ...outputs, ...report },
      bind,
      updates: new Map([
        ...guarded(updates),
        ...(options.accumulate === 1
          ? []
          : trained.map(({ length }, i) => [accumulators[i], constant(0, [length])] as const)),
        ...(finite === null ? [] : scalingUpdates(finite, scale!, scaling!)),
      ]),
    },
  };
}

/** A tensor that is built when it is first asked for. */
function once(build: () => Tensor): () => Tensor {
  let built: Tensor | undefined;
  return () => {
    built ??= build();
    return built;
  };
}

/**
 * The gradient of each segment as a flat vector, arranged so that each derivative is computed as soon as the backward pass
 * has what it takes. ONNX Runtime runs what a node needs from the input that was made last to the one made first, whatever
 * their order, and so it does with a program's results; with derivatives as they come, the first layers' would run first, and
 * with them the whole backward pass before any other derivative, all of whose cotangents would stay in memory. So one node
 * takes all derivatives, made in the opposite order: whole where a segment has several members, and of a lone member the
 * first number, for its place in line. What follows from segments of several members is made last, so that this node comes
 * first.
 * @param scale that of the loss, by which the derivatives are divided
 */
function flatGradients(
  loss: Tensor,
  segments: readonly LayoutSegment[],
  scale: Tensor | null,
): readonly Tensor[] {
  const parts = segments.flatMap((segment) =>
    segment.members.map(({ leaf }) => ({ leaf, whole: isJoined(segment) })),
  );
  const leaves = parts.map(({ leaf }) => leaf);
  const found = gradients(loss, leaves, scale ?? undefined, true);
  const derivatives = scale === null ? found : found.map(inFullPrecision);
  const rows = new Array<Tensor>(parts.length);
  const order = [...derivatives.keys()].sort((a, b) => derivatives[b].id - derivatives[a].id);
  for (const i of order) {
    const row = reshape(derivatives[i], [1, -1]);
    rows[i] = parts[i].whole ? row : sliceAxis(row, 1, 0, 1);
  }
  const pieces = split(
    reshape(concat(rows, 1), [-1]),
    segments.map((segment) => (isJoined(segment) ? segment.length : 1)),
    0,
  );
  let next = 0;
  const flat = segments.map((segment, i) => {
    const first = derivatives[next];
    next += segment.members.length;
    return isJoined(segment) ? pieces[i] : reshape(first, [-1]);
  });
  return scale === null ? flat : flat.map((part) => mul(part, reciprocal(scale)));
}

/** New weights, moments and averages from the gradients of the trained segments. */
function stepUpdates(
  trained: readonly LayoutSegment[],
  flat: readonly Tensor[],
  squares: () => Tensor,
  options: UpdateOptions,
): Map<Tensor, Tensor> {
  const updates = new Map<Tensor, Tensor>();
  const { optimizer, lossScaling } = options;
  const correction = (moment: 1 | 2) => {
    if (!lossScaling || optimizer.name !== 'adamw') return input(`correction${moment}`, []);
    const { kept, now } = biasCorrection(moment, moment === 1 ? optimizer.beta1 : optimizer.beta2);
    updates.set(kept, now);
    return now;
  };
  const scalars = {
    learningRate: input('learningRate', []),
    correction1: correction(1),
    correction2: correction(2),
  };
  let clipped = flat;
  if (options.clip !== null) {
    const norm = sqrt(squares());
    const factor = minimum(div(constant(options.clip), add(norm, 1e-6)), 1);
    clipped = flat.map((part) => mul(part, factor));
  }
  trained.forEach((segment, i) => {
    const { name, tensor: values, decays } = segment;
    const rate = rateOf(segment, options);
    const changed = optimizerUpdates(
      optimizer,
      { name, values, gradient: clipped[i], rate, decays },
      scalars,
    );
    for (const [target, value] of changed) updates.set(target, value);
  });
  return updates;
}

/** Running statistics follow the batch's: one update of the flat vector of buffers. */
function bufferUpdates(list: ParameterList, { buffers }: Layout): Map<Tensor, Tensor> {
  if (buffers === null) return new Map();
  const statistics = buffers.members.map(({ name }) => {
    const statistic = list.tracked.get(name);
    if (statistic === undefined) throw new Error(`internal: buffer ${name} follows no statistic`);
    return reshape(statistic, [-1]);
  });
  const newest = mul(concat(statistics, 0), bufferMomentum);
  return new Map([[buffers.tensor, add(mul(buffers.tensor, 1 - bufferMomentum), newest)]]);
}

/** The scalar inputs of the step program. */
export function stepScalars(
  { learningRate, step, averageDecay }: StepFeeds,
  options: UpdateOptions,
): Record<string, Float32Array> {
  const { optimizer, lossScaling } = options;
  const correction = (beta: number) => Float32Array.of(1 - beta ** (step + 1));
  return {
    learningRate: Float32Array.of(learningRate),
    ...(optimizer.name === 'adamw' && !lossScaling
      ? { correction1: correction(optimizer.beta1), correction2: correction(optimizer.beta2) }
      : {}),
    ...(options.average ? { averageDecay: Float32Array.of(averageDecay) } : {}),
  };
}
