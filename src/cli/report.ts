/** `medfusion report RUN`: renders a run's report anew. */
import { Command } from 'commander';
import { reportRun } from '../study/index.js';
import type { Streams } from './program.js';

export function reportCommand({ out }: Streams): Command {
  return new Command('report')
    .description(
      "Render a run's report anew: writes RUN/report.html, one self-contained file, and prints its path.",
    )
    .argument('<run>', 'run folder that "medfusion train" wrote')
    .addHelpText('after', '\nExample:\n  medfusion report runs/odir-1')
    .action(async (run: string) => {
      out(`${await reportRun(run)}\n`);
    });
}
