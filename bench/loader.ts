/**
 * Images per second of the data path alone: PNG files of 256 px, decoded, mirrored, turned by ± 10°, magnified by ± 10 %,
 * changed in brightness and contrast, as float batches of 32 at 224 px. Beside it the same with Pillow and numpy, and with
 * Pillow and torch, in the workers of torch's DataLoader. The contenders take turns, so that whatever else the machine does
 * meets them all alike; CPU milliseconds per image tell more than seconds where it does much.
 *
 *   npm run build && PYTHON=/usr/bin/python3 node dist/bench/loader.js           colour
 *   … --grey                                                                     radiographs are grey
 *   … --files 1024 --rounds 5 --workers 2 --no-peer
 *
 * `cold` decodes every file and makes one epoch of batches; `cached` makes an epoch from prepared images, which is what every
 * epoch but the first of the first run does. Each contender makes an epoch before it is timed: threads, which stay from
 * one epoch to the next, have started. The files, smooth pictures with grain, lie in the system's temporary folder and
 * are removed again. PYTHON names an interpreter that has Pillow and torch, default python3.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import {
  augmentations,
  type Cohort,
  type ImageStore,
  loadCohort,
  openImageStore,
} from '../src/data/index.js';
import type { MedFusionConfig } from '../src/models/index.js';
import { randomStream } from '../src/random/index.js';
import {
  type BatchLoader,
  type BatchSource,
  encodeCohort,
  fitEncoder,
  openBatchLoader,
} from '../src/train/index.js';

const fileSide = 256;
const side = 224;
const batch = 32;

const { values: flags } = parseArgs({
  options: {
    files: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    grey: { type: 'boolean', default: false },
    peer: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const [files, rounds, workers] = [flags.files, flags.rounds, flags.workers].map(Number);
const channels = flags.grey ? 1 : 3;

/** What one epoch took. */
interface Epoch {
  readonly seconds: number;
  /** Of all threads and processes that took part. */
  readonly cpu: number;
}

interface Contender {
  readonly name: string;
  readonly epoch: () => Promise<Epoch>;
}

