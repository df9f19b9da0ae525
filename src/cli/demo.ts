/** `medfusion demo`: the whole way from a study to a report on generated patients. */
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { devices } from '../runtime/index.js';
import { type Demonstration, RUN_FILES, runDemo } from '../study/index.js';
import { Interrupted } from '../train/index.js';
import { wholeNumber } from './arguments.js';
import { formatEstimate, formatMetrics, short } from './metricsTable.js';
import type { Streams } from './program.js';
import { progressDisplay } from './progress.js';

interface DemoFlags {
  readonly out?: string;
  readonly device: string;
  readonly threads?: number;
  readonly seed?: number;
}

export function demoCommand({ out, err, signal }: Streams): Command {
  return new Command('demo')
    .description(
      'Train the embedded study: generates patients with a picture, a table row and a note each, trains a model on ' +
        'all three in a few minutes and prints what it reached.',
    )
    .option('--out <dir>', 'folder for study and run, new or empty (default: runs/demo-<n>)')
    .option('--device <name>', `where to compute (${devices.join('|')})`, 'cpu')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber(1))
    .option('--seed <n>', 'seed of the patients and of the training', wholeNumber(0), 1)
    .addHelpText('after', '\nExample:\n  medfusion demo --out runs/first')
    .action(async (flags: DemoFlags) => {
      const display = progressDisplay({
        write: err,
        isTTY: process.stderr.isTTY,
        columns: process.stderr.columns,
      });
      let resume = '';
      try {
        const demonstration = await runDemo({ ...flags, listener: display, signal }, (study, run) => {
          resume = `medfusion train ${shown(study)} --out ${shown(run)} --resume`;
        });
        display.close();
        out(formatDemonstration(demonstration));
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        throw new Interrupted(`the demonstration was interrupted; go on with\n  ${resume}`);
      } finally {
        display.close();
      }
    });
}

/** The metrics, what the generator allows beside what was reached, and where to look next. */
export function formatDemonstration({ metrics, truth, study, run }: Demonstration): string {
  const { image, tabular, text, all } = truth.macro;
  const best = (value: number | null) => (value === null ? 'undefined' : short(value));
  const data = dirname(study);
  const predict = `--table ${shown(join(data, 'table.csv'))} --images ${shown(join(data, 'images'))}`;
  const lines = (pairs: readonly (readonly [string, string])[], width: number) =>
    pairs.map(([what, value]) => `  ${what.padEnd(width)}${value}`);
  return [
    formatMetrics(metrics),
    'Mean AUROC over labels. These patients are invented, so the best that any model could do is known:',
    ...lines(
      [
        ['best from the picture alone', best(image)],
        ['best from the table alone', best(tabular)],
        ['best from the note alone', best(text)],
        ['best from all three', best(all)],
        ['reached from all three', formatEstimate(metrics.test.macro.auroc)],
      ],
      29,
    ),
    '',
    ...lines(
      [
        ['report', shown(join(run, RUN_FILES.report))],
        ['run', shown(run)],
        ['study', shown(study)],
        ['next', `medfusion predict ${shown(run)} ${predict}`],
      ],
      8,
    ),
    '',
  ].join('\n');
}

/** The path from where the user stands, where that is shorter. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
