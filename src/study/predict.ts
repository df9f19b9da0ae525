/** `medfusion predict`: a run's model applied to new patients. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Cohort } from '../data/index.js';
import { ConfigError } from '../errors.js';
import { clippedLogit } from '../metrics/index.js';
import { applyStage1, assignTiers, type Stage1Model, type TierModel, tierNames } from '../risk/index.js';
import { ParameterStore, type Runtime } from '../runtime/index.js';
import {
  applyCalibration,
  type EncodedCohort,
  encodeCohort,
  openPredictor,
  storeWeights,
  writeWhole,
} from '../train/index.js';
import { embedImages, usesEmbeddings } from './imageEmbedder.js';
import { imageStatistics, isImageFeature, stage1Cohort } from './imageFeatures.js';
import {
  type ModelInputs,
  type NewPatients,
  type NewPatientsOptions,
  readNewPatients,
} from './newPatients.js';
import { openRuntime } from './openRuntime.js';
import { parseStudy } from './parse.js';
import { csvLine } from './predictions.js';
import { openRunFolder, RUN_FILES, readRunBytes, readRunFile } from './runFolder.js';
import { readStage1Predictor, type Stage1Predictor } from './runRecords.js';
import { decodeEmbedder } from './savedEmbedder.js';
import type { SavedModel } from './savedModel.js';
import type { Study } from './schema.js';
import { MODALITIES } from './sections/data.js';
import { decodeModel, type ModelParts } from './trainedSplit.js';

export interface PredictOptions extends NewPatientsOptions {
  /** Run folder of a finished run. */
  readonly run: string;
  readonly device?: string;
  readonly threads?: number;
}

/** Predictions for n rows and L labels; matrices are row-major [n, L]. */
export interface NewPredictions {
  readonly labels: readonly string[];
  readonly ids: readonly string[];
  readonly patients: readonly string[];
  /** [n, L] calibrated, in [0, 1]. */
  readonly probabilities: Float64Array;
  /** [n, L] 0 low, 1 medium, 2 high. */
  readonly tiers: Uint8Array;
  /** [n][L] the stage-1 rules that fire, in words; null when the model has no stage 1. */
  readonly rules: readonly (readonly (readonly string[])[])[] | null;
}

/**
 * Predicts new patients with the model of a run: its network, or stage 1 where that is the model. The model of a
 * cross-validated run is the one fitted on all rows. A network computes rows in batches of the study's size whatever
 * their number, so that a row's probabilities have the same bits whichever rows stand beside it.
 * @throws ConfigError, DataError for bad input
 */
export async function predictRun(options: PredictOptions): Promise<NewPredictions> {
  const run = await openRunFolder(options.run);
  const study = parseStudy(await readRunFile(run, 'study'), join(run, RUN_FILES.study));
  const open = () => openRuntime(options, options.say);
  const alone = await readStage1Predictor(run);
  if (alone !== null) {
    const patients = await readNewPatients(study, stage1Inputs(alone, study), options);
    return predictByStage1(alone, await seenByStage1(run, study, patients, open), options.say);
  }
  const model = decodeModel(await readRunBytes(run, 'weights'), join(run, RUN_FILES.weights));
  const patients = await readNewPatients(study, networkInputs(model.saved), options);
  const runtime = await open();
  const seen = await seenByStage1(run, study, patients, async () => runtime);
  return predictByNetwork(model, patients, seen, runtime, study.training.batchSize, options.say);
}

/** The cohort with the image features that stage 1 was fitted with. */
async function seenByStage1(
  run: string,
  study: Study,
  { cohort, images }: NewPatients,
  open: () => Promise<Runtime>,
): Promise<Cohort> {
  const statistics = imageStatistics(study, cohort, images);
  if (images === null || !usesEmbeddings(study)) return stage1Cohort(study, cohort, statistics);
  const embedder = decodeEmbedder(await readRunBytes(run, 'embedder'), join(run, RUN_FILES.embedder));
  const embedded = await embedImages(embedder, { study, cohort, images, runtime: await open() });
  return stage1Cohort(study, cohort, [...statistics, ...embedded]);
}

/** What a network reads of new patients. */
export function networkInputs({ image, encoder, tiers }: SavedModel): ModelInputs {
  return {
    image,
    columns: [...encoder.numeric, ...encoder.categorical].map(({ name }) => name),
    notes: encoder.text?.columns ?? [],
    raising: raisingColumns(tiers),
  };
}

function stage1Inputs({ stage1: { imputer }, image, tiers }: Stage1Predictor, study: Study): ModelInputs {
  return {
    image,
    columns: [...imputer.numeric, ...imputer.categorical]
      .map(({ column }) => column)
      .filter((column) => !isImageFeature(study, column)),
    notes: [],
    raising: raisingColumns(tiers),
  };
}

