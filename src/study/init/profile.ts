/** One pass over a table: what each column holds, in counts. */
import { readdirSync } from 'node:fs';
import { extname, sep } from 'node:path';
import { defaultMissing, isNumber, ownText, rowFingerprint, scanTable } from '../../data/index.js';
import { ConfigError } from '../../errors.js';
import { meantNames, suggests } from './names.js';

/** Spellings that mean "not recorded" wherever they stand, beside those that a study knows by itself. */
const PLAIN_MARKERS = [
  ...['N/A', 'n/a', 'na', '#N/A', '<NA>', 'NAN', 'NULL', 'Null', 'missing', 'Missing', 'todo', 'unk', 'UNK'],
  ...['unknown', 'Unknown', 'UNKNOWN', 'not available', 'Not available', 'not recorded', 'Not recorded'],
];
/** Spellings that mean it among numbers; elsewhere they may be an answer. */
export const NUMBER_MARKERS: ReadonlySet<string> = new Set(['-', '--', '.', 'None', 'none', 'NONE']);
const MARKERS: ReadonlySet<string> = new Set([...defaultMissing, ...PLAIN_MARKERS]);

/** Numbers that stand for "not recorded" in many tables. */
export const CODES: readonly number[] = [-9999, -999, -99, -9, -1, 99, 999, 9999, 99999, 999.9, 9999.9];

/** Values are counted up to here, those of a column that is called an id to the end. */
const MOST_LEVELS = 20_000;
const LONGEST_LEVEL = 200;
const imageName = /\.(?:png|jpe?g|dcm|tiff?|bmp|webp|nii(?:\.gz)?)$/i;
const dateText = /^(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?:[ T]|$)/;

/** What a column holds. Counts are of rows. */
export interface ColumnProfile {
  readonly name: string;
  /** The name as it is meant, for `suggests`. */
  readonly meant: string;
  readonly missing: number;
  /** Spellings of a missing value that occur. */
  readonly markers: ReadonlyMap<string, number>;
  /** Recorded cells. */
  readonly values: number;
  /** Rows per spelling, as far as `distinct` is counted. */
  readonly levels: ReadonlyMap<string, number>;
  /** Different values; null when they are more than are counted. */
  readonly distinct: number | null;
  /** No value occurs twice. */
  readonly unique: boolean;
  /** Cells that are numbers, whole numbers among them, and how far they go with the codes left aside. */
  readonly numbers: number;
  readonly whole: number;
  readonly least: number;
  readonly greatest: number;
  readonly codes: ReadonlyMap<number, number>;
  /** Numbers of 0 or 1, from there below 10, and above 120: what ages are judged by. */
  readonly tiny: number;
  readonly small: number;
  readonly above120: number;
  /** Line of the first cell that is neither a number nor missing; null without one. */
  readonly firstWord: number | null;
  /** Mean number of words of cells that are not numbers. */
  readonly words: number;
  readonly dates: number;
  /** Cells that end like an image file, and those that name a file of the image folder, as it stands or by extension. */
  readonly imageNames: number;
  readonly files: number;
  readonly filesByExtension: number;
}

export interface TableProfile {
  readonly file: string;
  readonly rows: number;
  /** Rows equal to an earlier one in every column. */
  readonly duplicates: number;
  /** Lines of rows with another number of cells than the header. */
  readonly ragged: readonly number[];
  readonly columns: readonly ColumnProfile[];
  /** Extension of most image files of the folder; null without a folder. */
  readonly extension: string | null;
}

/**
 * Profiles a table.
 * @param images  folder of image files, or null
 * @throws DataError of `scanTable`; ConfigError when the folder cannot be read
 */
export async function profileTable(file: string, images: string | null): Promise<TableProfile> {
  const folder = images === null ? null : imageFolder(images);
  const seen = new Set<string>();
  const ragged: number[] = [];
  const { profilers, count } = await scanTable(file, ({ columns }) => {
    const meant = meantNames(columns);
    const own = columns.map((name, at) => new ColumnProfiler(name, meant[at], folder));
    const read = { rows: 0 };
    return {
      profilers: own,
      count: read,
      wanted: [...columns.keys()],
      row: (cells, line) => {
        read.rows++;
        seen.add(rowFingerprint(cells));
        own.forEach((profiler, at) => {
          profiler.add(cells[at], line);
        });
      },
      ragged: (_, line) => {
        ragged.push(line);
      },
    };
  });
  return {
    file,
    rows: count.rows,
    duplicates: count.rows - seen.size,
    ragged,
    columns: profilers.map((profiler) => profiler.finish()),
    extension: folder?.extension ?? null,
  };
}

