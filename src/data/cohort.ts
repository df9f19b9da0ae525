/**
 * The cohort: what a study reads from its table before anything is fitted. Nothing here is imputed, scaled
 * or resampled; missing stays missing and unknown stays unknown.
 */

/** Which columns a study reads and how. All paths are absolute. */
export interface CohortSpec {
  /** Path of a `.csv` or `.tsv` file with a header line, optionally `.gz`; UTF-8. */
  readonly table: string;
  /**
   * Spellings of a missing value, compared after trimming.
   * Default `['', '?', 'NA', 'NaN', 'nan', 'null']`.
   */
  readonly missing?: readonly string[];
  /** Column that identifies a row; values must be unique. Default: `row-<line of the file>`. */
  readonly id?: string;
  /** Column that identifies the patient of a row. Default: each row is its own patient. */
  readonly patient?: string;
  /** Numeric column that orders a patient's visits, for forward fill and `history`. */
  readonly order?: string;
  /** Keep only rows whose (trimmed) cell is one of `in`, for every condition. Default: all rows. */
  readonly rows?: readonly { readonly column: string; readonly in: readonly string[] }[];
  /** Drop rows equal to an earlier one in every column that this specification reads. Default false. */
  readonly dropDuplicateRows?: boolean;
  /** Where the images are. Default: no images. */
  readonly images?: ImageSpec;
  /** Up to this many earlier rows of the same patient lend their images as further visits. Default 0. */
  readonly history?: number;
  /** Column with the view position of a row's images (PA, AP …). */
  readonly view?: string;
  /** Numeric column with a visit's time (age, follow-up number). Default: `order`. */
  readonly time?: string;
  /** The label columns, or the one column that lists a row's findings. An empty list reads no labels. */
  readonly labels: ColumnLabels | DelimitedLabels;
  /** Spellings of a present label besides `1`, `1.0`, `true`, `yes`, `y`; case does not matter. */
  readonly positive?: readonly string[];
  /** Spellings of an absent label besides `0`, `0.0`, `false`, `no`, `n`; case does not matter. */
  readonly negative?: readonly string[];
  /** Columns of numbers. Default none. */
  readonly numeric?: readonly string[];
  /** Columns of unordered categories. Default none. */
  readonly categorical?: readonly string[];
  /** Columns of ordered categories with their levels from low to high, read as rank 0, 1, …. Default none. */
  readonly ordinal?: Readonly<Record<string, readonly string[]>>;
  /** Columns of free text. Default none. */
  readonly text?: readonly string[];
  /** Closed range [min, max] per column of numbers; a value outside counts as missing and is noted. */
  readonly valid?: Readonly<Record<string, readonly [number, number]>>;
  /** What a row that breaks a rule does: end the run, or be left out and noted. Default `stop`. */
  readonly onBadRow?: 'stop' | 'skip';
}

/** The image files of a row. */
export interface ImageSpec {
  /** Absolute folder that the cells' file names are relative to. */
  readonly directory: string;
  /** One column of file names per view, e.g. left and right eye. An empty cell is a missing modality. */
  readonly columns: readonly string[];
  /** Replaces the extension of every named file, e.g. `jpg`. */
  readonly extension?: string;
  /**
   * True: drop rows none of whose images exist, and treat a further absent view as missing; both are noted.
   * False (default): a file that is named but absent is an error.
   */
  readonly present?: boolean;
  /** True: a file that is named but absent is a missing image, noted, as under `present`; no row is dropped. Default false. */
  readonly absentIsMissing?: boolean;
}

/** One 0/1/unknown column per label: a list of columns, or label name → column. */
export interface ColumnLabels {
  readonly columns: readonly string[] | Readonly<Record<string, string>>;
}

/** One column with all findings of a row, `A|B|No Finding`. */
export interface DelimitedLabels {
  readonly column: string;
  readonly delimiter: string;
  /** The labels, in this order; other findings are ignored and noted. Default: all findings, sorted. */
  readonly names?: readonly string[];
  /** The entry that says that no finding is present, e.g. `No Finding`. */
  readonly none?: string;
}

/** What was read: n rows, L labels; matrices are row-major. */
export interface Cohort {
  /** Number of rows n. */
  readonly size: number;
  /** Row ids, unique. */
  readonly ids: readonly string[];
  /** Patient id per row. */
  readonly patients: readonly string[];
  /**
   * Patient index 0 … P−1 per row, numbered by first appearance. Patients that share an image file have one
   * index (and are noted): they are one person under two ids.
   */
  readonly patientIndex: Int32Array;
  /** 1-based line in the file where each row starts; the header is line 1. */
  readonly lines: Int32Array;
  /** Visit order per row, NaN where missing; null without an order column. */
  readonly order: Float64Array | null;
  /** Label names. */
  readonly labels: readonly string[];
  /** [n, L] 1 present, 0 absent, 0 where unknown. */
  readonly targets: Float32Array;
  /** [n, L] 1 recorded, 0 unknown. */
  readonly known: Uint8Array;
  readonly numeric: readonly NumericColumn[];
  readonly categorical: readonly CategoricalColumn[];
  readonly text: readonly TextColumn[];
  /**
   * Per row, its image visits by slot: the current views, then earlier rows from new to old. Empty slots
   * are left out; [] where the row has no image.
   */
  readonly visits: readonly (readonly Visit[])[];
  /** Most slots a row can have: views · (1 + history); 0 without images. */
  readonly slots: number;
  /** What was dropped, skipped or coerced while reading. */
  readonly notes: readonly CohortNote[];
}

export interface NumericColumn {
  readonly name: string;
  /** [n] value, or rank of the level; NaN = missing. */
  readonly values: Float64Array;
  readonly kind: 'numeric' | 'ordinal';
  /** Levels from low to high when `kind` is `ordinal`. */
  readonly levels?: readonly string[];
}

export interface CategoricalColumn {
  readonly name: string;
  /** [n] null = missing. */
  readonly values: readonly (string | null)[];
}

export interface TextColumn {
  readonly name: string;
  /** [n] null = missing. */
  readonly values: readonly (string | null)[];
}

/** One image of a row or of an earlier row of the same patient. */
export interface Visit {
  /** Absolute path of the image file. */
  readonly path: string;
  /** views · age + view number, where age is 0 for the row itself, 1 for the newest earlier row, … */
  readonly slot: number;
  /** View position; null if unknown. */
  readonly view: string | null;
  /** This visit's time minus the row's, ≤ 0, in the unit of the time column; 0 if unknown. */
  readonly timeOffset: number;
  /** The cohort row that the image belongs to. */
  readonly row: number;
}

/** Something that reading did besides reading. Names columns and findings, never a patient's values. */
export interface CohortNote {
  /** Stable identifier such as `dropped-duplicate-rows`. */
  readonly code: string;
  readonly message: string;
  readonly count: number;
  /** 1-based lines of the file that it concerns, where they can be listed. */
  readonly rows?: readonly number[];
}
