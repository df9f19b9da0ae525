/** What the model may look at: columns with their kinds, missing values, distributions and correlation. */
import { histogramChart } from '../charts.js';
import { figure, gallery, table } from '../figure.js';
import { formatCount, formatNumber, formatValue, shareText } from '../format.js';
import { heatmapChart, heatmapSize } from '../heatmap.js';
import { html, type Markup } from '../html.js';
import type { FeatureSummary, Predictor, ReportInput } from '../input.js';
import type { Section } from '../page.js';
import { WIDTH } from '../theme.js';

/** Most histograms drawn, and most features in the heatmap. */
const MOST_HISTOGRAMS = 12;
const MOST_CORRELATED = 40;

const kinds = {
  numeric: 'number',
  ordinal: 'ordered levels',
  categorical: 'category',
  text: 'free text',
  image: 'image',
} as const satisfies Record<Predictor['kind'], string>;

export function predictors({ study, features: { numeric, correlation } }: ReportInput): Section {
  const drawn = numeric.filter(({ counts }) => counts.length > 0).slice(0, MOST_HISTOGRAMS);
  const distribution = new Map(numeric.map((feature) => [feature.name, feature]));
  return {
    id: 'predictors',
    title: 'Predictors',
    body: html`${table({
      caption:
        'Everything the model may look at; known and missing values of all rows, of numbers and levels',
      head: ['Column', 'Known', 'Missing', 'Range'],
      rows: study.predictors.map(({ name, kind }) => {
        const feature = distribution.get(name);
        return [
          html`${name} <span class="sub">${kinds[kind]}</span>`,
          ...(feature === undefined
            ? ['–', '–', '–']
            : [formatCount(known(feature)), missingText(feature), rangeText(feature)]),
        ];
      }),
    })}
${
  numeric.length === 0
    ? null
    : html`<h3>Distributions</h3>
<p>All rows.${drawn.length < numeric.length ? ` Histograms of ${drawn.length} of ${numeric.length} numeric columns; the table holds all.` : null}</p>
${gallery([...drawn.map(histogram), ...(numeric.length > 1 ? [heatmap(numeric, correlation)] : [])])}`
}`,
  };
}

const known = ({ counts }: FeatureSummary) => counts.reduce((sum, count) => sum + count, 0);

/** `57 (4.0 %)`, or 0. */
function missingText(feature: FeatureSummary): string {
  return shareText(feature.missing, feature.missing + known(feature));
}

/** Least to greatest value. Bins of whole numbers are one wide and centred on them. */
function rangeText({ edges, counts }: FeatureSummary): string {
  if (counts.length === 0) return '–';
  const [first, last] = [edges[0], edges[counts.length]];
  const inset = counts.length === 1 || (edges[1] - first === 1 && Math.abs(first % 1) === 0.5) ? 0.5 : 0;
  return `${formatValue(first + inset)} to ${formatValue(last - inset)}`;
}

function histogram(feature: FeatureSummary, index: number): Markup {
  const { name, edges, counts } = feature;
  const id = `histogram-${index}`;
  const mode = counts.indexOf(Math.max(...counts));
  return figure({
    id,
    title: name,
    caption: `${formatCount(known(feature))} known, ${formatCount(feature.missing)} missing`,
    alternative:
      `Histogram of ${name} from ${rangeText(feature)}; most rows (${formatCount(counts[mode])}) lie between ` +
      `${formatValue(edges[mode])} and ${formatValue(edges[mode + 1])}; ${missingText(feature)} missing.`,
    svg: histogramChart(id, edges, counts, name),
    data: {
      caption: `Rows per bin of ${name}`,
      head: ['From', 'To', 'Rows'],
      rows: counts.map((count, i) => [formatValue(edges[i]), formatValue(edges[i + 1]), formatCount(count)]),
    },
  });
}

function heatmap(
  numeric: readonly FeatureSummary[],
  correlation: readonly (readonly (number | null)[])[],
): Markup {
  const chosen = mostCorrelated(correlation);
  const names = chosen.map((f) => numeric[f].name);
  const pairs = correlation
    .flatMap((row, a) => row.slice(0, a).map((value, b) => ({ a, b, value })))
    .flatMap(({ a, b, value }) => (value === null ? [] : [{ a: numeric[a].name, b: numeric[b].name, value }]))
    .sort((x, y) => Math.abs(y.value) - Math.abs(x.value))
    .slice(0, 30);
  const strongest = pairs
    .slice(0, 3)
    .map(({ a, b, value }) => `${a} with ${b} ${formatNumber(value, 'ratio')}`);
  return figure({
    id: 'correlation',
    title: 'Correlation of numeric features',
    caption: html`Pearson's r over rows that have both values: blue −1, white 0, red +1. Empty where a feature is constant.${
      chosen.length < numeric.length
        ? ` The ${chosen.length} features with the strongest correlations.`
        : null
    }`,
    alternative:
      strongest.length === 0
        ? 'No two features have a defined correlation.'
        : `Correlation heatmap of ${names.length} features; strongest: ${strongest.join('; ')}.`,
    svg: heatmapChart('correlation', {
      names,
      values: chosen.map((a) => chosen.map((b) => correlation[a][b])),
      range: [-1, 1],
      scale: 'diverging',
    }),
    wide: heatmapSize(names).width > WIDTH,
    data: {
      caption: 'Strongest correlations',
      head: ['Features', 'r'],
      rows: pairs.map(({ a, b, value }) => [`${a} – ${b}`, formatNumber(value, 'ratio')]),
    },
  });
}

/** Indices of the features with the greatest |r| to any other, at most 40, in the study's order. */
function mostCorrelated(correlation: readonly (readonly (number | null)[])[]): readonly number[] {
  return correlation
    .map((row, f) => ({ f, strength: Math.max(0, ...row.map((r, g) => (g === f ? 0 : Math.abs(r ?? 0)))) }))
    .sort((a, b) => b.strength - a.strength)
    .slice(0, MOST_CORRELATED)
    .map(({ f }) => f)
    .sort((a, b) => a - b);
}
