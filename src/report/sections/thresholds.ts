/** What the chosen thresholds do to the test rows: one confusion matrix per label. */
import { type ConfusionCounts, confusionCounts } from '../../metrics/index.js';
import { labelColumn } from '../columns.js';
import { formatCount, formatNumber } from '../format.js';
import { html, Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

export function thresholds(input: ReportInput): Section {
  const { labels, test, metrics } = input;
  const { repeats: times } = metrics.test;
  const repeats =
    times > 1 ? ` Counts are summed over ${times} repeats, in each of which every row is tested once.` : '';
  return {
    id: 'thresholds',
    title: 'Decisions at the thresholds',
    body: html`<p>Test rows with a known label, divided at the threshold that validation rows chose. Shading: share of the row.${repeats}</p>
<div class="gallery">${labels.map((label, l) => {
      const { decisions, targets } = labelColumn(test, l, labels.length);
      return matrix(label, input.thresholds[l], confusionCounts(decisions, targets));
    })}</div>`,
  };
}

function matrix(
  label: string,
  cuts: readonly number[],
  { truePositives, falsePositives, falseNegatives, trueNegatives }: ConfusionCounts,
): Markup {
  const row = (name: string, negative: number, positive: number) =>
    html`<tr><th scope="row">${name}</th>${cell(negative, negative + positive)}${cell(positive, negative + positive)}</tr>`;
  return html`<div class="keep"><table class="confusion"><caption><strong>${label}</strong>, ${thresholdText(cuts)}</caption>
<thead><tr><td></td><th scope="col">called negative</th><th scope="col">called positive</th></tr></thead>
<tbody>${row('positive', falseNegatives, truePositives)}${row('negative', trueNegatives, falsePositives)}</tbody></table></div>`;
}

function cell(count: number, total: number): Markup {
  const share = total === 0 ? 0 : count / total;
  const tint = new Markup(` style="background:rgba(11,97,164,${(0.06 + 0.34 * share).toFixed(2)})"`);
  return html`<td${tint}>${formatCount(count)}<span class="sub">${total === 0 ? 'no rows' : formatNumber(share, 'percent')}</span></td>`;
}

/** One threshold, or the range over folds. */
export function thresholdText(cuts: readonly number[]): string {
  if (cuts.length === 0) return 'no threshold';
  const [low, high] = [Math.min(...cuts), Math.max(...cuts)];
  return low === high
    ? `threshold ${formatNumber(low)}`
    : `thresholds ${formatNumber(low)} to ${formatNumber(high)} over ${cuts.length} fits`;
}
