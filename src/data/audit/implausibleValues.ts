/** Numbers that look like codes for a missing value, or like slips: an age of 414, a weight of 999. */
import type { Cohort } from '../cohort.js';
import { distinctValues, recordedValues } from '../gather.js';
import { type Finding, makeFinding } from './finding.js';

/** Values so far out that only a code or a slip explains them, and ages that nobody has. */
const FENCE = 3;
const OLDEST_YEARS = 120;
const FEWEST_VALUES = 20;

/** Findings `implausible-values:COLUMN`. */
export function findImplausibleValues({ numeric, lines }: Cohort): Finding[] {
  return numeric.flatMap(({ name, kind, values }) => {
    if (kind === 'ordinal') return [];
    const outside = implausible(name, recordedValues(values));
    const found: number[] = [];
    for (let row = 0; row < values.length; row++) {
      if (!Number.isNaN(values[row]) && outside(values[row])) found.push(row);
    }
    if (found.length === 0) return [];
    return makeFinding('implausible-values', 'note', name, {
      message: `column "${name}" holds values far from all others, perhaps codes for "not recorded"`,
      columns: [name],
      count: found.length,
      lines: found.map((row) => lines[row]),
      remedy: `state its plausible range under data.valid, and what lies outside counts as missing`,
    });
  });
}

/**
 * Tells implausible values: beyond the outer fences, three interquartile ranges from the quartiles
 * [tukey1977exploratory], on the scale as recorded and on a logarithmic one, so that a skewed column is not taken for
 * a faulty one; codes made of nines, or minus one, at an end of the column; ages above 120 years.
 */
function implausible(name: string, values: Float64Array): (value: number) => boolean {
  const sorted = values.toSorted();
  const distinct = distinctValues(sorted);
  const isAge = /(^|[^a-z])age([^a-z]|$)/i.test(name);
  const old = (value: number) => isAge && (value > OLDEST_YEARS || value < 0);
  if (sorted.length < FEWEST_VALUES || distinct.length <= 2) return old;
  const ends = [distinct[0], distinct[distinct.length - 1]];
  const count = (value: number) => sorted.reduce((sum, other) => sum + (other === value ? 1 : 0), 0);
  const codes = ends.filter((value) => isCode(value) && count(value) > count(nextTo(value, distinct)));
  const plain = outerFences(sorted);
  const positive = sorted.subarray(firstAbove(sorted, 0));
  const logarithmic = outerFences(positive.map(Math.log));
  return (value) =>
    old(value) ||
    codes.includes(value) ||
    (beyond(value, plain) && (value <= 0 || beyond(Math.log(value), logarithmic)));
}

/** Place of the first of ascending values above a bound. */
function firstAbove(ascending: Float64Array, bound: number): number {
  const found = ascending.findIndex((value) => value > bound);
  return found === -1 ? ascending.length : found;
}

/** −1, −9, −99, 99, 999, … */
function isCode(value: number): boolean {
  return /^(-1|-9+|999*)$/.test(String(value)) && value !== 9;
}

function nextTo(value: number, distinct: Float64Array): number {
  return value === distinct[0] ? distinct[1] : distinct[distinct.length - 2];
}

/** Outer fences, or null where half of the values are equal, or there are none, and the range says nothing. */
function outerFences(sorted: Float64Array): readonly [number, number] | null {
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const range = at(0.75) - at(0.25);
  return range === 0 ? null : [at(0.25) - FENCE * range, at(0.75) + FENCE * range];
}

function beyond(value: number, fences: readonly [number, number] | null): boolean {
  return fences !== null && (value < fences[0] || value > fences[1]);
}
