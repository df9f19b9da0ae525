/**
 * The report's charts: pure functions from plain numbers to an SVG string, each 340 px wide (a phone's column)
 * unless its content needs more. No chart carries information by colour alone.
 */
import type { EChartsCoreOption } from 'echarts/core';
import type { Estimate } from '../metrics/index.js';
import { formatCount, formatValue } from './format.js';
import { renderSvg } from './svg.js';
import { fixed, nameText, palette, tickText, WIDTH } from './theme.js';
import type { Point } from './thin.js';

const hairline = { lineStyle: { color: palette.grid } };

/** One curve of a panel. */
export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  readonly color?: string;
  readonly dashed?: boolean;
  /** Opacity in (0, 1], for many curves over one another. */
  readonly opacity?: number;
}

/** One set of axes in a chart of curves. */
export interface Panel {
  readonly xName: string;
  readonly yName: string;
  /** Axis limits; chosen from the data where absent. */
  readonly x?: readonly [number, number];
  readonly y?: readonly [number, number];
  /** Distance of the y axis's ticks; chosen where absent. */
  readonly yStep?: number;
  readonly curves: readonly Curve[];
  /** Single points drawn as diamonds, such as an operating point. */
  readonly marks?: readonly Point[];
  readonly markColor?: string;
  /** A dashed grey line for comparison, such as chance. */
  readonly reference?: readonly Point[];
}

function axis(name: string, range: readonly [number, number] | undefined, gap: number) {
  const share = range !== undefined && range[0] === 0 && range[1] <= 1;
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: gap,
    nameTextStyle: nameText,
    ...(range === undefined ? { scale: true } : { min: range[0], max: range[1] }),
    ...(share ? { interval: range[1] / 2 } : { splitNumber: 4 }),
    axisLabel: { ...tickText, hideOverlap: true, formatter: tick },
    axisTick: { show: false },
    axisLine: { show: true, onZero: false, ...hairline },
    splitLine: hairline,
  };
}

/** A tick's number with a true minus. */
const tick = (value: number) => (Math.abs(value) < 1000 ? formatValue(value) : formatCount(value));

/** Panels of curves side by side in one chart. */
export function curveChart(id: string, panels: readonly Panel[], height = 210): string {
  const share = WIDTH / panels.length;
  const left = panels.length > 1 ? 38 : 62;
  const option: EChartsCoreOption = {
    grid: panels.map((_, i) => ({
      ...fixed,
      left: i * share + left,
      top: 12,
      width: share - left - 12,
      height: height - 52,
    })),
    xAxis: panels.map((panel, i) => ({ ...axis(panel.xName, panel.x, 24), gridIndex: i })),
    yAxis: panels.map((panel, i) => ({
      ...axis(panel.yName, panel.y, left - 12),
      ...(panel.yStep === undefined ? {} : { interval: panel.yStep }),
      gridIndex: i,
    })),
    series: panels.flatMap((panel, i) => {
      const place = { xAxisIndex: i, yAxisIndex: i, silent: true };
      return [
        ...(panel.reference === undefined ? [] : [line(place, panel.reference, palette.faint, 1, 'dashed')]),
        ...panel.curves.map((curve) =>
          line(
            { ...place, name: curve.name },
            curve.points,
            curve.color ?? palette.main,
            1.75,
            curve.dashed === true ? 'dashed' : 'solid',
            curve.opacity,
          ),
        ),
        ...(panel.marks === undefined
          ? []
          : [points(place, panel.marks, panel.markColor ?? palette.second, 'diamond', 10)]),
      ];
    }),
  };
  return renderSvg(id, { width: WIDTH, height }, option);
}

function line(
  place: object,
  data: readonly Point[],
  color: string,
  width: number,
  type: 'solid' | 'dashed' = 'solid',
  opacity = 1,
) {
  return {
    ...place,
    type: 'line',
    data,
    symbol: data.length === 1 ? 'circle' : 'none',
    itemStyle: { color },
    lineStyle: { color, width, type, opacity },
  };
}

function points(place: object, data: readonly Point[], color: string, symbol: string, size: number) {
  return {
    ...place,
    type: 'scatter',
    silent: true,
    data,
    symbol,
    symbolSize: size,
    itemStyle: { color, borderColor: '#fff', borderWidth: 1, opacity: 1 },
    z: 4,
  };
}

