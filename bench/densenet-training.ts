/**
 * Images per second and peak memory of DenseNet training (forward, backward, AdamW), beside PyTorch in both memory
 * layouts. The contenders take turns within one run, so that whatever else the machine does meets them all alike.
 *
 *   npm run build && PYTHON=/usr/bin/python3 node dist/bench/densenet-training.js              the small DenseNet
 *   … --model densenet121 --side 224 --batch 8 --rounds 2 --steps 2                            the memory figure
 *   … --no-peer --profile /tmp/step        writes ONNX Runtime's profile, for dist/bench/profile.js to sum up
 *
 * PYTHON names an interpreter that has torch and torchvision, default python3; without them the peer is left out,
 * and said so.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { input } from '../src/graph/index.js';
import { denseNet, denseNetConfigs } from '../src/models/index.js';
import { ParameterList, Scope } from '../src/nn/index.js';
import { randomStream } from '../src/random/index.js';
import { ParameterStore, Runtime } from '../src/runtime/index.js';
import {
  compileTraining,
  labelLoss,
  layOut,
  meanLoss,
  stepScalars,
  storeInitialValues,
  trainingState,
  type UpdateOptions,
} from '../src/train/index.js';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    side: { type: 'string', default: '64' },
    batch: { type: 'string', default: '32' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '5' },
    peer: { type: 'boolean', default: true },
    profile: { type: 'string' },
  },
  allowNegative: true,
});
const [side, batch, threads, rounds, steps] = [
  flags.side,
  flags.batch,
  flags.threads,
  flags.rounds,
  flags.steps,
].map(Number);
const config = denseNetConfigs[flags.model as keyof typeof denseNetConfigs];
if (config === undefined) {
  throw new Error(`--model: must be one of ${Object.keys(denseNetConfigs).join(', ')}, got ${flags.model}`);
}
const classes = 14;

/** Something that trains. */
interface Contender {
  readonly name: string;
  /** Seconds of each of `count` further steps. */
  readonly train: (count: number) => Promise<readonly number[]>;
  /** Peak resident memory of its process so far. */
  readonly megabytes: () => number;
  readonly close: () => Promise<void>;
}

async function medfusion(): Promise<Contender> {
  const runtime = await Runtime.open({ threads, profile: flags.profile });
  const list = new ParameterList();
  const mask = input('mask', [batch, classes]);
  const logits = denseNet(new Scope(list, true), input('x', [batch, 3, side, side]), config, classes);
  const loss = meanLoss(labelLoss(logits, input('targets', [batch, classes]), mask, { name: 'bce' }), mask);
  const layout = layOut(list, () => 'all');
  const update: UpdateOptions = {
    optimizer: { name: 'adamw', learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999 },
    clip: null,
    average: false,
    accumulate: 1,
  };
  let start = performance.now();
  const { step: program } = compileTraining(list, layout, loss, {}, update, runtime.emitOptions);
  const compiled = performance.now() - start;
  const store = new ParameterStore();
  storeInitialValues(store, layout, list, 1);
  for (const { name, length } of trainingState(layout, update)) {
    store.set(name, new Float32Array(length), [length]);
  }
  start = performance.now();
  const executable = await runtime.load(program, store);
  const loaded = performance.now() - start;
  console.log(
    `medfusion: ${list.count()} parameters, ${program.nodeCount} nodes, ` +
      `compiled in ${compiled.toFixed(0)} ms, loaded in ${loaded.toFixed(0)} ms`,
  );
  const random = randomStream(1, 'bench');
  const feeds = {
    x: Float32Array.from({ length: batch * 3 * side * side }, () => random.normal()),
    targets: Float32Array.from({ length: batch * classes }, () => Number(random.uniform() < 0.3)),
    mask: new Float32Array(batch * classes).fill(1),
  };
  let done = 0;
  return {
    name: 'medfusion',
    async train(count) {
      const seconds: number[] = [];
      for (let i = 0; i < count; i++) {
        const began = performance.now();
        const scalars = stepScalars({ learningRate: 1e-3, step: done++, averageDecay: 0 }, update);
        const result = await executable.run({ ...feeds, ...scalars });
        if (!Number.isFinite(result.loss[0])) throw new Error(`the loss became ${result.loss[0]}`);
        seconds.push((performance.now() - began) / 1000);
      }
      return seconds;
    },
    megabytes: () => process.resourceUsage().maxRSS / 1024,
    async close() {
      if (flags.profile !== undefined) executable.endProfiling();
      await executable.release();
    },
  };
}

/** Lines that a process writes, one by one; `null` once it has ended. */
function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string | null> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    return done ? null : value;
  };
}

async function pytorch(layout: 'nchw' | 'channels-last'): Promise<Contender | null> {
  const child = spawn(process.env.PYTHON ?? 'python3', ['bench/peers/densenet_training.py'], {
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  child.stderr.pipe(process.stderr);
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  child.stdin.on('error', () => {}); // A peer that is already gone says so by its exit code.
  const next = linesOf(child);
  child.stdin.write(`${JSON.stringify({ ...config, classes, side, batch, threads, layout })}\n`);
  const greeting = await next();
  if (greeting === null) {
    console.log(
      `PyTorch ${layout}: left out, ${process.env.PYTHON ?? 'python3'} ended with ${await ended} ` +
        '(3: no torch); set PYTHON to an interpreter that has torch and torchvision',
    );
    return null;
  }
  const { versions, parameters } = JSON.parse(greeting) as { versions: string; parameters: number };
  console.log(`PyTorch ${layout}: ${parameters} parameters, ${versions}`);
  let megabytes = 0;
  return {
    name: `PyTorch ${layout}`,
    async train(count) {
      child.stdin.write(`${count}\n`);
      const line = await next();
      if (line === null) throw new Error(`the PyTorch peer (${layout}) ended with ${await ended}`);
      const answer = JSON.parse(line) as { seconds: number[]; megabytes: number };
      megabytes = answer.megabytes;
      return answer.seconds;
    },
    megabytes: () => megabytes,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.round(q * (sorted.length - 1))];

console.log(
  `DenseNet ${flags.model}, ${side} px, batch ${batch}, ${threads} threads, ${rounds} rounds of ${steps} steps; ` +
    `${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before the run`,
);
const contenders = [await medfusion()];
for (const layout of flags.peer ? (['nchw', 'channels-last'] as const) : []) {
  const contender = await pytorch(layout);
  if (contender !== null) contenders.push(contender);
}
const seconds = contenders.map(() => [] as number[]);
try {
  for (const contender of contenders) await contender.train(2); // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) seconds[i].push(...(await contender.train(steps)));
  }
} finally {
  for (const contender of contenders) await contender.close();
}
const rates = seconds.map((list) => list.map((value) => batch / value).sort((a, b) => a - b));
const medians = rates.map((list) => quantile(list, 0.5));
console.log('\n                        images/s   quartiles          peak memory');
contenders.forEach(({ name, megabytes }, i) => {
  const [low, high] = [0.25, 0.75].map((q) => quantile(rates[i], q).toFixed(1));
  console.log(
    `${name.padEnd(22)} ${medians[i].toFixed(1).padStart(9)}   ${`${low} – ${high}`.padEnd(17)} ` +
      `${megabytes().toFixed(0).padStart(8)} MB`,
  );
});
if (contenders.length > 1) {
  const best = Math.max(...medians.slice(1));
  console.log(`\nmedfusion / PyTorch's better layout: ${(medians[0] / best).toFixed(2)}`);
}
