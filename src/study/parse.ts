/** From the text of a study file to a checked study, with messages that name file, line, key and remedy. */
import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { nearestName, suggestName } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { applyOverrides } from './overrides.js';
import { type Study, studySchema } from './schema.js';
import { keysAt } from './schemaKeys.js';

type Path = readonly PropertyKey[];

/**
 * Reads a study file.
 * @param yamlText   the file's text, YAML 1.2
 * @param file       its name, for messages
 * @param overrides  `key=value` pairs of `--set`, such as `training.epochs=3`; the value is YAML
 * @returns the study with every default written out
 * @throws ConfigError that names file, line, key and, for an unknown key, the nearest known one
 */
export function parseStudy(yamlText: string, file: string, overrides: readonly string[] = []): Study {
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new ConfigError(`study ${file}, line ${line}, column ${col}: not valid YAML: ${fault.message}`);
  }
  const tree: unknown = document.toJS() ?? {};
  if (typeof tree !== 'object' || Array.isArray(tree))
    throw new ConfigError(
      `study ${file}: must be a map of sections such as "data:" and "labels:", got ${kindOf(tree)}`,
    );
  const { tree: input, paths } = applyOverrides(tree, overrides);
  const result = studySchema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const locate = (path: Path) => {
    const key = path.map(String);
    const overlaps = (set: readonly string[]) => set.every((part, i) => i >= key.length || part === key[i]);
    const given = paths.find(overlaps);
    if (given !== undefined) return `--set ${given.join('.')}`;
    const line = lineOf(document, path, lines);
    return `study ${file}${line === undefined ? '' : `, line ${line}`}`;
  };
  const faults = result.error.issues.flatMap((issue) => explain(issue, input));
  const shown = faults.slice(0, 10).map(({ path, message }) => `${locate(path)}: ${message}`);
  if (faults.length > shown.length) shown.push(`… and ${faults.length - shown.length} more`);
  throw new ConfigError(shown.join('\n'), faults[0].path.join('.'));
}

interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** One zod issue as sentences about keys; an unknown key gets the nearest known one of its place. */
function explain(issue: z.core.$ZodIssue, input: unknown): Fault[] {
  const where = issue.path.length === 0 ? 'the study' : issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path, input);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `${where} has no key "${key}"; ${suggestName(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The alternative meant is the one that accepts the kind of value given: its faults lie deeper or are of another sort.
    const meant = issue.errors.find((alternative) =>
      alternative.every((inner) => inner.path.length > 0 || inner.code !== 'invalid_type'),
    );
    if (meant !== undefined)
      return meant.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, input));
    const kinds = issue.errors.flatMap((alternative) => alternative.map((inner) => sentence(inner)));
    return [{ path: issue.path, message: `${where}: ${[...new Set(kinds)].join(', or ')}` }];
  }
  return [{ path: issue.path, message: `${where}: ${sentence(issue)}` }];
}

/** What the value must be and what it is. */
function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_value') {
    const suggestion =
      typeof issue.input === 'string' ? nearestName(issue.input, issue.values.map(String)) : null;
    const hint = suggestion === null ? '' : `; did you mean "${suggestion}"?`;
    return `must be ${issue.values.join(' or ')}, got ${show(issue.input)}${hint}`;
  }
  if (issue.code === 'invalid_union') {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return options.length === 0 ? issue.message : `must be one of ${options.join(', ')}`;
  }
  const got = issue.code === 'custom' || issue.input === undefined ? '' : `, got ${show(issue.input)}`;
  return `${issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')}${got}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : `${typeof value} ${show(value)}`;
}

/** The 1-based line of the deepest part of `path` that the file writes. */
function lineOf(document: Document, path: Path, lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === String(part));
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      node = document.getIn(path.slice(0, path.indexOf(part) + 1), true);
      if (isNode(node)) offset = node.range?.[0] ?? offset;
      else break;
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