function raisingColumns({ policy }: TierModel): string[] {
  return policy.overrides.map(({ column }) => column);
}

/** Applies stage 1, its calibration and its tiers to what it sees of patients. */
function predictByStage1(
  { stage1, calibration, tiers }: Stage1Predictor,
  cohort: Cohort,
  say: (message: string) => void,
): NewPredictions {
  const applied = applyStage1(stage1, cohort);
  for (const column of applied.unseen) say(describeUnseen(column));
  const probabilities = applyCalibration(calibration, applied.probabilities.map(clippedLogit));
  return {
    labels: stage1.labels.map(({ label }) => label),
    ids: cohort.ids,
    patients: cohort.patients,
    probabilities,
    tiers: assignTiers(tiers, probabilities, cohort),
    rules: firedRules(stage1, applied.rules),
  };
}

function describeUnseen({ column, rows }: { readonly column: string; readonly rows: number }): string {
  const which = rows === 1 ? 'row holds a category' : 'rows hold categories';
  return `column "${column}": ${rows} ${which} that training never saw; they count as missing`;
}

/** Applies stage 1, encoder, network, calibration and tiers to patients that have been read. */
async function predictByNetwork(
  { saved, stage1, weights }: ModelParts,
  { cohort, images, absent }: NewPatients,
  seen: Cohort,
  runtime: Runtime,
  batchSize: number,
  say: (message: string) => void,
): Promise<NewPredictions> {
  const { labels, config, encoder } = saved;
  const first = stage1 === null ? null : applyStage1(stage1, seen);
  const encoded = maskAbsent(encodeCohort(encoder, cohort, first?.inputs.values ?? null), absent);
  for (const column of encoded.unseen) say(describeUnseen(column));
  const store = new ParameterStore();
  storeWeights(store, weights);
  const predictor = await openPredictor(runtime, config, store, batchSize);
  const all = Int32Array.from({ length: cohort.size }, (_, row) => row);
  const logits = await predictor.logits({ cohort, encoder, encoded, config, images }, all);
  await predictor.release();
  const probabilities = applyCalibration(saved.calibration, logits);
  return {
    labels,
    ids: cohort.ids,
    patients: cohort.patients,
    probabilities,
    tiers: assignTiers(saved.tiers, probabilities, cohort),
    rules: stage1 === null || first === null ? null : firedRules(stage1, first.rules),
  };
}

/** A modality of which the table has no column is hidden from the network; training hides modalities too. */
function maskAbsent(encoded: EncodedCohort, absent: NewPatients['absent']): EncodedCohort {
  const present = encoded.present.map((value, at) =>
    absent.has(MODALITIES[at % MODALITIES.length]) ? 0 : value,
  );
  return { ...encoded, present };
}

/** A threshold rule and a leaf may say the same; it is said once. */
function firedRules(
  { labels }: Stage1Model,
  fired: readonly (readonly (readonly number[])[])[],
): readonly (readonly (readonly string[])[])[] {
  return fired.map((row) =>
    row.map((indices, l) => [...new Set(indices.map((i) => labels[l].rules[i].text))]),
  );
}

/**
 * Predictions as CSV (RFC 4180): id, patient, then per label `<label>:probability` with every digit, `<label>:tier`
 * and `<label>:rules`, the fired rules separated by ` | `; empty when none fires or the model has no stage 1.
 */
export function formatNewPredictions(predictions: NewPredictions): string {
  const { labels, ids, patients, probabilities, tiers, rules } = predictions;
  const header = labels.flatMap((label) =>
    ['probability', 'tier', 'rules'].map((kind) => `${label}:${kind}`),
  );
  const lines = ids.map((id, row) => {
    const cells = labels.flatMap((_, l) => {
      const at = row * labels.length + l;
      return [String(probabilities[at]), tierNames[tiers[at]], (rules?.[row][l] ?? []).join(' | ')];
    });
    return csvLine([id, patients[row], ...cells]);
  });
  return `${[csvLine(['id', 'patient', ...header]), ...lines].join('\n')}\n`;
}

/**
 * A file for results that does not exist yet. Ask before the work, write after it.
 * @returns the absolute path and a function that writes the file whole
 * @throws ConfigError when there is such a file
 */
export function newResultFile(path: string): { readonly path: string; write(text: string): Promise<void> } {
  const absolute = resolve(path);
  const requireAbsent = () => {
    if (!existsSync(absolute)) return;
    throw new ConfigError(
      `--out must name a new file, got ${path}, which exists; name another or move it away`,
      'out',
    );
  };
  requireAbsent();
  return {
    path: absolute,
    write: async (text) => {
      requireAbsent();
      await writeWhole(absolute, text);
    },
  };
}
