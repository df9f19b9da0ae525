/**
 * Embeddings of images as features of stage 1, out of fold (P2): a training row is embedded by a network that was not
 * trained on it, every other row by one that was trained on all training rows (docs/decisions/0018).
 */
import {
  type Cohort,
  dealPatients,
  type ImageStore,
  type NumericColumn,
  patientStrata,
} from '../data/index.js';
import { DataError } from '../errors.js';
import type { MedFusionConfig } from '../models/index.js';
import { medFusionGroup } from '../models/index.js';
import { randomStream } from '../random/index.js';
import { ParameterStore, type Runtime } from '../runtime/index.js';
import {
  type AffineMap,
  applyAffineMap,
  type BatchSource,
  encodeCohort,
  fit,
  fitEncoder,
  fitPrincipalComponents,
  fitRidgeMap,
  type InputEncoder,
  openEmbedder,
  type ProgressListener,
  storeWeights,
  type Weights,
} from '../train/index.js';
import { viewsOf } from './imageFeatures.js';
import { fitOptions, networkConfig } from './networkConfig.js';
import type { Study } from './schema.js';

/** A fitted embedder: all that new rows need besides how images are decoded. Plain JSON but for the weights. */
export interface ImageEmbedder {
  readonly format: 'medfusion-embedder';
  readonly version: 1;
  readonly config: MedFusionConfig;
  readonly encoder: InputEncoder;
  /** Rows per run of the network; part of what gives the same bits. */
  readonly batchSize: number;
  /** From the network's embeddings to the features, principal components of the training rows. */
  readonly components: AffineMap;
  /** Of the dense branch, under published names. */
  readonly weights: Weights;
}

export interface EmbedderTask {
  readonly study: Study;
  readonly cohort: Cohort;
  readonly images: ImageStore;
  readonly runtime: Runtime;
  readonly listener: Pick<ProgressListener, 'message'>;
  readonly signal?: AbortSignal;
  /** Which of several fits this is, for messages. */
  readonly part?: string;
}

export interface FittedEmbedder {
  readonly embedder: ImageEmbedder;
  /** One column per component; missing where a row has no image of its own. */
  readonly columns: readonly NumericColumn[];
}

/** Whether a study asks for embeddings. */
export function usesEmbeddings({ stage1 }: Study): boolean {
  return stage1.enabled && stage1.images.embeddings > 0;
}

/**
 * Fits the embedder on training rows and embeds the cohort. Of the networks each fold's is trained on the rows of the
 * others; what it makes of its held-out rows is carried into the coordinates of the last network, which is trained on
 * all, by the map that does so best for the rows that both were trained on.
 * @param train  training rows of a split
 * @throws DataError `too-few-patients` when fewer than two patients have images among the training rows
 * @throws Interrupted when the signal aborts
 */
