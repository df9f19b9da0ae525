/** Several thresholds per label: what each would find and what it would cost. */
import type { OperatingPoint, OperatingRule } from '../../metrics/index.js';
import { table } from '../figure.js';
import { estimateCell, formatNumber } from '../format.js';
import { type Content, html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

/** `null` for a run that did not measure them. */
export function operatingPoints({ labels, metrics }: ReportInput): Section | null {
  const measured = labels.flatMap((label) => {
    const { operatingPoints: points = [] } = metrics.test.labels[label];
    return points.length === 0 ? [] : [{ label, points }];
  });
  if (measured.length === 0) return null;
  const costed = measured.some(({ points }) => points.some(({ rule }) => rule.kind === 'cost'));
  return {
    id: 'operating-points',
    title: 'Operating points',
    body: html`<p>Thresholds were chosen on validation rows and are measured here on test rows, so a sensitivity that was asked for need not be met. Flagged: share of test rows called positive.${
      costed ? ' Expected cost: in false positives per row.' : null
    }</p>
${table({
  caption: 'Operating points on test rows, with 95 % confidence intervals',
  head: [
    'Rule',
    'Threshold',
    'Sensitivity',
    'Specificity',
    'PPV',
    'NPV',
    'Flagged',
    ...(costed ? ['Expected cost'] : []),
  ],
  rows: measured.flatMap(({ label, points }) => [
    { group: label },
    ...points.map((point) => pointRow(point, costed)),
  ]),
})}`,
  };
}

function pointRow(point: OperatingPoint, costed: boolean): Content[] {
  const rule = ruleText(point.rule);
  if (point.thresholds === null) {
    const cells = [html`<span class="none">none: ${point.reason}</span>`, ...Array<string>(5).fill('–')];
    return [rule, ...cells, ...(costed ? ['–'] : [])];
  }
  return [
    rule,
    rangeText(point.thresholds),
    estimateCell(point.sensitivity),
    estimateCell(point.specificity),
    estimateCell(point.ppv),
    estimateCell(point.npv),
    estimateCell(point.flagged, 'percent'),
    ...(costed ? [point.expectedCost === undefined ? '–' : estimateCell(point.expectedCost)] : []),
  ];
}

/** A threshold, or the range of those of the fits. */
function rangeText(thresholds: readonly number[]): string {
  const [low, high] = [Math.min(...thresholds), Math.max(...thresholds)];
  return low === high ? formatNumber(low) : `${formatNumber(low)} to ${formatNumber(high)}`;
}

/** How the threshold was chosen, in words. */
function ruleText(rule: OperatingRule): string {
  switch (rule.kind) {
    case 'youden':
      return 'highest Youden’s J';
    case 'f1':
      return 'highest F1';
    case 'gmean':
      return 'highest G-mean';
    case 'sensitivity':
      return `sensitivity ≥ ${rule.value}`;
    case 'specificity':
      return `specificity ≥ ${rule.value}`;
    case 'cost':
      return `least cost, a missed case worth ${rule.value} false positives`;
    default:
      return rule satisfies never;
  }
}
