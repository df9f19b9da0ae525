/** `medfusion init TABLE`: a commented study file, proposed from a table. */
import { relative } from 'node:path';
import { Command } from 'commander';
import { initStudy } from '../study/index.js';
import type { Streams } from './program.js';

interface InitFlags {
  readonly images?: string;
  readonly out?: string;
}

export function initCommand({ out, err }: Streams): Command {
  return new Command('init')
    .description(
      'Look at a table and write a study file that reads it: the part of each column, missing markers, doubtful ' +
        'columns, labels and split, each with what it rests on as a comment. What is for you to decide goes to stderr.',
    )
    .argument('<table>', 'table with a header line and one row per examination (.csv, .tsv, .gz)')
    .option('--images <dir>', "folder that the table's image names are relative to (default: no images)")
    .option('--out <file>', 'new study file, or - for standard output (default: <table>.yaml, here)')
    .addHelpText('after', '\nExample:\n  medfusion init table.csv --images photographs --out study.yaml')
    .action(async (table: string, flags: InitFlags) => {
      const { yaml, path } = await initStudy({ table, ...flags, say: (message) => err(`${message}\n`) });
      out(path === null ? yaml : `${relative('.', path)}\n`);
    });
}
