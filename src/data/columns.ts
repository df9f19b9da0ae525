/** Which column plays which part: names looked up once, contradictions refused before any row is read. */
import { ConfigError } from '../errors.js';
import type { CohortSpec, ColumnLabels, DelimitedLabels } from './cohort.js';
import { columnIndex, type TableHeader } from './table.js';

/** A column that the study uses. */
export interface Column {
  readonly name: string;
  readonly index: number;
}

/** Every column that a specification names, found in the table. */
export interface Columns {
  readonly id: Column | null;
  readonly patient: Column | null;
  readonly order: Column | null;
  readonly time: Column | null;
  readonly view: Column | null;
  readonly images: readonly Column[];
  readonly filters: readonly (Column & { readonly accepted: ReadonlySet<string> })[];
  /** Label columns with their label names; the one delimited column has `label` null. */
  readonly labels: readonly (Column & { readonly label: string | null })[];
  readonly numeric: readonly Column[];
  readonly ordinal: readonly (Column & { readonly levels: readonly string[] })[];
  readonly categorical: readonly Column[];
  readonly text: readonly Column[];
  /** Closed valid range by (trimmed) column name. */
  readonly valid: ReadonlyMap<string, readonly [number, number]>;
  /** Indices of all columns above, each once, ascending. */
  readonly used: readonly number[];
}

/** Type guard: labels come from one column of delimited findings. */
export function isDelimited(labels: ColumnLabels | DelimitedLabels): labels is DelimitedLabels {
  return 'column' in labels;
}

/**
 * Finds the columns of a specification.
 * @throws DataError `unknown-column`
 * @throws ConfigError when a column has two parts that exclude each other
 */
export function resolveColumns(header: TableHeader, spec: CohortSpec): Columns {
  const column = (name: string): Column => ({ name: name.trim(), index: columnIndex(header, name) });
  const optional = (name: string | undefined): Column | null => (name === undefined ? null : column(name));
  const columns = {
    id: optional(spec.id),
    patient: optional(spec.patient),
    order: optional(spec.order),
    time: optional(spec.time ?? spec.order),
    view: optional(spec.view),
    images: (spec.images?.columns ?? []).map(column),
    filters: (spec.rows ?? []).map((rule) => ({ ...column(rule.column), accepted: new Set(rule.in) })),
    labels: labelColumns(spec, column),
    numeric: (spec.numeric ?? []).map(column),
    ordinal: Object.entries(spec.ordinal ?? {}).map(([name, levels]) => ({ ...column(name), levels })),
    categorical: (spec.categorical ?? []).map(column),
    text: (spec.text ?? []).map(column),
    valid: new Map(Object.entries(spec.valid ?? {}).map(([name, range]) => [name.trim(), range])),
  };
  checkParts(columns);
  checkOptions(spec, columns);
  const all = [columns.id, columns.patient, columns.order, columns.time, columns.view, columns.images];
  const rest = [columns.filters, columns.labels, columns.numeric, columns.ordinal, columns.categorical];
  const used = [...all, ...rest, columns.text].flat().flatMap((part) => (part === null ? [] : [part.index]));
  return { ...columns, used: [...new Set(used)].sort((a, b) => a - b) };
}

function labelColumns(
  { labels }: CohortSpec,
  column: (name: string) => Column,
): (Column & { label: string | null })[] {
  if (isDelimited(labels)) return [{ ...column(labels.column), label: null }];
  const pairs = Array.isArray(labels.columns)
    ? labels.columns.map((name: string) => [name.trim(), name])
    : Object.entries(labels.columns);
  return pairs.map(([label, name]) => ({ ...column(name), label }));
}

function checkParts(columns: Omit<Columns, 'used'>): void {
  const parts = new Map<number, string>();
  const claim = (column: Column, part: string): void => {
    const other = parts.get(column.index);
    if (other !== undefined) {
      throw new ConfigError(
        `loadCohort: a column is one feature or one label, got "${column.name}" as ${other} and as ${part}; remove one`,
        part,
      );
    }
    parts.set(column.index, part);
  };
  for (const part of ['labels', 'numeric', 'ordinal', 'categorical', 'text'] as const) {
    for (const column of columns[part]) claim(column, part);
  }
  for (const part of ['id', 'patient'] as const) {
    const column = columns[part];
    if (column !== null && parts.has(column.index)) claim(column, part);
  }
  const images = columns.images.map((column) => column.index);
  if (new Set(images).size < images.length) {
    throw new ConfigError(
      'loadCohort: each view needs its own image column, got one twice; remove it',
      'images',
    );
  }
}

function checkOptions(spec: CohortSpec, columns: Omit<Columns, 'used'>): void {
  const history = spec.history ?? 0;
  if (!Number.isInteger(history) || history < 0) {
    throw new ConfigError(
      `loadCohort: history counts earlier rows, got ${history}; use 0, 1, 2 …`,
      'history',
    );
  }
  if (history > 0 && (columns.order === null || columns.patient === null)) {
    const absent = columns.order === null ? 'order' : 'patient';
    throw new ConfigError(
      `loadCohort: history needs the columns patient and order, got no ${absent}; name it or set history to 0`,
      'history',
    );
  }
  const numbers = [...columns.numeric, columns.order, columns.time].map((column) => column?.name);
  for (const [name, [least, most]] of columns.valid) {
    if (!numbers.includes(name)) {
      throw new ConfigError(
        `loadCohort: a valid range belongs to a numeric, order or time column, got "${name}"; list the column or remove the range`,
        'valid',
      );
    }
    if (!(least <= most)) {
      throw new ConfigError(
        `loadCohort: a valid range is [min, max], got [${least}, ${most}] for "${name}"; swap the ends`,
        'valid',
      );
    }
  }
}
