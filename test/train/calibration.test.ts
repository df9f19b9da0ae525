import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { DataError, ShapeError } from '../../src/errors.js';
import { randomStream } from '../../src/random/index.js';
import {
  applyCalibration,
  type CalibrationMap,
  type CalibrationMethod,
  type CalibrationOptions,
  fitCalibration,
} from '../../src/train/index.js';
import { type IsotonicFit, isotonicRegression } from '../../src/train/isotonic.js';

interface GoldenCase {
  name: string;
  logits: number[];
  targets: number[];
  temperature: number;
  platt: [number, number];
  plattRaw: [number, number];
  sklearnPlatt: [number, number];
  grid: number[];
  isotonic: number[];
}
const golden = JSON.parse(readFileSync('test/golden/train/calibration.json', 'utf8')) as {
  cases: GoldenCase[];
};
const methods: readonly CalibrationMethod[] = ['temperature', 'platt', 'isotonic', 'none'];

function fitOne(
  logits: readonly number[],
  targets: readonly number[],
  method: CalibrationMethod,
  options?: CalibrationOptions,
) {
  const known = new Uint8Array(logits.length).fill(1);
  const scores = Float64Array.from(logits);
  return fitCalibration(scores, Float32Array.from(targets), known, ['a'], method, options);
}

function near(actual: number, expected: number, tolerance: number, what: string) {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);
}

function mapOf<K extends CalibrationMap['kind']>(
  model: ReturnType<typeof fitCalibration>,
  kind: K,
): Extract<CalibrationMap, { kind: K }> {
  const { map, status } = model.labels[0];
  assert.equal(status, 'fitted');
  assert.equal(map.kind, kind);
  return map as Extract<CalibrationMap, { kind: K }>;
}

for (const item of golden.cases) {
  test(`agrees with scipy and scikit-learn: ${item.name}`, () => {
    const { temperature } = mapOf(fitOne(item.logits, item.targets, 'temperature'), 'temperature');
    near(temperature / item.temperature, 1, 1e-6, 'temperature');
    for (const [smoothing, expected] of [
      [true, item.platt],
      [false, item.plattRaw],
    ] as const) {
      const { slope, intercept } = mapOf(fitOne(item.logits, item.targets, 'platt', { smoothing }), 'platt');
      near(slope, expected[0], 1e-6, 'slope');
      near(intercept, expected[1], 1e-6, 'intercept');
    }
    const { slope, intercept } = mapOf(fitOne(item.logits, item.targets, 'platt'), 'platt');
    near(slope, item.sklearnPlatt[0], 1e-5, 'slope of scikit-learn');
    near(intercept, item.sklearnPlatt[1], 1e-5, 'intercept of scikit-learn');

    const isotonic = isotonicRegression(Float64Array.from(item.logits), Float64Array.from(item.targets));
    item.grid.forEach((x, i) => {
      near(lineThrough(isotonic, x), item.isotonic[i], 1e-12, `isotonic at ${x}`);
    });
  });
}

function lineThrough({ knots, values }: IsotonicFit, x: number): number {
  const above = knots.findIndex((knot) => knot > x);
  if (above <= 0) return above === 0 ? values[0] : values[values.length - 1];
  const share = (x - knots[above - 1]) / (knots[above] - knots[above - 1]);
  return (1 - share) * values[above - 1] + share * values[above];
}

test('isotonic values are the least-squares optimum: the min-max formula over all intervals', () => {
  const random = randomStream(3, 'test', 'isotonic');
  const logits = Float64Array.from({ length: 40 }, () => random.integer(25) / 4);
  const targets = Array.from(logits, (z) => (random.uniform() < 1 / (1 + Math.exp(3 - z)) ? 1 : 0));
  const probabilities = applyCalibration(fitOne([...logits], targets, 'isotonic'), logits);
  const distinct = [...new Set(logits)].sort((a, b) => a - b);
  const meanBetween = (low: number, high: number) => {
    const inside = targets.filter((_, i) => logits[i] >= low && logits[i] <= high);
    return inside.reduce<number>((sum, target) => sum + target, 0) / inside.length;
  };
  logits.forEach((z, i) => {
    const best = Math.max(
      ...distinct
        .filter((low) => low <= z)
        .map((low) =>
          Math.min(...distinct.filter((high) => high >= z).map((high) => meanBetween(low, high))),
        ),
    );
    near(probabilities[i], Math.min(41 / 42, Math.max(1 / 42, best)), 1e-12, `row ${i}`);
  });
});

