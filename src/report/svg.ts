/**
 * Apache ECharts rendered to an SVG string without a DOM. ECharts writes classes, hover styles and ids for an
 * interactive page; several such SVGs in one HTML file would share them, so they are taken out or made unique.
 */
import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([
  BarChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  GridComponent,
  TitleComponent,
  VisualMapComponent,
  SVGRenderer,
]);

/** Size of a chart in CSS pixels; it scales with its column. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * @param id prefix of the SVG's inner ids, unique on the page
 * @returns an `<svg>` element, decorative by itself (`aria-hidden`): its figure carries the text alternative
 */
export function renderSvg(id: string, size: Size, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'sans-serif' }, ...option });
    return clean(id, chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

function clean(id: string, svg: string): string {
  return svg
    .replace(/<style\s*>.*?<\/style>/gs, '')
    .replace(
      / (?:class|xmlns|xmlns:xlink|version|baseProfile|pointer-events|dominant-baseline="auto")="[^"]*"/g,
      '',
    )
    .replace(/(id="|url\(#)zr\d+-/g, `$1${id}-`)
    .replace(/font-family:[^;"]*;?/g, '')
    .replace(/\n+/g, '')
    .replace(
      /^<svg width="(\d+)" height="\d+"/,
      '<svg aria-hidden="true" focusable="false" style="--natural:$1px"',
    );
}
