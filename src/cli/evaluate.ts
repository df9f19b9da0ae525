/** `medfusion evaluate RUN`: measures a run anew from its predictions. */
import { Command } from 'commander';
import { evaluateRun } from '../study/index.js';
import { formatMetrics } from './metricsTable.js';
import type { Streams } from './program.js';

export function evaluateCommand({ out }: Streams): Command {
  return new Command('evaluate')
    .description("Measure a run's held-out predictions anew: writes RUN/metrics.json and prints a summary.")
    .argument('<run>', 'run folder that "medfusion train" wrote')
    .addHelpText('after', '\nExample:\n  medfusion evaluate runs/odir-1')
    .action(async (run: string) => {
      out(formatMetrics(await evaluateRun(run)));
    });
}
