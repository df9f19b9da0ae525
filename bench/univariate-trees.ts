/**
 * Stage 1's univariate part on a wide table: for every label and numeric column a depth-1 tree, and the threshold
 * search with its inner cross-validation, beside scikit-learn's `DecisionTreeClassifier(max_depth=1)` alone over the
 * same pairs. Sorting is counted. Both use one thread and are timed in seconds of CPU; their runs alternate, and their
 * thresholds are compared.
 *
 *   npm run build && node dist/bench/univariate-trees.js                                            seconds, to try it
 *   … --rows 100000 --columns 100 --labels 14 --peer-pairs 100 --runs 3                             the figure
 *
 * PYTHON names an interpreter that has numpy and scikit-learn, default python3; --no-peer leaves it out. Peer time
 * for fewer pairs is scaled up, and said so.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { randomStream } from '../src/random/index.js';
import { balancedWeights, growTree, sortColumns } from '../src/risk/cart.js';
import { resolveStage1Options } from '../src/risk/index.js';
import { cutTable } from '../src/risk/threshold.js';
import { type Matrix, rankFeatures } from '../src/risk/univariate.js';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000' },
    columns: { type: 'string', default: '20' },
    labels: { type: 'string', default: '3' },
    'peer-pairs': { type: 'string' },
    runs: { type: 'string', default: '1' },
    peer: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const [n, width, labels, runs] = [flags.rows, flags.columns, flags.labels, flags.runs].map(Number);
const pairs = Array.from({ length: labels * width }, (_, pair) => [pair % labels, Math.floor(pair / labels)]);
const peerPairs = Number(flags['peer-pairs'] ?? pairs.length);

// Columns from continuous to a few whole numbers, float32 as scikit-learn's trees take them; labels of 2 % to 30 %
// prevalence that follow some of the columns.
const random = randomStream(1, 'bench');
const columns = Array.from({ length: width }, (_, c) => {
  const steps = [0, 1000, 40, 2][c % 4];
  return Float64Array.from({ length: n }, () => {
    const value = random.normal();
    return steps === 0 ? Math.fround(value) : Math.round((value * steps) / 4);
  });
});
const targets = Array.from({ length: labels }, (_, l) => {
  const cut = 0.5 + (1.6 * (l + 1)) / labels;
  const sign = columns[l % width].map(Math.sign);
  return Uint8Array.from(sign, (side) => (random.normal() + 0.2 * side > cut ? 1 : 0));
});
const rows = Int32Array.from({ length: n }, (_, row) => row);
const options = resolveStage1Options();

/** Seconds of CPU, all threads: what else runs on the machine then counts for neither side. */
const now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const seconds = (since: number) => now() - since;
const report = (what: string, took: number) =>
  console.log(`${what.padEnd(60)} ${took.toFixed(2).padStart(8)} s`);

function own(): { readonly total: number; readonly thresholds: number[][] } {
  const begin = now();
  const orders = sortColumns(columns, rows);
  report('  sort', seconds(begin));
  let start = now();
  const tables = columns.map((column, c) => cutTable(column, orders[c], null, options.threshold.maxCuts));
  const matrix: Matrix = { columns, orders, tables, patientIndex: rows };
  report('  candidate thresholds', seconds(start));
  start = now();
  targets.forEach((target, l) => {
    const { ranked } = rankFeatures(matrix, target, rows, options, randomStream(1, 'rank', l));
    if (ranked.length !== width)
      throw new Error(`internal: ${ranked.length} of ${width} columns have a rule`);
  });
  report('  threshold search, cross-validated', seconds(start));
  start = now();
  const thresholds = targets.map((target) => {
    const positives = target.reduce((sum, value) => sum + value, 0);
    const classWeight = balancedWeights(n - positives, positives);
    return columns.map((column, c) => {
      const tree = growTree([column], [orders[c]], target, rows, { maxDepth: 1, classWeight });
      return tree.threshold[0];
    });
  });
  report('  depth-1 trees', seconds(start));
  return { total: seconds(begin), thresholds };
}

function peer(): { readonly versions: string; readonly seconds: number; readonly thresholds: number[] } {
  const header = { rows: n, columns: width, labels, pairs: pairs.slice(0, peerPairs) };
  const bytes = ({ buffer, byteOffset, byteLength }: Float64Array | Uint8Array) =>
    Buffer.from(buffer, byteOffset, byteLength);
  const answer = spawnSync(process.env.PYTHON ?? 'python3', ['bench/peers/univariate_trees.py'], {
    input: Buffer.concat([
      Buffer.from(`${JSON.stringify(header)}\n`),
      ...columns.map(bytes),
      ...targets.map(bytes),
    ]),
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (answer.status !== 0) {
    console.error(
      'the peer did not run; set PYTHON to an interpreter with numpy and scikit-learn, or pass --no-peer',
    );
    process.exit(1);
  }
  return JSON.parse(String(answer.stdout));
}

console.log(`${n} rows × ${width} columns × ${labels} labels, ${pairs.length} pairs`);
const ratios: number[] = [];
for (let run = 0; run < runs; run++) {
  const mine = own();
  report('medfusion: trees and threshold search', mine.total);
  if (!flags.peer) continue;
  const other = peer();
  const scaled = (other.seconds * pairs.length) / peerPairs;
  const how = peerPairs === pairs.length ? '' : `, scaled from ${peerPairs} pairs`;
  report(`${other.versions}: trees${how}`, scaled);
  ratios.push(scaled / mine.total);
  const differing = other.thresholds.filter((threshold, pair) => {
    const [label, column] = pairs[pair];
    return threshold !== mine.thresholds[label][column];
  });
  console.log(`thresholds that differ: ${differing.length} of ${other.thresholds.length}`);
}
if (ratios.length > 0) {
  console.log(`medfusion is ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times as fast`);
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