export async function fitImageEmbedder(task: EmbedderTask, train: Int32Array): Promise<FittedEmbedder> {
  const { study, listener, part } = task;
  const { embeddings, folds } = study.stage1.images;
  const cohort = ownImages(task.cohort, viewsOf(study));
  const rows = withImages(cohort, train);
  const held = dealFolds(cohort, rows, folds, study.seed);
  const others = held.map((fold) => without(rows, fold));
  const batchSize = Math.min(study.training.batchSize, ...others.map(({ length }) => length));
  const say = (network: number, begun: number) =>
    listener.message(
      `${part === undefined ? '' : `${part}, `}image embedder: network ${network} of ${held.length + 1} ` +
        `(${((performance.now() - begun) / 1000).toFixed(1)} s)`,
    );

  let begun = performance.now();
  const network = await trainNetwork({ ...task, cohort }, rows, batchSize);
  const everyone = withImages(
    cohort,
    Int32Array.from({ length: cohort.size }, (_, row) => row),
  );
  const [values, width] = await embed({ ...task, cohort }, network, everyone, batchSize);
  const own = rowTable(everyone, values, width);
  say(1, begun);
  const outOfFold = rowTable(rows, new Float64Array(rows.length * width), width);
  for (const [f, fold] of held.entries()) {
    begun = performance.now();
    const ofFold = rowTable(
      rows,
      await embedByOthers({ ...task, cohort }, rows, others[f], batchSize),
      width,
    );
    const map = fitRidgeMap(ofFold.take(others[f]), width, own.take(others[f]), width);
    outOfFold.put(fold, applyAffineMap(map, ofFold.take(fold)));
    say(f + 2, begun);
  }
  const components = fitPrincipalComponents(outOfFold.take(rows), width, embeddings);
  own.put(rows, outOfFold.take(rows));
  const { config, encoder, weights } = network;
  return {
    embedder: {
      format: 'medfusion-embedder',
      version: 1,
      config,
      encoder,
      batchSize,
      components,
      weights: new Map([...weights].filter(([name]) => medFusionGroup(name) === 'cnn')),
    },
    columns: columnsOf(cohort.size, everyone, applyAffineMap(components, own.take(everyone)), embeddings),
  };
}

/**
 * The features of rows that the embedder was not fitted on.
 * @returns one column per component; missing where a row has no image of its own
 */
export async function embedImages(
  embedder: ImageEmbedder,
  { study, cohort: read, images, runtime }: Pick<EmbedderTask, 'study' | 'cohort' | 'images' | 'runtime'>,
): Promise<NumericColumn[]> {
  const cohort = ownImages(read, viewsOf(study));
  const rows = withImages(
    cohort,
    Int32Array.from({ length: cohort.size }, (_, row) => row),
  );
  const { batchSize, components } = embedder;
  const [values] = await embed({ cohort, images, runtime }, embedder, rows, batchSize);
  const features = rows.length === 0 ? values : applyAffineMap(components, values);
  return columnsOf(cohort.size, rows, features, components.origin.length);
}

/**
 * Embeddings of rows by a network that is trained on some of them.
 * @param task   its cohort holds each row's own images alone
 * @param others rows that the network is trained on
 * @returns [rows, channel], in the coordinates of that network
 */
export async function embedByOthers(
  task: EmbedderTask,
  rows: Int32Array,
  others: Int32Array,
  batchSize: number,
): Promise<Float64Array> {
  const [values] = await embed(task, await trainNetwork(task, others, batchSize), rows, batchSize);
  return values;
}

/** The cohort with each row's own images, as stage 1 has each row's own values. */
export function ownImages(cohort: Cohort, views: number): Cohort {
  return {
    ...cohort,
    slots: views,
    visits: cohort.visits.map((visits, row) => visits.filter((visit) => visit.row === row)),
  };
}

type Network = Pick<ImageEmbedder, 'config' | 'encoder' | 'weights'>;

/** Trains a dense branch on the labels of some rows, for a fixed number of epochs: no other row has a say. */
async function trainNetwork(
  { study, cohort, images, runtime, signal }: EmbedderTask,
  rows: Int32Array,
  batchSize: number,
): Promise<Network> {
  const settings = embedderStudy(study, batchSize);
  const { text } = settings.model;
  const encoder = fitEncoder(cohort, rows, { modalities: ['image'], images, ...text });
  const config = networkConfig(settings, cohort, rows, encoder);
  const { weights } = await fit({
    runtime,
    config,
    source: sourceOf(cohort, images, { config, encoder }),
    train: rows,
    validation: new Int32Array(0),
    options: fitOptions(settings),
    listener: silent,
    checkpoint: null,
    signal,
  });
  return { config, encoder, weights };
}

const silent: ProgressListener = { epochStart() {}, batch() {}, epochEnd() {}, message() {} };

