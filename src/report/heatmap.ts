/** Matrices as coloured cells. */
import { renderSvg, type Size } from './svg.js';
import { diverging, fixed, nameText, palette, sequential, WIDTH } from './theme.js';

/** How large a heatmap of so many names is, and whether its values are printed. */
export function heatmapSize(
  names: readonly string[],
): Size & { readonly printed: boolean; readonly margin: number; readonly cell: number } {
  const printed = names.length <= 16;
  const margin = Math.min(112, 18 + 6.5 * Math.max(...names.map((name) => name.length)));
  const room = (WIDTH - margin - 12) / names.length;
  const cell = Math.min(44, Math.max(printed ? 30 : 16, room));
  return {
    width: Math.max(WIDTH, Math.ceil(margin + names.length * cell + 12)),
    height: Math.ceil(margin + names.length * cell + 12),
    printed,
    margin,
    cell,
  };
}

/** A matrix as coloured cells; `null` cells stay blank. Values are printed where cells are few enough to read. */
export function heatmapChart(
  id: string,
  options: {
    readonly names: readonly string[];
    readonly values: readonly (readonly (number | null)[])[];
    readonly range: readonly [number, number];
    readonly scale: 'sequential' | 'diverging';
  },
): string {
  const { names, values, range } = options;
  const { printed, margin, cell, ...size } = heatmapSize(names);
  const category = {
    type: 'category',
    data: names,
    axisTick: { show: false },
    axisLine: { show: false },
    splitArea: { show: false },
  };
  const label = { ...nameText, interval: 0, width: Math.min(90, margin - 10), overflow: 'truncate' };
  const colors = options.scale === 'diverging' ? diverging : sequential;
  return renderSvg(id, size, {
    grid: { ...fixed, left: margin, top: 6, width: names.length * cell, height: names.length * cell },
    xAxis: { ...category, axisLabel: { ...label, rotate: 90 } },
    yAxis: { ...category, inverse: true, axisLabel: label },
    visualMap: { show: false, min: range[0], max: range[1], inRange: { color: colors } },
    series: [
      {
        type: 'heatmap',
        silent: true,
        data: values.flatMap((row, y) =>
          row.flatMap((value, x) =>
            value === null
              ? []
              : [{ value: [x, y, value], label: { color: inkOn(value, range, options.scale) } }],
          ),
        ),
        itemStyle: { borderColor: '#fff', borderWidth: 1 },
        label: {
          show: printed,
          fontSize: 9,
          formatter: ({ value }: { value: readonly number[] }) =>
            value[2].toFixed(2).replace(/^(-?)0\./, '$1.'),
        },
      },
    ],
  });
}

/** Dark text on light cells, white text on dark ones. */
function inkOn(
  value: number,
  [low, high]: readonly [number, number],
  scale: 'sequential' | 'diverging',
): string {
  const share = (value - low) / (high - low);
  const depth = scale === 'diverging' ? Math.abs(2 * share - 1) : share;
  return depth > 0.62 ? '#fff' : palette.ink;
}
