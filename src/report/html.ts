/**
 * HTML text that cannot be injected into: the only way to make a `Markup` is the `html` tag, which escapes
 * every interpolated string. Label names, rules and paths come from the user's data.
 */

/** A piece of HTML that needs no further escaping. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a template may hold; lists are joined, `null` prints nothing. */
export type Content = Markup | string | number | null | readonly Content[];

/** Text safe inside an element and inside a double- or single-quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/**
 * Tagged template that escapes what it interpolates.
 * @throws RangeError on a number that is not finite: a metric without a value is printed with its reason
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

function render(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') {
    if (!Number.isFinite(content)) throw new RangeError(`html: numbers must be finite, got ${content}`);
    return String(content);
  }
  return content.map(render).join('');
}
