/** Which columns may be what the study predicts. */
import { alwaysNegative, alwaysPositive } from '../../data/index.js';
import { DataError } from '../../errors.js';
import { kindOf } from './kinds.js';
import { soundsLikeOutcome, suggests } from './names.js';
import type { ColumnProfile, TableProfile } from './profile.js';

/** One finding of a delimited column. */
export interface Finding {
  readonly name: string;
  readonly rows: number;
  /** Whether it is proposed as a label. */
  readonly taken: boolean;
}

export type ProposedLabels = {
  /** What the proposal rests on. */
  readonly why: string;
  /** Whether a person should decide rather than check. */
  readonly unsure: boolean;
} & (
  | {
      readonly columns: readonly ColumnProfile[];
      /** Spellings beyond those that every study knows. */
      readonly positive: readonly string[];
      readonly negative: readonly string[];
    }
  | {
      readonly column: ColumnProfile;
      readonly delimiter: string;
      readonly none: string | null;
      readonly findings: readonly Finding[];
    }
);

const PRESENT = ['positive', 'pos', 'present', 'dead', 'died', 'deceased', 'abnormal', 'malignant', 'case'];
const ABSENT = ['negative', 'neg', 'absent', 'alive', 'survived', 'normal', 'benign', 'control'];
const nothing = /^(?:no findings?|none|normal|no abnormality|negative|healthy|control|no disease)$/i;

/** More yes/no columns than this, or a larger share of the table, are answers to questions rather than outcomes. */
const MOST_TRAILING = 20;
const MOST_TRAILING_SHARE = 0.6;
const LEAST_FINDING_ROWS = 10;
const MOST_FINDINGS = 60;

/**
 * Proposes labels: a column that lists findings, else the yes/no columns at the end of the table, else those that sound
 * like outcomes, else a category that does.
 * @throws DataError `no-label` when no column can be a label
 */
export function proposeLabels({ file, columns }: TableProfile): ProposedLabels {
  const named = columns.filter(({ name }) => name !== '');
  const binary = new Set(named.filter((column) => spellings(column) !== null));
  const delimited = named.filter((column) => !binary.has(column)).flatMap((column) => listed(column) ?? []);
  if (delimited.length > 0) return delimited[0];

  const sounding = [...binary].filter(({ meant }) => soundsLikeOutcome(meant));
  const trailing = trailingRun(named, binary);
  if (trailing.length > 0) {
    const plain = trailing.filter(({ meant }) => suggests(meant, 'plainly'));
    const beside = (taken: readonly ColumnProfile[]) => sounding.some((column) => !taken.includes(column));
    if (plain.length > 0)
      return ofColumns(plain, 'named as the outcome, at the end of the table', beside(plain));
    if (trailing.length > Math.min(MOST_TRAILING, MOST_TRAILING_SHARE * named.length))
      return ofColumns(trailing.slice(-1), 'the last of many yes/no columns', true);
    const other = trailing.filter(({ meant }) => !suggests(meant, 'diagnosis'));
    const taken = other.length > 0 ? other : trailing;
    return ofColumns(taken, 'the yes/no columns at the end of the table', beside(taken));
  }
  if (sounding.length > 0) return ofColumns(sounding, 'yes/no columns whose names sound like outcomes', true);
  const categories = named.filter(
    (column) => kindOf(column) === 'categorical' && soundsLikeOutcome(column.meant),
  );
  if (categories.length > 0) return ofCategory(categories[categories.length - 1]);
  const last = [...binary].pop();
  if (last !== undefined) return ofColumns([last], 'the last yes/no column', true);
  throw new DataError(
    'no-label',
    `init: a study needs a column to predict, 0/1 or yes/no, or one that lists findings ("A|B|No Finding"), got none among ${named.length} columns; add one to the table`,
    { file, row: 1 },
  );
}

/** The columns that a proposal takes. */
export function labelColumns(labels: ProposedLabels): readonly ColumnProfile[] {
  return 'columns' in labels ? labels.columns : [labels.column];
}

/** The yes/no columns that follow all others, columns without a choice aside. */
function trailingRun(named: readonly ColumnProfile[], binary: ReadonlySet<ColumnProfile>): ColumnProfile[] {
  const run: ColumnProfile[] = [];
  for (const column of [...named].reverse()) {
    const kind = kindOf(column);
    if (kind === 'empty' || kind === 'constant') continue;
    if (!binary.has(column)) break;
    run.unshift(column);
  }
  return run;
}

