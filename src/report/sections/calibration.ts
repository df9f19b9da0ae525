/** Whether predicted risks come true: reliability diagrams and recalibration coefficients. */
import { type LabelEvaluation, type ReliabilityBin, reliabilityBins } from '../../metrics/index.js';
import { reliabilityChart, whisker } from '../charts.js';
import { labelColumn } from '../columns.js';
import { figure, gallery, table } from '../figure.js';
import { estimateCell, estimateText, formatCount, formatNumber } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import { mostFrequent, omittedNote } from '../labels.js';
import { niceLimit } from '../limits.js';
import type { Section } from '../page.js';

export function calibration(input: ReportInput): Section {
  const { labels, metrics, test } = input;
  const shown = mostFrequent(input);
  return {
    id: 'calibration',
    title: 'Calibration',
    body: html`<p>Ideal are slope 1, intercept 0 and points on the dashed diagonal. A slope below 1 means risks that are too extreme. Each point holds about a tenth of the test rows, with Wilson's 95&nbsp;% interval. Axes end at 0.1, 0.2, 0.5 or 1, as the risks need. ${omittedNote(input, shown)}</p>
${table({
  caption: 'Calibration on test rows, with 95 % confidence intervals',
  head: ['Label', 'Slope', 'Intercept', 'Expected calibration error', 'Brier score'],
  rows: labels.map((label) => {
    const { calibrationSlope, calibrationIntercept, ece, brier } = metrics.test.labels[label];
    return [
      label,
      estimateCell(calibrationSlope, 'ratio'),
      estimateCell(calibrationIntercept, 'ratio'),
      estimateCell(ece),
      estimateCell(brier),
    ];
  }),
})}
${gallery(
  shown.map((l) => {
    const { probabilities, targets } = labelColumn(test, l, labels.length);
    return reliability(l, labels[l], metrics.test.labels[labels[l]], reliabilityBins(probabilities, targets));
  }),
)}`,
  };
}

function reliability(
  index: number,
  label: string,
  metrics: LabelEvaluation,
  bins: readonly ReliabilityBin[],
): Markup {
  if (bins.length === 0) {
    return html`<div><strong>${label}</strong><p class="note">No test row has a known value.</p></div>`;
  }
  const id = `reliability-${index}`;
  const points = bins.flatMap(({ meanProbability, observed }) => {
    const interval = whisker(observed);
    return interval === null ? [] : [{ at: meanProbability, ...interval }];
  });
  const limit = niceLimit(Math.max(...points.flatMap(({ at, value }) => [at, value])));
  const [first, last] = [points[0], points[points.length - 1]];
  return figure({
    id,
    title: label,
    caption: html`slope ${estimateText(metrics.calibrationSlope, 'ratio')}`,
    alternative:
      `Reliability diagram of ${label}, ${points.length} bins: predicted risk ${formatNumber(first.at)} came true in ` +
      `${formatNumber(first.value)} of rows, predicted ${formatNumber(last.at)} in ${formatNumber(last.value)}; ` +
      `calibration slope ${estimateText(metrics.calibrationSlope, 'ratio')}, ` +
      `intercept ${estimateText(metrics.calibrationIntercept, 'ratio')}.`,
    svg: reliabilityChart(id, points, limit),
    data: {
      caption: `Reliability of ${label}`,
      head: ['Mean predicted risk', 'Rows', 'Positive', 'Observed risk'],
      rows: bins.map((bin) => [
        formatNumber(bin.meanProbability),
        formatCount(bin.count),
        formatCount(bin.positives),
        estimateCell(bin.observed),
      ]),
    },
  });
}
