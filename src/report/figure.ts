/** Building blocks of a section: figures with a text alternative and their data, tables, keys to symbols. */
import { type Content, html, Markup } from './html.js';

/** A chart with everything a reader needs who cannot see it. */
export interface FigureParts {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What the chart shows, with its numbers, as one or two sentences. */
  readonly alternative: string;
  /** Rendered SVG from charts.ts. */
  readonly svg: string;
  /** Sentence or key under the title. */
  readonly caption?: Content;
  /** The numbers behind the chart. */
  readonly data: TableParts;
  /** Spans all columns and scrolls sideways where the screen is narrower than the chart. */
  readonly wide?: boolean;
}

/** A table whose first column names its rows. */
export interface TableParts {
  readonly caption: string;
  readonly head: readonly Content[];
  /** Cells of a row, or a heading over the rows that follow. */
  readonly rows: readonly (readonly Content[] | { readonly group: string })[];
  /** Columns that a narrow screen leaves out because another table repeats them. */
  readonly minor?: readonly number[];
}

export function figure(parts: FigureParts): Markup {
  const { id, title, alternative, svg, caption = null, data, wide = false } = parts;
  return html`<figure id="${id}"${wide ? new Markup(' class="wide"') : null}>
<figcaption><strong>${title}</strong> ${caption}</figcaption>
<div class="chart" role="img" aria-label="${alternative}">${new Markup(svg)}</div>
<details><summary>Data of this chart</summary>${table(data)}</details>
</figure>`;
}

/** Figures in as many columns as fit. */
export function gallery(figures: readonly Markup[]): Markup {
  return html`<div class="gallery">${figures}</div>`;
}

export function table({ caption, head, rows, minor = [] }: TableParts): Markup {
  const cls = (column: number) => (minor.includes(column) ? new Markup(' class="minor"') : null);
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell, i) => html`<th scope="col"${cls(i)}>${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => tableRow(row, head.length, cls))}</tbody></table></div>`;
}

function tableRow(
  row: TableParts['rows'][number],
  columns: number,
  cls: (column: number) => Markup | null,
): Markup {
  if ('group' in row) {
    return html`<tr class="group"><th scope="rowgroup" colspan="${columns}">${row.group}</th></tr>
`;
  }
  const [first, ...rest] = row;
  return html`<tr><th scope="row"${cls(0)}>${first}</th>${rest.map((cell, i) => html`<td${cls(i + 1)}>${cell}</td>`)}</tr>
`;
}

const glyphs = { circle: '●', diamond: '◆', triangle: '▲', rect: '■', line: '━', dashed: '┅' } as const;

/** A key: symbol, colour and meaning. */
export function key(
  entries: readonly { readonly name: string; readonly color: string; readonly symbol: keyof typeof glyphs }[],
): Markup {
  return html`<span class="key">${entries.map(
    ({ name, color, symbol }) =>
      html`<span><span aria-hidden="true" style="color:${color}">${glyphs[symbol]}</span> ${name}</span> `,
  )}</span>`;
}
