/**
 * Where the time of a program goes: sums up ONNX Runtime's profile by operator type.
 *
 *   node dist/bench/training.js --no-peer --model densenet-small --profile /tmp/step
 *   node dist/bench/profile.js /tmp/step_*.json [--skip 3] [--nodes 10] [--quantile 0.1]
 *
 * The first `--skip` runs are left out: they allocate and warm up. `--nodes` also lists the costliest single nodes
 * with their output shapes. `--quantile` takes that quantile of each node's times instead of their mean: a low one shows
 * what the nodes take while nothing else slows the machine.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The fields used here of an event in ONNX Runtime's trace; times in µs. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly op_name?: string; readonly output_type_shape?: readonly object[] };
}

interface Total {
  microseconds: number;
  calls: number;
}

const { values: flags, positionals } = parseArgs({
  options: {
    skip: { type: 'string', default: '3' },
    nodes: { type: 'string', default: '0' },
    quantile: { type: 'string' },
  },
  allowPositionals: true,
});
if (positionals.length !== 1) {
  throw new Error(`profile: needs one profile file, got ${positionals.length}; see the head of this script`);
}
const events = JSON.parse(readFileSync(positionals[0], 'utf8')) as TraceEvent[];
const runs = events
  .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
  .sort((a, b) => a.ts - b.ts)
  .slice(Number(flags.skip));
if (runs.length === 0) {
  throw new Error(`profile: no run is left after the first ${flags.skip}; profile more steps`);
}
const from = runs[0].ts;

const quantile = flags.quantile === undefined ? null : Number(flags.quantile);
if (quantile !== null && !(quantile >= 0 && quantile < 1)) {
  throw new Error(`profile: --quantile is from 0 to below 1, got ${flags.quantile}; e.g. 0.1`);
}

/** A node's times over the runs as one total. */
function typical(times: readonly number[]): number {
  if (quantile === null) return times.reduce((sum, time) => sum + time, 0);
  return times.length * times.toSorted((a, b) => a - b)[Math.floor(quantile * times.length)];
}

function totalsBy(key: (event: TraceEvent) => string): [string, Total][] {
  const nodes = new Map<string, { readonly key: string; readonly times: number[] }>();
  for (const event of events) {
    if (event.cat !== 'Node' || event.ts < from || !event.name.endsWith('_kernel_time')) continue;
    const node = nodes.get(event.name) ?? { key: key(event), times: [] };
    node.times.push(event.dur);
    nodes.set(event.name, node);
  }
  const totals = new Map<string, Total>();
  for (const { key, times } of nodes.values()) {
    const total = totals.get(key) ?? { microseconds: 0, calls: 0 };
    total.microseconds += typical(times);
    total.calls += times.length;
    totals.set(key, total);
  }
  return [...totals].sort(([, a], [, b]) => b.microseconds - a.microseconds);
}

const wall = runs.reduce((sum, { dur }) => sum + dur, 0) / runs.length / 1000;
const byType = totalsBy(({ args }) => args.op_name ?? 'unknown');
const perRun = ({ microseconds }: Total) => microseconds / runs.length / 1000;
const inNodes = byType.reduce((sum, [, total]) => sum + perRun(total), 0);
console.log(`${runs.length} runs of ${wall.toFixed(1)} ms, ${inNodes.toFixed(1)} ms of them in operators`);
// What passes between two runs of one turn: feeds, random masks, copies of results, the language binding.
const gaps = runs.slice(1).map(({ ts }, i) => ts - runs[i].ts - runs[i].dur);
const between = gaps.sort((a, b) => a - b)[gaps.length >> 1] / 1000;
if (gaps.length > 0)
  console.log(
    `${between.toFixed(1)} ms between runs (median), ${((100 * between) / (between + wall)).toFixed(1)} % of the time\n`,
  );
console.log('operator                     ms/run   share   calls/run');
for (const [type, total] of byType) {
  const share = ((100 * perRun(total)) / inNodes).toFixed(1);
  console.log(
    `${type.padEnd(26)} ${perRun(total).toFixed(2).padStart(8)} ${share.padStart(6)}%   ` +
      `${(total.calls / runs.length).toFixed(0).padStart(9)}`,
  );
}
const costliest = totalsBy(
  ({ name, args }) =>
    `${args.op_name} ${JSON.stringify(args.output_type_shape)} ${name.replace('_kernel_time', '')}`,
).slice(0, Number(flags.nodes));
if (costliest.length > 0) console.log('\ncostliest nodes               ms/run');
for (const [node, total] of costliest) console.log(`${perRun(total).toFixed(2).padStart(8)}   ${node}`);
