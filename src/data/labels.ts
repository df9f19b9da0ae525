/** Labels of a row: present, absent or unknown, from one column each or from one delimited column. */
import { ConfigError } from '../errors.js';
import { BadRow, excerpt } from './bad-row.js';
import type { CohortNote, CohortSpec, DelimitedLabels } from './cohort.js';
import { type Columns, isDelimited } from './columns.js';
import { nearestName } from './nearest.js';
import { ownText } from './strings.js';

/** Labels of all rows; matrices [n, L]. */
export interface LabelMatrix {
  readonly labels: readonly string[];
  readonly targets: Float32Array;
  readonly known: Uint8Array;
  readonly notes: readonly CohortNote[];
}

/** The labels of a row by name; what is neither present nor unknown is absent. Rows that agree share one object. */
export interface RowLabels {
  readonly present: ReadonlySet<string>;
  readonly unknown: ReadonlySet<string> | 'all';
}

/** Reads labels row by row, then lays them out once every row has been seen. */
export interface LabelReader {
  /** @throws BadRow `bad-label` */
  read(cells: readonly string[]): RowLabels;
  matrix(rows: readonly RowLabels[]): LabelMatrix;
}

/** Spellings of a present and of an absent label that hold in every study, in lower case. */
export const alwaysPositive: readonly string[] = ['1', '1.0', 'true', 'yes', 'y'];
export const alwaysNegative: readonly string[] = ['0', '0.0', 'false', 'no', 'n'];

/**
 * A reader for the label columns of a specification.
 * @throws ConfigError when a spelling means both present and absent
 */
export function labelReader(spec: CohortSpec, columns: Columns, missing: ReadonlySet<string>): LabelReader {
  return isDelimited(spec.labels)
    ? delimitedReader(spec.labels, columns.labels[0].index, missing)
    : columnReader(spec, columns, missing);
}

function columnReader(spec: CohortSpec, columns: Columns, missing: ReadonlySet<string>): LabelReader {
  const meaning = new Map<string, boolean>();
  for (const text of [...alwaysPositive, ...(spec.positive ?? [])])
    meaning.set(text.trim().toLowerCase(), true);
  for (const text of [...alwaysNegative, ...(spec.negative ?? [])]) {
    const key = text.trim().toLowerCase();
    if (meaning.get(key) === true) {
      throw new ConfigError(
        `loadCohort: a spelling means a present or an absent label, got "${text}" for both; remove it from one list`,
        'positive',
      );
    }
    meaning.set(key, false);
  }
  const labels = columns.labels.map(({ label, name }) => label ?? name);
  const readCell = (cell: string, column: string): boolean | null => {
    const present = meaning.get(cell.toLowerCase());
    if (present !== undefined) return present;
    if (missing.has(cell)) return null;
    throw new BadRow(
      'bad-label',
      'a label is 0, 1 or missing',
      excerpt(cell),
      'mend the cell, or add the spelling to positive, negative or missing',
      column,
    );
  };
  const patterns = new Map<string, RowLabels>();
  return {
    read: (cells) => {
      const values = columns.labels.map(({ name, index }) => readCell(cells[index], name));
      return sharedLabels(patterns, values.join(), () => ({
        present: new Set(labels.filter((_, l) => values[l] === true)),
        unknown: new Set(labels.filter((_, l) => values[l] === null)),
      }));
    },
    matrix: (rows) => ({ ...fill(labels, rows), notes: [] }),
  };
}

function delimitedReader(spec: DelimitedLabels, index: number, missing: ReadonlySet<string>): LabelReader {
  if (spec.delimiter === '') {
    throw new ConfigError('loadCohort: a delimiter has at least one character, got none; name it', 'labels');
  }
  const readCell = (cell: string): RowLabels => {
    if (missing.has(cell)) return { present: new Set(), unknown: 'all' };
    const found = new Set(cell.split(spec.delimiter).map((entry) => ownText(entry.trim())));
    const none = spec.none !== undefined && found.delete(spec.none);
    if (found.has('') || (none && found.size > 0)) {
      throw new BadRow(
        'bad-label',
        `findings are separated by single "${spec.delimiter}" and "${spec.none ?? 'none'}" stands alone`,
        excerpt(cell),
        'mend the cell',
        spec.column,
      );
    }
    return { present: found, unknown: new Set() };
  };
  const patterns = new Map<string, RowLabels>();
  const read = (cells: readonly string[]): RowLabels =>
    sharedLabels(patterns, cells[index], () => readCell(cells[index]));
  const matrix = (rows: readonly RowLabels[]): LabelMatrix => {
    const seen = new Set([...new Set(rows)].flatMap(({ present }) => [...present]));
    const labels = spec.names ?? [...seen].sort();
    const others = [...seen].filter((finding) => !labels.includes(finding));
    const notes = labels
      .filter((label) => !seen.has(label))
      .map((label) => {
        const nearest = nearestName(label, others);
        const hint = nearest === null ? '' : `; did you mean "${nearest}"?`;
        return { code: 'label-never-found', message: `label "${label}" is in no row${hint}`, count: 1 };
      });
    if (others.length > 0) {
      notes.push({
        code: 'ignored-findings',
        message: `findings that are not among the labels are ignored: ${others.length} distinct`,
        count: rows.filter(({ present }) => others.some((finding) => present.has(finding))).length,
      });
    }
    return { ...fill(labels, rows), notes };
  };
  return { read, matrix };
}

/** The labels read earlier from the same `pattern`, or now: a table of a million rows has few patterns. */
function sharedLabels(known: Map<string, RowLabels>, pattern: string, read: () => RowLabels): RowLabels {
  let labels = known.get(pattern);
  if (labels === undefined) {
    labels = read();
    known.set(ownText(pattern), labels);
  }
  return labels;
}

function fill(labels: readonly string[], rows: readonly RowLabels[]): Omit<LabelMatrix, 'notes'> {
  const targets = new Float32Array(rows.length * labels.length);
  const known = new Uint8Array(targets.length);
  const lines = new Map<RowLabels, { targets: number[]; known: number[] }>();
  rows.forEach((row, r) => {
    let line = lines.get(row);
    if (line === undefined) {
      const { present, unknown } = row;
      line = {
        targets: labels.map((label) => (present.has(label) ? 1 : 0)),
        known: labels.map((label) => (unknown === 'all' || unknown.has(label) ? 0 : 1)),
      };
      lines.set(row, line);
    }
    targets.set(line.targets, r * labels.length);
    known.set(line.known, r * labels.length);
  });
  return { labels, targets, known };
}
