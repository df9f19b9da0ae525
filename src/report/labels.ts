/** Which labels get charts of their own when there are very many. */
import { formatCount } from './format.js';
import type { ReportInput } from './input.js';

/** More small multiples than this are no longer compared by eye; the tables still hold every label. */
const MOST_CHARTS = 24;

/** Indices of the labels with most positive test rows, at most 24, in the study's order. */
export function mostFrequent({ labels, metrics }: ReportInput): readonly number[] {
  return labels
    .map((label, index) => ({ index, positives: metrics.test.labels[label].positives }))
    .sort((a, b) => b.positives - a.positives)
    .slice(0, MOST_CHARTS)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}

/** Says which share of the labels is drawn; empty when all are. */
export function omittedNote({ labels }: ReportInput, shown: readonly number[]): string {
  return shown.length === labels.length
    ? ''
    : `Drawn are the ${shown.length} labels with most positive test rows, of ${formatCount(labels.length)}; the tables hold all.`;
}
