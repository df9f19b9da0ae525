/** `medfusion bench MODEL`: how fast a network trains and predicts on this machine. */
import { Command } from 'commander';
import { type Precision, precisions } from '../graph/index.js';
import { imageClassifiers } from '../models/index.js';
import { type BenchResult, batchesPerRound, benchModel, type Quartiles } from '../train/index.js';
import { oneOf, positiveNumber, wholeNumber } from './arguments.js';
import type { Streams } from './program.js';

interface BenchFlags {
  readonly side?: number;
  readonly batch: number;
  readonly classes: number;
  readonly device: string;
  readonly threads?: number;
  readonly precision: Precision;
  readonly memory?: number;
  readonly rounds: number;
  readonly json: boolean;
}

export function benchCommand({ out, err, signal }: Streams): Command {
  return new Command('bench')
    .description(
      'Measure how fast a network trains and predicts here: images per second, latency, memory, and the share of what ' +
        'the device reaches on a plain matrix product.',
    )
    .argument('<model>', `network (${Object.keys(imageClassifiers).join('|')})`)
    .option('--side <n>', "image side, pixels (default: the network's own)", wholeNumber(1))
    .option('--batch <n>', 'images per batch', wholeNumber(1), 8)
    .option('--classes <n>', 'outputs of the network', wholeNumber(1), 14)
    .option('--device <name>', 'where to compute', 'cpu')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber(1))
    .option('--precision <name>', 'what to compute in (float32|float16)', oneOf(precisions), 'float32')
    .option(
      '--memory <GB>',
      'most memory of a training step, see `train` (default: all there is)',
      positiveNumber,
    )
    .option('--rounds <n>', `rounds of ${batchesPerRound} batches per task`, wholeNumber(1), 5)
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      '\nWeights and images are random; nothing is read, and nothing kept. Training is forward pass, derivatives and AdamW. Every\n' +
        'task has a process of its own, so its peak memory and cold start are its own.\n\n' +
        'Example:\n  medfusion bench densenet121 --side 128 --batch 16 --threads 2',
    )
    .action(async (model: string, { json, memory, ...flags }: BenchFlags) => {
      const listener = { message: (text: string) => err(`${text}\n`) };
      const memoryLimit = memory === undefined ? undefined : memory * 1e9;
      const result = await benchModel({ model, ...flags, memoryLimit, listener, signal });
      out(json ? `${JSON.stringify(result, null, 2)}\n` : formatBench(result));
    });
}

/** Three significant digits, without an exponent. */
const short = (value: number) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

const spread = ({ q1, median, q3 }: Quartiles) => `${short(median)} (${short(q1)} – ${short(q3)})`;

/** What was measured and one column per task; medians with quartiles. */
export function formatBench(result: BenchResult): string {
  const { model, side, batch, device, threads, rounds, precision } = result;
  const { parameters, multiplyAddsPerImage, matmulPeak } = result;
  const tasks = [result.training, result.inference];
  const rows = [
    ['', 'training', 'inference'],
    ['images per second', ...tasks.map(({ imagesPerSecond }) => spread(imagesPerSecond))],
    ['latency per batch, ms', ...tasks.map(({ latencyMs }) => spread(latencyMs))],
    ['GFLOP/s', ...tasks.map(({ gigaflops }) => short(gigaflops))],
    ['share of matmul peak', ...tasks.map(({ shareOfPeak }) => `${(100 * shareOfPeak).toFixed(0)} %`)],
    ['peak memory, MB', ...tasks.map(({ peakMegabytes }) => peakMegabytes.toFixed(0))],
    ['compile, ms', ...tasks.map(({ compileMs }) => compileMs.toFixed(0))],
    ['load, ms', ...tasks.map(({ loadMs }) => loadMs.toFixed(0))],
    ['load from cache, ms', ...tasks.map(({ cachedLoadMs }) => cachedLoadMs?.toFixed(0) ?? '–')],
    ['nodes of the program', ...tasks.map(({ nodes }) => String(nodes))],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return [
    `${model}, ${side} px, batch ${batch}; ${device}, ${threads} threads, ${precision}; ` +
      `medians (quartiles) of ${rounds * batchesPerRound} batches`,
    `${(parameters / 1e6).toFixed(2)} million parameters; ${(multiplyAddsPerImage / 1e9).toFixed(2)} GMAC ` +
      'per image forward, counted three times in training',
    `matmul peak: ${short(matmulPeak.gigaflops)} GFLOP/s, ${matmulPeak.extent} × ${matmulPeak.extent}, ${precision}`,
    '',
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    ),
    '',
  ].join('\n');
}
