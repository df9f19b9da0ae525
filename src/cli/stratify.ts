/** `medfusion stratify STUDY`: stage 1 alone, from a study file to a run folder. */
import { Command } from 'commander';
import { stratifyStudy } from '../study/index.js';
import { collect, oneOf, wholeNumber } from './arguments.js';
import { formatMetrics } from './metricsTable.js';
import type { Streams } from './program.js';
import { formatRules } from './ruleList.js';

interface StratifyFlags {
  readonly data?: string;
  readonly out?: string;
  readonly device: string;
  readonly threads?: number;
  readonly seed?: number;
  readonly onBadRow?: 'stop' | 'skip';
  readonly set: readonly string[];
}

export function stratifyCommand({ out, err, signal }: Streams): Command {
  return new Command('stratify')
    .description(
      'Stratify a study by stage 1 alone: thresholds, rules, trees and risk tiers, evaluated like a trained model and ' +
        'written to a run folder. It reads the table, and images where stage1.images asks for features of them.',
    )
    .argument('<study>', 'study file (YAML)')
    .option('--data <dir>', "folder that the study's paths are relative to (default: the study file's)")
    .option('--out <dir>', 'run folder, new or empty (default: runs/<name>-<n>)')
    .option('--device <name>', 'where to embed images', 'cpu')
    .option('--threads <n>', 'threads to embed images with (default: all cores)', wholeNumber(1))
    .option('--seed <n>', 'seed of split, folds and resampling (default: as the study says)', wholeNumber(0))
    .option(
      '--on-bad-row <what>',
      'stop at a row that cannot be read, or skip, count and list it (stop|skip)',
      oneOf(['stop', 'skip']),
    )
    .option('--set <key=value>', 'override a key of the study file; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nThe leakage audit comes first; a serious finding that the study does not accept stops the command (exit code 2).\n' +
        'The run folder is made when all is fitted: Ctrl-C leaves nothing behind, and there is nothing to resume.\n\n' +
        'Example:\n  medfusion stratify examples/cervical.yaml --data ../data --set stage1.topN=8',
    )
    .action(async (studyFile: string, flags: StratifyFlags) => {
      const overrides = [
        ...(flags.seed === undefined ? [] : [`seed=${flags.seed}`]),
        ...(flags.onBadRow === undefined ? [] : [`data.onBadRow=${flags.onBadRow}`]),
        ...flags.set,
      ];
      const { run, metrics, model } = await stratifyStudy({
        studyFile,
        dataDirectory: flags.data,
        out: flags.out,
        device: flags.device,
        threads: flags.threads,
        overrides,
        listener: { message: (text) => err(`${text}\n`) },
        signal,
      });
      out(`${formatMetrics(metrics)}\n${formatRules(model.stage1)}\n${run}\n`);
    });
}