interface ImageFolder {
  /** Paths of its files, as a table names them. */
  readonly names: ReadonlySet<string>;
  readonly extension: string | null;
}

function imageFolder(directory: string): ImageFolder {
  let names: string[];
  try {
    names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(
      `init: --images must be a folder that can be read, got ${code} for ${directory}; check the path`,
      'images',
    );
  }
  const extensions = new Map<string, number>();
  for (const name of names.filter((candidate) => imageName.test(candidate))) {
    const extension = extname(name).slice(1);
    extensions.set(extension, (extensions.get(extension) ?? 0) + 1);
  }
  const [most] = [...extensions].sort((a, b) => b[1] - a[1]);
  return { names: new Set(names.map((name) => name.replaceAll(sep, '/'))), extension: most?.[0] ?? null };
}

class ColumnProfiler {
  readonly #name: string;
  readonly #meant: string;
  readonly #folder: ImageFolder | null;
  readonly #markers = new Map<string, number>();
  readonly #levels = new Map<string, number>();
  readonly #codes = new Map<number, number>();
  readonly #isKey: boolean;
  #counted = true;
  #unique = true;
  #count = { missing: 0, values: 0, numbers: 0, whole: 0, tiny: 0, small: 0, above120: 0, dates: 0 };
  #files = { imageNames: 0, files: 0, filesByExtension: 0 };
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;
  #firstWord: number | null = null;
  #words = 0;

  constructor(name: string, meant: string, folder: ImageFolder | null) {
    this.#name = name;
    this.#meant = meant;
    this.#isKey = suggests(meant, 'identifier') || suggests(meant, 'patient');
    this.#folder = folder;
  }

  add(cell: string, line: number): void {
    if (MARKERS.has(cell)) {
      this.#count.missing++;
      this.#markers.set(cell, (this.#markers.get(cell) ?? 0) + 1);
      return;
    }
    this.#count.values++;
    if (isNumber(cell)) this.#addNumber(Number(cell));
    else this.#addText(cell, line);
    this.#addLevel(cell);
    if (this.#folder !== null) this.#addFile(cell, this.#folder);
  }

  finish(): ColumnProfile {
    const { values, numbers } = this.#count;
    const texts = values - numbers;
    return {
      name: this.#name,
      meant: this.#meant,
      ...this.#count,
      ...this.#files,
      markers: this.#markers,
      levels: this.#levels,
      distinct: this.#counted ? this.#levels.size : this.#unique ? values : null,
      unique: this.#unique && values > 0,
      least: this.#least,
      greatest: this.#greatest,
      codes: this.#codes,
      firstWord: this.#firstWord,
      words: texts === 0 ? 0 : this.#words / texts,
    };
  }

  #addNumber(value: number): void {
    this.#count.numbers++;
    if (Number.isInteger(value)) this.#count.whole++;
    if (CODES.includes(value)) this.#codes.set(value, (this.#codes.get(value) ?? 0) + 1);
    else {
      this.#least = Math.min(this.#least, value);
      this.#greatest = Math.max(this.#greatest, value);
    }
    if (value === 0 || value === 1) this.#count.tiny++;
    else if (value > 0 && value < 10) this.#count.small++;
    else if (value > 120) this.#count.above120++;
  }

  #addText(cell: string, line: number): void {
    if (!NUMBER_MARKERS.has(cell)) this.#firstWord ??= line;
    this.#words += cell.split(/\s+/).length;
    if (dateText.test(cell)) this.#count.dates++;
    if (imageName.test(cell)) this.#files.imageNames++;
  }

  /** Counts a value among the levels while they are few, and goes on while every value is new: it may be an id. */
  #addLevel(cell: string): void {
    const level = cell.length > LONGEST_LEVEL ? cell.slice(0, LONGEST_LEVEL) : cell;
    const before = this.#levels.get(level);
    if (before !== undefined) {
      this.#unique = false;
      this.#levels.set(level, before + 1);
    } else if (this.#levels.size < MOST_LEVELS || this.#unique || this.#isKey)
      this.#levels.set(ownText(level), 1);
    else this.#counted = false;
  }

  #addFile(cell: string, { names, extension }: ImageFolder): void {
    if (names.has(cell)) this.#files.files++;
    if (extension !== null && names.has(`${cell.replace(/\.[^./\\]*$/, '')}.${extension}`))
      this.#files.filesByExtension++;
  }
}
