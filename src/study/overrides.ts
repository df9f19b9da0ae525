/** `--set key=value`: single keys of a study changed on the command line. */
import { parse, YAMLParseError } from 'yaml';
import { suggestName } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { defaultMapAt, isObject, keysAt } from './schemaKeys.js';

/**
 * Writes `key=value` pairs into a study as its file gives it; checking the whole is left to the schema.
 *
 * A pair that picks another alternative (`split.method=kfold`, `training.loss.name=bce`) also drops the keys of
 * the section that the new alternative does not know.
 * @param tree   the study as written; left as it is
 * @param pairs  e.g. `training.epochs=3`, `model.modalities=[image]`; keys are separated by dots, the value is YAML
 * @returns the changed tree and the paths that were set
 * @throws ConfigError for a pair without "=", an unknown key (naming the nearest) or a value that is not YAML
 */
export function applyOverrides(
  tree: unknown,
  pairs: readonly string[],
): { readonly tree: unknown; readonly paths: readonly (readonly string[])[] } {
  const changed: unknown = structuredClone(tree);
  const paths: string[][] = [];
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    if (split < 1) throw new ConfigError(`--set ${pair}: must be key=value, for example training.epochs=3`);
    const path = pair.slice(0, split).split('.');
    write(changed, path, yamlValue(pair, pair.slice(split + 1)), pair);
    paths.push(path);
  }
  return { tree: changed, paths };
}

function yamlValue(pair: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof YAMLParseError)
      throw new ConfigError(`--set ${pair}: the value is not valid YAML: ${error.message}`);
    throw error;
  }
}

function write(tree: unknown, path: readonly string[], value: unknown, pair: string): void {
  let place = tree;
  for (const [depth, key] of path.entries()) {
    const parent = path.slice(0, depth);
    if (!isObject(place))
      throw new ConfigError(
        `--set ${pair}: ${parent.join('.')} is not a map and has no key "${key}"`,
        path.join('.'),
      );
    const known = keysAt(parent, tree);
    if (known.length > 0 && !known.includes(key)) {
      throw new ConfigError(
        `--set ${pair}: ${parent.length === 0 ? 'the study' : parent.join('.')} has no key "${key}"; ${suggestName(key, known)}`,
        path.join('.'),
      );
    }
    if (depth === path.length - 1) {
      place[key] = value;
      const allowed = keysAt(parent, tree);
      if (allowed.length > 0 && allowed.join() !== known.join())
        for (const sibling of Object.keys(place)) if (!allowed.includes(sibling)) delete place[sibling];
    } else {
      place[key] ??= defaultMapAt(path.slice(0, depth + 1), tree);
      place = place[key];
    }
  }
}