/** Runs and measures, in this process. */
async function measured(work: () => Promise<void>): Promise<Epoch> {
  const [start, used] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(used);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

/** Smooth pictures with grain, which compress like photographs. */
async function writePictures(folder: string): Promise<string[]> {
  const coarse = 16;
  const names: string[] = [];
  for (let number = 0; number < files; number++) {
    const random = randomStream(1, 'picture', number);
    const blobs = Uint8Array.from({ length: coarse * coarse * channels }, () => random.integer(256));
    const { data } = await sharp(blobs, { raw: { width: coarse, height: coarse, channels } })
      .resize(fileSide, fileSide, { kernel: 'cubic' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let i = 0; i < data.length; i++) {
      data[i] = Math.max(0, Math.min(255, Math.round(data[i] + 4 * random.normal())));
    }
    names.push(`${number}.png`);
    await sharp(data, { raw: { width: fileSide, height: fileSide, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toFile(join(folder, `${number}.png`));
  }
  return names;
}

function sourceOf(cohort: Cohort, images: ImageStore): BatchSource {
  const rows = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const encoder = fitEncoder(cohort, rows, { modalities: ['image'], vocabulary: 0, maxTokens: 0, images });
  const config: MedFusionConfig = {
    size: 'nano',
    labels: 1,
    image: { side, channels, slots: 1, views: 1, mirror: false },
    tabular: null,
    text: null,
    branches: { cnn: true, transformer: false, temporal: false },
    interaction: false,
    pyramid: false,
    fusion: 'concat',
    classGate: false,
    dropout: 0,
    stochasticDepth: 0,
    prevalence: [0.5],
    priorLogits: [0],
  };
  return { cohort, encoder, encoded: encodeCohort(encoder, cohort, null), config, images };
}

const batchesOfRows = Array.from({ length: Math.floor(files / batch) }, (_, i) =>
  Int32Array.from({ length: batch }, (_row, place) => i * batch + place),
);
const augmentation = {
  ...augmentations.none,
  rotationDegrees: 10,
  scale: 0.1,
  flipHorizontal: true,
  brightness: 0.1,
  contrast: 0.1,
};

async function medfusion(folder: string, names: readonly string[]): Promise<Contender[]> {
  const table = join(folder, 'table.csv');
  writeFileSync(table, `image,label\n${names.map((name, i) => `${name},${i % 2}`).join('\n')}\n`);
  const cohort = await loadCohort({
    table,
    images: { directory: folder, columns: ['image'] },
    labels: { columns: ['label'] },
  });
  const paths = cohort.visits.flatMap((visits) => visits.map(({ path }) => path));
  const open = () => openImageStore({ size: side, channels, cache: null });
  const prepared = open();
  await prepared.prepare(paths);
  const source = sourceOf(cohort, prepared);
  let epoch = 0;
  const run = async (loader: BatchLoader): Promise<void> => {
    const variation = { seed: 1, epoch: epoch++, augmentation, modalityDropout: 0 };
    let count = 0;
    for await (const { feeds } of loader.batches(batchesOfRows, variation)) {
      if (feeds.images.length !== batch * channels * side * side) throw new Error('a batch of another size');
      count++;
    }
    if (count !== batchesOfRows.length) throw new Error(`${count} of ${batchesOfRows.length} batches`);
  };
  const cold = async (): Promise<void> => {
    const images = open();
    await images.prepare(paths);
    const loader = openBatchLoader({ ...source, images }, batch, workers);
    await run(loader);
    await loader.close();
  };
  const [ahead, here] = [openBatchLoader(source, batch, workers), openBatchLoader(source, batch, 0)];
  return [
    { name: `medfusion cold, ${workers} workers`, epoch: () => measured(cold) },
    { name: `medfusion cached, ${workers} workers`, epoch: () => measured(() => run(ahead)) },
    { name: 'medfusion cached, 0 workers', epoch: () => measured(() => run(here)) },
  ];
}

/** Lines that a process writes, one by one; `null` once it has ended. */
function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string | null> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    return done ? null : value;
  };
}

/** The two forms of the peer, and how to end it; null where it cannot run. */
async function python(paths: readonly string[]): Promise<{ contenders: Contender[]; close(): void } | null> {
  const command = process.env.PYTHON ?? 'python3';
  const child = spawn(command, ['bench/peers/loader.py']);
  child.stderr.pipe(process.stderr);
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  child.stdin.on('error', () => {}); // A peer that is already gone says so by its exit code.
  const next = linesOf(child);
  const settings = { files: paths, side, fileSide, batch, workers, colour: !flags.grey };
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  const greeting = await next();
  if (greeting === null) {
    console.log(
      `peer: left out, ${command} ended with ${await ended} (3: no Pillow or torch); ` +
        'set PYTHON to an interpreter that has both',
    );
    return null;
  }
  console.log(`peer: ${(JSON.parse(greeting) as { versions: string }).versions}`);
  const ask = async (form: string): Promise<Epoch> => {
    child.stdin.write(`${form}\n`);
    const line = await next();
    if (line === null) throw new Error(`the peer ended with ${await ended}`);
    return JSON.parse(line) as Epoch;
  };
  return {
    contenders: [
      { name: `Pillow + numpy, ${workers} workers`, epoch: () => ask('pillow') },
      { name: `Pillow + torch, ${workers} workers`, epoch: () => ask('torch') },
    ],
    close: () => child.stdin.end(),
  };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

console.log(
  `${files} files of ${fileSide} px, ${channels === 1 ? 'grey' : 'colour'} → ${side} px, batches of ${batch}, ${rounds} rounds; ` +
    `${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before the run`,
);
const folder = mkdtempSync(join(tmpdir(), 'medfusion-bench-'));
let peer: Awaited<ReturnType<typeof python>> = null;
try {
  const names = await writePictures(folder);
  const own = await medfusion(folder, names);
  peer = flags.peer ? await python(names.map((name) => join(folder, name))) : null;
  const contenders = [...own, ...(peer?.contenders ?? [])];
  const epochs = contenders.map(() => [] as Epoch[]);
  for (const contender of contenders) await contender.epoch(); // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) epochs[i].push(await contender.epoch());
  }
  const images = batchesOfRows.length * batch;
  const rates = epochs.map((list) => median(list.map(({ seconds }) => images / seconds)));
  const costs = epochs.map((list) => median(list.map(({ cpu }) => (1000 * cpu) / images)));
  const firstPeer = own.length;
  const [bestRate, leastCost] = [Math.max(...rates.slice(firstPeer)), Math.min(...costs.slice(firstPeer))];
  console.log(
    `\n                                images/s   CPU ms/image${peer ? '   × better peer: images/s, CPU' : ''}`,
  );
  contenders.forEach(({ name }, i) => {
    const ratios = peer
      ? `${(rates[i] / bestRate).toFixed(2).padStart(18)}${(leastCost / costs[i]).toFixed(2).padStart(8)}`
      : '';
    console.log(
      `${name.padEnd(30)} ${rates[i].toFixed(0).padStart(9)} ${costs[i].toFixed(2).padStart(14)}${ratios}`,
    );
  });
} finally {
  peer?.close();
  rmSync(folder, { recursive: true, force: true });
}
