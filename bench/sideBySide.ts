/** Our engine beside PyTorch in both memory layouts: the same networks, in turns, within one run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Contender,
  ContenderRefused,
  openContender,
  openWorker,
  quartiles,
  warmUpRuns,
} from '../src/train/index.js';
import { far, openHandoverProbe } from './handover.js';
import { writeReference } from './reference.js';

/** A row of the comparison. */
export interface Case {
  readonly model: string;
  readonly side: number;
  readonly batch: number;
  readonly rounds: number;
  /** Batches of a turn. */
  readonly steps: number;
}

export interface Entry {
  readonly name: string;
  readonly contender: Contender<object>;
  /** Images of a batch. */
  readonly batch: number;
  /** Batches of its turn. */
  readonly steps: number;
}

/** Outputs of every network that is compared. */
export const classes = 14;
/** Largest difference of logits between two frameworks, over the largest logit. */
const tolerance = 1e-4;
/** A transformer has a single convolution, to which the layout of images makes no difference. */
const layoutsOf = (model: string) => (/^(deit|vit)-/.test(model) ? ['nchw'] : ['nchw', 'channels-last']);
const python = process.env.PYTHON ?? 'python3';

/** Runs the cases, or the one that the command line names with --model, and prints a table for each. */
export async function runCases(task: 'training' | 'inference', cases: readonly Case[]): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      model: { type: 'string' },
      side: { type: 'string' },
      batch: { type: 'string' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string' },
      steps: { type: 'string' },
      device: { type: 'string', default: 'cpu' },
      peer: { type: 'boolean', default: true },
      memory: { type: 'string' },
      profile: { type: 'string' },
    },
    allowNegative: true,
  });
  const matching = cases.filter(({ model }) => flags.model === undefined || model === flags.model);
  const known = matching.length > 0 ? matching : [{ ...cases[0], model: flags.model! }];
  const given = (['side', 'batch', 'rounds', 'steps'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [[name, Number(flags[name])] as const],
  );
  const memoryLimit = flags.memory === undefined ? undefined : Number(flags.memory) * 1e9;
  const place = { device: flags.device, threads: Number(flags.threads), profile: flags.profile, memoryLimit };
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before the run`);
  const wanted = known.map((one): Case => ({ ...one, ...Object.fromEntries(given) }));
  const distinct = new Map(wanted.map((one) => [JSON.stringify(one), one]));
  for (const one of distinct.values()) await runCase(task, one, place, flags.peer);
}

async function runCase(
  task: 'training' | 'inference',
  { model, side, batch, rounds, steps }: Case,
  place: {
    readonly device: string;
    readonly threads: number;
    readonly profile?: string;
    readonly memoryLimit?: number;
  },
  peer: boolean,
): Promise<void> {
  console.log(
    `\n${task} of ${model}, ${side} px, batch ${batch}, ${place.threads} threads, ${rounds} rounds of ${steps} batches`,
  );
  const settings = { model, side, batch, classes };
  const entries: Entry[] = [];
  try {
    const worker = await openWorker({ task, ...settings, ...place });
    const { parameters, nodes, compileMs, loadMs, device } = worker.description;
    console.log(
      `medfusion: ${device}, ${parameters} parameters, ${nodes} nodes, compiled in ${compileMs.toFixed(0)} ms, ` +
        `loaded in ${loadMs.toFixed(0)} ms`,
    );
    entries.push({ name: 'medfusion', contender: worker, batch, steps });
    if (peer && (await isSameNetwork(settings))) {
      for (const layout of layoutsOf(model)) {
        const asked = { ...settings, layout, threads: place.threads };
        entries.push({
          name: `PyTorch ${layout}`,
          contender: await openPeer<object>(`${task}.py`, asked, place.threads),
          batch,
          steps,
        });
      }
    }
    await compare(entries, rounds);
  } finally {
    for (const { contender } of entries) await contender.close();
  }
}

function openPeer<Description>(script: string, settings: object, threads: number) {
  const program = {
    file: python,
    args: [join('bench/peers', script)],
    env: { OMP_NUM_THREADS: String(threads) },
  };
  return openContender<Description>(program, settings);
}

/**
 * Whether PyTorch's network, with our weights, gives our logits; false, and said so, when there is no PyTorch.
 * @throws Error when it is another network
 */
async function isSameNetwork(
  settings: Omit<Case, 'rounds' | 'steps'> & { classes: number },
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-bench-'));
  try {
    const reference = join(folder, 'reference.safetensors');
    await writeReference(reference, settings);
    const check = await openPeer<{ difference: number; versions: string; parameters: number }>(
      'networks.py',
      { ...settings, reference },
      1,
    );
    await check.close();
    const { difference, versions, parameters } = check.description;
    console.log(
      `${versions}: ${parameters} parameters, logits within ${difference.toExponential(1)} of ours`,
    );
    if (!(difference < tolerance)) {
      throw new Error(
        `PyTorch's ${settings.model} must give our logits within ${tolerance}, got ${difference}`,
      );
    }
    return true;
  } catch (error) {
    if (!(error instanceof ContenderRefused)) throw error;
    console.log(
      `PyTorch is left out: ${error.message}; set PYTHON to an interpreter that has torch and torchvision`,
    );
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Times the entries in turns and prints a table; the first is set against the fastest of the others. */
export async function compare(entries: readonly Entry[], rounds: number): Promise<void> {
  for (const { contender, steps } of entries) await contender.repeat(Math.min(warmUpRuns, steps));
  const turns = entries.map(() => [] as (readonly number[])[]);
  const probe = openHandoverProbe();
  const handovers = [probe.measure()];
  for (let round = 0; round < rounds; round++) {
    for (const [i, { contender, steps }] of entries.entries()) turns[i].push(await contender.repeat(steps));
    handovers.push(probe.measure());
  }
  await probe.close();
  const imagesPerSecond = (i: number, seconds: readonly number[]) =>
    quartiles(seconds.map((value) => entries[i].batch / value));
  const rates = turns.map((list, i) => imagesPerSecond(i, list.flat()));
  const least = turns.map((list) => Math.min(...list.flat()));
  const memory = entries.map(({ contender }) => contender.peakMegabytes());
  console.log('\n                        images/s   quartiles          ms per batch   least   peak memory');
  entries.forEach(({ name, batch }, i) => {
    const { q1, median, q3 } = rates[i];
    console.log(
      `${name.padEnd(22)} ${median.toFixed(1).padStart(9)}   ${`${q1.toFixed(1)} – ${q3.toFixed(1)}`.padEnd(17)} ` +
        `${((1000 * batch) / median).toFixed(1).padStart(13)} ${(1000 * least[i]).toFixed(1).padStart(7)} ${memory[i].toFixed(0).padStart(10)} MB`,
    );
  });
  console.log(
    `\nthreads hand over in ${handovers.map((ns) => ns.toFixed(0)).join(', ')} ns (before and after each round)`,
  );
  if (entries.length === 1) return;
  const best = 1 + indexOfLeast(rates.slice(1).map(({ median }) => -median));
  const leanest = 1 + indexOfLeast(memory.slice(1));
  const ratios = turns[0].map(
    (ours, round) => imagesPerSecond(0, ours).median / imagesPerSecond(best, turns[best][round]).median,
  );
  const perRound = quartiles(ratios);
  const leastPerImage = least.map((seconds, i) => seconds / entries[i].batch);
  const over = (i: number) => (memory[0] / memory[i]).toFixed(2);
  console.log(
    `speed over ${entries[best].name}, the fastest: ${(rates[0].median / rates[best].median).toFixed(2)} ` +
      `(quartiles over rounds ${perRound.q1.toFixed(2)} – ${perRound.q3.toFixed(2)}); ` +
      `each at its least: ${(Math.min(...leastPerImage.slice(1)) / leastPerImage[0]).toFixed(2)}\n` +
      `medians of rounds with ${byDistance(ratios, handovers)}\n` +
      `peak memory over ${entries[best].name}: ${over(best)}; over ${entries[leanest].name}, the leanest: ${over(leanest)}`,
  );
}

/** The ratios of rounds that began and ended with cores near each other, and of those with cores far apart. */
function byDistance(ratios: readonly number[], handovers: readonly number[]): string {
  const between = (isThere: (ns: number) => boolean) =>
    ratios.filter((_, round) => isThere(handovers[round]) && isThere(handovers[round + 1]));
  return [
    { name: 'cores near each other', found: between((ns) => ns < far) },
    { name: 'cores far apart', found: between((ns) => ns >= far) },
  ]
    .map(
      ({ name, found }) =>
        `${name}: ${found.length === 0 ? 'no round' : `${quartiles(found).median.toFixed(2)} (${found.length} rounds)`}`,
    )
    .join('; ');
}

const indexOfLeast = (values: readonly number[]) => values.indexOf(Math.min(...values));
