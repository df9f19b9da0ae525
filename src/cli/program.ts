/** The command line: one program, one file per command. */
import { Command } from 'commander';
import { medfusionVersion } from '../study/index.js';
import { auditCommand } from './audit.js';
import { benchCommand } from './bench.js';
import { demoCommand } from './demo.js';
import { evaluateCommand } from './evaluate.js';
import { reportFailure } from './failure.js';
import { initCommand } from './init.js';
import { predictCommand } from './predict.js';
import { reportCommand } from './report.js';
import { stratifyCommand } from './stratify.js';
import { trainCommand } from './train.js';

/** Where a command writes: results to `out`, progress, logs and messages to `err`. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Aborts when the user asks to stop (Ctrl-C); long work then writes a checkpoint and ends. */
  readonly signal?: AbortSignal;
}

/**
 * Runs one command line.
 * @param args  words after the program's name, e.g. ['evaluate', 'runs/odir-1']
 * @returns the exit code: 0 done, 1 our failure, 2 bad input
 */
export async function runCommandLine(args: readonly string[], streams: Streams): Promise<number> {
  const program = new Command('medfusion')
    .description(
      'Multilabel clinical risk models from tables, images and notes: one study file, one command.',
    )
    .version(medfusionVersion(), '--version', 'print the version')
    .helpCommand(false)
    .showHelpAfterError(false)
    .addHelpText(
      'after',
      '\nResults go to stdout, progress and logs to stderr. Exit code 0: done; 1: a fault of medfusion; 2: bad input.\n\n' +
        'Example:\n  medfusion train examples/odir.yaml --data ../data',
    );
  const commands = [
    demoCommand,
    initCommand,
    auditCommand,
    stratifyCommand,
    trainCommand,
    predictCommand,
    evaluateCommand,
    reportCommand,
    benchCommand,
  ] as const;
  for (const command of commands.map((make) => make(streams))) {
    command.option('--debug', 'show the stack of an error');
    program.addCommand(command);
  }
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ writeOut: streams.out, writeErr: streams.err });
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return reportFailure(error, { debug: args.includes('--debug'), write: streams.err });
  }
}