test('every method fits each label by itself, and unknown values do not matter', () => {
  const { logits, targets } = golden.cases[0];
  const n = logits.length;
  const two = new Float32Array(2 * n);
  const values = new Float32Array(2 * n);
  const known = new Uint8Array(2 * n).fill(1);
  logits.forEach((logit, i) => {
    two[2 * i] = logit;
    values[2 * i] = targets[i];
    two[2 * i + 1] = logits[n - 1 - i] * 3;
    values[2 * i + 1] = targets[n - 1 - i];
    if (i % 3 === 0) {
      known[2 * i] = 0;
      two[2 * i] = Number.NaN; // a row without this label's input may have no logit
      values[2 * i] = 1 - targets[i];
    }
  });
  const kept = logits.flatMap((_, i) => (i % 3 === 0 ? [] : [i]));
  for (const method of methods) {
    const model = fitCalibration(two, values, known, ['masked', 'scaled'], method);
    const masked = fitOne(
      kept.map((i) => logits[i]),
      kept.map((i) => targets[i]),
      method,
    );
    assert.deepEqual({ ...model.labels[0], label: 'a' }, masked.labels[0]);
    const { map } = model.labels[1];
    if (map.kind === 'temperature') near(map.temperature, 3 * golden.cases[0].temperature, 1e-5, 'scaled');
    if (map.kind === 'platt') near(map.slope, golden.cases[0].platt[0] / 3, 1e-6, 'scaled slope');
    assert.deepEqual(model, JSON.parse(JSON.stringify(model)), 'the model is a plain JSON value');
  }
});

test('a shared temperature is fitted on all labels together', () => {
  const { logits, targets } = golden.cases[0];
  const half = (logits.length / 2) | 0;
  const pair = <T extends number[]>(items: T) =>
    items.slice(0, half).flatMap((item, i) => [item, items[half + i]]);
  const known = new Uint8Array(2 * half).fill(1);
  const model = fitCalibration(
    Float64Array.from(pair(logits)),
    Float32Array.from(pair(targets)),
    known,
    ['a', 'b'],
    'temperature',
    { shared: true },
  );
  assert.equal(model.shared, true);
  for (const { map } of model.labels) {
    assert.ok(map.kind === 'temperature');
    near(map.temperature, golden.cases[0].temperature, 1e-5, 'shared temperature');
  }
});

test('what cannot be fitted is left as it is, and the model says why', () => {
  const logits = [-2, -1, 1, 2];
  const statusOf = (targets: number[], method: CalibrationMethod, options?: CalibrationOptions) => {
    const { status, map, positives } = fitOne(logits, targets, method, options).labels[0];
    assert.equal(
      positives,
      targets.reduce((sum, target) => sum + target, 0),
    );
    return [status, map.kind];
  };
  for (const method of ['temperature', 'platt', 'isotonic'] as const) {
    assert.deepEqual(statusOf([0, 0, 0, 0], method), ['one-class', 'identity']);
    assert.deepEqual(statusOf([1, 1, 1, 1], method), ['one-class', 'identity']);
  }
  assert.deepEqual(statusOf([0, 1, 0, 1], 'none'), ['not-requested', 'identity']);
  assert.deepEqual(statusOf([1, 1, 0, 0], 'platt'), ['reversed', 'platt']);
  assert.deepEqual(statusOf([0, 0, 1, 1], 'platt', { smoothing: false }), ['separable', 'identity']);
  assert.deepEqual(statusOf([1, 1, 0, 0], 'platt', { smoothing: false }), ['separable', 'identity']);
  assert.deepEqual(statusOf([0, 0, 1, 1], 'platt'), ['fitted', 'platt']);
  assert.deepEqual(statusOf([0, 0, 1, 1], 'temperature'), ['at-bound', 'temperature']);
  const flat = fitOne(logits, [1, 1, 0, 0], 'temperature').labels[0].map;
  assert.deepEqual(flat, { kind: 'temperature', temperature: 20 });
  const sharp = fitOne(logits, [0, 0, 1, 1], 'temperature').labels[0].map;
  assert.deepEqual(sharp, { kind: 'temperature', temperature: 0.05 });
  const silent = fitOne([0, 0, 0], [0, 1, 1], 'temperature').labels[0].map;
  assert.deepEqual(silent, { kind: 'temperature', temperature: 1 });

  const unknown = fitCalibration(
    Float64Array.of(1, 2),
    Float32Array.of(0, 1),
    new Uint8Array(2),
    ['a'],
    'platt',
  );
  assert.equal(unknown.labels[0].status, 'one-class');
  near(applyCalibration(unknown, Float64Array.of(-1000))[0], 0, 0, 'extreme');
  near(applyCalibration(unknown, Float64Array.of(1000))[0], 1, 0, 'extreme');
});

