/** `medfusion predict RUN --table T`: a trained model applied to new patients. */
import { Command } from 'commander';
import { devices } from '../runtime/index.js';
import { formatNewPredictions, newResultFile, predictRun } from '../study/index.js';
import { oneOf, wholeNumber } from './arguments.js';
import type { Streams } from './program.js';

interface PredictFlags {
  readonly table: string;
  readonly images?: string;
  readonly out?: string;
  readonly device: string;
  readonly threads?: number;
  readonly onBadRow?: 'stop' | 'skip';
}

export function predictCommand({ out, err }: Streams): Command {
  return new Command('predict')
    .description(
      "Predict new patients with a run's model: per row and label the calibrated probability, the risk tier and the " +
        'fired rules, as CSV. Columns, images and notes may be missing; labels are not read.',
    )
    .argument('<run>', 'run folder that "medfusion train" wrote')
    .requiredOption(
      '--table <file>',
      'table of the new patients, with the columns of the study (.csv, .tsv, .gz)',
    )
    .option('--images <dir>', "folder that the table's image names are relative to (default: the table's)")
    .option('--out <file>', 'new file for the result (default: standard output)')
    .option('--device <name>', `where to compute (${devices.join('|')})`, 'cpu')
    .option('--threads <n>', 'threads to compute with (default: all cores)', wholeNumber(1))
    .option(
      '--on-bad-row <what>',
      'stop at a row that cannot be read, or skip and list it (stop|skip; default: as in the study)',
      oneOf(['stop', 'skip']),
    )
    .addHelpText(
      'after',
      '\nExample:\n  medfusion predict runs/odir-1 --table new.csv --images photographs --out predictions.csv',
    )
    .action(async (run: string, { out: path, ...flags }: PredictFlags) => {
      const file = path === undefined ? null : newResultFile(path);
      const predictions = await predictRun({ run, ...flags, say: (message) => err(`${message}\n`) });
      const csv = formatNewPredictions(predictions);
      await file?.write(csv);
      out(file === null ? csv : `${file.path}\n`);
    });
}
