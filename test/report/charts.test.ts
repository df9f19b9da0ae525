import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { curveChart, forestChart, histogramChart, whisker } from '../../src/report/charts.js';
import { estimateText, formatDuration, formatNumber, listing } from '../../src/report/format.js';
import { heatmapChart } from '../../src/report/heatmap.js';
import { html } from '../../src/report/html.js';
import { distanceToSegment, type Point, thinCurve } from '../../src/report/thin.js';

const attribute = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, value]) => value);

test('thinCurve keeps the ends, and no point lies farther from the new line than the tolerance', () => {
  const walk = fc
    .array(
      fc.tuple(fc.double({ min: 0, max: 0.1, noNaN: true }), fc.double({ min: -0.1, max: 0.1, noNaN: true })),
      {
        minLength: 1,
        maxLength: 120,
      },
    )
    .map((steps) => {
      const walked: Point[] = [[0, 0]];
      for (const [dx, dy] of steps) {
        const [x, y] = walked[walked.length - 1];
        walked.push([x + dx, y + dy]);
      }
      return walked;
    });
  fc.assert(
    fc.property(walk, fc.double({ min: 0, max: 0.2, noNaN: true }), (points, tolerance) => {
      const thin = thinCurve(points, tolerance);
      assert.deepEqual([thin[0], thin.at(-1)], [points[0], points.at(-1)]);
      const segments = thin.slice(1).map((end, i) => [thin[i], end] as const);
      for (const point of points) {
        const nearest = Math.min(...segments.map(([a, b]) => distanceToSegment(point, a, b)));
        assert.ok(nearest <= tolerance + 1e-12, `${nearest} > ${tolerance}`);
      }
    }),
  );
});

test('thinCurve drops what a straight line needs not', () => {
  const line = Array.from({ length: 1000 }, (_, i): Point => [i / 999, i / 999]);
  assert.equal(thinCurve(line, 1e-9).length, 2);
  const corner: Point[] = [...line, [1, 0]];
  assert.deepEqual(thinCurve(corner, 0.01), [
    [0, 0],
    [1, 1],
    [1, 0],
  ]);
});

test('a curve runs from corner to corner of its panel', () => {
  const svg = curveChart('one', [
    {
      xName: 'x',
      yName: 'y',
      x: [0, 1],
      y: [0, 1],
      curves: [
        {
          name: 'c',
          points: [
            [0, 0],
            [0.5, 1],
            [1, 1],
          ],
        },
      ],
    },
  ]);
  // Panel: left 62, top 12, width 266, height 158.
  assert.ok(svg.includes('d="M62 170L195 12L328 12"'), svg);
});

test('a forest draws each interval at its place and leaves out what is undefined', () => {
  const svg = forestChart('forest', {
    rows: ['first', 'second'],
    xName: 'AUROC',
    x: [0, 1],
    groups: [
      {
        name: 'AUROC',
        color: '#123456',
        symbol: 'circle',
        intervals: [
          whisker({ value: 0.5, ci95: [0.25, 0.75] }),
          whisker({ value: null, reason: 'one class' }),
        ],
      },
    ],
  });
  // Panel: left 118, width 206; two rows of 24 px from y = 6.
  const lines = attribute(svg, /d="(M[^"]*)"[^>]*stroke="#123456"/g);
  assert.deepEqual(lines, ['M169.5 18L272.5 18']);
  assert.ok(svg.includes('>first</text>') && svg.includes('>second</text>'));
});

test('a histogram keeps unequal bin widths', () => {
  const svg = histogramChart('histogram', [0, 1, 4], [10, 20], 'x');
  const [outline] = attribute(svg, /d="(M[^"]*)"[^>]*fill="none"[^>]*stroke="#0b61a4"/g);
  const x = [...outline.matchAll(/[ML](-?[\d.]+) /g)].map(([, value]) => Number(value));
  const edges = [Math.min(...x), x[2], Math.max(...x)];
  assert.ok(Math.abs((edges[1] - edges[0]) / (edges[2] - edges[0]) - 0.25) < 1e-3, outline);
});

test('a heatmap prints its values, leaves undefined cells blank and shares no id with another chart', () => {
  const options = {
    names: ['a', 'b'],
    values: [
      [1, -0.42],
      [null, 1],
    ],
    range: [-1, 1],
    scale: 'diverging',
  } as const;
  const svg = heatmapChart('left', options);
  assert.deepEqual(attribute(svg, />(-?\d?\.\d\d)<\/text>/g).sort(), ['-.42', '1.00', '1.00']);
  const ids = (text: string) => attribute(text, /id="([^"]+)"/g);
  assert.ok(ids(curveChart('left', [])).every((id) => id.startsWith('left-')));
  assert.doesNotMatch(svg, /class=|<style|xmlns/);
});

test('numbers are printed by one rule', () => {
  assert.equal(formatNumber(0.7616), '0.762');
  assert.equal(formatNumber(-0.00004), '0.000');
  assert.equal(formatNumber(-0.25), '−0.250');
  assert.equal(formatNumber(0.0641, 'percent'), '6.4\u00a0%');
  assert.equal(formatNumber(2.414, 'ratio'), '2.41');
  assert.equal(formatNumber(1234.5, 'ratio'), '1235');
  assert.equal(
    estimateText({ value: 0.5, ci95: null, reason: 'one patient' }),
    '0.500 (no interval: one patient)',
  );
  assert.equal(formatDuration(8.04), '8.0 s');
  assert.equal(formatDuration(163.2), '3 min');
  assert.equal(formatDuration(7320), '2 h 2 min');
  assert.equal(listing(['a', 'b', 'c']), 'a, b and c');
  assert.equal(listing(['a', 'b', 'c', 'd'], 2), 'a, b and 2 more');
});

test('the html tag escapes text and attributes and refuses numbers that are not finite', () => {
  assert.equal(
    html`<i title="${'"\'<&>'}">${['<', null, 3]}</i>`.text,
    '<i title="&quot;&#39;&lt;&amp;&gt;">&lt;3</i>',
  );
  assert.throws(() => html`${Number.NaN}`, /numbers must be finite, got NaN/);
});
