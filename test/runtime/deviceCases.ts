/**
 * What every device must compute alike: forward passes, gradients and training steps. Imports nothing of Node, so that
 * a page can run it.
 */
import * as g from '../../src/graph/index.js';
import { denseNet, medFusionGroup, medFusionInputs, medFusionNet } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { ParameterStore, Runtime, type RuntimeOptions, type Values } from '../../src/runtime/index.js';
import { layOut, storeInitialValues } from '../../src/train/layout.js';
import { labelLoss, meanLoss } from '../../src/train/losses.js';
import {
  compileTraining,
  stepScalars,
  storeTrainingState,
  type UpdateOptions,
} from '../../src/train/trainingProgram.js';
import { everything, randomFeeds } from '../models/medfusionSample.js';
import { initialize, feeds as stepFeeds, trainingProgram } from './trainingStep.js';

/** Values by what they are, as plain numbers that cross a process's or a page's border. */
export type Computed = Readonly<Record<string, readonly number[]>>;

export interface CaseResult {
  readonly device: string;
  readonly reason: string | null;
  /** Whether a program ran partly on the host's processor. */
  readonly fellBack: boolean;
  readonly values: Computed;
}

const batch = 4;
const steps = 2;

const update: UpdateOptions = {
  // Its steps are proportional to the gradient. AdamW's first ones are not: they follow the sign of a derivative whose
  // true value is zero.
  optimizer: { name: 'sgd', learningRate: 0.01, weightDecay: 0.01, momentum: 0.9, nesterov: true },
  clip: 1,
  average: true,
  accumulate: 1,
};

interface Model {
  readonly classes: number;
  readonly logits: (scope: Scope) => g.Tensor;
  readonly feeds: Readonly<Record<string, Values>>;
}

const models = {
  denseNet: (): Model => {
    const random = randomStream(1, 'device-images');
    const config = { growth: 4, blocks: [2, 2], stemChannels: 8, bottleneck: 2 };
    return {
      classes: 3,
      logits: (scope) => denseNet(scope, g.input('x', [batch, 3, 32, 32]), config, 3),
      feeds: { x: Float32Array.from({ length: batch * 3 * 32 * 32 }, () => random.normal()) },
    };
  },
  medFusionNet: (): Model => ({
    classes: everything.labels,
    logits: (scope) => medFusionNet(scope, medFusionInputs(everything, batch), everything),
    // With these numbers no rectifier's input is zero up to rounding.
    feeds: randomFeeds(everything, batch, 3),
  }),
} as const;

/** A loaded program's results, as plain numbers. */
const plain = (values: Readonly<Record<string, Float32Array>>): Computed =>
  Object.fromEntries(Object.entries(values).map(([name, list]) => [name, [...list]]));

/** Forward pass in evaluation mode, gradients, and training steps with every updated value. */
async function train(runtime: Runtime, { classes, logits: build, feeds }: Model) {
  const random = randomStream(1, 'device-targets');
  const targets = Float32Array.from({ length: batch * classes }, () => Number(random.uniform() < 0.4));
  const all = { ...feeds, targets, mask: new Float32Array(batch * classes).fill(1) };
  const list = new ParameterList();
  const logits = build(new Scope(list, true));
  const mask = g.input('mask', [batch, classes]);
  const losses = labelLoss(logits, g.input('targets', [batch, classes]), mask, { name: 'bce' });
  const loss = meanLoss(losses, mask);
  const layout = layOut(list, medFusionGroup);
  const store = new ParameterStore();
  storeInitialValues(store, layout, list, 1);
  storeTrainingState(store, layout, update);
  let fellBack = false;
  const once = async (
    outputs: Readonly<Record<string, g.Tensor>>,
    given: Readonly<Record<string, Values>>,
  ) => {
    const executable = await runtime.load(g.compile(outputs, runtime.emitOptions), store);
    fellBack ||= executable.fallsBack;
    const results = await executable.run(given);
    await executable.release();
    return results;
  };
  const evaluated = await once({ evaluated: build(new Scope(new ParameterList(), false)) }, feeds);
  const entries = list.trainable();
  const derivatives = g.gradients(
    loss,
    entries.map(([, { tensor }]) => tensor),
  );
  const named = entries.map(([name], i) => [`gradient of ${name}`, derivatives[i]] as const);
  const differentiated = await once({ logits, ...Object.fromEntries(named) }, all);
  const { step } = compileTraining(list, layout, loss, {}, update, runtime.emitOptions);
  const executable = await runtime.load(step, store);
  fellBack ||= executable.fallsBack;
  const stepLosses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const scalars = stepScalars({ learningRate: 0.01, step: i, averageDecay: 0.9 }, update);
    stepLosses.push((await executable.run({ ...all, ...scalars }, { seed: 1, step: i })).loss[0]);
  }
  await executable.release();
  await store.download();
  const state = Object.fromEntries(store.names().map((name) => [name, store.get(name).values]));
  return { fellBack, values: { ...plain({ ...evaluated, ...differentiated, ...state }), loss: stepLosses } };
}

/** Two steps of one normalised convolution: few kernels, as a software driver takes a second to build each. */
async function convolution(runtime: Runtime) {
  const x = g.input('x', [2, 4, 6, 6]);
  const w = g.parameter('w', [4, 4, 3, 3]);
  const scale = g.parameter('scale', [4]);
  const random = randomStream(1, 'device-convolution');
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
  const store = new ParameterStore();
  store.set('w', normal(4 * 4 * 9), w.shape);
  store.set('scale', normal(4), scale.shape);
  const convolved = g.conv2d(x, w, null, { padding: [1, 1, 1, 1] });
  const { y, mean } = g.batchNormTraining(convolved, scale, g.constant(0, [4]));
  const loss = g.mean(g.square(g.relu(y)));
  const derivatives = g.gradients(loss, [w, scale]);
  const updates = new Map([w, scale].map((p, i) => [p, g.sub(p, g.mul(derivatives[i], 0.1))]));
  const program = g.compile({ loss, y, mean }, { updates, ...runtime.emitOptions });
  const executable = await runtime.load(program, store);
  const values: Record<string, number[]> = {};
  const feeds = { x: normal(g.size(x.shape)) };
  for (let step = 0; step < steps; step++) {
    for (const [name, list] of Object.entries(await executable.run(feeds)))
      values[`${name} ${step}`] = [...list];
  }
  await store.download();
  for (const name of store.names()) values[name] = [...store.get(name).values];
  return { fellBack: executable.fallsBack, values };
}

/** A training step with most kinds of kernels. */
async function kernels(runtime: Runtime) {
  const store = initialize(new ParameterStore());
  const executable = await runtime.load(trainingProgram(runtime.emitOptions), store);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    losses.push((await executable.run(stepFeeds, { seed: 1, step })).loss[0]);
  }
  await store.download();
  const state = Object.fromEntries(store.names().map((name) => [name, store.get(name).values]));
  return { fellBack: executable.fallsBack, values: { loss: losses, ...plain(state) } };
}

export const cases = {
  convolution,
  kernels,
  denseNet: (runtime: Runtime) => train(runtime, models.denseNet()),
  medFusionNet: (runtime: Runtime) => train(runtime, models.medFusionNet()),
} as const;
export type CaseName = keyof typeof cases;

/** Opens a device and computes a case on it. */
export async function runCase(name: CaseName, options: RuntimeOptions): Promise<CaseResult> {
  const runtime = await Runtime.open(options);
  const { device, reason } = runtime;
  return { device, reason, ...(await cases[name](runtime)) };
}
