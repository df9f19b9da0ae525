/** ROC and precision–recall curves per label, with the chosen operating point. */
import {
  confusionCounts,
  type LabelEvaluation,
  type PrecisionRecallCurve,
  ppv,
  precisionRecallCurve,
  type RocCurve,
  rocCurve,
  sensitivity,
  specificity,
} from '../../metrics/index.js';
import { curveChart } from '../charts.js';
import { type LabelColumn, labelColumn } from '../columns.js';
import { figure, gallery, key } from '../figure.js';
import { estimateText, formatNumber } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import { mostFrequent, omittedNote } from '../labels.js';
import type { Section } from '../page.js';
import { palette } from '../theme.js';
import { type Point, thinCurve } from '../thin.js';

// A quarter of a pixel in a panel 120 px wide.
const TOLERANCE = 0.002;

export function discrimination(input: ReportInput): Section {
  const { labels, metrics, test } = input;
  const shown = mostFrequent(input);
  return {
    id: 'discrimination',
    title: 'ROC and precision–recall curves',
    body: html`<p>Test rows with a known label. Dashed: a random ranking. ${key([
      { name: 'operating point chosen on validation rows', color: palette.second, symbol: 'diamond' },
    ])} ${omittedNote(input, shown)}</p>
${gallery(shown.map((l) => curves(l, labels[l], metrics.test.labels[labels[l]], labelColumn(test, l, labels.length))))}`,
  };
}

function curves(index: number, label: string, metrics: LabelEvaluation, column: LabelColumn): Markup {
  const roc = rocCurve(column.probabilities, column.targets);
  const pr = precisionRecallCurve(column.probabilities, column.targets);
  const title = html`${label}`;
  if (roc === null || pr === null) {
    return html`<div><strong>${title}</strong><p class="note">No curves. AUROC ${estimateText(metrics.auroc)}.</p></div>`;
  }
  const id = `curves-${index}`;
  const counts = confusionCounts(column.decisions, column.targets);
  // Both classes are present here, so these two are defined; precision is not when nothing was called positive.
  const recall = sensitivity(counts) as number;
  const falsePositiveRate = 1 - (specificity(counts) as number);
  const precision = ppv(counts);
  const prevalence = metrics.positives / (metrics.positives + metrics.negatives);
  const at =
    `at the chosen operating point sensitivity ${formatNumber(recall)}, ` +
    `specificity ${formatNumber(1 - falsePositiveRate)}` +
    (precision === null ? ', nothing called positive' : `, precision ${formatNumber(precision)}`);
  const areas = `AUROC ${estimateText(metrics.auroc)}, AUPRC ${estimateText(metrics.auprc)}`;
  return figure({
    id,
    title: label,
    caption: html`AUROC ${estimateText(metrics.auroc)}<br>AUPRC ${estimateText(metrics.auprc)}`,
    alternative: `ROC and precision–recall curves of ${label}: ${areas}; prevalence ${formatNumber(prevalence)}; ${at}.`,
    svg: curveChart(
      id,
      [
        {
          xName: '1 − specificity',
          yName: 'sensitivity',
          x: [0, 1],
          y: [0, 1],
          reference: [
            [0, 0],
            [1, 1],
          ],
          curves: [
            { name: 'ROC', points: thinCurve(pairs(roc.falsePositiveRate, roc.truePositiveRate), TOLERANCE) },
          ],
          marks: [[falsePositiveRate, recall]],
        },
        {
          xName: 'recall',
          yName: 'precision',
          x: [0, 1],
          y: [0, 1],
          reference: [
            [0, prevalence],
            [1, prevalence],
          ],
          curves: [{ name: 'PR', points: thinCurve(pairs(pr.recall, pr.precision), TOLERANCE) }],
          marks: precision === null ? [] : [[recall, precision]],
        },
      ],
      180,
    ),
    data: {
      caption: `Curves of ${label} at tenths`,
      head: [
        'At',
        'Sensitivity where 1 − specificity is at most this',
        'Precision where recall reaches this',
      ],
      rows: tenths.map((x) => [
        x.toFixed(1),
        formatNumber(sensitivityAt(roc, x)),
        formatNumber(precisionAt(pr, x)),
      ]),
    },
  });
}

const tenths = Array.from({ length: 11 }, (_, i) => i / 10);

function pairs(x: Float64Array, y: Float64Array): Point[] {
  return Array.from(x, (value, i) => [value, y[i]]);
}

/** Best sensitivity of a threshold whose false-positive rate does not exceed `rate`. */
function sensitivityAt({ falsePositiveRate, truePositiveRate }: RocCurve, rate: number): number {
  return truePositiveRate[falsePositiveRate.findLastIndex((value) => value <= rate)];
}

/** Precision at the highest threshold whose recall reaches `recall`. */
function precisionAt(curve: PrecisionRecallCurve, recall: number): number {
  return curve.precision[curve.recall.findIndex((value) => value >= recall)];
}
