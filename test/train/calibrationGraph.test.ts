import assert from 'node:assert/strict';
import { test } from 'node:test';
import { input } from '../../src/graph/index.js';
import { randomStream } from '../../src/random/index.js';
import { evaluate, Runtime } from '../../src/runtime/index.js';
import {
  applyCalibration,
  type CalibrationMap,
  type CalibrationModel,
  calibrationGraph,
  fitCalibration,
} from '../../src/train/index.js';

const runtime = await Runtime.open({ threads: 1 });
const random = randomStream(3, 'calibration-graph');

/** Largest difference between graph and `applyCalibration` over a grid of logits that reaches far outside. */
async function difference(model: CalibrationModel): Promise<number> {
  const count = model.labels.length;
  const grid = [-1000, -40, ...Array.from({ length: 400 }, (_, i) => -8 + i * 0.04), 40, 1000];
  const logits = Float32Array.from({ length: grid.length * count }, (_, i) => grid[Math.floor(i / count)]);
  const y = calibrationGraph(model, input('logits', [grid.length, count]));
  const got = (await evaluate(runtime, { y }, { logits })).y;
  const expected = applyCalibration(model, logits);
  return expected.reduce((worst, p, i) => Math.max(worst, Math.abs(p - got[i])), 0);
}

test('every calibration map as a graph agrees with the function, far out too', async () => {
  const maps: CalibrationMap[] = [
    { kind: 'identity' },
    { kind: 'temperature', temperature: 0.05 },
    { kind: 'temperature', temperature: 20 },
    { kind: 'platt', slope: 1.7, intercept: -0.6 },
    { kind: 'isotonic', logits: [0.25], probabilities: [0.3] },
    { kind: 'isotonic', logits: [-2, -1.999, 3], probabilities: [0.01, 0.4, 0.9] },
    { kind: 'isotonic', logits: [-1, 1], probabilities: [0.2, 0.2] },
  ];
  const labels = maps.map((map, i) => ({
    label: `l${i}`,
    status: 'fitted' as const,
    positives: 1,
    negatives: 1,
    map,
  }));
  assert.ok((await difference({ method: 'none', shared: false, labels })) < 2e-6);
});

test('a fitted isotonic map of hundreds of knots agrees too', async () => {
  const rows = 1500;
  const logits = Float32Array.from({ length: rows }, () => 3 * random.normal());
  const targets = Float32Array.from(logits, (z) => Number(random.uniform() < 1 / (1 + Math.exp(-z))));
  const model = fitCalibration(logits, targets, new Uint8Array(rows).fill(1), ['a'], 'isotonic');
  const { map } = model.labels[0];
  assert.ok(map.kind === 'isotonic' && map.logits.length > 20);
  assert.ok((await difference(model)) < 2e-6);
});
