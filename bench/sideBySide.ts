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
  type Quartiles,
  quartiles,
  warmUpRuns,
} from '../src/train/index.js';
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

interface Entry {
  readonly name: string;
  readonly contender: Contender<object>;
}

const classes = 14;
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
      profile: { type: 'string' },
    },
    allowNegative: true,
  });
  const matching = cases.filter(({ model }) => flags.model === undefined || model === flags.model);
  const known = matching.length > 0 ? matching : [{ ...cases[0], model: flags.model! }];
  const given = (['side', 'batch', 'rounds', 'steps'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [[name, Number(flags[name])] as const],
  );
  const place = { device: flags.device, threads: Number(flags.threads), profile: flags.profile };
  console.log(`${cpus()[0].model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before the run`);
  const wanted = known.map((one): Case => ({ ...one, ...Object.fromEntries(given) }));
  const distinct = new Map(wanted.map((one) => [JSON.stringify(one), one]));
  for (const one of distinct.values()) await runCase(task, one, place, flags.peer);
}

async function runCase(
  task: 'training' | 'inference',
  { model, side, batch, rounds, steps }: Case,
  place: { readonly device: string; readonly threads: number; readonly profile?: string },
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
    entries.push({ name: 'medfusion', contender: worker });
    if (peer && (await isSameNetwork(settings))) {
      for (const layout of layoutsOf(model)) {
        const asked = { ...settings, layout, threads: place.threads };
        entries.push({
          name: `PyTorch ${layout}`,
          contender: await openPeer<object>(`${task}.py`, asked, place.threads),
        });
      }
    }
    await compare(entries, { batch, rounds, steps });
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
export async function compare(
  entries: readonly Entry[],
  { batch, rounds, steps }: { readonly batch: number; readonly rounds: number; readonly steps: number },
): Promise<void> {
  for (const { contender } of entries) await contender.repeat(warmUpRuns);
  const turns = entries.map(() => [] as (readonly number[])[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { contender }] of entries.entries()) turns[i].push(await contender.repeat(steps));
  }
  const latencies = turns.map((list) => quartiles(list.flat()));
  const memory = entries.map(({ contender }) => contender.peakMegabytes());
  const rates = turns.map((list) => quartiles(list.flat().map((seconds) => batch / seconds)));
  console.log('\n                        images/s   quartiles          ms per batch   peak memory');
  entries.forEach(({ name }, i) => {
    const range = `${rates[i].q1.toFixed(1)} – ${rates[i].q3.toFixed(1)}`;
    console.log(
      `${name.padEnd(22)} ${rates[i].median.toFixed(1).padStart(9)}   ${range.padEnd(17)} ` +
        `${(1000 * latencies[i].median).toFixed(1).padStart(13)} ${memory[i].toFixed(0).padStart(10)} MB`,
    );
  });
  if (entries.length === 1) return;
  const others = latencies.slice(1).map(({ median }) => median);
  const best = 1 + others.indexOf(Math.min(...others));
  const leanest = 1 + memory.slice(1).indexOf(Math.min(...memory.slice(1)));
  const perRound = turns[0].map((ours, round) => middle(turns[best][round]) / middle(ours));
  console.log(
    `\nspeed over ${entries[best].name}, the fastest: ${(latencies[best].median / latencies[0].median).toFixed(2)} ` +
      `(quartiles over rounds ${range2(quartiles(perRound))})\n` +
      `peak memory over ${entries[best].name}: ${(memory[0] / memory[best]).toFixed(2)}; ` +
      `over ${entries[leanest].name}, the leanest: ${(memory[0] / memory[leanest]).toFixed(2)}`,
  );
}

const middle = (values: readonly number[]) => quartiles(values).median;
const range2 = ({ q1, q3 }: Quartiles) => `${q1.toFixed(2)} – ${q3.toFixed(2)}`;
