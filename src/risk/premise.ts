/** Conditions in the table's own terms, as a clinician would say them. */
import type { Condition, Feature } from './features.js';

/**
 * The conditions joined by "and", each column's numeric tests as one interval: `30 ≤ Age < 45 and HPV = yes`,
 * `Grade = moderate`, `Income missing`. Tests that another implies are left out. Bins are named by their cut points,
 * ranks by their levels, whole numbers without the half between two of them.
 */
export function describePremise(features: readonly Feature[], conditions: readonly Condition[]): string {
  const seen = [...new Set(conditions.map(({ feature }) => feature))];
  const oneLevel = new Set(
    conditions.flatMap(({ feature, op }) => {
      const { kind, column } = features[feature];
      return kind === 'level' && isUpper(op) ? [column] : [];
    }),
  );
  const tests = seen.flatMap((index) => {
    const feature = features[index];
    const own = conditions.filter((condition) => condition.feature === index);
    if (feature.kind === 'numeric') return [describeInterval(feature, own)];
    const present = own.some(({ op }) => isUpper(op));
    if (feature.kind === 'missing') return [`${feature.column} ${present ? 'missing' : 'recorded'}`];
    // A column that equals one level differs from all others.
    if (!present && oneLevel.has(feature.column)) return [];
    return [`${feature.column} ${present ? '=' : '≠'} ${feature.level}`];
  });
  return tests.join(' and ');
}

type NumericFeature = Feature & { readonly kind: 'numeric' };
type Bound = Pick<Condition, 'op' | 'threshold'>;

/** Tests of one numeric feature, at least one. */
function describeInterval(feature: NumericFeature, conditions: readonly Bound[]): string {
  const { column, cuts, levels, integer } = feature;
  const steps = cuts !== null || levels !== null || integer;
  const bounds = steps ? conditions.map(wholeBound) : conditions;
  const lower = tightest(bounds.filter(({ op }) => isUpper(op)));
  const upper = tightest(bounds.filter(({ op }) => !isUpper(op)));
  const name = (value: number) => {
    if (cuts !== null) return plain(cuts[value - 1]);
    return levels === null ? plain(value) : levels[value];
  };
  if (lower === null || upper === null) {
    const { op, threshold } = (lower ?? upper)!;
    return `${column} ${signs[op]} ${name(threshold)}`;
  }
  if (steps && cuts === null && upper.threshold === lower.threshold + 1) {
    return `${column} = ${name(lower.threshold)}`;
  }
  const from = lower.op === '>=' ? '≤' : '<';
  return `${name(lower.threshold)} ${from} ${column} ${signs[upper.op]} ${name(upper.threshold)}`;
}

const signs = { '>=': '≥', '>': '>', '<=': '≤', '<': '<' } as const satisfies Record<Condition['op'], string>;

function isUpper(op: Condition['op']): boolean {
  return op === '>=' || op === '>';
}

/** The same test of a whole number, by the smallest whole number on the upper side. */
function wholeBound({ op, threshold }: Bound): Bound {
  const first = op === '>=' || op === '<' ? Math.ceil(threshold) : Math.floor(threshold) + 1;
  return { op: isUpper(op) ? '>=' : '<', threshold: first };
}

/** Of tests on one side the one that implies the others; null without any. */
function tightest(bounds: readonly Bound[]): Bound | null {
  return bounds.reduce<Bound | null>((best, bound) => {
    if (best === null) return bound;
    const further = isUpper(bound.op) ? bound.threshold - best.threshold : best.threshold - bound.threshold;
    const strict = bound.op === '>' || bound.op === '<';
    return further > 0 || (further === 0 && strict) ? bound : best;
  }, null);
}

function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}
