/** `medfusion train STUDY`: from a study file to a run folder. */
import { Command } from 'commander';
import { devices } from '../runtime/index.js';
import { trainStudy } from '../study/index.js';
import { collect, positiveNumber, wholeNumber } from './arguments.js';
import { formatMetrics } from './metricsTable.js';
import type { Streams } from './program.js';
import { progressDisplay } from './progress.js';

interface TrainFlags {
  readonly data?: string;
  readonly out?: string;
  readonly device: string;
  readonly threads?: number;
  readonly memory?: number;
  readonly seed?: number;
  readonly resume: boolean;
  readonly onBadRow?: string;
  readonly set: readonly string[];
}

export function trainCommand({ out, err, signal }: Streams): Command {
  return new Command('train')
    .description('Train a study: reads its data, fits every split, evaluates it and writes a run folder.')
    .argument('<study>', 'study file (YAML)')
    .option('--data <dir>', "folder that the study's paths are relative to (default: the study file's)")
    .option('--out <dir>', 'run folder, new or empty (default: runs/<name>-<n>)')
    .option('--device <name>', `where to compute (${devices.join('|')})`, 'cpu')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber(1))
    .option(
      '--memory <GB>',
      'refuse a training step that would take more, and say which batch would fit (default: all there is)',
      positiveNumber,
    )
    .option(
      '--seed <n>',
      'seed of split, weights, order and augmentation (default: as the study says)',
      wholeNumber(0),
    )
    .option('--resume', 'go on with the interrupted run in --out, or the newest of this study', false)
    .option(
      '--on-bad-row <what>',
      'stop at a row that cannot be read, or skip, count and list it (stop|skip)',
    )
    .option('--set <key=value>', 'override a key of the study file; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nThe leakage audit comes first; a serious finding that the study does not accept stops the command (exit code 2).\n' +
        'Ctrl-C writes a checkpoint; --resume goes on to the same result.\n\nExample:\n' +
        '  medfusion train examples/odir.yaml --data ../data --set training.epochs=10',
    )
    .action(async (studyFile: string, flags: TrainFlags) => {
      const display = progressDisplay({
        write: err,
        isTTY: process.stderr.isTTY,
        columns: process.stderr.columns,
      });
      const overrides = [
        ...(flags.seed === undefined ? [] : [`seed=${flags.seed}`]),
        ...(flags.onBadRow === undefined ? [] : [`data.onBadRow=${flags.onBadRow}`]),
        ...flags.set,
      ];
      try {
        const { run, metrics } = await trainStudy({
          studyFile,
          dataDirectory: flags.data,
          out: flags.out,
          device: flags.device,
          threads: flags.threads,
          memoryLimit: flags.memory === undefined ? undefined : flags.memory * 1e9,
          overrides,
          resume: flags.resume,
          listener: display,
          signal,
        });
        display.close();
        out(`${formatMetrics(metrics)}\n${run}\n`);
      } finally {
        display.close();
      }
    });
}
