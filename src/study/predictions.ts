/** predictions.csv: every row's split, targets, calibrated probabilities and tiers, for anyone to recompute metrics from. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
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
/** Rows in a piece of text. A million rows would not fit into one string. */
const rowsPerPiece = 4096;

/**
 * Writes predictions as CSV (RFC 4180): id, patient, split, repeat, fold, then per label `<label>:target`
 * (empty = unknown), `<label>:probability` and `<label>:tier`, then `subgroup:<column>` for every column that the study's
 * subgroups are formed from (empty = missing). Numbers keep every digit.
 * @param parts  predictions of the same labels and subgroups, such as those of the folds, one after the other
 * @returns the text in pieces
 */
export function* formatPredictions(...parts: readonly Predictions[]): Generator<string> {
  yield `${csvLine(headerOf(parts[0]))}\n`;
  for (const part of parts) {
    for (let row = 0; row < part.ids.length; row += rowsPerPiece) {
      const end = Math.min(row + rowsPerPiece, part.ids.length);
      yield Array.from({ length: end - row }, (_, i) => `${predictionLine(part, row + i)}\n`).join('');
    }
  }
}

function headerOf({ labels, subgroups }: Predictions): string[] {
  return [
    ...FIXED,
    ...labels.flatMap((label) => PER_LABEL.map((kind) => `${label}:${kind}`)),
    ...subgroups.map(({ column }) => SUBGROUP + column),
  ];
}

function predictionLine(predictions: Predictions, row: number): string {
  const { labels, ids, patients, splits, repeat, fold } = predictions;
  const { targets, known, probabilities, tiers } = predictions;
  const cells = [ids[row], patients[row], splits[row], String(repeat[row]), String(fold[row])];
  for (let label = 0; label < labels.length; label++) {
    const at = row * labels.length + label;
    cells.push(known[at] ? String(targets[at]) : '', String(probabilities[at]), tierNames[tiers[at]]);
  }
  cells.push(...predictions.subgroups.map(({ values }) => values[row]));
  return csvLine(cells);
}

/** One CSV line; a cell with a comma, a quote or a line break is quoted. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}

/**
 * Reads what `formatPredictions` wrote, or what another program wrote in that form.
 * @param pieces  of the text, in UTF-8
 * @param file    its name, for messages
 * @throws DataError `bad-predictions` with file, line and column
 */
export async function parsePredictions(
  pieces: Iterable<string> | AsyncIterable<Uint8Array>,
  file: string,
): Promise<Predictions> {
  const records = parse({ bom: true, skip_empty_lines: true });
  let reader: PredictionsReader | null = null;
  const read = async (rows: AsyncIterable<string[]>) => {
    for await (const row of rows) {
      if (reader === null) reader = new PredictionsReader(row, file);
      else reader.add(row);
    }
  };
  await pipeline(Readable.from(pieces), records, read).catch((error: unknown) => {
    if (!(error instanceof CsvError)) throw error;
    throw new DataError('bad-predictions', `predictions: must be a CSV file: ${error.message}`, { file });
  });
  return (reader ?? new PredictionsReader([], file)).finish();
}

/** Takes the file in row by row. */
class PredictionsReader {
  private readonly labels: readonly string[];
  private readonly ids: string[] = [];
  private readonly patients: string[] = [];
  private readonly splits: SplitPart[] = [];
  private readonly repeat: number[] = [];
  private readonly fold: number[] = [];
  private readonly targets: number[] = [];
  private readonly known: number[] = [];
  private readonly probabilities: number[] = [];
  private readonly tiers: number[] = [];
  /** The columns after those of the labels. */
  private readonly subgroups: readonly { readonly column: string; readonly values: string[] }[];

  constructor(
    private readonly header: readonly string[],
    private readonly file: string,
  ) {
    this.labels = labelsOf(header, file);
    this.subgroups = header
      .slice(this.firstSubgroup)
      .map((name) => ({ column: name.slice(SUBGROUP.length), values: [] }));
  }

  private get firstSubgroup(): number {
    return FIXED.length + this.labels.length * PER_LABEL.length;
  }

  add(row: readonly string[]): void {
    const line = this.ids.length + 2;
    const where = (index: number) => ({ file: this.file, row: line, column: this.header[index] });
    this.ids.push(row[0]);
    this.patients.push(row[1] === row[0] ? row[0] : row[1]);
    this.splits.push(oneOf(splitParts, row[2], where(2)));
    this.repeat.push(numberIn(row[3], 0, 1e6, where(3)));
    this.fold.push(numberIn(row[4], 0, 1e6, where(4)));
    for (let label = 0; label < this.labels.length; label++) {
      const column = FIXED.length + label * PER_LABEL.length;
      const target = row[column];
      this.known.push(target === '' ? 0 : 1);
      this.targets.push(target === '' ? 0 : Number(oneOf(['0', '1'], target, where(column))));
      this.probabilities.push(numberIn(row[column + 1], 0, 1, where(column + 1)));
      this.tiers.push(tierNames.indexOf(oneOf(tierNames, row[column + 2], where(column + 2))));
    }
    this.subgroups.forEach(({ values }, i) => void values.push(row[this.firstSubgroup + i]));
  }

  finish(): Predictions {
    return {
      labels: this.labels,
      ids: this.ids,
      patients: this.patients,
      splits: this.splits,
      repeat: Int32Array.from(this.repeat),
      fold: Int32Array.from(this.fold),
      targets: Float32Array.from(this.targets),
      known: Uint8Array.from(this.known),
      probabilities: Float64Array.from(this.probabilities),
      tiers: Uint8Array.from(this.tiers),
      subgroups: this.subgroups,
    };
  }
}

type Where = { readonly file: string; readonly row: number; readonly column: string };

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
