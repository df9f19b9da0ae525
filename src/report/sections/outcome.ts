/** What is predicted: what makes a row positive, how often, and which labels occur together. */
import { barChart } from '../charts.js';
import { figure, gallery, key, table } from '../figure.js';
import { formatCount, formatNumber } from '../format.js';
import { heatmapChart, heatmapSize } from '../heatmap.js';
import { html, type Markup } from '../html.js';
import type { ReportInput, SplitPart } from '../input.js';
import type { Section } from '../page.js';
import { palette, WIDTH } from '../theme.js';

export function outcome({ labels, study, split: { parts } }: ReportInput): Section {
  return {
    id: 'outcome',
    title: 'Outcome',
    body: html`<p>A row whose label is not recorded counts as unknown: it is neither trained on nor measured for that label.</p>
<div class="words">${table({
      caption: 'What makes a row positive',
      head: ['Label', 'Definition'],
      rows: labels.map((label, l) => [label, study.outcomes[l]]),
    })}</div>
${table({
  caption: 'Positive rows per label, their share of the rows with a known value, and unknown rows',
  head: ['Label', ...parts.map(({ name }) => name)],
  rows: labels.map((label, l) => [label, ...parts.map((part) => positiveCell(part, l))]),
})}
${labels.length > 1 ? html`<p>Matrices: of the rows positive for the label at the left, the share also positive for the label below.</p>` : null}
${gallery([counts(labels, parts), ...(labels.length > 1 ? parts.map((part, p) => together(labels, part, p)) : [])])}`,
  };
}

function positiveCell({ cooccurrence, rows, unknown }: SplitPart, l: number): Markup {
  const known = rows - unknown[l];
  const share = known === 0 ? 'no known value' : formatNumber(cooccurrence[l][l] / known, 'percent');
  const gaps = unknown[l] === 0 ? '' : ` · ${formatCount(unknown[l])} unknown`;
  return html`${formatCount(cooccurrence[l][l])} <span class="sub">${share}${gaps}</span>`;
}

const colors = [palette.main, palette.third, palette.second];

function counts(labels: readonly string[], parts: readonly SplitPart[]): Markup {
  const bars = parts.map(({ name, cooccurrence }, p) => ({
    name,
    color: colors[p % colors.length],
    symbol: 'rect' as const,
    values: labels.map((_, l) => cooccurrence[l][l]),
  }));
  return figure({
    id: 'label-counts',
    title: 'Positive rows per label',
    caption: key(bars),
    alternative: `Positive rows per label: ${labels
      .map(
        (label, l) =>
          `${label} ${bars.map(({ name, values }) => `${name} ${formatCount(values[l])}`).join(', ')}`,
      )
      .join('; ')}.`,
    svg: barChart('label-counts', { rows: labels, bars, xName: 'positive rows' }),
    data: {
      caption: 'Positive rows per label',
      head: ['Label', ...bars.map(({ name }) => name)],
      rows: labels.map((label, l) => [label, ...bars.map(({ values }) => formatCount(values[l]))]),
    },
  });
}

function together(labels: readonly string[], part: SplitPart, index: number): Markup {
  const { cooccurrence, name } = part;
  const id = `together-${index}`;
  const shares = cooccurrence.map((row, a) =>
    row.map((n) => (cooccurrence[a][a] === 0 ? null : n / cooccurrence[a][a])),
  );
  const strongest = shares
    .flatMap((row, a) => row.map((share, b) => ({ a, b, share })))
    .filter(({ a, b, share }) => a !== b && share !== null && share > 0)
    .sort((x, y) => (y.share ?? 0) - (x.share ?? 0))
    .slice(0, 3)
    .map(
      ({ a, b, share }) =>
        `${formatNumber(share ?? 0, 'percent')} of ${labels[a]} rows also have ${labels[b]}`,
    );
  return figure({
    id,
    title: `Labels together, ${name}`,
    alternative:
      strongest.length === 0
        ? `No two labels occur together in ${name}.`
        : `Share of rows with two labels together in ${name}: ${strongest.join('; ')}.`,
    svg: heatmapChart(id, { names: labels, values: shares, range: [0, 1], scale: 'sequential' }),
    wide: heatmapSize(labels).width > WIDTH,
    data: {
      caption: `Rows positive for both labels, ${name}`,
      head: ['Label', ...labels],
      rows: labels.map((label, a) => [label, ...cooccurrence[a].map(formatCount)]),
    },
  });
}
