/** What training leaves in the run folder for evaluation, report and prediction to read. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ImageFormat } from '../data/index.js';
import { DataError } from '../errors.js';
import type { Stage1Model, TierModel } from '../risk/index.js';
import { type CalibrationModel, writeWhole } from '../train/index.js';
import type { ColumnSummary, MissingCounts, RuleCount } from './dataSummary.js';
import { formatPredictions, type Predictions, parsePredictions } from './predictions.js';
import { appendLog, openRunFile, RUN_FILES, readLog, readRunJson, writeRunFile } from './runFolder.js';

const epochSchema = z.strictObject({
  repeat: z.int().min(0),
  fold: z.int().min(0),
  epoch: z.int().min(1),
  trainLoss: z.number(),
  validationLoss: z.number().nullable(),
  validationAuroc: z.number().nullable(),
  learningRate: z.number(),
  seconds: z.number(),
  improved: z.boolean(),
});

/**
 * A line of log.jsonl: one epoch of one split (repeat and fold from 0, epoch from 1), mean losses in nats, validation
 * macro AUROC or null where undefined, the last learning rate, wall time, and whether it is the best epoch so far.
 */
export type EpochEntry = z.output<typeof epochSchema>;

/** Adds an epoch to log.jsonl. */
export function logEpoch(run: string, entry: EpochEntry): Promise<void> {
  return appendLog(run, entry);
}

/**
 * The epochs of a run in order. A run that was interrupted and resumed may have logged an epoch twice: the later
 * line counts.
 * @throws DataError `missing-run-file`, `corrupt-run-file`
 */
export async function readEpochs(run: string): Promise<EpochEntry[]> {
  const byEpoch = new Map<string, EpochEntry>();
  for (const line of await readLog(run)) {
    const parsed = epochSchema.safeParse(line);
    if (!parsed.success) throw corrupt(run, 'log', parsed.error.issues[0]);
    const { repeat, fold, epoch } = parsed.data;
    byEpoch.set(`${repeat}/${fold}/${epoch}`, parsed.data);
  }
  return [...byEpoch.values()].sort((a, b) => a.repeat - b.repeat || a.fold - b.fold || a.epoch - b.epoch);
}

/** Writes predictions.csv. @param parts  such as those of the folds, one after the other */
export function writePredictions(run: string, ...parts: readonly Predictions[]): Promise<void> {
  return writeWhole(join(run, RUN_FILES.predictions), formatPredictions(...parts));
}

/**
 * Reads predictions.csv.
 * @throws DataError `missing-run-file`, `bad-predictions`
 */
export async function readPredictions(run: string): Promise<Predictions> {
  return parsePredictions(await openRunFile(run, 'predictions'), join(run, RUN_FILES.predictions));
}

/** What was fitted on one split besides the network; `stage1` is null when the study switches it off. */
export interface FittedSplit {
  readonly repeat: number;
  readonly fold: number;
  readonly stage1: Stage1Model | null;
  readonly tiers: TierModel;
}

/** Where stage 1 alone is the model: all that predicting new patients needs. Plain JSON. */
export interface Stage1Predictor {
  readonly stage1: Stage1Model;
  readonly calibration: CalibrationModel;
  readonly tiers: TierModel;
  /** How the images that stage 1 looks at were decoded; null when it looks at none. */
  readonly image: Required<ImageFormat> | null;
}

/**
 * Writes stage1.json: bins, rules, thresholds, top-N, trees and tier policy, split by split.
 * @param model  to predict with, where stage 1 alone is the model; default null: a network is, and has a file of its own
 */
export function writeFitted(
  run: string,
  splits: readonly FittedSplit[],
  model: Stage1Predictor | null = null,
): Promise<void> {
  return writeRunFile(run, 'stage1', { splits, model });
}

const stage1Schema = z
  .looseObject({ format: z.literal('medfusion-stage1'), version: z.literal(1) })
  .transform((model) => model as unknown as Stage1Model);
