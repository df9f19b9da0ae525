/**
 * From a cohort's rows to the numbers that the network takes. Everything here is fitted on training rows alone and
 * stored with the model.
 */
import {
  type Cohort,
  createWordPieceEncoder,
  type ImageStore,
  learnVocabulary,
  type Vocabulary,
} from '../data/index.js';
import { NotFittedError } from '../errors.js';

/** What the encoder learnt; plain JSON, saved with the model. */
export interface InputEncoder {
  /** Per numeric column, mean and standard deviation of the recorded training values (sd 1 for a constant). */
  readonly numeric: readonly { readonly name: string; readonly mean: number; readonly sd: number }[];
  /** Per categorical column its training levels; code = index + 1, 0 = missing or never seen. */
  readonly categorical: readonly { readonly name: string; readonly levels: readonly string[] }[];
  /** Columns that stage 1 adds: rule indicators and top features, already standardised. */
  readonly stage1: readonly string[];
  readonly text: {
    readonly columns: readonly string[];
    readonly vocabulary: Vocabulary;
    readonly tokens: number;
  } | null;
  readonly image: {
    readonly slots: number;
    /** View positions of training images; code = index + 1, 0 = unknown. */
    readonly views: readonly string[];
    /** Divides time offsets: the largest in training, so that inputs are in about [−1, 0]; 1 if training has none. */
    readonly timeScale: number;
    /** Per channel, mean and standard deviation over training images. */
    readonly mean: readonly number[];
    readonly sd: readonly number[];
  } | null;
}

export interface EncoderOptions {
  /** Modalities the model sees. */
  readonly modalities: readonly ('image' | 'tabular' | 'text')[];
  readonly vocabulary: number;
  readonly maxTokens: number;
  /** Prepared images; needed when `modalities` has `image`. */
  readonly images?: ImageStore;
  /** Names of the stage-1 columns, if stage 1 is on; they join the table columns. */
  readonly stage1?: readonly string[];
}

/** Every k-th training image is looked at for the channel statistics: all, or this many and less than twice that. */
const imageSample = 512;

/** Where inputs are held that lie further from training than this: numbers in standard deviations, times in scales. */
export const furthest = 10;

/** Fits the encoder on training rows. */
export function fitEncoder(cohort: Cohort, rows: Int32Array, options: EncoderOptions): InputEncoder {
  const uses = (modality: 'image' | 'tabular' | 'text') => options.modalities.includes(modality);
  return {
    numeric: uses('tabular')
      ? cohort.numeric.map(({ name, values }) => ({ name, ...moments(values, rows) }))
      : [],
    categorical: uses('tabular')
      ? cohort.categorical.map(({ name, values }) => ({ name, levels: levelsOf(values, rows) }))
      : [],
    stage1: options.stage1 ?? [],
    text: uses('text')
      ? {
          columns: cohort.text.map(({ name }) => name),
          vocabulary: learnVocabulary(
            cohort.text.flatMap(({ values }) => Array.from(rows, (row) => values[row])),
            { size: options.vocabulary },
          ),
          tokens: options.maxTokens,
        }
      : null,
    image: uses('image') ? fitImages(cohort, rows, options.images) : null,
  };
}