/** A value with its interval at a place on the other axis. */
export interface Whisker {
  readonly at: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** An estimate as a whisker; one without an interval has no length, one without a value is not drawn. */
export function whisker(estimate: Estimate): Omit<Whisker, 'at'> | null {
  if (estimate.value === null) return null;
  const [low, high] = estimate.ci95 ?? [estimate.value, estimate.value];
  return { value: estimate.value, low, high };
}

/** Observed against predicted risk in [0, 1], with intervals and the diagonal of perfect calibration. */
export function reliabilityChart(id: string, bins: readonly Whisker[], limit: number): string {
  const range = [0, limit] as const;
  const place = { xAxisIndex: 0, yAxisIndex: 0 };
  return renderSvg(
    id,
    { width: WIDTH, height: 230 },
    {
      grid: { ...fixed, left: 50, top: 12, width: WIDTH - 66, height: 172 },
      xAxis: axis('predicted risk', range, 26),
      yAxis: axis('observed risk', range, 36),
      series: [
        line(
          place,
          [
            [0, 0],
            [limit, limit],
          ],
          palette.faint,
          1,
          'dashed',
        ),
        ...bins.map(({ at, low, high }) =>
          line(
            place,
            [
              [at, low],
              [at, Math.min(high, limit)],
            ],
            palette.main,
            1.5,
          ),
        ),
        points(
          place,
          bins.map(({ at, value }) => [at, value]),
          palette.main,
          'circle',
          8,
        ),
      ],
    },
  );
}

/** One group of a forest chart: same marker, one interval per row (`null` leaves the row empty). */
export interface ForestGroup {
  readonly name: string;
  readonly color: string;
  readonly symbol: 'circle' | 'diamond' | 'triangle' | 'rect';
  readonly intervals: readonly (Omit<Whisker, 'at'> | null)[];
}

/** Rows of values with intervals: metrics per label, observed risk per tier. */
export function forestChart(
  id: string,
  options: {
    readonly rows: readonly string[];
    readonly groups: readonly ForestGroup[];
    readonly xName: string;
    readonly x: readonly [number, number];
    /** A vertical line for comparison. */
    readonly reference?: number;
  },
): string {
  const { rows, groups, x, reference } = options;
  const last = rows.length - 0.5;
  const step = groups.length > 1 ? 0.24 : 0;
  const offset = (group: number) => (group - (groups.length - 1) / 2) * step;
  const height = rows.length * (groups.length > 1 ? 34 : 24) + 48;
  const ticks = rows.map((_, i) => i);
  return renderSvg(
    id,
    { width: WIDTH, height },
    {
      grid: { ...fixed, left: 118, top: 6, width: WIDTH - 134, height: height - 48 },
      xAxis: axis(options.xName, x, 24),
      yAxis: {
        type: 'value',
        inverse: true,
        min: -0.5,
        max: last,
        axisLabel: {
          ...nameText,
          customValues: ticks,
          formatter: (row: number) => rows[Math.round(row)],
          width: 108,
          overflow: 'truncate',
        },
        axisTick: { show: false },
        axisLine: { show: false },
        splitLine: { show: false },
      },
      series: [
        ...(reference === undefined
          ? []
          : [
              line(
                {},
                [
                  [reference, -0.5],
                  [reference, last],
                ],
                palette.faint,
                1,
                'dashed',
              ),
            ]),
        ...groups.flatMap((group, g) => {
          const shown = group.intervals.flatMap((interval, row) =>
            interval === null ? [] : [{ ...interval, y: row + offset(g) }],
          );
          return [
            ...shown.map(({ low, high, y }) =>
              line(
                {},
                [
                  [low, y],
                  [high, y],
                ],
                group.color,
                1.75,
              ),
            ),
            points(
              {},
              shown.map(({ value, y }) => [value, y]),
              group.color,
              group.symbol,
              9,
            ),
          ];
        }),
      ],
    },
  );
}

/** Counts in bins of equal or unequal width, drawn against the bins' edges. */
export function histogramChart(
  id: string,
  edges: readonly number[],
  counts: readonly number[],
  xName: string,
): string {
  const outline = counts.flatMap((count, i): Point[] => [
    [edges[i], 0],
    [edges[i], count],
    [edges[i + 1], count],
    [edges[i + 1], 0],
  ]);
  return renderSvg(
    id,
    { width: WIDTH, height: 180 },
    {
      grid: { ...fixed, left: 50, top: 10, width: WIDTH - 66, height: 124 },
      xAxis: axis(xName, undefined, 26),
      yAxis: { ...axis('rows', undefined, 38), min: 0, scale: false, minInterval: 1 },
      series: [
        {
          ...line({}, outline, palette.main, 1),
          areaStyle: { color: palette.main, opacity: 0.35 },
        },
      ],
    },
  );
}

/** Horizontal bars, one group of bars per row. */
export function barChart(
  id: string,
  options: {
    readonly rows: readonly string[];
    readonly bars: readonly {
      readonly name: string;
      readonly color: string;
      /** One per row; `null` leaves a bar out. */
      readonly values: readonly (number | null)[];
    }[];
    readonly xName: string;
    /** Axis limits; from 0 to what the data need where absent. */
    readonly x?: readonly [number, number];
  },
): string {
  const { rows, bars } = options;
  const height = rows.length * (8 + 10 * bars.length) + 48;
  return renderSvg(
    id,
    { width: WIDTH, height },
    {
      grid: { ...fixed, left: 118, top: 6, width: WIDTH - 140, height: height - 48 },
      xAxis: { ...axis(options.xName, options.x, 24), min: 0, scale: false, splitNumber: 3 },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows,
        axisLabel: { ...nameText, width: 108, overflow: 'truncate', interval: 0 },
        axisTick: { show: false },
        axisLine: hairline,
      },
      series: bars.map(({ name, color, values }) => ({
        type: 'bar',
        name,
        data: values,
        silent: true,
        itemStyle: { color },
        barWidth: 8,
        barGap: '25%',
      })),
    },
  );
}
