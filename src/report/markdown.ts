/** Markdown that names from the data cannot break out of. */

/** One line of text in which every character stands for itself. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|#~$]/g, '\\$&');
}

/** A heading and, apart from empty ones, the blocks under it. */
export function part(heading: string, ...blocks: readonly string[]): string {
  return [`## ${heading}`, ...blocks.filter((block) => block !== '')].join('\n\n');
}

/** A list. @param entries text, escaped here */
export function bullets(entries: readonly string[]): string {
  return entries.map((entry) => `- ${escapeMarkdown(entry)}`).join('\n');
}

/** A table whose first column names its rows. @param head, rows text, escaped here */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
