/**
 * Two or more builds of this package in turns, to tell what a change does on a machine whose speed comes and goes.
 *
 *   node dist/bench/builds.js BEFORE AFTER [--task training] [--model densenet121] [--side 128] [--batch 16] [--rounds 10]
 *
 * BEFORE and AFTER are folders with a checkout each, built. A turn is three batches; the least time is the one that
 * nothing else has slowed.
 */
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type * as training from '../src/train/index.js';

const { values: flags, positionals } = parseArgs({
  options: {
    task: { type: 'string', default: 'training' },
    model: { type: 'string', default: 'densenet121' },
    side: { type: 'string', default: '128' },
    batch: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '10' },
  },
  allowPositionals: true,
});
if (positionals.length < 2 || (flags.task !== 'training' && flags.task !== 'inference')) {
  throw new Error('builds: needs two folders or more, and the task training or inference; see its head');
}
const { task, model } = flags;
const batchesOfTurn = 3;
const builds = [];
for (const folder of positionals) {
  const entry = pathToFileURL(resolve(folder, 'dist/src/train/index.js')).href;
  const { openWorker } = (await import(entry)) as typeof training;
  const settings = {
    task,
    model,
    side: Number(flags.side),
    batch: Number(flags.batch),
    classes: 14,
  } as const;
  builds.push({
    name: basename(resolve(folder)),
    worker: await openWorker({ ...settings, device: 'cpu', threads: 2 }),
    seconds: [] as number[],
  });
}
for (const { worker } of builds) await worker.repeat(2);
for (let round = 0; round < Number(flags.rounds); round++)
  for (const { worker, seconds } of builds) seconds.push(...(await worker.repeat(batchesOfTurn)));
console.log(`${task} of ${model}, ms per batch`);
console.log('build                     least   lower quartile   median   peak memory');
for (const { name, worker, seconds } of builds) {
  const sorted = seconds.map((value) => 1000 * value).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)].toFixed(1);
  console.log(
    `${name.padEnd(22)} ${at(0).padStart(8)} ${at(0.25).padStart(16)} ${at(0.5).padStart(8)} ` +
      `${worker.peakMegabytes().toFixed(0).padStart(10)} MB`,
  );
  await worker.close();
}