function moments(values: Float64Array, rows: Int32Array): { mean: number; sd: number } {
  const known = Array.from(rows, (row) => values[row]).filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { mean: 0, sd: 1 };
  // Rounding gives the mean of a constant's copies another last bit, and them a deviation of about 1e-17 from it.
  if (known.every((value) => value === known[0])) return { mean: known[0], sd: 1 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  return { mean, sd: variance > 0 ? Math.sqrt(variance) : 1 };
}

function levelsOf(values: readonly (string | null)[], rows: Int32Array): string[] {
  const levels = new Set<string>();
  for (const row of rows) {
    const value = values[row];
    if (value !== null) levels.add(value);
  }
  return [...levels].sort();
}

function fitImages(
  cohort: Cohort,
  rows: Int32Array,
  images: ImageStore | undefined,
): NonNullable<InputEncoder['image']> {
  if (images === undefined)
    throw new NotFittedError('fitEncoder: image studies need prepared images; pass `images`');
  const visits = Array.from(rows, (row) => cohort.visits[row]).flat();
  const views = levelsOf(
    visits.map((visit) => visit.view),
    Int32Array.from(visits.keys()),
  );
  const timeScale = visits.reduce((largest, visit) => Math.max(largest, -visit.timeOffset), 0) || 1;
  const { size, channels } = images.format;
  const pixels = new Float32Array(images.length);
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  const paths = [...new Set(visits.map((visit) => visit.path))].sort();
  const step = Math.max(1, Math.floor(paths.length / imageSample));
  let count = 0;
  for (let i = 0; i < paths.length; i += step) {
    images.read(paths[i], pixels);
    for (let channel = 0; channel < channels; channel++) {
      for (let k = channel * size * size; k < (channel + 1) * size * size; k++) {
        sums[channel] += pixels[k];
        squares[channel] += pixels[k] ** 2;
      }
    }
    count += size * size;
  }
  const mean = Array.from(sums, (sum) => sum / Math.max(1, count));
  const sd = mean.map((m, channel) =>
    Math.sqrt(Math.max(squares[channel] / Math.max(1, count) - m * m, 1e-4)),
  );
  return { slots: Math.max(1, cohort.slots), views, timeScale, mean, sd };
}

/** A cohort in the network's terms, apart from pixels: row-major arrays over all rows. */
export interface EncodedCohort {
  readonly numericColumns: number;
  /** [n, numeric + stage 1], standardised, 0 where missing */
  readonly numeric: Float32Array;
  /** [n, numeric + stage 1], 1 = missing */
  readonly missing: Float32Array;
  /** [n, categorical] codes */
  readonly categorical: Int32Array;
  /** [n, tokens] */
  readonly textIds: Int32Array;
  readonly textMask: Float32Array;
  /** [n, 3]: image, table, text recorded for this row; the order of `modalityOrder` */
  readonly present: Float32Array;
  /** Categories that training never saw, per column. */
  readonly unseen: readonly { readonly column: string; readonly rows: number }[];
}

/**
 * Applies the encoder to every row.
 * @param stage1 [n, F] the inputs that stage 1 makes for the same rows
 * @throws NotFittedError when a column that the model was trained on is absent
 */
export function encodeCohort(
  encoder: InputEncoder,
  cohort: Cohort,
  stage1: Float32Array | null,
): EncodedCohort {
  const n = cohort.size;
  const extra = encoder.stage1.length;
  const numericColumns = encoder.numeric.length + extra;
  const numeric = new Float32Array(n * numericColumns);
  const missing = new Float32Array(n * numericColumns);
  encoder.numeric.forEach(({ name, mean, sd }, column) => {
    const values = columnNamed(cohort.numeric, name).values;
    for (let row = 0; row < n; row++) {
      const at = row * numericColumns + column;
      if (Number.isNaN(values[row])) missing[at] = 1;
      else numeric[at] = Math.max(-furthest, Math.min(furthest, (values[row] - mean) / sd));
    }
  });
  if (extra > 0) {
    if (stage1 === null || stage1.length !== n * extra) {
      throw new NotFittedError(
        `encodeCohort: the model needs ${extra} stage-1 columns for ${n} rows; apply stage 1 first`,
      );
    }
    for (let row = 0; row < n; row++) {
      numeric.set(
        stage1.subarray(row * extra, (row + 1) * extra),
        row * numericColumns + encoder.numeric.length,
      );
    }
  }
  const { categorical, unseen } = encodeCategories(encoder, cohort);
  const text = encodeText(encoder, cohort);
  const present = new Float32Array(n * 3);
  for (let row = 0; row < n; row++) {
    present[row * 3] = Number(encoder.image !== null && cohort.visits[row].length > 0);
    present[row * 3 + 1] = Number(numericColumns + encoder.categorical.length > 0);
    present[row * 3 + 2] = Number(
      encoder.text !== null && cohort.text.some(({ values }) => values[row] !== null),
    );
  }
  return { numericColumns, numeric, missing, categorical, ...text, present, unseen };
}

function encodeCategories(encoder: InputEncoder, cohort: Cohort) {
  const columns = encoder.categorical.length;
  const categorical = new Int32Array(cohort.size * columns);
  const unseen: { column: string; rows: number }[] = [];
  encoder.categorical.forEach(({ name, levels }, column) => {
    const codes = new Map(levels.map((level, index) => [level, index + 1]));
    let strangers = 0;
    columnNamed(cohort.categorical, name).values.forEach((value, row) => {
      if (value === null) return;
      const code = codes.get(value);
      if (code === undefined) strangers++;
      categorical[row * columns + column] = code ?? 0;
    });
    if (strangers > 0) unseen.push({ column: name, rows: strangers });
  });
  return { categorical, unseen };
}

function encodeText({ text }: InputEncoder, cohort: Cohort) {
  if (text === null) return { textIds: new Int32Array(0), textMask: new Float32Array(0) };
  const encoder = createWordPieceEncoder(text.vocabulary, text.tokens);
  const textIds = new Int32Array(cohort.size * text.tokens);
  const textMask = new Float32Array(cohort.size * text.tokens);
  const columns = text.columns.map((name) => columnNamed(cohort.text, name).values);
  for (let row = 0; row < cohort.size; row++) {
    encoder.encode(
      columns.map((values) => values[row]),
      textIds,
      textMask,
      row * text.tokens,
    );
  }
  return { textIds, textMask };
}

function columnNamed<T extends { readonly name: string }>(columns: readonly T[], name: string): T {
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    throw new NotFittedError(
      `encodeCohort: the model was trained on column "${name}", which this cohort lacks`,
    );
  }
  return column;
}
