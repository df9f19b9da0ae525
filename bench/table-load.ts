/**
 * Seconds, rows per second and peak memory of reading a table into a cohort, beside pandas (or Python's csv module where
 * there is no pandas) reading the same columns of the same file.
 *
 *   npm run build && node dist/bench/table-load.js                      seconds, to try it
 *   … --rows 1000000                                                    the figure
 *   … --rows 1000000 --gzip                                             the same from a .gz file
 *   … --rows 1000000 --duplicates                                       looking for repeated rows as well
 *
 * The table is made in the system's temporary folder and removed again: 30 columns, of which 20 numbers, 2 categories,
 * id, patient, order and 2 labels are used and 3 are not. Each reader runs in a process of its own, so that its peak is
 * its own. PYTHON names an interpreter, default python3; --no-peer leaves it out.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { loadCohort } from '../src/data/index.js';
import { randomStream } from '../src/random/index.js';

const NUMERIC = Array.from({ length: 20 }, (_, i) => `value_${i + 1}`);
const CATEGORICAL = ['sex', 'ward'];
const LABELS = ['outcome_a', 'outcome_b'];
const UNUSED = ['comment', 'device', 'spare'];

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000' },
    gzip: { type: 'boolean', default: false },
    duplicates: { type: 'boolean', default: false },
    peer: { type: 'boolean', default: true },
    load: { type: 'string' },
  },
  allowNegative: true,
});

/** The text of the table, some thousand rows at a time. */
function* tableText(rows: number): Generator<string> {
  const random = randomStream(1, 'bench');
  const wards = ['A1', 'B2', 'Intensive care', 'Emergency department'];
  yield `${['id', 'patient', 'visit', ...NUMERIC, ...CATEGORICAL, ...LABELS, ...UNUSED].join(',')}\n`;
  let block: string[] = [];
  for (let row = 0; row < rows; row++) {
    const number = () => (random.uniform() < 0.1 ? '' : (random.uniform() * 1000).toFixed(3));
    const cells = [
      `exam-${row}`,
      `patient-${Math.floor(row / 3)}`,
      String(row % 3),
      ...NUMERIC.map(number),
      random.uniform() < 0.5 ? 'F' : 'M',
      wards[random.integer(wards.length)],
      ...LABELS.map(() => String(random.integer(2))),
      '"seen, and sent home"',
      'XR-2',
      '',
    ];
    block.push(cells.join(','));
    if (block.length === 2000 || row === rows - 1) {
      yield `${block.join('\n')}\n`;
      block = [];
    }
  }
}

interface Reading {
  readonly reader: string;
  readonly rows: number;
  readonly seconds: number;
  readonly peakBytes: number;
  /** Sum over the recorded numbers, to show that the readers read the same. */
  readonly sum: number;
}

async function load(table: string): Promise<Reading> {
  const start = performance.now();
  const cohort = await loadCohort({
    table,
    id: 'id',
    patient: 'patient',
    order: 'visit',
    numeric: NUMERIC,
    categorical: CATEGORICAL,
    labels: { columns: LABELS },
    dropDuplicateRows: flags.duplicates,
  });
  const seconds = (performance.now() - start) / 1000;
  let sum = 0;
  for (const { values } of cohort.numeric) for (const value of values) if (!Number.isNaN(value)) sum += value;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return { reader: 'medfusion', rows: cohort.size, seconds, peakBytes, sum };
}

function print({ reader, rows, seconds, peakBytes, sum }: Reading): void {
  const speed = `${Math.round(rows / seconds).toLocaleString('en')} rows/s`;
  const peak = `${(peakBytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(
    `${reader.padEnd(24)}${seconds.toFixed(2).padStart(8)} s${speed.padStart(20)}${peak.padStart(12)} at most, sum ${sum.toFixed(3)}`,
  );
}

/** Runs a reader in a process of its own; null where it fails. */
function readIn(command: string, args: readonly string[]): Reading | null {
  const child = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return child.status === 0 ? JSON.parse(child.stdout) : null;
}

async function compare(): Promise<void> {
  const rows = Number(flags.rows);
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-bench-'));
  try {
    const table = join(folder, flags.gzip ? 'table.csv.gz' : 'table.csv');
    const text = Readable.from(tableText(rows));
    if (flags.gzip) await pipeline(text, createGzip({ level: 1 }), createWriteStream(table));
    else await pipeline(text, createWriteStream(table));
    console.log(
      `${rows} rows, 30 columns, ${(statSync(table).size / 2 ** 20).toFixed(0)} MiB${flags.gzip ? ' gzipped' : ''}`,
    );
    const options = flags.duplicates ? ['--duplicates'] : [];
    const own = readIn(process.execPath, [fileURLToPath(import.meta.url), '--load', table, ...options]);
    if (own === null) throw new Error('the reader failed');
    print(own);
    if (!flags.peer) return;
    const used = ['id', 'patient', 'visit', ...NUMERIC, ...CATEGORICAL, ...LABELS].join(',');
    const peer = readIn(process.env.PYTHON ?? 'python3', [
      'bench/peers/table_load.py',
      table,
      used,
      NUMERIC.join(','),
    ]);
    if (peer === null) {
      console.error('the peer did not run; set PYTHON to an interpreter, or pass --no-peer');
      process.exitCode = 1;
    } else print(peer);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (flags.load === undefined) await compare();
else process.stdout.write(JSON.stringify(await load(flags.load)));
