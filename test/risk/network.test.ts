import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { auroc } from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import { descend, type Network, networkLogit, trainNetwork } from '../../src/risk/network.js';

interface Golden {
  columns: number[][];
  target: number[];
  weight: number[];
  learningRate: number;
  weightDecay: number;
  batches: number[][];
  start: Network;
  end: Network;
  logits: number[];
}

const golden = JSON.parse(readFileSync('test/golden/risk/network.json', 'utf8')) as Golden;
const parameters = ({ hidden, hiddenBias, output, outputBias }: Network) => [
  ...hidden.flat(),
  ...hiddenBias,
  ...output,
  outputBias,
];

test('forty steps from given weights end where PyTorch ends', () => {
  const sample = {
    columns: golden.columns.map((column) => Float64Array.from(column)),
    target: Uint8Array.from(golden.target),
    weight: Float64Array.from(golden.weight),
  };
  const batches = golden.batches.map((batch) => Int32Array.from(batch));
  const end = descend(golden.start, sample, batches, golden);
  const expected = parameters(golden.end);
  parameters(end).forEach((value, p) => {
    assert.ok(Math.abs(value - expected[p]) < 1e-9, `parameter ${p}: ${value} is not ${expected[p]}`);
  });
  golden.logits.forEach((logit, row) => {
    const x = golden.columns.map((column) => column[row]);
    assert.ok(Math.abs(networkLogit(golden.end, x) - logit) < 1e-12);
  });
});

test('it learns an interaction that no linear model can, alike for equal seeds', () => {
  const random = randomStream(2, 'xor');
  const columns = [0, 1].map(() => Float64Array.from({ length: 300 }, () => random.normal()));
  const target = Uint8Array.from({ length: 300 }, (_, row) =>
    columns[0][row] > 0 === columns[1][row] > 0 ? 1 : 0,
  );
  const sample = { columns, target, weight: new Float64Array(300).fill(1) };
  const options = { hidden: 16, epochs: 100, learningRate: 0.01, weightDecay: 0.001, batchSize: 32 };
  const network = trainNetwork(sample, options, randomStream(3, 'network'));
  const logits = Float64Array.from(target, (_, row) =>
    networkLogit(network, [columns[0][row], columns[1][row]]),
  );
  const area = auroc(logits, target);
  assert.ok(area !== null && area > 0.97, `AUROC ${area}`);
  assert.deepEqual(trainNetwork(sample, options, randomStream(3, 'network')), network);
  assert.notDeepEqual(trainNetwork(sample, options, randomStream(4, 'network')), network);
});
