/** Logits of a trained model for rows of a cohort. */
import { compile, type Tensor } from '../graph/index.js';
import { imageEmbedding, type MedFusionConfig, medFusionInputs, medFusionNet } from '../models/index.js';
import { ParameterList, Scope } from '../nn/index.js';
import type { ParameterStore, Runtime } from '../runtime/index.js';
import { type BatchSource, createBatcher } from './batches.js';

/** Named weights and running statistics of a model. */
export type Weights = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly values: Float32Array }
>;

export interface Predictor {
  /** Logits [rows, label] of the given rows, in their order. */
  logits(source: BatchSource, rows: Int32Array): Promise<Float64Array>;
  release(): Promise<void>;
}

/**
 * Compiles the model for inference. Parameters are read from the store at every run, so that a training loop may
 * change them in between.
 */
export async function openPredictor(
  runtime: Runtime,
  config: MedFusionConfig,
  store: ParameterStore,
  batchSize: number,
): Promise<Predictor> {
  const scope = new Scope(new ParameterList(), false);
  const logits = medFusionNet(scope, medFusionInputs(config, batchSize), config);
  const { run, release } = await openRows(runtime, logits, store);
  return { logits: run, release };
}

export interface Embedder {
  /** Values of an embedding. */
  readonly width: number;
  /** Embeddings [rows, width] of the given rows' images, in the rows' order; 0 for a row without an image. */
  embeddings(source: BatchSource, rows: Int32Array): Promise<Float64Array>;
  release(): Promise<void>;
}

/**
 * Compiles the part of the model that embeds images, for inference.
 * @throws ConfigError when the model has no dense branch
 */
export async function openEmbedder(
  runtime: Runtime,
  config: MedFusionConfig,
  store: ParameterStore,
  batchSize: number,
): Promise<Embedder> {
  const scope = new Scope(new ParameterList(), false);
  const embedding = imageEmbedding(scope, medFusionInputs(config, batchSize), config);
  const { run, release } = await openRows(runtime, embedding, store);
  return { width: embedding.shape[1], embeddings: run, release };
}

/** Compiles a value per row, [batch, width], to be computed batch by batch for any rows. */
async function openRows(runtime: Runtime, value: Tensor, store: ParameterStore) {
  const [batchSize, width] = value.shape;
  const executable = await runtime.load(compile({ value }, runtime.emitOptions), store);
  let batcher: { source: BatchSource; next: ReturnType<typeof createBatcher> } | null = null;
  return {
    run: async (source: BatchSource, rows: Int32Array): Promise<Float64Array> => {
      if (batcher?.source !== source) batcher = { source, next: createBatcher(source, batchSize) };
      const result = new Float64Array(rows.length * width);
      for (let start = 0; start < rows.length; start += batchSize) {
        const batch = rows.subarray(start, start + batchSize);
        const output = await executable.run(batcher.next(batch));
        result.set(output.value.subarray(0, batch.length * width), start * width);
      }
      return result;
    },
    release: () => executable.release(),
  };
}

/** Puts weights into a store under their own names. */
export function storeWeights(store: ParameterStore, weights: Weights): void {
  for (const [name, { shape, values }] of weights) store.set(name, values, shape);
}
