/**
 * Seconds and peak memory of `medfusion stratify` on a large table: reading, audit, stage 1, evaluation with 1,000
 * patient-clustered resamples, and report.
 *
 *   npm run build && node dist/bench/stratify.js                        seconds, to try it
 *   … --rows 1000000                                                    the figure
 *   … --rows 1000000 --set stage1.classifier=logistic                   with another setting of the study
 *
 * The table is made in the system's temporary folder and removed again: an id, 20 numbers and 2 labels that hang on two
 * of them. The built command runs in a process of its own, so that its peak is its own. There is no peer: no library does the same work, and a part of it
 * (scikit-learn's trees without thresholds, p-values, intervals and report) set beside the whole would compare nothing.
 * `bench/univariate-trees.ts` and `bench/metrics-bootstrap.ts` compare the parts that have one.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomStream } from '../src/random/index.js';

const NUMERIC = Array.from({ length: 20 }, (_, i) => `x${i}`);
const LABELS = ['a', 'b'];

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000' },
    set: { type: 'string', multiple: true, default: [] },
  },
});

/** The text of the table, some thousand rows at a time. */
function* tableText(rows: number): Generator<string> {
  const random = randomStream(1, 'bench');
  yield `${['id', ...NUMERIC, ...LABELS].join(',')}\n`;
  let block: string[] = [];
  for (let row = 0; row < rows; row++) {
    const x = NUMERIC.map(() => random.normal());
    const probability = (logit: number) => 1 / (1 + Math.exp(-logit));
    const a = random.uniform() < probability(x[0] + 0.5 * x[1] - 2) ? 1 : 0;
    const b = random.uniform() < probability(x[0] - 3) ? 1 : 0;
    block.push([`r${row}`, ...x.map((value) => value.toFixed(3)), a, b].join(','));
    if (block.length === 2000 || row === rows - 1) {
      yield `${block.join('\n')}\n`;
      block = [];
    }
  }
}

/** Loaded before the command: tells through descriptor 3 what the process has used when it ends. */
const reportUsage = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs';\n" +
    "process.on('exit', () => writeSync(3, JSON.stringify(process.resourceUsage())));",
)}`;

const rows = Number(flags.rows);
const folder = mkdtempSync(join(tmpdir(), 'medfusion-bench-'));
try {
  const table = join(folder, 'table.csv');
  await pipeline(Readable.from(tableText(rows)), createWriteStream(table));
  writeFileSync(
    join(folder, 'study.yaml'),
    [
      'name: bench',
      `data: { table: table.csv, id: id, numeric: [${NUMERIC.join(', ')}] }`,
      `labels: { columns: [${LABELS.join(', ')}] }`,
      'split: { method: holdout, test: 0.2, validation: 0.15 }',
      '',
    ].join('\n'),
  );
  console.log(`${rows} rows, 20 columns, 2 labels, ${(statSync(table).size / 2 ** 20).toFixed(0)} MiB`);
  const command = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const out = join(folder, 'run');
  const settings = flags.set.flatMap((setting) => ['--set', setting]);
  const start = performance.now();
  const child = spawnSync(
    process.execPath,
    ['--import', reportUsage, command, 'stratify', join(folder, 'study.yaml'), '--out', out, ...settings],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  );
  const seconds = (performance.now() - start) / 1000;
  if (child.status !== 0) throw new Error('stratify failed');
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(child.output[3] ?? '') as NodeJS.ResourceUsage;
  const { test } = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
  const auroc = LABELS.map((label) => test.labels[label].auroc.value.toFixed(4)).join(', ');
  console.log(
    `medfusion stratify ${seconds.toFixed(1)} s, of processor time ${((userCPUTime + systemCPUTime) / 1e6).toFixed(1)} s, ` +
      `${(maxRSS / 1024).toFixed(0)} MiB at most, AUROC ${auroc}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
