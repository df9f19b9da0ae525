/**
 * Training of the small DenseNet beside TensorFlow.js and jax-js, on the backends of theirs that run in Node without a GPU.
 * What a backend cannot do is said in its own words. Their steps take seconds, so they take few, and those of tfjs's CPU
 * backend, whose speed does not depend on it, a batch of 2. The network is the same layer by layer and its parameters are
 * counted; its logits are not compared.
 *
 *   npm run build && npm ci --prefix bench/peers/js && node dist/bench/javascript.js
 *   … --batch 4 --rounds 1
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { ContenderRefused, openContender, openWorker } from '../src/train/index.js';
import { classes, compare, type Entry } from './sideBySide.js';

const { values: flags } = parseArgs({
  options: {
    side: { type: 'string', default: '64' },
    batch: { type: 'string', default: '32' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});
const [side, batch, threads, rounds] = [flags.side, flags.batch, flags.threads, flags.rounds].map(Number);

/** What to start, and settings of their own. */
const peers: readonly { name: string; script: string; settings: Record<string, string | number> }[] = [
  { name: 'tfjs wasm', script: 'tfjs.mjs', settings: { backend: 'wasm', filterGradient: 'builtin' } },
  {
    name: 'tfjs wasm, own dW',
    script: 'tfjs.mjs',
    settings: { backend: 'wasm', filterGradient: 'convolution' },
  },
  {
    name: 'tfjs cpu, batch 2',
    script: 'tfjs.mjs',
    settings: { backend: 'cpu', filterGradient: 'builtin', batch: 2 },
  },
  { name: 'jax-js wasm', script: 'jaxjs.mjs', settings: { backend: 'wasm' } },
];

console.log(
  `training of densenet-small, ${side} px, batch ${batch}, ${threads} threads, ${rounds} rounds; ` +
    `${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before the run`,
);
const shape = { side, batch, classes, threads };
const worker = await openWorker({ task: 'training', model: 'densenet-small', device: 'cpu', ...shape });
const entries: Entry[] = [{ name: 'medfusion', contender: worker, batch, steps: 5 }];
console.log(`medfusion: ${worker.description.parameters} parameters`);
try {
  for (const { name, script, settings } of peers) {
    try {
      const contender = await openContender<{ versions: string; parameters: number }>(
        { file: process.execPath, args: [`bench/peers/js/${script}`] },
        { ...shape, ...settings },
      );
      console.log(
        `${name}: ${contender.description.versions}, ${contender.description.parameters} parameters`,
      );
      entries.push({ name, contender, batch: Number(settings.batch ?? batch), steps: 1 });
    } catch (error) {
      if (!(error instanceof ContenderRefused)) throw error;
      console.log(`${name} is left out: ${error.message}`);
    }
  }
  await compare(entries, rounds);
} finally {
  for (const { contender } of entries) await contender.close();
}
