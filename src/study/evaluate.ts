/** metrics.json: everything in it that is measured comes from predictions.csv, so anyone can check it. */
import { join } from 'node:path';
import { z } from 'zod';
import {
  bootstrapTogether,
  decisionCurveResampling,
  type Measurement,
  multilabelResampling,
  subgroupResampling,
} from '../metrics/index.js';
import { type ChosenPoint, choosePoints, operatingRules, pointResampling } from './operatingPoints.js';
import { parseStudy } from './parse.js';
import type { Predictions } from './predictions.js';
import { pretrainedSchema } from './pretrained.js';
import { openRunFolder, RUN_FILES, readRunFile, readRunJson, writeRunFile } from './runFolder.js';
import { corrupt, readPredictions } from './runRecords.js';
import type { Study } from './schema.js';
import { type ScoredPart, scoreRows } from './scoredRows.js';
import { type SubgroupLevels, subgroupLevels } from './subgroups.js';

const noteSchema = z.object({
  code: z.string(),
  message: z.string(),
  count: z.number(),
  rows: z.array(z.number()).readonly().optional(),
});

const provenanceSchema = z.object({
  seconds: z.number(),
  peakMemoryBytes: z.number(),
  environment: z.object({
    medfusion: z.string(),
    node: z.string(),
    onnxruntime: z.string().nullable(),
    os: z.string(),
    cpu: z.string(),
    logicalCores: z.number(),
    memoryGiB: z.number(),
    device: z.string(),
    // Absent from runs of before devices could be picked.
    deviceReason: z.string().nullable().default(null),
    threads: z.number(),
    seed: z.number(),
  }),
  checksums: z.record(z.string(), z.string()),
  pretrained: pretrainedSchema.optional(),
  audit: z.object({ accepted: z.array(noteSchema), notes: z.array(noteSchema) }),
});

/**
 * What training knows and predictions do not: wall time in seconds, peak memory in bytes, versions and machine,
 * SHA-256 of every input by name, what became of published weights, and what reading the data did (`notes`) or the study accepted (`accepted`).
 */
export type Provenance = z.output<typeof provenanceSchema>;

/** The measured part of metrics.json. */
export interface Measurements {
  readonly test: Measurement;
  /**
   * The validation rows, which also chose thresholds and calibration: read it as a check, not as a result. `null`
   * under cross-validation, where every fold has validation rows of its own.
   */
  readonly validation: Measurement | null;
  /** Per label, the decision threshold of each split, by repeat, then fold. */
  readonly thresholds: Readonly<Record<string, readonly number[]>>;
}

export type RunMetrics = Measurements & Provenance;

/**
 * Measures predictions: thresholds from each split's validation rows, then every metric on the test rows, those of
 * cross-validation pooled out of fold per repeat.
 * @throws DataError `one-class-validation`, `no-rows`, `missing-subgroup`, `bad-predictions`
 */
export function measurePredictions(
  predictions: Predictions,
  { data, evaluation, seed }: Pick<Study, 'data' | 'evaluation' | 'seed'>,
): Measurements {
  const { test, validation, thresholds } = scoreRows(predictions, evaluation.threshold);
  const splits = thresholds[0].length;
  const how = {
    resamples: evaluation.bootstrap,
    seed,
    chosen: choosePoints(operatingRules(evaluation), validation, splits),
    levels: subgroupLevels(predictions.subgroups, { data, evaluation }),
  };
  return {
    test: measurePart(test, how),
    validation: splits === 1 ? measurePart(validation, how) : null,
    thresholds: Object.fromEntries(predictions.labels.map((label, l) => [label, thresholds[l]])),
  };
}

interface MeasureOptions {
  readonly resamples: number;
  readonly seed: number;
  readonly chosen: readonly ChosenPoint[];
  readonly levels: readonly SubgroupLevels[];
}

function measurePart(part: ScoredPart, { resamples, seed, chosen, levels }: MeasureOptions): Measurement {
  const { labels, probabilities, decisions, targets, known, patients, repeat } = part;
  const predictions = { labels, probabilities, decisions, targets, known, patients, repeat };
  const groupings = levels.map(({ grouping }, i) => grouping(part.subgroups[i].values));
  const [evaluation, curves, points, ...tables] = bootstrapTogether(
    [
      multilabelResampling(predictions),
      decisionCurveResampling(predictions),
      pointResampling(chosen, part, predictions),
      ...groupings.map((grouping) => subgroupResampling({ ...predictions, grouping })),
    ],
    { resamples, seed },
  );
  return {
    ...evaluation,
    labels: Object.fromEntries(
      labels.map((label) => [
        label,
        {
          ...evaluation.labels[label],
          decisionCurve: curves[label],
          operatingPoints: points[label],
          subgroups: Object.fromEntries(levels.map(({ column }, i) => [column, tables[i][label]])),
        },
      ]),
    ),
  };
}

/**
 * Measures a run anew from its predictions.csv and writes its metrics.json.
 * @param folder      the run folder
 * @param provenance  what training knows; default: as the run's metrics.json has it
 * @throws ConfigError when the folder is no run; DataError when a file of it is missing or damaged
 */
export async function evaluateRun(folder: string, provenance?: Provenance): Promise<RunMetrics> {
  return (await evaluateFolder(folder, provenance)).metrics;
}

/** As `evaluateRun`, with the predictions that were read, which at a million rows are dear to read twice. */
export async function evaluateFolder(
  folder: string,
  provenance?: Provenance,
): Promise<{ readonly metrics: RunMetrics; readonly predictions: Predictions }> {
  const run = await openRunFolder(folder);
  const file = (name: keyof typeof RUN_FILES) => join(run, RUN_FILES[name]);
  const study = parseStudy(await readRunFile(run, 'study'), file('study'));
  const predictions = await readPredictions(run);
  const known = provenance ?? (await readProvenance(run));
  const metrics = { ...measurePredictions(predictions, study), ...known };
  await writeRunFile(run, 'metrics', metrics);
  return { metrics, predictions };
}

/**
 * What training wrote into metrics.json.
 * @throws DataError `missing-run-file`, `corrupt-run-file`
 */
export async function readProvenance(run: string): Promise<Provenance> {
  const parsed = provenanceSchema.safeParse(await readRunJson(run, 'metrics'));
  if (!parsed.success) throw corrupt(run, 'metrics', parsed.error.issues[0]);
  return parsed.data;
}

/**
 * Reads metrics.json; what was measured is taken as `evaluateRun` wrote it.
 * @throws DataError `missing-run-file`, `corrupt-run-file`
 */
export async function readMetrics(run: string): Promise<RunMetrics> {
  const measured = z
    .looseObject({
      test: z.looseObject({ n: z.number() }),
      thresholds: z.record(z.string(), z.array(z.number())),
    })
    .safeParse(await readRunJson(run, 'metrics'));
  if (!measured.success) throw corrupt(run, 'metrics', measured.error.issues[0]);
  return { ...(measured.data as unknown as Measurements), ...(await readProvenance(run)) };
}
