import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBench } from '../../src/cli/bench.js';
import { runCommandLine } from '../../src/cli/program.js';
import type { BenchResult } from '../../src/train/index.js';

/** Runs `medfusion bench …` within this process. */
async function bench(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCommandLine(['bench', ...args], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test('bench measures training and inference of a network, and says so in JSON', async () => {
  const size = ['--side', '32', '--batch', '2', '--classes', '3', '--threads', '1', '--rounds', '1'];
  const { code, out, err } = await bench('densenet-small', ...size, '--json');
  assert.equal(code, 0, err);
  const result = JSON.parse(out) as BenchResult;
  const { model, side, batch, classes, device, threads, rounds } = result;
  assert.deepEqual(
    { model, side, batch, classes, device, threads, rounds },
    { model: 'densenet-small', side: 32, batch: 2, classes: 3, device: 'cpu', threads: 1, rounds: 1 },
  );
  assert.ok(result.matmulPeak.gigaflops > 0.1 && result.matmulPeak.extent >= 1024);
  assert.equal(result.parameters, 250_344 + 3 * (124 + 1)); // as docs/model.md counts the nano branch, and a classifier
  for (const task of [result.training, result.inference]) {
    for (const { q1, median, q3 } of [task.imagesPerSecond, task.latencyMs]) {
      assert.ok(0 < q1 && q1 <= median && median <= q3 && q3 < Number.POSITIVE_INFINITY);
    }
    // Rate and latency are two views of the same times; medians of 5 are single ones of them.
    const product = (task.imagesPerSecond.median * task.latencyMs.median) / 1000;
    assert.ok(Math.abs(product - batch) < 1e-9);
    assert.ok(task.peakMegabytes > 20 && task.peakMegabytes < 10_000);
    assert.ok(task.compileMs > 0 && task.loadMs > 0 && task.nodes > 50);
    assert.ok(Math.abs(task.shareOfPeak * result.matmulPeak.gigaflops - task.gigaflops) < 1e-9);
  }
  assert.ok(result.training.cachedLoadMs! > 0 && result.inference.cachedLoadMs === null);
  const passes = (task: BenchResult['training']) =>
    (task.gigaflops * task.latencyMs.median * 1e6) / (2 * batch * result.multiplyAddsPerImage);
  assert.ok(Math.abs(passes(result.training) - 3) < 1e-9 && Math.abs(passes(result.inference) - 1) < 1e-9);
  assert.match(err, /round 1 of 1/);

  const table = formatBench(result);
  assert.match(
    table,
    /^densenet-small, 32 px, batch 2; cpu, 1 threads, float32; medians \(quartiles\) of 5 batches\n/,
  );
  assert.match(table, /^load from cache, ms +\d+ +–$/m);
  assert.match(table, /^images per second +[\d.]+ \([\d.]+ – [\d.]+\) +[\d.]+ \([\d.]+ – [\d.]+\)$/m);
});

test('an unknown network, a side that does not fit and an absent device are bad input', async () => {
  const model = await bench('densenet122');
  assert.deepEqual([model.code, model.out], [2, '']);
  assert.match(model.err, /^error: model: must be one of densenet121, .*, got "densenet122"\n$/);
  const side = await bench('densenet121', '--side', '100');
  assert.deepEqual([side.code, side.out], [2, '']);
  assert.match(
    side.err,
    /^error: side: must be a multiple of 32 for densenet121, got 100; its own is 224\n$/,
  );
  const device = await bench('densenet-small', '--device', 'abacus');
  assert.deepEqual([device.code, device.out], [2, '']);
  assert.match(device.err, /error: device: "abacus" /);
  const precision = await bench('densenet-small', '--precision', 'float16');
  assert.deepEqual([precision.code, precision.out], [2, '']);
  assert.match(precision.err, /error: precision: float16 gains nothing on "cpu", /);
  const rounds = await bench('densenet-small', '--rounds', '0');
  assert.equal(rounds.code, 2);
});
