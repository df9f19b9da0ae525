/** A run's metrics as a table for the terminal. */
import type { Estimate } from '../metrics/index.js';
import type { Measurements } from '../study/index.js';

const columns = ['auroc', 'auprc', 'f1', 'sensitivity', 'specificity', 'brier'] as const;

/**
 * One line per label and one for their mean, values with 95 % intervals; below, accuracy beside what calling
 * everything negative would give.
 */
export function formatMetrics({ test }: Measurements): string {
  const header = ['label', 'positives', ...columns];
  const labels = Object.entries(test.labels).map(([name, metrics]) => [
    name,
    `${metrics.positives} of ${metrics.positives + metrics.negatives}`,
    ...columns.map((column) => formatEstimate(metrics[column])),
  ]);
  const macro = ['mean over labels', '', ...columns.map((column) => formatEstimate(test.macro[column]))];
  const rows = [header, ...labels, macro];
  const widths = header.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const table = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  const repeats = test.repeats > 1 ? `, mean of ${test.repeats} repeats` : '';
  return [
    `${test.n} test rows of ${test.patients} patients${repeats}; 95 % intervals resample patients`,
    '',
    ...table,
    '',
    `accuracy ${formatEstimate(test.accuracy)}; calling everything negative: ${formatEstimate(test.allNegativeAccuracy)}`,
    '',
  ].join('\n');
}

/** `.712 [.684, .739]`; a dash where undefined. */
export function formatEstimate(estimate: Estimate): string {
  if (estimate.value === null) return '–';
  const value = short(estimate.value);
  return estimate.ci95 === null ? value : `${value} [${estimate.ci95.map(short).join(', ')}]`;
}

/** `.712` */
export function short(value: number): string {
  return value.toFixed(3).replace(/^(-?)0\./, '$1.');
}