/** How a column spells present and absent; null when it says anything else or only one of the two. */
function spellings({ levels, distinct }: ColumnProfile): { positive: string[]; negative: string[] } | null {
  if (distinct === null || distinct < 2 || distinct > 4) return null;
  const spelled = [...levels.keys()];
  const isNumberOf = (value: number) => (level: string) =>
    /^[01](?:\.0*)?$/.test(level) && Number(level) === value;
  const among = (words: readonly string[], value: number) =>
    spelled.filter((level) => words.includes(level.toLowerCase()) || isNumberOf(value)(level));
  const positive = among([...alwaysPositive, ...PRESENT], 1);
  const negative = among([...alwaysNegative, ...ABSENT], 0);
  const whole = positive.length + negative.length === spelled.length;
  return whole && positive.length > 0 && negative.length > 0 ? { positive, negative } : null;
}

function ofColumns(columns: readonly ColumnProfile[], why: string, unsure: boolean): ProposedLabels {
  const all = columns.map((column) => spellings(column)!);
  const further = (words: readonly string[], known: readonly string[]) => [
    ...new Set(words.filter((word) => !known.includes(word.toLowerCase()))),
  ];
  return {
    why,
    unsure,
    columns,
    positive: further(
      all.flatMap(({ positive }) => positive),
      alwaysPositive,
    ),
    negative: further(
      all.flatMap(({ negative }) => negative),
      alwaysNegative,
    ),
  };
}

/** Findings listed in one column, where cells hold several of them; null when they do not. */
function listed(column: ColumnProfile): ProposedLabels | null {
  const { levels, distinct, numbers, meant } = column;
  if (numbers > 0 || distinct === null || distinct < 3 || suggests(meant, 'note')) return null;
  for (const delimiter of ['|', ';', ',']) {
    if (delimiter !== '|' && !soundsLikeOutcome(meant)) continue;
    const several = [...levels.keys()].filter((level) => level.includes(delimiter));
    const findings = count(levels, delimiter);
    // Where a comma is part of a name, no part of it stands alone.
    if (!several.some((level) => parts(level, delimiter).some((part) => levels.has(part)))) continue;
    const short = [...findings.keys()].every((name) => name !== '' && name.split(/\s+/).length <= 5);
    if (!short || findings.size > MOST_FINDINGS) continue;
    const alone = (name: string) => several.every((level) => !parts(level, delimiter).includes(name));
    const none = [...findings.keys()].find((name) => nothing.test(name) && alone(name)) ?? null;
    return {
      why: `cells list findings, "${delimiter}" between them`,
      unsure: false,
      column,
      delimiter,
      none,
      findings: ranked(findings, none),
    };
  }
  return null;
}

/** One label per category; of two categories, neither of which is plainly "absent", only the rarer. */
function ofCategory(column: ColumnProfile): ProposedLabels {
  const delimiter = ['|', ';', '§'].find(
    (sign) => ![...column.levels.keys()].some((level) => level.includes(sign)),
  )!;
  const none = [...column.levels.keys()].find((level) => nothing.test(level)) ?? null;
  const findings = ranked(column.levels, none);
  const two = findings.length === 2;
  return {
    why: 'a category whose name sounds like an outcome, one label per level',
    unsure: true,
    column,
    delimiter,
    none,
    findings: findings.map((finding, at) => (two ? { ...finding, taken: at === 1 } : finding)),
  };
}

function parts(level: string, delimiter: string): string[] {
  return level.split(delimiter).map((part) => part.trim());
}

function count(levels: ReadonlyMap<string, number>, delimiter: string): Map<string, number> {
  const findings = new Map<string, number>();
  for (const [level, rows] of levels) {
    for (const part of new Set(parts(level, delimiter))) findings.set(part, (findings.get(part) ?? 0) + rows);
  }
  return findings;
}

/** Findings from frequent to rare; rare ones are not proposed while there are others. */
function ranked(findings: ReadonlyMap<string, number>, none: string | null): Finding[] {
  const sorted = [...findings].filter(([name]) => name !== none).sort((a, b) => b[1] - a[1]);
  const enough = sorted.some(([, rows]) => rows >= LEAST_FINDING_ROWS);
  return sorted.map(([name, rows]) => ({ name, rows, taken: !enough || rows >= LEAST_FINDING_ROWS }));
}
