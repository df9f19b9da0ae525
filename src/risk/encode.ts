/**
 * From imputed columns to stage 1's feature matrix: numbers or bins, one-hot levels, missing indicators. Which features
 * there are is decided on the training rows and kept in the model.
 */
import { gather, suggestName } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { type BinMethod, binOf, checkCuts, quantileCuts, treeCuts, uniformCuts } from './discretise.js';
import { type Feature, featureName, type LabelRows, type Stage1Features } from './features.js';
import type { ImputedCategorical, ImputedNumeric } from './impute.js';
import { columnNote, type Stage1Note } from './note.js';
import type { Stage1Options } from './options.js';

type Imputed = {
  readonly numeric: readonly ImputedNumeric[];
  readonly categorical: readonly ImputedCategorical[];
};

/**
 * Chooses the features on the training rows. Features that are constant there, or equal to an earlier feature or its
 * complement, are left out and noted: they would crowd the top N.
 * @returns the features and their columns, [feature][row of the cohort]
 */
export function chooseFeatures(
  source: Stage1Features,
  imputed: Imputed,
  rows: Int32Array,
  labels: readonly LabelRows[],
  options: Stage1Options,
): { features: Feature[]; columns: Float64Array[]; notes: Stage1Note[] } {
  checkFixedColumns(source, options);
  const notes: Stage1Note[] = [];
  const emptyColumns = new Set<string>();
  const candidates: Feature[] = [];
  imputed.numeric.forEach(({ column, values, missing }, i) => {
    const { kind, levels } = source.numeric[i];
    const recorded = rows.filter((row) => missing[row] === 0);
    if (recorded.length === 0) emptyColumns.add(column);
    const numbers = gather(values, recorded);
    candidates.push({
      kind: 'numeric',
      column,
      levels: kind === 'ordinal' ? (levels ?? []) : null,
      integer: numbers.every(Number.isInteger),
      cuts: kind === 'ordinal' ? null : cutsFor(column, values, numbers, missing, labels, options),
    });
    if (options.missingIndicators) candidates.push({ kind: 'missing', column });
  });
  imputed.categorical.forEach(({ column, values, missing }) => {
    if (rows.every((row) => missing[row] === 1)) emptyColumns.add(column);
    const levels = new Map<string, number>();
    for (const row of rows) {
      const value = values[row];
      if (value !== null) levels.set(value, (levels.get(value) ?? 0) + 1);
    }
    // Rare levels first, so that of two complementary levels the rarer one, mostly the finding, stays.
    const ascending = [...levels.keys()].sort((a, b) => levels.get(a)! - levels.get(b)! || (a < b ? -1 : 1));
    for (const level of ascending) candidates.push({ kind: 'level', column, level });
    if (options.missingIndicators) candidates.push({ kind: 'missing', column });
  });

  const features: Feature[] = [];
  const columns: Float64Array[] = [];
  const constant: Feature[] = [];
  const twins = new Twins(rows);
  encode(candidates, imputed, source.size, rows).forEach((column, i) => {
    const feature = candidates[i];
    if (feature.kind === 'numeric' && feature.cuts !== null) notes.push(...emptyBins(feature, column, rows));
    if (rows.every((row) => column[row] === column[rows[0]])) {
      constant.push(feature);
      return;
    }
    if (twins.isTwin(feature, column)) return;
    features.push(feature);
    columns.push(column);
  });
  for (const column of emptyColumns) {
    notes.push(columnNote('empty-column', column, 'has no recorded training value; it is left out'));
  }
  // A column whose missing values still vary keeps its indicator, and is constant all the same.
  for (const column of new Set(
    constant.flatMap((feature) => (feature.kind === 'missing' ? [] : [feature.column])),
  )) {
    if (emptyColumns.has(column)) continue;
    notes.push(
      columnNote('constant-column', column, 'has one recorded value in the training rows; it is left out'),
    );
  }
  return { features, columns, notes: [...notes, ...twins.notes()] };
}

