/** Risk tiers: observed risk with its interval in each, and whether it ever falls from one to the next. */
import { type TierName, type TierObservation, type TierTable, tierNames } from '../../risk/index.js';
import { forestChart, whisker } from '../charts.js';
import { figure, gallery, key, table } from '../figure.js';
import { estimateCell, estimateText, formatCount } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import { niceLimit } from '../limits.js';
import type { Section } from '../page.js';
import { palette } from '../theme.js';

const marks = {
  low: { color: palette.low, symbol: 'circle' },
  medium: { color: palette.medium, symbol: 'diamond' },
  high: { color: palette.high, symbol: 'triangle' },
} as const satisfies Record<TierName, object>;

export function tiers({ tiers: labels }: ReportInput): Section {
  return {
    id: 'tiers',
    title: 'Risk tiers',
    body:
      labels === null
        ? html`<p class="note">The study defines no tiers.</p>`
        : html`<p>Cut points were set on validation rows; risks below were observed on test rows, with Wilson's 95&nbsp;% interval, widened where patients have several rows. A tier is useful only where observed risk rises from low to high.</p>
${gallery([chart(labels)])}
${table({
  caption: 'Test rows per tier: observed risk with 95 % confidence interval',
  head: ['Label', 'Low', 'Medium', 'High', 'From tier to tier the risk'],
  rows: labels.map(({ label, tiers: observed, monotone }) => [
    label,
    ...observed.map(tierCell),
    order(monotone),
  ]),
})}`,
  };
}

function tierCell({ observedRisk, positives, n }: TierObservation): Markup {
  return html`${estimateCell(observedRisk, 'percent')}<span class="sub">${formatCount(positives)} of ${formatCount(n)}</span>`;
}

function order(monotone: boolean | null): string {
  if (monotone === null) return 'fewer than two tiers in use';
  return monotone ? 'never falls' : 'falls';
}

function chart(labels: readonly TierTable[]): Markup {
  const groups = tierNames.map((name, t) => ({
    name,
    ...marks[name],
    intervals: labels.map(({ tiers: observed }) => whisker(observed[t].observedRisk)),
  }));
  const highest = Math.max(0.05, ...groups.flatMap(({ intervals }) => intervals.map((i) => i?.high ?? 0)));
  return figure({
    id: 'tier-risk',
    title: 'Observed risk per tier',
    caption: key(groups),
    alternative: labels
      .map(
        ({ label, tiers: list }) =>
          `${label}: ${list.map(({ tier, observedRisk }) => `${tier} ${estimateText(observedRisk, 'percent')}`).join(', ')}`,
      )
      .join('; '),
    svg: forestChart('tier-risk', {
      rows: labels.map(({ label }) => label),
      groups,
      xName: 'observed risk',
      x: [0, niceLimit(highest)],
    }),
    data: {
      caption: 'Observed risk per tier',
      head: ['Label and tier', 'Rows', 'Positive', 'Observed risk'],
      rows: labels.flatMap(({ label, tiers: list }) =>
        list.map(({ tier, n, positives, observedRisk }) => [
          `${label}, ${tier}`,
          formatCount(n),
          formatCount(positives),
          estimateCell(observedRisk, 'percent'),
        ]),
      ),
    },
  });
}
