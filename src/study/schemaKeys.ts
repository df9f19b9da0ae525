/** What keys the study schema knows at a path, read off its JSON Schema form. */
import { z } from 'zod';
import { studySchema } from './schema.js';

type Node = z.core.JSONSchema.JSONSchema;
type Path = readonly PropertyKey[];

/** The study schema as JSON Schema, for editors that complete and check YAML. */
export const studyJsonSchema: Node = z.toJSONSchema(studySchema, { io: 'input' });

/**
 * The keys that may stand at a path, given what the study says so far.
 * @param path   path of a map in the study, e.g. ['training', 'loss']
 * @param input  the study as written: its `name` or `method` picks among alternatives
 * @returns key names, empty where any key may stand
 */
export function keysAt(path: Path, input: unknown): string[] {
  return [...new Set(nodesAt(path, input).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** What stands at a path when the study leaves it out: the alternative that is the default, else an empty map. */
export function defaultMapAt(path: Path, input: unknown): Record<string, unknown> {
  const last = path[path.length - 1];
  const defaults = nodesAt(path.slice(0, -1), input).map((node) => childOf(node, last)?.default);
  return structuredClone(defaults.find(isObject) ?? {});
}

/** The JSON Schema nodes that may describe what stands at a path. */
function nodesAt(path: Path, input: unknown): Node[] {
  let nodes: Node[] = alternatives(studyJsonSchema, input);
  let value = input;
  for (const part of path) {
    value = isObject(value) ? value[String(part)] : undefined;
    nodes = nodes.flatMap((node) => alternatives(childOf(node, part), value));
  }
  return nodes;
}

/** The JSON Schema nodes that may describe `value`, alternatives opened and ruled out by their constants. */
function alternatives(node: Node | undefined, value: unknown): Node[] {
  if (node === undefined) return [];
  const options = node.anyOf ?? node.oneOf;
  if (options === undefined) return [node];
  const open = options
    .filter((option) => typeof option === 'object')
    .flatMap((option) => alternatives(option, value));
  const fitting = open.filter((option) =>
    Object.entries(option.properties ?? {}).every(
      ([key, property]) =>
        typeof property !== 'object' ||
        property.const === undefined ||
        (isObject(value) && value[key] === property.const),
    ),
  );
  return fitting.length > 0 ? fitting : open;
}

function childOf(node: Node, part: PropertyKey): Node | undefined {
  const child =
    typeof part === 'number'
      ? Array.isArray(node.items)
        ? node.items[part]
        : node.items
      : (node.properties?.[String(part)] ?? node.additionalProperties);
  return typeof child === 'object' && !Array.isArray(child) ? child : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
