/** The first screen: what was measured, how well it went, and what to be wary of. */
import type { Estimate, MultilabelEvaluation } from '../../metrics/index.js';
import { table } from '../figure.js';
import { estimateCell, estimateText, formatCount, formatNumber, listing } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';

/** Fewer events than this make estimates of a label's calibration unstable [vergouwe2005]. */
const FEW_EVENTS = 100;

/** One sentence with the result, its interval, the sample and the accuracy that costs nothing. */
export function headline({ metrics: { test }, labels }: ReportInput): string {
  const defined = test.macro.auroc.labels;
  const over = defined === labels.length ? `${labels.length}` : `${defined} of ${labels.length}`;
  return (
    `Macro AUROC ${estimateText(test.macro.auroc)} over ${over} label${over === '1' ? '' : 's'} ` +
    `in ${formatCount(test.patients)} test patients; accuracy ${estimateText(test.accuracy, 'percent')} ` +
    `beside ${estimateText(test.allNegativeAccuracy, 'percent')} for calling every label negative.`
  );
}

/** What the headline's numbers do and do not show. */
export function verdict(test: MultilabelEvaluation): string {
  return [discriminationVerdict(test.macro.auroc), accuracyVerdict(test.accuracy, test.allNegativeAccuracy)]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

function discriminationVerdict(auroc: Estimate): string {
  if (auroc.value === null || auroc.ci95 === null) return '';
  const [low, high] = auroc.ci95;
  if (high < 0.5) return 'The ranking is worse than chance (0.5): look for swapped labels or leakage.';
  if (low <= 0.5) return 'The interval includes 0.5: on these data the ranking cannot be told from chance.';
  return 'The interval lies above 0.5: positives rank above negatives more often than by chance.';
}

function accuracyVerdict(accuracy: Estimate, allNegative: Estimate): string {
  if (accuracy.value === null || allNegative.value === null) return '';
  if (accuracy.value <= allNegative.value) {
    return 'Accuracy at the chosen thresholds does not exceed the all-negative baseline, as is usual where positives are rare and thresholds favour sensitivity; it says nothing in favour of the model.';
  }
  if (accuracy.ci95 !== null && allNegative.ci95 !== null && accuracy.ci95[0] > allNegative.ci95[1]) {
    return 'Accuracy is above the all-negative baseline.';
  }
  return 'Accuracy is above the all-negative baseline, but the two intervals overlap.';
}

/** Everything that limits how far the numbers may be trusted, worst first. */
export function warnings(input: ReportInput): readonly Markup[] {
  const { labels, metrics, tiers, acceptedFindings } = input;
  const byLabel = metrics.test.labels;
  const undefinedLabels = labels.flatMap((label) => {
    const { auroc } = byLabel[label];
    return auroc.value === null ? [`${label} (${auroc.reason})`] : [];
  });
  const few = labels
    .filter((label) => byLabel[label].positives < FEW_EVENTS)
    .map((label) => `${label} (${formatCount(byLabel[label].positives)})`);
  const unordered = (tiers ?? []).filter((tier) => tier.monotone === false).map((tier) => tier.label);
  const chance = labels.filter((label) => {
    const { auroc } = byLabel[label];
    return auroc.value !== null && auroc.ci95 !== null && auroc.ci95[0] <= 0.5;
  });
  return [
    ...acceptedFindings.map(
      ({ code, message, count }) =>
        html`<li><strong>Accepted audit finding</strong> <code>${code}</code>: ${message} (${formatCount(count)})</li>`,
    ),
    ...warning('Undefined', undefinedLabels, (list) => `no AUROC for ${list}.`),
    ...warning('Not told from chance', chance, (list) => `the AUROC interval includes 0.5 for ${list}.`),
    ...warning(
      'Tiers out of order',
      unordered,
      (list) =>
        `observed risk falls from one tier to the next higher for ${list}; do not act on these tiers.`,
    ),
    ...warning(
      'Few events',
      few,
      (list) =>
        `fewer than ${FEW_EVENTS} positive test rows for ${list}; intervals are wide, calibration unstable.`,
    ),
  ];
}

function warning(title: string, items: readonly string[], text: (list: string) => string): Markup[] {
  return items.length === 0 ? [] : [html`<li><strong>${title}:</strong> ${text(listing(items))}</li>`];
}

/** Study name, headline, warnings, compact table. */
export function summaryHeader(input: ReportInput): Markup {
  const { name, metrics } = input;
  const list = warnings(input);
  return html`<h1>${name}</h1>
<p class="headline">${headline(input)}</p>
<p class="verdict">${verdict(metrics.test)}</p>
${list.length === 0 ? null : html`<ul class="warnings" aria-label="Warnings">${list}</ul>`}
${compactTable(input)}`;
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
