/** Losses against PyTorch, literal float64 formulas, finite differences, masks and extremes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ShapeError } from '../../src/errors.js';
import { constant, gradients, input, type Shape, sum, type Tensor } from '../../src/graph/index.js';
import { randomStream } from '../../src/random/index.js';
import { evaluate, Runtime } from '../../src/runtime/index.js';
import { type LossOptions, labelLoss, meanLoss } from '../../src/train/index.js';
import { checkCases, given, real } from '../graph/check.js';
import { interpret } from '../graph/reference.js';

/** Each loss as its paper writes it, from a probability, for one label. */
const literal: {
  [Name in LossOptions['name']]: (
    p: number,
    y: number,
    w: number,
    options: Extract<LossOptions, { name: Name }>,
  ) => number;
} = {
  bce: (p, y, w) => -w * y * Math.log(p) - (1 - y) * Math.log(1 - p),
  focal: (p, y, w, { gamma }) =>
    -w * y * (1 - p) ** gamma * Math.log(p) - (1 - y) * p ** gamma * Math.log(1 - p),
  asymmetric(p, y, w, { gammaPositive, gammaNegative, margin }) {
    const shifted = Math.max(p - margin, 0);
    return (
      -w * y * (1 - p) ** gammaPositive * Math.log(p) -
      (1 - y) * shifted ** gammaNegative * Math.log(1 - shifted)
    );
  },
};

// Exponents and margins that float32 holds exactly, so that float64 comparisons are not limited by their rounding.
const variants: { [Name in LossOptions['name']]: readonly Extract<LossOptions, { name: Name }>[] } = {
  bce: [{ name: 'bce' }],
  focal: [
    { name: 'focal', gamma: 0 },
    { name: 'focal', gamma: 0.5 },
    { name: 'focal', gamma: 2 },
  ],
  asymmetric: [
    { name: 'asymmetric', gammaPositive: 0, gammaNegative: 4, margin: 0.0625 },
    { name: 'asymmetric', gammaPositive: 1.5, gammaNegative: 2, margin: 0.25 },
    { name: 'asymmetric', gammaPositive: 1, gammaNegative: 0, margin: 0.125 },
    { name: 'asymmetric', gammaPositive: 2, gammaNegative: 3, margin: 0 },
  ],
};
const all: readonly LossOptions[] = Object.values(variants).flat();
const titleOf = (options: LossOptions) =>
  Object.values(options)
    .map((value) => String(value))
    .join(' ');

const runtime = await Runtime.open({ threads: 1 });
const golden = JSON.parse(readFileSync('test/golden/train/losses.json', 'utf8')) as {
  shape: number[];
  logits: number[];
  targets: number[];
  cases: {
    options: LossOptions;
    positiveWeights: number[] | null;
    losses: number[];
    gradients: number[];
  }[];
};

/** Losses and the derivatives of their sum with respect to the logits. */
async function run(
  options: LossOptions,
  shape: Shape,
  logits: readonly number[],
  targets: readonly number[],
  { mask, positiveWeights }: { mask?: readonly number[]; positiveWeights?: readonly number[] | null } = {},
) {
  const x = input('x', shape);
  const recorded = constant(mask ?? 1, shape);
  const losses = labelLoss(
    x,
    constant(targets, shape),
    recorded,
    options,
    positiveWeights ? constant(positiveWeights, [positiveWeights.length]) : undefined,
  );
  const mean = meanLoss(losses, recorded);
  const [slopes] = gradients(sum(losses), [x]);
  const [meanSlopes] = gradients(mean, [x]);
  return evaluate(runtime, { losses, slopes, mean, meanSlopes }, { x: Float32Array.from(logits) });
}

test("losses and derivatives are PyTorch's, small ones included", async () => {
  const { shape, logits, targets } = golden;
  for (const { options, positiveWeights, losses, gradients: slopes } of golden.cases) {
    const got = await run(options, shape, logits, targets, { positiveWeights });
    const check = (actual: Float32Array, expected: readonly number[], what: string, floor: number) =>
      expected.forEach((value, i) => {
        const allowed = 2e-5 * Math.abs(value) + floor;
        assert.ok(
          Math.abs(actual[i] - value) <= allowed,
          `${titleOf(options)}: ${what} at logit ${logits[i]}, target ${targets[i]}: ${actual[i]}, not ${value}`,
        );
      });
    // Relative to each element, so that a well-classified one with a loss of 1e-10 counts; only p − m cancels. The
    // derivatives contain the runtime's sigmoid, whose error is absolute.
    check(got.losses, losses, 'loss', options.name === 'asymmetric' ? 1e-8 : 0);
    check(got.slopes, slopes, 'derivative', 5e-7);
  }
});

