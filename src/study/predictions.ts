/** predictions.csv: every row's split, targets, calibrated probabilities and tiers, for anyone to recompute metrics from. */
import { parse } from 'csv-parse/sync';
import { type SplitPart, splitParts } from '../data/index.js';
import { DataError } from '../errors.js';
import { tierNames } from '../risk/index.js';
import type { SubgroupColumn } from './subgroups.js';

/**
 * Predictions of a run: n rows, L labels; matrices are row-major [n, L]. Under cross-validation a row of the
 * table occurs once per repeat and fold, and its out-of-fold occurrence is `test`.
 */
export interface Predictions {
  readonly labels: readonly string[];
  readonly ids: readonly string[];
  readonly patients: readonly string[];
  readonly splits: readonly SplitPart[];
  /** [n] cross-validation repeat, from 0; 0 for a hold-out. */
  readonly repeat: Int32Array;
  /** [n] fold within the repeat, from 0; 0 for a hold-out. */
  readonly fold: Int32Array;
  /** [n, L] 0 or 1; 0 where unknown. */
  readonly targets: Float32Array;
  /** [n, L] 1 = recorded, 0 = unknown. */
  readonly known: Uint8Array;
  /** [n, L] calibrated, in [0, 1]. */
  readonly probabilities: Float64Array;
  /** [n, L] 0 low, 1 medium, 2 high. */
  readonly tiers: Uint8Array;
  /** The columns that the study's subgroups are formed from, [n] values each. */
  readonly subgroups: readonly SubgroupColumn[];
}

const FIXED = ['id', 'patient', 'split', 'repeat', 'fold'] as const;
const PER_LABEL = ['target', 'probability', 'tier'] as const;
const SUBGROUP = 'subgroup:';

/**
 * Writes predictions as CSV (RFC 4180): id, patient, split, repeat, fold, then per label `<label>:target`
 * (empty = unknown), `<label>:probability` and `<label>:tier`, then `subgroup:<column>` for every column that the study's
 * subgroups are formed from (empty = missing). Numbers keep every digit.
 */
export function formatPredictions(predictions: Predictions): string {
  const { labels, ids, targets, known, probabilities, tiers } = predictions;
  const header = [
    ...FIXED,
    ...labels.flatMap((label) => PER_LABEL.map((kind) => `${label}:${kind}`)),
    ...predictions.subgroups.map(({ column }) => SUBGROUP + column),
  ];
  const lines = [csvLine(header)];
  for (let row = 0; row < ids.length; row++) {
    const cells = [
      ids[row],
      predictions.patients[row],
      predictions.splits[row],
      String(predictions.repeat[row]),
      String(predictions.fold[row]),
    ];
    for (let label = 0; label < labels.length; label++) {
      const at = row * labels.length + label;
      cells.push(known[at] ? String(targets[at]) : '', String(probabilities[at]), tierNames[tiers[at]]);
    }
    cells.push(...predictions.subgroups.map(({ values }) => values[row]));
    lines.push(csvLine(cells));
  }
  return `${lines.join('\n')}\n`;
}

/** Predictions of several splits, one after the other. */
export function joinPredictions(parts: readonly Predictions[]): Predictions {
  const joined = <T extends Float32Array | Float64Array | Int32Array | Uint8Array>(
    pick: (part: Predictions) => T,
  ): T => {
    const arrays = parts.map(pick);
    const length = arrays.reduce((sum, array) => sum + array.length, 0);
    const all = new (arrays[0].constructor as new (length: number) => T)(length);
    let offset = 0;
    for (const array of arrays) {
      all.set(array, offset);
      offset += array.length;
    }
    return all;
  };
  return {
    labels: parts[0].labels,
    ids: parts.flatMap((part) => part.ids),
    patients: parts.flatMap((part) => part.patients),
    splits: parts.flatMap((part) => part.splits),
    repeat: joined((part) => part.repeat),
    fold: joined((part) => part.fold),
    targets: joined((part) => part.targets),
    known: joined((part) => part.known),
    probabilities: joined((part) => part.probabilities),
    tiers: joined((part) => part.tiers),
    subgroups: parts[0].subgroups.map(({ column }, i) => ({
      column,
      values: parts.flatMap((part) => part.subgroups[i].values),
    })),
  };
}