/** The study under which an embedder is trained: images alone, by the smallest dense branch. */
function embedderStudy(study: Study, batchSize: number): Study {
  const { model, training, stage1 } = study;
  const { optimizer } = training;
  return {
    ...study,
    model: {
      ...model,
      size: 'nano',
      modalities: ['image'],
      branches: { cnn: true, transformer: false, temporal: false },
      interaction: false,
      pyramid: false,
      fusion: 'concat',
      classGate: false,
      mirror: false,
      modalityDropout: 0,
    },
    training: {
      ...training,
      batchSize,
      epochs: stage1.images.epochs,
      accumulate: 1,
      sampling: { ...training.sampling, balanced: false },
      earlyStopping: { ...training.earlyStopping, patience: null },
      optimizer: { ...optimizer, groups: { cnn: 1, transformer: 1, interaction: 1, classifier: 1 } },
    },
  };
}

async function embed(
  { cohort, images, runtime }: Pick<EmbedderTask, 'cohort' | 'images' | 'runtime'>,
  network: Network,
  rows: Int32Array,
  batchSize: number,
): Promise<[values: Float64Array, width: number]> {
  const store = new ParameterStore();
  storeWeights(store, network.weights);
  const embedder = await openEmbedder(runtime, network.config, store, batchSize);
  try {
    return [await embedder.embeddings(sourceOf(cohort, images, network), rows), embedder.width];
  } finally {
    await embedder.release();
  }
}

function sourceOf(
  cohort: Cohort,
  images: ImageStore,
  network: Pick<Network, 'config' | 'encoder'>,
): BatchSource {
  return { cohort, images, ...network, encoded: encodeCohort(network.encoder, cohort, null) };
}

/** Deals rows into folds by patient, without a look at their labels: these must not decide who embeds whom. */
function dealFolds(cohort: Cohort, rows: Int32Array, most: number, seed: number): Int32Array[] {
  const patients = new Set(Array.from(rows, (row) => cohort.patientIndex[row])).size;
  if (patients < 2) {
    throw new DataError(
      'too-few-patients',
      `image embedder: at least 2 patients must have images among the training rows, got ${patients}; set stage1.images.embeddings to 0`,
    );
  }
  const folds = Math.min(most, patients);
  const shares = new Array<number>(folds).fill(1 / folds);
  const strata = patientStrata({ ...cohort, labels: [] }, rows);
  const part = dealPatients(strata, shares, randomStream(seed, 'embedder', 'folds'));
  return shares.map((_, fold) => rows.filter((row) => part[cohort.patientIndex[row]] === fold));
}

function withImages({ visits }: Cohort, rows: Int32Array): Int32Array {
  return rows.filter((row) => visits[row].length > 0);
}

function without(rows: Int32Array, left: Int32Array): Int32Array {
  const out = new Set(left);
  return rows.filter((row) => !out.has(row));
}

/** Vectors by row of the cohort. */
function rowTable(rows: Int32Array, values: Float64Array, width: number) {
  const place = new Map(Array.from(rows, (row, i) => [row, i]));
  const at = (row: number) => place.get(row)! * width;
  return {
    take: (wanted: Int32Array): Float64Array => {
      const taken = new Float64Array(wanted.length * width);
      wanted.forEach((row, i) => {
        taken.set(values.subarray(at(row), at(row) + width), i * width);
      });
      return taken;
    },
    put: (changed: Int32Array, vectors: Float64Array): void => {
      changed.forEach((row, i) => {
        values.set(vectors.subarray(i * width, (i + 1) * width), at(row));
      });
    },
  };
}

/** @param values [rows, count] */
function columnsOf(size: number, rows: Int32Array, values: Float64Array, count: number): NumericColumn[] {
  return Array.from({ length: count }, (_, c) => {
    const column = new Float64Array(size).fill(Number.NaN);
    rows.forEach((row, i) => {
      column[row] = values[i * count + c];
    });
    return { name: `image embedding ${c + 1}`, kind: 'numeric' as const, values: column };
  });
}
