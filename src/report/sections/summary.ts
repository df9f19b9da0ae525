/** The first screen: what was measured, how well it went, and what to be wary of. */
import { table } from '../figure.js';
import { estimateCell, formatCount, formatNumber } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import { type Finding, warnings } from '../limitations.js';
import { headline, verdict } from '../result.js';

/** Study name, headline, warnings, compact table. */
export function summaryHeader(input: ReportInput): Markup {
  const { name, metrics, study } = input;
  const list = warnings(input);
  return html`<h1>${name}</h1>
${study.description === null ? null : html`<p class="note">${study.description}</p>`}
<p class="headline">${headline(input)}</p>
<p class="verdict">${verdict(metrics.test)}</p>
${list.length === 0 ? null : html`<ul class="warnings" aria-label="Warnings">${list.map(findingItem)}</ul>`}
${compactTable(input)}`;
}

/** A finding as an entry of a list. */
export function findingItem({ title, code, text }: Finding): Markup {
  return code === undefined
    ? html`<li><strong>${title}:</strong> ${text}</li>`
    : html`<li><strong>${title}</strong> <code>${code}</code>: ${text}</li>`;
}

function compactTable({ labels, metrics: { test } }: ReportInput): Markup {
  return table({
    caption: 'Test rows, per label: estimate with 95 % confidence interval',
    head: ['Label', 'AUROC', 'AUPRC', 'Sensitivity', 'Specificity', 'Brier score'],
    minor: [3, 4, 5],
    rows: labels.map((label) => {
      const metrics = test.labels[label];
      return [
        html`${label} <span class="sub">${formatCount(metrics.positives)} of ${formatCount(
          metrics.positives + metrics.negatives,
        )}${metrics.prevalence.value === null ? null : html`<span class="minor"> · ${formatNumber(metrics.prevalence.value, 'percent')}</span>`}</span>`,
        ...(['auroc', 'auprc', 'sensitivity', 'specificity', 'brier'] as const).map((metric) =>
          estimateCell(metrics[metric]),
        ),
      ];
    }),
  });
}
