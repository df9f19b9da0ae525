/** docs/study-file.md, made from the schema, so that text and checks cannot disagree. */
import type { z } from 'zod';
import { studyJsonSchema } from './schemaKeys.js';

type Node = z.core.JSONSchema.JSONSchema;

/** The reference of the study file as Markdown: every key with type, default and meaning. */
export function studyReference(): string {
  const lines = [
    '# The study file',
    '',
    'Made from the schema by `node scripts/study-file.mjs`; a test compares the two. Keys are written with dots, as',
    '`--set` takes them. A key without a default is required unless its text names one.',
    '',
  ];
  const own = childrenOf(studyJsonSchema).filter(([, node]) => !isSection(node));
  lines.push(...table(own.flatMap(([key, node]) => rowsOf(key, node))));
  for (const [key, node] of childrenOf(studyJsonSchema).filter(([, child]) => isSection(child))) {
    lines.push('', `## \`${key}\``, '', node.description ?? '', '');
    const alternatives = optionsOf(node);
    const rows =
      alternatives.length === 0
        ? childrenOf(node).flatMap(([name, child]) => rowsOf(`${key}.${name}`, child))
        : alternatives.flatMap((option) => alternativeRows(key, option));
    lines.push(...table(rows));
  }
  return `${lines.join('\n')}\n`;
}

type Row = readonly [key: string, type: string, fallback: string, meaning: string];

/** A Markdown table, its columns padded as the formatter wants them. */
function table(rows: readonly Row[]): string[] {
  const escapeCell = (text: string) =>
    text.replaceAll('<', '&lt;').replaceAll('|', '\\|').replaceAll('\n', ' ');
  const lines = [['key', 'value', 'default', 'meaning'], ...rows.map((row) => row.map(escapeCell))];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`);
}

function isSection(node: Node): boolean {
  return [node, ...optionsOf(node)].some(({ properties }) => properties !== undefined);
}

function childrenOf(node: Node): [string, Node][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    typeof child === 'object' ? [[key, child] as [string, Node]] : [],
  );
}

function optionsOf(node: Node): Node[] {
  return (node.anyOf ?? node.oneOf ?? []).filter((option) => typeof option === 'object');
}

/** Rows of a key and, below it, of the keys it holds. */
function rowsOf(key: string, node: Node): Row[] {
  const { default: fallback } = node;
  const plain = fallback === undefined || isEmptyMap(fallback) ? '' : `\`${JSON.stringify(fallback)}\``;
  const own: Row = [`\`${key}\``, typeOf(node), plain, node.description ?? ''];
  const inner = childrenOf(node).flatMap(([name, child]) => rowsOf(`${key}.${name}`, child));
  const item = typeof node.items === 'object' && !Array.isArray(node.items) ? node.items : undefined;
  const items =
    item === undefined
      ? []
      : [item, ...optionsOf(item)].flatMap((own) =>
          childrenOf(own).flatMap(([name, child]) => rowsOf(`${key}[].${name}`, child)),
        );
  const alternatives = optionsOf(node).flatMap((option) => alternativeRows(key, option));
  return [own, ...inner, ...items, ...alternatives];
}

/** Rows of one alternative of a section; the key that picks it is shown with its value. */
function alternativeRows(key: string, option: Node): Row[] {
  const children = childrenOf(option);
  const picked = children.find(([, child]) => child.const !== undefined);
  const label = picked === undefined ? '' : `${picked[0]}: ${picked[1].const}`;
  return children.flatMap(([name, child]): Row[] =>
    child.const !== undefined
      ? [[`\`${key}.${name}\``, `\`${child.const}\``, '', child.description ?? '']]
      : rowsOf(`${key}.${name}`, child).map(
          ([path, type, fallback, meaning]): Row => [
            path,
            type,
            fallback,
            label === '' ? meaning : `(${label}) ${meaning}`,
          ],
        ),
  );
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(' | ');
  const options = optionsOf(node);
  if (options.length > 0) return [...new Set(options.map(typeOf))].join(' | ');
  if (node.type === 'array') {
    const item = typeof node.items === 'object' && !Array.isArray(node.items) ? typeOf(node.items) : 'value';
    return `list of ${item}`;
  }
  if (node.type === 'object') return node.properties === undefined ? 'map' : 'section';
  return typeof node.type === 'string' ? node.type : 'value';
}

function isEmptyMap(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}