test('in float64 the graph computes the published formulas, soft targets included', () => {
  const shape = [5, 2];
  const random = randomStream(1, 'losses');
  const draw = (make: () => number) => Float64Array.from({ length: 10 }, make);
  const [x, y, m] = ['x', 'y', 'm'].map((name) => input(name, shape));
  const weights = [0.5, 3];
  const feeds = new Map<Tensor, Float64Array>([
    [x, draw(() => 3 * random.normal())],
    [y, draw(() => random.uniform())],
    [m, draw(() => 1)],
  ]);
  for (const options of all) {
    const [losses] = interpret([labelLoss(x, y, m, options, constant(weights, [2]))], feeds);
    losses.forEach((loss, i) => {
      const p = 1 / (1 + Math.exp(-feeds.get(x)![i]));
      const formula = literal[options.name] as (...values: unknown[]) => number;
      const expected = formula(p, feeds.get(y)![i], weights[i % 2], options);
      assert.ok(
        Math.abs(loss - expected) <= 1e-12 * Math.max(1, expected),
        `${titleOf(options)}: ${loss}, not ${expected}`,
      );
    });
  }
});

checkCases(
  'losses',
  all.map((options) => ({
    name: titleOf(options),
    inputs: [real(3, 2), given([0, 1, 1, 0, 0.25, 0.75], [3, 2]), given([1, 1, 1, 1, 0, 1], [3, 2])],
    build: (x: Tensor, y: Tensor, m: Tensor) => labelLoss(x, y, m, options, constant([2, 0.5], [2])),
  })),
);

test('masked equals filtered, whatever stands in the masked places', async () => {
  const { logits, targets } = golden;
  const kept = logits.map((_, i) => i).filter((i) => i % 5 !== 1 && i % 7 !== 2);
  const mask = logits.map((_, i) => Number(kept.includes(i)));
  const pick = (values: ArrayLike<number>) => kept.map((i) => values[i]);
  for (const options of all) {
    const filtered = await run(options, [1, kept.length], pick(logits), pick(targets));
    for (const filler of [0, 1000, -1000]) {
      const filled = logits.map((value, i) => (mask[i] === 1 ? value : filler));
      const masked = await run(options, golden.shape, filled, targets, { mask });
      assert.deepEqual(pick(masked.losses), Array.from(filtered.losses), titleOf(options));
      assert.deepEqual(pick(masked.slopes), Array.from(filtered.slopes), titleOf(options));
      assert.ok(Math.abs(masked.mean[0] - filtered.mean[0]) < 1e-6 * filtered.mean[0]);
      mask.forEach((recorded, i) => {
        if (recorded === 0) assert.ok(masked.losses[i] === 0 && masked.meanSlopes[i] === 0);
      });
    }
  }
});

test('a batch without any recorded label has loss 0 and derivative 0', async () => {
  for (const options of all) {
    const { mean, meanSlopes } = await run(options, [1, 2], [3, -2], [1, 0], { mask: [0, 0] });
    assert.deepEqual([...mean, ...meanSlopes].map(Math.abs), [0, 0, 0]);
  }
});

test('logits of ±1000 give finite losses: the wrong side costs what its formula says, the right side nothing', async () => {
  const shape = [1, 4];
  const logits = [1000, 1000, -1000, -1000];
  const targets = [1, 0, 1, 0];
  /** Loss and derivative of an absent label at +1000. */
  const absent = (options: LossOptions): [number, number] =>
    options.name === 'asymmetric' && options.margin > 0
      ? [-((1 - options.margin) ** options.gammaNegative) * Math.log(options.margin), 0]
      : [1000, 1];
  for (const options of all) {
    const { losses, slopes } = await run(options, shape, logits, targets);
    const [loss, slope] = absent(options);
    [0, loss, 1000, 0].forEach((expected, i) => {
      assert.ok(Math.abs(losses[i] - expected) <= 1e-5 * expected, `${titleOf(options)}: loss ${losses}`);
    });
    [0, slope, -1, 0].forEach((expected, i) => {
      assert.ok(Math.abs(slopes[i] - expected) <= 1e-5, `${titleOf(options)}: derivative ${slopes}`);
    });
  }
});

test('logits, targets and mask of different shapes are refused', () => {
  const x = input('x', [2, 3]);
  assert.throws(
    () => labelLoss(x, input('y', [2, 1]), input('m', [2, 3]), { name: 'bce' }),
    (error) => error instanceof ShapeError && /got \[2,3\], \[2,1\], \[2,3\]/.test(error.message),
  );
});
