/** Everything that a training of MedFusionNet runs: programs, state and the predictor of its averaged weights. */
import { input } from '../graph/index.js';
import { medFusionGroup, medFusionInputs, medFusionNet } from '../models/index.js';
import { ParameterList, Scope } from '../nn/index.js';
import { ParameterStore } from '../runtime/index.js';
import type { FitTask } from './fit.js';
import { openPredictor } from './inference.js';
import { countLabels } from './labelCounts.js';
import { averageName, type Layout, layOut, storeInitialValues } from './layout.js';
import { labelLoss, meanLoss } from './losses.js';
import { defaultLossScaling } from './lossScaling.js';
import { positiveWeights } from './lossWeights.js';
import { createSampler } from './sampler.js';
import {
  compileTraining,
  programsWithin,
  storeTrainingState,
  type UpdateOptions,
} from './trainingProgram.js';

export type Trainer = Awaited<ReturnType<typeof openTrainer>>;

/** Compiles the programs, loads them and puts the initial values in place. */
export async function openTrainer({ runtime, config, source, train, options, initial = new Map() }: FitTask) {
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
    lossScaling: options.precision === 'float16' ? defaultLossScaling : null,
  };
  const loss = meanLoss(losses, mask);
  const programs = programsWithin(runtime, (repeat) =>
    compileTraining(list, layout, loss, {}, update, { ...runtime.emitOptions, repeat }),
  );
  const store = new ParameterStore();
  storeInitialValues(store, layout, list, options.seed);
  for (const [name, { values }] of initial) store.get(name).values.set(values);
  storeTrainingState(store, layout, update);
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
    syncEvaluated: async () => {
      await store.download();
      copyWeights(store, layout, evaluated, average);
    },
    release: async () => {
      await step.release();
      await accumulate?.release();
      await predictor.release();
      store.release();
      evaluated.release();
    },
  };
}

/** Copies weights, or their averages, and running statistics under the parameters' own names. */
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
