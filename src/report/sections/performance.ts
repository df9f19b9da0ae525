/** Tables of every metric per label, with averages, on test and validation rows. */
import type { Estimate, PooledMetric } from '../../metrics/index.js';
import { barChart, forestChart, whisker } from '../charts.js';
import { figure, gallery, key, table } from '../figure.js';
import { estimateCell, estimateText, formatCount, formatNumber, type Unit } from '../format.js';
import { html, type Markup } from '../html.js';
import type { MeasuredBlock, ReportInput } from '../input.js';
import type { Section } from '../page.js';
import { palette } from '../theme.js';

interface Column {
  readonly title: string;
  readonly metric: 'prevalence' | PooledMetric;
  readonly unit?: Unit;
}

const ranking: readonly Column[] = [
  { title: 'Prevalence', metric: 'prevalence', unit: 'percent' },
  { title: 'AUROC', metric: 'auroc' },
  { title: 'AUPRC', metric: 'auprc' },
  { title: 'Brier score', metric: 'brier' },
  { title: 'Accuracy', metric: 'accuracy', unit: 'percent' },
  { title: 'All-negative accuracy', metric: 'allNegativeAccuracy', unit: 'percent' },
];

const atThreshold: readonly Column[] = [
  { title: 'Sensitivity', metric: 'sensitivity' },
  { title: 'Specificity', metric: 'specificity' },
  { title: 'PPV', metric: 'ppv' },
  { title: 'NPV', metric: 'npv' },
  { title: 'F1', metric: 'f1' },
  { title: 'G-mean', metric: 'gmean' },
];

export function performance(input: ReportInput): Section {
  const { labels, metrics } = input;
  return {
    id: 'performance',
    title: 'Performance',
    body: html`<p>Estimates with 95&nbsp;% confidence intervals from resampling patients. AUPRC is to be read against the prevalence, accuracy against the all-negative baseline. Thresholds were chosen on validation rows.</p>
${gallery([forest(labels, metrics.test, 'auroc', 'AUROC', 0.5), forest(labels, metrics.test, 'auprc', 'AUPRC'), decisionBars(labels, metrics.test)])}
${metricTable('Test rows: ranking and error', labels, metrics.test, ranking)}
${metricTable('Test rows: at the chosen thresholds', labels, metrics.test, atThreshold)}
${
  metrics.validation === null
    ? null
    : html`<details><summary>The same on validation rows, which thresholds, calibration and early stopping have seen</summary>
${metricTable('Validation rows: ranking and error', labels, metrics.validation, ranking)}
${metricTable('Validation rows: at the chosen thresholds', labels, metrics.validation, atThreshold)}</details>`
}`,
  };
}

function metricTable(
  caption: string,
  labels: readonly string[],
  block: MeasuredBlock,
  columns: readonly Column[],
): Markup {
  const average = (title: string, metrics: MeasuredBlock['macro' | 'micro']) => [
    html`<em>${title}</em>`,
    null,
    ...columns.map(({ metric, unit }) =>
      metric === 'prevalence'
        ? html`<span aria-label="not averaged">–</span>`
        : estimateCell(metrics[metric], unit),
    ),
  ];
  return table({
    caption: `${caption} (${formatCount(block.n)} rows of ${formatCount(block.patients)} patients)`,
    head: ['Label', html`Positive /<br>negative /<br>unknown`, ...columns.map(({ title }) => title)],
    rows: [
      ...labels.map((label) => {
        const metrics = block.labels[label];
        return [
          label,
          [metrics.positives, metrics.negatives, metrics.unknown].map(formatCount).join(' / '),
          ...columns.map(({ metric, unit }) => estimateCell(metrics[metric], unit)),
        ];
      }),
      average('Macro average', block.macro),
      average('Micro average', block.micro),
    ],
  });
}

const drawn = [
  { name: 'sensitivity', metric: 'sensitivity', color: palette.main, symbol: 'rect' },
  { name: 'specificity', metric: 'specificity', color: palette.third, symbol: 'rect' },
  { name: 'F1', metric: 'f1', color: palette.second, symbol: 'rect' },
] as const;

function decisionBars(labels: readonly string[], { labels: byLabel, macro }: MeasuredBlock): Markup {
  const rows = [...labels, 'Macro average'];
  const estimates = drawn.map(({ metric }) => [
    ...labels.map((label) => byLabel[label][metric]),
    macro[metric],
  ]);
  return figure({
    id: 'decision-bars',
    title: 'Decisions per label',
    caption: html`Test rows at the chosen thresholds, from the top: ${key(drawn)}`,
    alternative: `Sensitivity, specificity and F1 on test rows: ${rows
      .map(
        (row, r) =>
          `${row} ${drawn.map(({ name }, d) => `${name} ${valueText(estimates[d][r])}`).join(', ')}`,
      )
      .join('; ')}.`,
    svg: barChart('decision-bars', {
      rows,
      bars: drawn.map(({ name, color }, d) => ({
        name,
        color,
        values: estimates[d].map(({ value }) => value),
      })),
      xName: 'share',
      x: [0, 1],
    }),
    data: {
      caption: 'Decisions per label with 95 % confidence interval',
      head: ['Label', ...drawn.map(({ name }) => name)],
      rows: rows.map((row, r) => [row, ...estimates.map((ofMetric) => estimateCell(ofMetric[r]))]),
    },
  });
}

const valueText = ({ value }: Estimate) => (value === null ? 'undefined' : formatNumber(value));

function forest(
  labels: readonly string[],
  block: MeasuredBlock,
  metric: 'auroc' | 'auprc',
  title: string,
  reference?: number,
): Markup {
  const all = [
    ...labels.map((label) => [label, block.labels[label][metric]] as const),
    ['Macro average', block.macro[metric]] as const,
  ];
  const groups = [
    {
      name: title,
      color: palette.main,
      symbol: 'circle' as const,
      intervals: all.map(([, e]) => whisker(e)),
    },
    ...(metric === 'auprc'
      ? [
          {
            name: 'prevalence (a random ranking)',
            color: palette.faint,
            symbol: 'diamond' as const,
            intervals: [...labels.map((label) => whisker(block.labels[label].prevalence)), null],
          },
        ]
      : []),
  ];
  return figure({
    id: `forest-${metric}`,
    title: `${title} per label`,
    alternative: `${title} on test rows: ${all.map(([label, e]) => `${label} ${estimateText(e)}`).join('; ')}.`,
    caption: html`Test rows, 95 % confidence intervals. ${
      reference === undefined ? key(groups) : 'Dashed line: chance.'
    }`,
    svg: forestChart(`forest-${metric}`, {
      rows: all.map(([label]) => label),
      groups,
      xName: title,
      x: [0, 1],
      reference,
    }),
    data: {
      caption: `${title} with 95 % confidence interval`,
      head: ['Label', title],
      rows: all.map(([label, e]) => [label, estimateCell(e)]),
    },
  });
}
