/** Whole networks in float16 beside float32. */
import assert from 'node:assert/strict';
import * as g from '../../src/graph/index.js';
import { denseNet, medFusionInputs, medFusionNet, vit } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { randomStream } from '../../src/random/index.js';
import { ParameterStore, Runtime, type Values } from '../../src/runtime/index.js';
import { labelLoss, meanLoss } from '../../src/train/index.js';
import { compileRounded } from '../graph/roundedHalf.js';
import { everything, randomFeeds } from './medfusionSample.js';

export interface HalfModel {
  readonly logits: (scope: Scope) => g.Tensor;
  readonly feeds: Readonly<Record<string, Values>>;
}

const batch = 16;
const random = randomStream(1, 'half-images');
const images = { x: Float32Array.from({ length: batch * 3 * 32 * 32 }, () => random.normal()) };
const x = g.input('x', [batch, 3, 32, 32]);

export const halfModels = {
  denseNet: {
    logits: (scope) => denseNet(scope, x, { growth: 8, blocks: [2, 2, 2], stemChannels: 16 }, 3),
    feeds: images,
  },
  vit: {
    logits: (scope) => vit(scope, x, { patch: 8, width: 32, depth: 3, heads: 4 }, 3),
    feeds: images,
  },
  medFusionNet: {
    logits: (scope) => medFusionNet(scope, medFusionInputs(everything, 4), everything),
    feeds: randomFeeds(everything, 4),
  },
} as const satisfies Record<string, HalfModel>;

const scale = 2 ** 10;

/** ‖a − b‖ / ‖b‖ */
function difference(a: Float32Array, b: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  assert.equal(a.length, b.length);
  return norm(a.map((value, i) => value - b[i])) / norm(b);
}

/**
 * Requires that logits, loss and derivatives in float16 differ from those in float32 by no more than rounding makes them.
 * @param asDevice  rounded as a device with float16 kernels rounds, see roundedHalf.ts; else as the processor computes it,
 *   which rounds little but constants
 */
export async function assertLikeSingle(
  { logits: build, feeds }: HalfModel,
  asDevice: boolean,
): Promise<void> {
  const list = new ParameterList();
  const logits = build(new Scope(list, true));
  const { shape } = logits;
  const mask = g.input('mask', shape);
  const loss = meanLoss(labelLoss(logits, g.input('targets', shape), mask, { name: 'bce' }), mask);
  const leaves = list.trainable().map(([, { tensor }]) => tensor);
  const outputs = (factor: number) => {
    const derivatives = g.gradients(loss, leaves, g.constant(factor)).map(g.inFullPrecision);
    const flat = g.concat(
      derivatives.map((derivative) => g.reshape(derivative, [-1])),
      0,
    );
    return { logits, loss, gradient: g.mul(flat, 1 / factor) };
  };
  const store = new ParameterStore();
  for (const { name, values, shape: extents } of list.initialValues(1)) store.set(name, values, extents);
  const labels = Float32Array.from({ length: g.size(shape) }, (_, i) => i % 2);
  const given = { ...feeds, targets: labels, mask: new Float32Array(labels.length).fill(1) };
  const runtime = await Runtime.open({ threads: 2 });
  const run = async (program: g.Program, fed: Readonly<Record<string, Values>> = given) => {
    const executable = await runtime.load(program, store);
    const results = await executable.run(fed, { seed: 1, step: 1 });
    await executable.release();
    return results;
  };
  const single = await run(g.compile(outputs(1)));
  const half = await run(
    asDevice
      ? compileRounded({ outputs: outputs(scale), updates: new Map(), bind: new Map() })
      : g.compile(outputs(scale), { precision: 'float16' }),
  );
  const error = (key: 'logits' | 'loss' | 'gradient') => difference(half[key], single[key]);
  assert.ok(error('logits') > 1e-7, 'something is rounded');
  assert.ok(error('logits') < 5e-3, `logits differ by ${error('logits')}`);
  assert.ok(error('loss') < 2e-3, `the loss differs by ${error('loss')}`);
  // Rounding tips rectifiers whose input is near zero, and a gradient moves by far more than a rounding. How far, the
  // network in float32 shows when its images change by as little as their own rounding to float16.
  const jitter = randomStream(1, 'half-jitter');
  const changed = Object.entries(given).map(([name, values]) => {
    const isImage = name === 'x' || name === 'images';
    return [name, isImage ? values.map((v) => v * (1 + (2 * jitter.uniform() - 1) / 2048)) : values] as const;
  });
  const moved = await run(g.compile(outputs(1)), Object.fromEntries(changed));
  const sensitivity = difference(moved.gradient, single.gradient);
  const limit = Math.max(0.01, 3 * sensitivity);
  assert.ok(error('gradient') < limit, `the gradient differs by ${error('gradient')}, at most ${limit}`);
}