/** The features' values for the given rows. @returns [feature][row of the cohort], 0 in other rows */
export function encode(
  features: readonly Feature[],
  imputed: Imputed,
  size: number,
  rows: Int32Array,
): Float64Array[] {
  const numeric = new Map(imputed.numeric.map((column) => [column.column, column]));
  const categorical = new Map(imputed.categorical.map((column) => [column.column, column]));
  return features.map((feature) => {
    const out = new Float64Array(size);
    if (feature.kind === 'level') {
      const { values } = categorical.get(feature.column)!;
      for (const row of rows) out[row] = values[row] === feature.level ? 1 : 0;
    } else if (feature.kind === 'missing') {
      const { missing } = numeric.get(feature.column) ?? categorical.get(feature.column)!;
      for (const row of rows) out[row] = missing[row];
    } else {
      const { values } = numeric.get(feature.column)!;
      const { cuts } = feature;
      for (const row of rows) out[row] = cuts === null ? values[row] : binOf(cuts, values[row]);
    }
    return out;
  });
}

function checkFixedColumns({ numeric }: Stage1Features, { bins }: Stage1Options): void {
  const names = numeric.filter(({ kind }) => kind === 'numeric').map(({ name }) => name);
  for (const column of Object.keys(bins.fixed)) {
    if (!names.includes(column)) {
      throw new ConfigError(
        `fitStage1: stage1.bins.fixed must name numeric columns, got "${column}"; ${suggestName(column, names)}`,
        'stage1.bins.fixed',
      );
    }
  }
}

function cutsFor(
  column: string,
  values: Float64Array,
  recorded: Float64Array,
  missing: Uint8Array,
  labels: readonly LabelRows[],
  { bins, univariate }: Stage1Options,
): readonly number[] | null {
  if (Object.hasOwn(bins.fixed, column)) return checkCuts(column, bins.fixed[column]);
  // A column of two values is cut already.
  if (bins.method === 'none' || new Set(recorded).size <= 2) return null;
  const known = () =>
    labels.map(({ target, rows }) => ({ target, rows: rows.filter((row) => missing[row] === 0) }));
  const methods: Record<BinMethod, () => number[]> = {
    quantile: () => quantileCuts(recorded, bins.count),
    uniform: () => uniformCuts(recorded, bins.count),
    tree: () => treeCuts(values, known(), bins.count, univariate.minSamples),
  };
  return methods[bins.method]();
}

function emptyBins(
  feature: Feature & { readonly kind: 'numeric' },
  codes: Float64Array,
  rows: Int32Array,
): Stage1Note[] {
  const used = new Set(Array.from(rows, (row) => codes[row]));
  const empty = feature.cuts!.length + 1 - used.size;
  return empty === 0
    ? []
    : [
        columnNote(
          'empty-bin',
          feature.column,
          `has ${empty} of ${feature.cuts!.length + 1} bins without a training row`,
        ),
      ];
}

/** Finds columns that tell the training rows apart alike: equal values, or for two-valued ones also the complement. */
class Twins {
  private readonly byHash = new Map<
    number,
    { first: Feature; canonical: Float64Array; twins: Feature[] }[]
  >();

  constructor(private readonly rows: Int32Array) {}

  /** Whether there was an earlier twin; else remembers the column. `column` must not be constant. */
  isTwin(feature: Feature, column: Float64Array): boolean {
    const canonical = this.canonical(column);
    const hash = hashOf(canonical);
    const peers = this.byHash.get(hash) ?? [];
    const twin = peers.find((peer) => peer.canonical.every((value, i) => value === canonical[i]));
    twin?.twins.push(feature);
    if (twin === undefined) this.byHash.set(hash, [...peers, { first: feature, canonical, twins: [] }]);
    return twin !== undefined;
  }

  /** What each kept feature stands for. The other of a column's two levels goes without saying. */
  notes(): Stage1Note[] {
    return [...this.byHash.values()].flat().flatMap(({ first, twins }): Stage1Note[] => {
      const others = twins.filter(({ column }) => column !== first.column).map(featureName);
      if (others.length === 0) return [];
      return [
        {
          code: 'duplicate-features',
          message: `"${featureName(first)}" stands for ${others.length} more that tell the training rows apart alike: ${others.join(', ')}`,
        },
      ];
    });
  }

  private canonical(column: Float64Array): Float64Array {
    const values = gather(column, this.rows);
    const first = values[0];
    const second = values.find((value) => value !== first);
    const binary = values.every((value) => value === first || value === second);
    return binary ? values.map((value) => (value === first ? 0 : 1)) : values;
  }
}

function hashOf(values: Float64Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash;
}