/** One CSV line; a cell with a comma, a quote or a line break is quoted. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}

/**
 * Reads what `formatPredictions` wrote, or what another program wrote in that form.
 * @param file  name of the file, for messages
 * @throws DataError `bad-predictions` with file, line and column
 */
export function parsePredictions(text: string, file: string): Predictions {
  const records = readRecords(text, file);
  const header = records[0] ?? [];
  const labels = labelsOf(header, file);
  const rows = records.slice(1);
  const size = rows.length * labels.length;
  const predictions = {
    labels,
    ids: rows.map((row) => row[0]),
    patients: rows.map((row) => row[1]),
    splits: rows.map((row, i) => oneOf(splitParts, row[2], { file, row: i + 2, column: 'split' })),
    repeat: new Int32Array(rows.length),
    fold: new Int32Array(rows.length),
    targets: new Float32Array(size),
    known: new Uint8Array(size),
    probabilities: new Float64Array(size),
    tiers: new Uint8Array(size),
    subgroups: subgroupsOf(header, rows, labels.length),
  };
  for (const [i, row] of rows.entries()) {
    const where = (index: number) => ({ file, row: i + 2, column: header[index] });
    predictions.repeat[i] = numberIn(row[3], 0, 1e6, where(3));
    predictions.fold[i] = numberIn(row[4], 0, 1e6, where(4));
    for (let label = 0; label < labels.length; label++) {
      const at = i * labels.length + label;
      const column = FIXED.length + label * PER_LABEL.length;
      const target = row[column];
      if (target !== '') {
        predictions.known[at] = 1;
        predictions.targets[at] = Number(oneOf(['0', '1'], target, where(column)));
      }
      predictions.probabilities[at] = numberIn(row[column + 1], 0, 1, where(column + 1));
      predictions.tiers[at] = tierNames.indexOf(oneOf(tierNames, row[column + 2], where(column + 2)));
    }
  }
  return predictions;
}

type Where = { readonly file: string; readonly row: number; readonly column: string };

function readRecords(text: string, file: string): string[][] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true }) as string[][];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError('bad-predictions', `predictions: must be a CSV file: ${reason}`, { file });
  }
}

/** Label names from the header, which must hold the fixed columns, then three per label, then those of subgroups. */
function labelsOf(header: readonly string[], file: string): string[] {
  const labels: string[] = [];
  let place = FIXED.findIndex((name, i) => name !== header[i]);
  if (place === -1) {
    const isLabel = (name: string, at: number) =>
      PER_LABEL.every((kind, i) => header[at + i] === `${name}:${kind}`);
    place = FIXED.length;
    for (; place < header.length; place += PER_LABEL.length) {
      const name = header[place].replace(/:target$/, '');
      if (!isLabel(name, place)) break;
      labels.push(name);
    }
    while (labels.length > 0 && header[place]?.startsWith(SUBGROUP)) place++;
  }
  if (place < header.length || labels.length === 0)
    throw new DataError(
      'bad-predictions',
      `predictions: columns must be ${FIXED.join(', ')}, then <label>:target, <label>:probability, <label>:tier, then subgroup:<column>, got "${header[place] ?? ''}" in place ${place + 1}; let "medfusion train" write the file`,
      { file, row: 1 },
    );
  return labels;
}

/** The columns after those of the labels. */
function subgroupsOf(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  labels: number,
): SubgroupColumn[] {
  const first = FIXED.length + labels * PER_LABEL.length;
  return header.slice(first).map((name, i) => ({
    column: name.slice(SUBGROUP.length),
    values: rows.map((row) => row[first + i]),
  }));
}

function oneOf<T extends string>(allowed: readonly T[], cell: string, where: Where): T {
  const found = allowed.find((value) => value === cell);
  if (found === undefined)
    throw new DataError(
      'bad-predictions',
      `predictions: must be ${allowed.join(' or ')}, got "${cell}"`,
      where,
    );
  return found;
}

function numberIn(cell: string, low: number, high: number, where: Where): number {
  const value = cell.trim() === '' ? Number.NaN : Number(cell);
  if (!(value >= low && value <= high))
    throw new DataError(
      'bad-predictions',
      `predictions: must be a number from ${low} to ${high}, got "${cell}"`,
      where,
    );
  return value;
}