test('where logits mislead, Platt scaling keeps their order and gets the mean risk right', () => {
  // Shifted far up, as class weights shift them: the identity would call a prevalence of .25 a risk of .98.
  const logits = Array.from({ length: 40 }, (_, i) => 4 + i / 40);
  const targets = logits.map((_, i) => Number(i < 10));
  const model = fitOne(logits, targets, 'platt');
  assert.equal(model.labels[0].status, 'reversed');
  const probabilities = applyCalibration(model, Float64Array.from(logits));
  assert.ok(
    probabilities.every((p, i) => i === 0 || p > probabilities[i - 1]),
    'the order is kept',
  );
  const mean = probabilities.reduce((sum, p) => sum + p, 0) / 40;
  assert.ok(Math.abs(mean - 0.25) < 1e-9, `mean probability ${mean}`);
});

test('extreme logits fit and map without overflow', () => {
  const logits = [-1000, -800, 900, -900, 1000, 950];
  const targets = [0, 0, 1, 1, 1, 0];
  for (const method of ['temperature', 'platt', 'isotonic'] as const) {
    const probabilities = applyCalibration(fitOne(logits, targets, method), Float64Array.from(logits));
    for (const p of probabilities) assert.ok(p >= 0 && p <= 1, `${method}: ${p}`);
  }
});

test('calibration never reverses the order of two logits', () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: -40, max: 40 }), fc.constantFrom(0, 1)), { minLength: 1 });
  fc.assert(
    fc.property(rows, fc.constantFrom(...methods), (pairs, method) => {
      const model = fitOne(
        pairs.map(([z]) => z / 4),
        pairs.map(([, target]) => target),
        method,
      );
      const grid = Float64Array.from({ length: 101 }, (_, i) => (i - 50) / 4);
      const probabilities = applyCalibration(model, grid);
      for (let i = 1; i < grid.length; i++) assert.ok(probabilities[i] >= probabilities[i - 1]);
    }),
  );
});

test('wrong shapes and impossible values are refused', () => {
  const ones = new Uint8Array(2).fill(1);
  const fit = (logits: number[], targets: number[], known = ones, labels = ['a']) =>
    fitCalibration(Float64Array.from(logits), Float32Array.from(targets), known, labels, 'platt');
  assert.throws(() => fit([1], [0, 1]), ShapeError);
  assert.throws(() => fit([1, 2], [0, 1], new Uint8Array(1)), ShapeError);
  assert.throws(() => fit([1, 2], [0, 1], ones, ['a', 'b', 'c']), ShapeError);
  assert.throws(() => fit([1, 2], [0, 0.5]), DataError);
  assert.throws(() => fit([1, Number.NaN], [0, 1]), /logits must be finite, got NaN for label "a"/);
  const model = fit([1, 2, 0, 3], [0, 1, 0, 1], new Uint8Array(4).fill(1), ['a', 'b']);
  assert.throws(() => applyCalibration(model, Float64Array.of(1)), /must be \[rows, 2\], got 1 values/);
  assert.throws(() => applyCalibration(model, Float64Array.of(1, Infinity)), RangeError);
});
