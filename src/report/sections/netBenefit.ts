/** Decision curves: what acting on the predicted risk is worth, beside acting on everyone and on no one. */
import type { DecisionCurvePoint, Estimate } from '../../metrics/index.js';
import { curveChart } from '../charts.js';
import { figure, gallery, key, table } from '../figure.js';
import { estimateCell, formatNumber } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import { mostFrequent, omittedNote } from '../labels.js';
import type { Section } from '../page.js';
import { palette } from '../theme.js';
import type { Point } from '../thin.js';
import { usefulText } from '../usefulRange.js';

const series = [
  { name: 'model, with its 95 % interval', color: palette.main, symbol: 'line' },
  { name: 'act on everyone', color: palette.second, symbol: 'dashed' },
  { name: 'act on no one (0)', color: palette.faint, symbol: 'dashed' },
] as const;

/** `null` for a run that did not measure it. */
export function netBenefit(input: ReportInput): Section | null {
  const { labels, metrics } = input;
  const curves = labels.flatMap((label, l) => {
    const { decisionCurve: curve = [] } = metrics.test.labels[label];
    return curve.length === 0 ? [] : [{ label, l, curve }];
  });
  if (curves.length === 0) return null;
  const shown = mostFrequent(input);
  return {
    id: 'net-benefit',
    title: 'Net benefit',
    body: html`<p>True positives per row, less false positives weighted by the odds of the threshold at which one would act. A model is worth acting on where its curve lies above both policies that need no model; where its interval reaches them, that may be chance. ${key(
      series,
    )} ${omittedNote(input, shown)}</p>
${table({
  caption: 'Thresholds at which the model has more net benefit than acting on everyone and on no one',
  head: ['Label', 'Thresholds', 'Looked at'],
  rows: curves.map(({ label, curve }) => [
    label,
    usefulText(curve),
    `${formatNumber(curve[0].threshold)} to ${formatNumber(curve[curve.length - 1].threshold)}`,
  ]),
})}
${gallery(curves.filter(({ l }) => shown.includes(l)).map(({ label, l, curve }) => chart(label, l, curve)))}`,
  };
}

function chart(label: string, index: number, curve: readonly DecisionCurvePoint[]): Markup {
  const id = `net-benefit-${index}`;
  const model = along(curve, (point) => point.model.value);
  const high = along(curve, (point) => bound(point.model, 1));
  const everyone = along(curve, ({ treatAll }) => treatAll);
  const { y, step } = limits([...model, ...high, ...everyone].map(([, value]) => value));
  const [first, last] = [curve[0].threshold, curve[curve.length - 1].threshold];
  return figure({
    id,
    title: label,
    caption: `Above both at thresholds: ${usefulText(curve)}.`,
    alternative:
      `Decision curve of ${label} at thresholds ${formatNumber(first)} to ${formatNumber(last)}: net benefit of the model ` +
      `${courseText(model)}, of acting on everyone ${courseText(everyone)}, of acting on no one 0; ` +
      `above both at thresholds: ${usefulText(curve)}.`,
    svg: curveChart(id, [
      {
        xName: 'threshold probability',
        yName: 'net benefit',
        x: [0, last],
        y,
        yStep: step,
        reference: [
          [0, 0],
          [last, 0],
        ],
        curves: [
          { name: 'act on everyone', points: cutBelow(everyone, y[0]), color: palette.second, dashed: true },
          {
            name: 'lower bound',
            points: cutBelow(
              along(curve, (point) => bound(point.model, 0)),
              y[0],
            ),
            opacity: 0.35,
          },
          { name: 'upper bound', points: high, opacity: 0.35 },
          { name: 'model', points: cutBelow(model, y[0]) },
        ],
      },
    ]),
    data: {
      caption: `Net benefit of ${label} at every fifth threshold, with 95 % confidence interval`,
      head: ['Threshold', 'Model', 'Act on everyone'],
      rows: curve
        .filter((_, i) => i % 5 === 0 || i === curve.length - 1)
        .map(({ threshold, model: estimate, treatAll }) => [
          formatNumber(threshold),
          estimateCell(estimate, 'benefit'),
          treatAll === null ? '–' : formatNumber(treatAll, 'benefit'),
        ]),
    },
  });
}

function bound(estimate: Estimate, side: 0 | 1): number | null {
  return estimate.value === null || estimate.ci95 === null ? null : estimate.ci95[side];
}

/** The points of a curve at which a quantity is defined. */
function along(
  curve: readonly DecisionCurvePoint[],
  value: (point: DecisionCurvePoint) => number | null,
): readonly Point[] {
  return curve.flatMap((point): Point[] => {
    const y = value(point);
    return y === null ? [] : [[point.threshold, y]];
  });
}

/** Axis limits at round numbers, with one step of room below zero: what lies lower is worse than doing nothing. */
function limits(values: readonly number[]): { readonly y: readonly [number, number]; readonly step: number } {
  const top = Math.max(1e-4, ...values);
  const magnitude = 10 ** Math.floor(Math.log10(top / 3));
  const step = magnitude * ([1, 2, 5].find((factor) => factor * magnitude >= top / 3) ?? 10);
  return { y: [-step, step * Math.ceil(top / step)], step };
}

/** The points up to where the curve leaves the chart through its lower edge. */
function cutBelow(points: readonly Point[], floor: number): readonly Point[] {
  const end = points.findIndex(([, y]) => y < floor);
  if (end < 0) return points;
  if (end === 0) return [];
  const [[x0, y0], [x1, y1]] = [points[end - 1], points[end]];
  return [...points.slice(0, end), [x0 + ((x1 - x0) * (floor - y0)) / (y1 - y0), floor]];
}

function courseText(points: readonly Point[]): string {
  if (points.length === 0) return 'undefined';
  const [first, last] = [points[0], points[points.length - 1]].map(([, y]) => formatNumber(y, 'benefit'));
  return `from ${first} to ${last}`;
}
