/** Declared rules that raise a tier, such as "HPV = yes → at least medium" (P7). */
import { suggestName } from '../data/index.js';
import { ConfigError } from '../errors.js';
import type { Stage1Features } from './features.js';

/** Raises the tier of rows in which `column op value` holds. A missing value never fires a rule. */
export interface TierOverride {
  /** Label whose tier is raised; default every label. */
  readonly label?: string;
  /** A numeric, ordinal or categorical column of the table. */
  readonly column: string;
  /** Categorical columns know `=` and `!=` only. */
  readonly op: keyof typeof comparisons;
  /** A number, or the name of a category or of an ordinal level. */
  readonly value: number | string;
  /** Lowest tier of such a row. */
  readonly tier: 'medium' | 'high';
}

const comparisons = {
  '=': (x: number, y: number) => x === y,
  '!=': (x: number, y: number) => x !== y,
  '<': (x: number, y: number) => x < y,
  '<=': (x: number, y: number) => x <= y,
  '>': (x: number, y: number) => x > y,
  '>=': (x: number, y: number) => x >= y,
} as const satisfies Record<string, (x: number, y: number) => boolean>;

/**
 * Refuses rules that cannot be meant.
 * @param diagnosisColumns label → columns that state its diagnosis, besides a column of the label's own name
 * @throws ConfigError for an unknown label or comparison, or a rule that defines a tier by the diagnosis it predicts
 */
export function checkOverrides(
  overrides: readonly TierOverride[],
  labels: readonly string[],
  diagnosisColumns: Readonly<Record<string, readonly string[]>>,
): void {
  overrides.forEach(({ label, column, op, tier }, i) => {
    const path = `tiers.overrides[${i}]`;
    if (label !== undefined && !labels.includes(label)) {
      throw new ConfigError(
        `fitTiers: an override must name a label, got "${label}"; ${suggestName(label, labels)}`,
        `${path}.label`,
      );
    }
    if (!Object.hasOwn(comparisons, op)) {
      throw new ConfigError(
        `fitTiers: an override compares by one of ${Object.keys(comparisons).join(' ')}, got "${op}"`,
        `${path}.op`,
      );
    }
    if (tier !== 'medium' && tier !== 'high') {
      throw new ConfigError(`fitTiers: an override raises to medium or high, got "${tier}"`, `${path}.tier`);
    }
    for (const target of label === undefined ? labels : [label]) {
      const own = Object.hasOwn(diagnosisColumns, target) ? diagnosisColumns[target] : [];
      if (column === target || own.includes(column)) {
        throw new ConfigError(
          `fitTiers: column "${column}" states the diagnosis of label "${target}" and may not define its tier; name other labels or another column`,
          `${path}.column`,
        );
      }
    }
  });
}

/** The rule in words, `HPV = yes -> at least medium`. */
export function describeOverride({ column, op, value, tier }: TierOverride): string {
  return `${column} ${op} ${value} -> at least ${tier}`;
}

/**
 * Where a rule fires.
 * @returns [n] 1 = fires
 * @throws ConfigError when the column is unknown or the value does not suit it
 */
export function firesOverride(override: TierOverride, features: Stage1Features): Uint8Array {
  const { column, op, value } = override;
  const compare = comparisons[op];
  const numeric = features.numeric.find(({ name }) => name === column);
  if (numeric !== undefined) {
    const bound = boundOf(override, numeric.kind === 'ordinal' ? (numeric.levels ?? []) : null);
    return Uint8Array.from(numeric.values, (x) => (!Number.isNaN(x) && compare(x, bound) ? 1 : 0));
  }
  const categorical = features.categorical.find(({ name }) => name === column);
  if (categorical === undefined) {
    const names = [...features.numeric, ...features.categorical].map(({ name }) => name);
    throw new ConfigError(
      `assignTiers: an override must name a feature column, got "${column}"; ${suggestName(column, names)}`,
      'tiers.overrides',
    );
  }
  if (op !== '=' && op !== '!=') {
    throw new ConfigError(
      `assignTiers: "${column}" is categorical and has no order, got "${describeOverride(override)}"; use = or !=, or declare it ordinal`,
      'tiers.overrides',
    );
  }
  const wanted = String(value);
  return Uint8Array.from(categorical.values, (x) => (x !== null && (x === wanted) === (op === '=') ? 1 : 0));
}

function boundOf(override: TierOverride, levels: readonly string[] | null): number {
  const { column, value } = override;
  if (levels === null) {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new ConfigError(
      `assignTiers: "${column}" is numeric, got "${describeOverride(override)}"; compare it with a number`,
      'tiers.overrides',
    );
  }
  const rank = levels.indexOf(String(value));
  if (rank < 0) {
    throw new ConfigError(
      `assignTiers: "${column}" has the levels ${levels.join(', ')}, got "${describeOverride(override)}"; compare it with one of them`,
      'tiers.overrides',
    );
  }
  return rank;
}
