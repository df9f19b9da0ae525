/** Tables with several rows per patient, and what a bootstrap of copied rows makes of them, for tests. */
import assert from 'node:assert/strict';
import {
  denseClusters,
  type Estimate,
  type MultilabelPredictions,
  resampleClusters,
} from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';

/** Rows with two labels, some unknown, several rows per patient. */
export function table(rows: number, patients: number, seed = 11): MultilabelPredictions {
  const random = randomStream(seed, 'table');
  const signal = Float64Array.from({ length: rows * 2 }, () => random.normal());
  const probabilities = signal.map((z) => Math.round(100 / (1 + Math.exp(-1.5 * z))) / 100);
  return {
    labels: ['a', 'b'],
    probabilities,
    decisions: Uint8Array.from(probabilities, (p) => Number(p > 0.6)),
    targets: Float32Array.from(signal, (z) => Number(z + 2 * random.normal() > 0.4)),
    known: Uint8Array.from(signal, () => Number(random.uniform() < 0.8)),
    patients: Int32Array.from({ length: rows }, () => 7 * random.integer(patients)),
  };
}

/** The rows of one label that are known, each as often as its patient counts. */
export function copiedRows(
  { patients, known }: MultilabelPredictions,
  label: number,
  multiplicity: Int32Array,
): readonly number[] {
  const { ofRow } = denseClusters(patients);
  return Array.from(ofRow).flatMap((cluster, row) =>
    known[row * 2 + label] === 1 ? new Array<number>(multiplicity[cluster]).fill(row) : [],
  );
}

/** The multiplicities that a bootstrap with this seed draws. */
export function resampled(patients: Int32Array, resamples: number, seed: number): readonly Int32Array[] {
  const { count } = denseClusters(patients);
  const random = randomStream(seed, 'bootstrap');
  return Array.from({ length: resamples }, () => {
    const multiplicity = new Int32Array(count);
    resampleClusters(random, multiplicity);
    return multiplicity;
  });
}

/** Every patient once. */
export function everyone(patients: Int32Array): Int32Array {
  return new Int32Array(denseClusters(patients).count).fill(1);
}

/** Fails unless an estimate has this value and the percentile interval of these draws. */
export function assertEstimate(
  estimate: Estimate,
  value: number | null,
  draws: readonly (number | null)[],
  what: string,
  tolerance = 1e-9,
): void {
  const near = (actual: number | null, expected: number | null, part: string) =>
    assert.ok(
      actual !== null && expected !== null && Math.abs(actual - expected) <= tolerance,
      `${what} ${part}: ${actual}, expected ${expected}`,
    );
  near(estimate.value, value, 'value');
  assert.ok(estimate.ci95, `${what}: ${estimate.reason}`);
  const sorted = draws.filter((draw): draw is number => draw !== null).sort((a, b) => a - b);
  for (const [side, share] of [0.025, 0.975].entries()) {
    const position = share * (sorted.length - 1);
    const weight = position % 1;
    const expected = sorted[Math.floor(position)] * (1 - weight) + sorted[Math.ceil(position)] * weight;
    near(estimate.ci95[side], expected, side === 0 ? 'low' : 'high');
  }
}
