/** A checked study made concrete: absolute paths, a text form with every default, a fingerprint. */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { CohortSpec } from '../data/index.js';
import type { Study } from './schema.js';
import { isObject, keysAt } from './schemaKeys.js';

/** What a study reads, with absolute paths. */
export interface ResolvedStudy {
  readonly study: Study;
  /** Folder that the study's paths are relative to. */
  readonly dataDirectory: string;
  readonly cohort: CohortSpec;
  /** Files with published split lists, when `split.method` is `lists`. */
  readonly lists: { readonly test: string; readonly train?: string } | null;
}

/**
 * Makes a study's paths absolute.
 * @param study    a parsed study
 * @param options  `dataDirectory` as given by `--data`; default: the folder of `studyFile`
 */
export function resolveStudy(
  study: Study,
  options: { readonly studyFile: string; readonly dataDirectory?: string },
): ResolvedStudy {
  const dataDirectory = resolve(options.dataDirectory ?? dirname(options.studyFile));
  const absolute = (path: string) => resolve(dataDirectory, path);
  const { acceptFindings: _, maskWords: __, images, table, ...data } = study.data;
  const { positive, negative, ...labels } = study.labels;
  const { split } = study;
  return {
    study,
    dataDirectory,
    cohort: {
      ...data,
      table: absolute(table),
      ...(images === undefined ? {} : { images: { ...images, directory: absolute(images.directory) } }),
      labels: cohortLabels(labels),
      positive,
      negative,
    },
    lists:
      split.method === 'lists'
        ? {
            test: absolute(split.test),
            ...(split.train === undefined ? {} : { train: absolute(split.train) }),
          }
        : null,
  };
}

function cohortLabels(labels: Omit<Study['labels'], 'positive' | 'negative'>): CohortSpec['labels'] {
  const { columns, column, delimiter, names, none } = labels;
  if (columns !== undefined) return { columns };
  if (column === undefined || delimiter === undefined)
    throw new Error('internal: resolveStudy: labels without columns, or without a column and its delimiter');
  return { column, delimiter, names, none };
}

/**
 * The study as the run folder keeps it: YAML with every default written out, keys in the schema's order.
 * Parsing it gives the same study.
 */
export function dumpStudy(study: Study): string {
  return stringify(inSchemaOrder(study, []), { lineWidth: 100 });
}

/**
 * Fingerprint of everything that decides what a run computes: two studies with the same hash train alike on the
 * same data. Name and description do not count.
 * @returns SHA-256, hexadecimal
 */
export function studyHash(study: Study): string {
  const { name: _, description: __, ...rest } = study;
  return createHash('sha256')
    .update(JSON.stringify(inSchemaOrder(rest, [])))
    .digest('hex');
}

/** Keys as the schema lists them; keys of free maps (labels, ranges) stay as the user wrote them. */
function inSchemaOrder(value: unknown, path: readonly (string | number)[], root: unknown = value): unknown {
  if (Array.isArray(value)) return value.map((item, i) => inSchemaOrder(item, [...path, i], root));
  if (!isObject(value)) return value;
  const known = keysAt(path, root);
  const keys = known.length > 0 ? known : Object.keys(value);
  return Object.fromEntries(
    keys
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, inSchemaOrder(value[key], [...path, key], root)]),
  );
}
