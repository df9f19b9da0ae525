/** Which columns to predict from, and what speaks against the others. */

import type { ColumnKind } from './kinds.js';
import { kindOf, numberMarkers, ordinalLevels } from './kinds.js';
import type { ProposedLabels } from './labels.js';
import { soundsLikeOutcome, suggests } from './names.js';
import { type ColumnProfile, NUMBER_MARKERS } from './profile.js';

/** A column with what speaks for its part. */
export interface Part {
  readonly name: string;
  readonly why: string;
}

export interface Feature extends Part {
  readonly kind: 'numeric' | 'categorical' | 'ordinal' | 'text';
  /** From low to high, where ordinal. */
  readonly levels: readonly string[];
}

/** A column that is left out. */
export interface Exclusion extends Part {
  /** It sounds like an outcome, so that a person has to say what it is. */
  readonly outcome: boolean;
}

/** A yes/no column says nothing where fewer rows than this differ from the rest. */
const LEAST_ROWS = 3;

/** A column that should not be a feature, and why; null when nothing speaks against it. */
export function excluded(column: ColumnProfile, rows: number, labels: ProposedLabels): Exclusion | null {
  const { name, meant } = column;
  const kind = kindOf(column);
  const outcome = kind !== 'empty' && kind !== 'constant' && soundsLikeOutcome(meant);
  const why = outcome
    ? 'sounds like a diagnosis or outcome, which may be known only with the answer'
    : (objection(column, kind, rows) ?? saysNone(column, labels));
  return why === null ? null : { name, why, outcome };
}

function objection(column: ColumnProfile, kind: ColumnKind, rows: number): string | null {
  const { meant, missing, unique, values, distinct } = column;
  if (kind === 'empty') return 'never recorded';
  if (kind === 'constant') return `one value in all ${number(values)} recorded rows`;
  if (suggests(meant, 'source')) return 'says where the row comes from, not who the patient is';
  if (namesImages(column)) return 'names image files';
  if (suggests(meant, 'identifier') || suggests(meant, 'patient'))
    return `identifier, ${number(distinct)} different values`;
  if (
    kind === 'numeric' &&
    unique &&
    rows > 20 &&
    column.whole === values &&
    column.greatest - column.least === values - 1
  )
    return 'numbers the rows';
  if (kind === 'date') return 'dates; a feature would be the days between two of them';
  if (kind === 'mixed')
    return `${number(values - column.numbers - numberMarkers(column))} of ${number(values)} cells are not numbers, the first in line ${column.firstWord}`;
  if (kind === 'various')
    return `${distinct === null ? 'very many' : number(distinct)} different values in ${number(rows)} rows: too many for a category, too short for notes`;
  if (missing > 0.95 * rows) return recorded(column, rows);
  if (kind === 'binary') {
    const rarer = Math.min(ones(column), column.numbers - ones(column));
    if (rarer < LEAST_ROWS)
      return `only ${rarer} of ${number(column.numbers)} recorded rows ${rarer === 1 ? 'differs' : 'differ'} from the rest`;
  }
  return null;
}

/** A word that means "nothing found" in the labels cannot mean "not recorded" among numbers. */
export function saysNone({ numbers, levels }: ColumnProfile, labels: ProposedLabels): string | null {
  const none = 'none' in labels ? labels.none : null;
  if (none === null || numbers === 0 || !levels.has(none)) return null;
  return `${number(levels.get(none)!)} cells say ${JSON.stringify(none)}, which is an answer in the labels`;
}

/** A column as a feature, with what it holds. */
export function featureOf(column: ColumnProfile): Feature {
  const kind = kindOf(column);
  const { name, missing, whole, numbers, distinct, words } = column;
  const share = missing === 0 ? '' : `, ${percent(missing / (missing + column.values))} missing`;
  switch (kind) {
    case 'binary':
      return {
        name,
        kind: 'numeric',
        levels: [],
        why: `0/1: ${number(ones(column))} of ${number(numbers)} are 1${share}`,
      };
    case 'numeric': {
      const different = distinct === null ? 'many' : number(distinct - numberMarkerLevels(column));
      const which = whole === numbers ? 'whole numbers' : 'numbers';
      return { name, kind: 'numeric', levels: [], why: `${which}, ${different} different${share}` };
    }
    case 'ordinal':
      return { name, kind, levels: ordinalLevels(column)!, why: `${levelCounts(column)}${share}` };
    case 'categorical':
      return { name, kind, levels: [], why: `${levelCounts(column)}${share}` };
    case 'text':
      return {
        name,
        kind,
        levels: [],
        why: `${words.toFixed(0)} words on average${share}; words that name the diagnosis belong in maskWords`,
      };
    case 'empty':
    case 'constant':
    case 'date':
    case 'mixed':
    case 'various':
      throw new Error(`internal: featureOf: column of kind ${kind}`);
    default:
      return kind satisfies never;
  }
}

function numberMarkerLevels({ levels }: ColumnProfile): number {
  return [...NUMBER_MARKERS].filter((marker) => levels.has(marker)).length;
}

/** Rows per level, the frequent ones by name: a level that few rows have may point to a patient. */
export function levelCounts({ levels }: ColumnProfile): string {
  const sorted = [...levels].sort((a, b) => b[1] - a[1]);
  const shown = sorted.filter(([, rows]) => rows >= 5).slice(0, 6);
  const rest = sorted.length - shown.length;
  const names = shown.map(([level, rows]) => `${JSON.stringify(level)} ${number(rows)}`).join(', ');
  const others = rest > 0 ? `${shown.length > 0 ? ' and ' : ''}${rest} with fewer rows` : '';
  return `${sorted.length} levels: ${names}${others}`;
}

/** Whether a column mostly holds names of image files. */
export function namesImages({ imageNames, values }: ColumnProfile): boolean {
  return imageNames > 0 && imageNames >= values / 2;
}

/** Rows of a 0/1 column that are 1. */
function ones({ levels }: ColumnProfile): number {
  return [...levels].reduce((sum, [level, rows]) => sum + (Number(level) === 1 ? rows : 0), 0);
}

export function recorded({ values }: ColumnProfile, rows: number): string {
  return `recorded in ${number(values)} of ${number(rows)} rows`;
}

export function number(value: number | null): string {
  return value === null ? 'many' : value.toLocaleString('en');
}

function percent(share: number): string {
  return share < 0.01 ? 'under 1 %' : `${(100 * share).toFixed(0)} %`;
}