const tiersSchema = z
  .looseObject({ format: z.literal('medfusion-tiers'), version: z.literal(1) })
  .transform((model) => model as unknown as TierModel);
const calibrationSchema = z
  .looseObject({ method: z.string(), labels: z.array(z.unknown()) })
  .transform((model) => model as unknown as CalibrationModel);

const imageSchema = z
  .looseObject({ size: z.int(), channels: z.int() })
  .transform((format) => format as unknown as Required<ImageFormat>);

const fittedSchema = z.object({
  splits: z
    .array(
      z.object({
        repeat: z.int(),
        fold: z.int(),
        stage1: stage1Schema.nullable(),
        tiers: tiersSchema,
      }),
    )
    .min(1),
  model: z
    .object({
      stage1: stage1Schema,
      calibration: calibrationSchema,
      tiers: tiersSchema,
      image: imageSchema.nullable().default(null),
    })
    .nullable()
    .default(null),
});

/**
 * Reads what was fitted, split by split, from stage1.json. Format and version are checked; what is inside them is taken
 * as this version wrote it.
 * @throws DataError `missing-run-file`, `corrupt-run-file`
 */
export async function readFitted(run: string): Promise<FittedSplit[]> {
  return (await readStage1File(run)).splits;
}

/**
 * The model of a run of stage 1 alone; null when the run is another's, or not as far.
 * @throws DataError `corrupt-run-file`
 */
export async function readStage1Predictor(run: string): Promise<Stage1Predictor | null> {
  return existsSync(join(run, RUN_FILES.stage1)) ? (await readStage1File(run)).model : null;
}

async function readStage1File(run: string): Promise<z.output<typeof fittedSchema>> {
  const parsed = fittedSchema.safeParse(await readRunJson(run, 'stage1'));
  if (!parsed.success) throw corrupt(run, 'stage1', parsed.error.issues[0]);
  return parsed.data;
}

const countSchema = z.object({ fired: z.number(), known: z.number(), positives: z.number() });
/** Counts per label and rule, null without stage 1. */
export const ruleCounts = z.array(z.array(countSchema)).nullable();
const dataSchema = z.object({
  numeric: z.array(
    z.object({
      name: z.string(),
      missing: z.number(),
      edges: z.array(z.number()),
      counts: z.array(z.number()),
    }),
  ),
  correlation: z.array(z.array(z.number().nullable())),
  missing: z.array(z.object({ name: z.string(), parts: z.array(z.number()).length(3) })),
  rules: ruleCounts,
});

/** data.json: distributions and correlations of all rows, missing values per part of the split, and where the first split's rules fire in its test rows. */
export interface DataRecord {
  readonly numeric: readonly ColumnSummary[];
  readonly correlation: readonly (readonly (number | null)[])[];
  /** Of training, validation and test rows, as the report's split has them. */
  readonly missing: readonly MissingCounts[];
  readonly rules: readonly (readonly RuleCount[])[] | null;
}

/** Writes data.json. */
export function writeDataRecord(run: string, record: DataRecord): Promise<void> {
  return writeRunFile(run, 'data', record);
}

/**
 * Reads data.json.
 * @throws DataError `missing-run-file`, `corrupt-run-file`
 */
export async function readDataRecord(run: string): Promise<DataRecord> {
  const parsed = dataSchema.safeParse(await readRunJson(run, 'data'));
  if (!parsed.success) throw corrupt(run, 'data', parsed.error.issues[0]);
  return parsed.data;
}

/** A file of the run that is not as training writes it. */
export function corrupt(run: string, file: keyof typeof RUN_FILES, issue: z.core.$ZodIssue): DataError {
  return new DataError(
    'corrupt-run-file',
    `run folder: the file must be as "medfusion train" wrote it, got at ${issue.path.join('.') || 'its top'}: ${issue.message}; train the study anew`,
    { file: join(run, RUN_FILES[file]) },
  );
}
