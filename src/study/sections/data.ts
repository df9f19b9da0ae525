/** The `data`, `labels` and `split` sections of the study file: what is read and who is held out. */
import { z } from 'zod';

const path = z.string().min(1, 'must name a file or folder');
const column = z.string().min(1, 'must name a column of the table');
const columns = z.array(column);

const images = z
  .strictObject({
    directory: path.describe('Folder that holds the images, relative to the data folder.'),
    columns: columns
      .min(1, 'must name at least one column')
      .describe('Columns that hold image file names, one column per view of a row (left eye, right eye).'),
    extension: z
      .string()
      .regex(/^[A-Za-z0-9]+$/, 'must be a bare extension such as "jpg"')
      .optional()
      .describe('Extension that replaces the one in the table, without a dot. Default: as in the table.'),
    present: z
      .boolean()
      .default(false)
      .describe(
        'true: rows none of whose images exist on disk are left out and counted. false: an image that the table names and the disk lacks is an error.',
      ),
  })
  .describe('Where the images are. Default: the study has no images.');

const rowFilter = z.strictObject({
  column: column.describe('Column to look at.'),
  in: z.array(z.string()).min(1).describe('Values, after trimming, of the rows to keep.'),
});

export const dataSection = z
  .strictObject({
    table: path.describe(
      'The table: .csv or .tsv, optionally .gz, relative to the data folder (`--data`, else the folder of the study file).',
    ),
    missing: z
      .array(z.string())
      .default(['', '?', 'NA', 'NaN', 'nan', 'null'])
      .describe('Cells that mean "not recorded", compared after trimming.'),
    id: column.optional().describe('Column that identifies a row. Default: "row-<line>".'),
    patient: column
      .optional()
      .describe(
        'Column that identifies the patient; no patient is ever in two splits. Default: every row is its own patient.',
      ),
    order: column
      .optional()
      .describe(
        "Numeric column that orders a patient's rows in time, for forward fill and history. Default: none.",
      ),
    rows: z
      .array(rowFilter)
      .default([])
      .describe('Keep only the rows that match every entry. Default: all rows.'),
    dropDuplicateRows: z
      .boolean()
      .default(false)
      .describe('Leave out exact duplicates of an earlier row in all columns used, and count them.'),
    images: images.optional(),
    history: z
      .int()
      .min(0)
      .max(16)
      .default(0)
      .describe(
        'Up to this many earlier images of the same patient join a row, by `order`; never their labels. Unit: rows.',
      ),
    view: column
      .optional()
      .describe('Column with the view position (PA, AP), embedded with each image. Default: none.'),
    time: column
      .optional()
      .describe("Numeric column with a visit's time (age, follow-up number). Default: `order`."),
    numeric: columns.default([]).describe('Numeric feature columns.'),
    categorical: columns.default([]).describe('Categorical feature columns.'),
    ordinal: z
      .record(column, z.array(z.string()).min(2, 'needs at least two levels'))
      .default({})
      .describe('Ordinal feature columns: column -> its levels from lowest to highest.'),
    text: columns.default([]).describe('Free-text feature columns.'),
    maskWords: z
      .array(z.string().trim().min(1))
      .default([])
      .describe(
        'Words and phrases that name the diagnosis, taken out of every text column, ignoring case, before anything reads it.',
      ),
    valid: z
      .record(column, z.tuple([z.number(), z.number()]))
      .default({})
      .describe(
        'Column -> [lowest, highest] plausible value; anything outside counts as missing and is counted.',
      ),
    onBadRow: z
      .enum(['stop', 'skip'])
      .default('stop')
      .describe('A row that cannot be read: stop with its line, or skip, count and list it.'),
    acceptFindings: z
      .array(z.string().trim().min(1, 'must be the key of a finding of "medfusion audit"'))
      .default([])
      .describe(
        'Keys of serious findings of `medfusion audit` that do not stop a run ("target-proxy:Dx:HPV>Dx:Cancer"); every report prints them first. Default: none.',
      ),
  })
  .describe('The table, the images and the feature columns.');

export const MODALITIES = ['image', 'tabular', 'text'] as const;
export type Modality = (typeof MODALITIES)[number];

/** The modalities that the data section names columns for. */
export function declaredModalities(data: z.output<typeof dataSection>): readonly Modality[] {
  const declared = {
    image: data.images !== undefined,
    tabular: data.numeric.length + data.categorical.length + Object.keys(data.ordinal).length > 0,
    text: data.text.length > 0,
  };
  return MODALITIES.filter((modality) => declared[modality]);
}

export const labelsSection = z
  .strictObject({
    columns: z
      .union([columns.min(1, 'must name at least one column'), z.record(z.string().min(1), column)])
      .optional()
      .describe('One column per label: a list of columns, or label -> column.'),
    column: column.optional().describe('One column that lists the labels of a row ("A|B|No Finding").'),
    delimiter: z.string().min(1).optional().describe('What separates the labels in `column`.'),
    names: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Labels taken from `column`. Default: all that occur, in alphabetical order.'),
    none: z
      .string()
      .min(1)
      .optional()
      .describe('The entry of `column` that means "no label is present" ("No Finding").'),
    positive: z
      .array(z.string())
      .default([])
      .describe('Further spellings of a present label, beside 1, true, yes and Y.'),
    negative: z
      .array(z.string())
      .default([])
      .describe('Further spellings of an absent label, beside 0, false, no and N.'),
  })
  .describe('The binary findings to predict: present, absent or unknown for every row.');

const validationShare = z
  .number()
  .gt(0)
  .lt(0.9)
  .default(0.15)
  .describe(
    'Share of the remaining rows, whole patients, set aside for early stopping, thresholds, calibration and tiers, 0 to 0.9.',
  );

const splitSeed = z
  .int()
  .min(0)
  .optional()
  .describe('Seed of the split alone. Default: the seed of the study.');

export const splitSection = z
  .discriminatedUnion('method', [
    z.strictObject({
      method: z.literal('holdout').describe('One patient-grouped, label-stratified test set.'),
      test: z
        .number()
        .gt(0)
        .lt(0.9)
        .default(0.2)
        .describe('Share of the rows held out, whole patients, 0 to 0.9.'),
      validation: validationShare,
      seed: splitSeed,
    }),
    z.strictObject({
      method: z.literal('kfold').describe('Patient-grouped, label-stratified cross-validation.'),
      folds: z.int().min(2).max(50).default(5).describe('Number of folds.'),
      repeats: z.int().min(1).max(100).default(1).describe('How often the whole is repeated with new folds.'),
      validation: validationShare,
      seed: splitSeed,
    }),
    z.strictObject({
      method: z.literal('lists').describe('Published lists of row ids, one per line.'),
      test: path.describe('File with the ids of the test rows, relative to the data folder.'),
      train: path
        .optional()
        .describe('File with the ids of the training rows. Default: every row that is not in `test`.'),
      validation: validationShare,
      seed: splitSeed,
    }),
  ])
  .describe('Who is held out.');
