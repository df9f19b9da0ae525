/** Puts published weights into a model: tensors by name, as a safetensors file holds them. */
import { DataError } from '../errors.js';
import { sameShape } from '../graph/index.js';
import type { ParameterList } from '../nn/index.js';
import { type StoredTensor, toFloat32 } from './safetensors.js';

/** Where a model's values lie: the part of `ParameterStore` that is needed here. */
export interface WeightTarget {
  /** The live values of a parameter or buffer. @throws Error when it has none yet */
  get(name: string): { readonly values: Float32Array };
}

/** What became of the names on both sides; each list in its own side's order. */
export interface LoadedWeights {
  /** Parameters and buffers that were overwritten. */
  readonly matched: readonly string[];
  /** Parameters and buffers of the model that the file lacks; they keep their values. */
  readonly missing: readonly string[];
  /** Tensors of the file that the model lacks; they are not used. */
  readonly unexpected: readonly string[];
}

/** PyTorch's count of batches: its batch norms need it only without a momentum, which no published model has. */
const isBatchCount = (name: string) => name.split('.').at(-1) === 'num_batches_tracked';

/**
 * Overwrites a model's parameters and buffers with the tensors of the same names. Whether missing and unexpected
 * names are acceptable (a new classifier, say) is for the caller to decide. Copies of the weights, such as their
 * moving average, do not follow: load before making them.
 * @param store holds a value for every entry of `list`
 * @param tensors float tensors (F32, F64, F16, BF16) by published name; `num_batches_tracked` is ignored
 * @param list the model's parameters and buffers
 * @throws DataError (code `weight-shape`) when a tensor's shape is not the parameter's, (`safetensors-dtype`) when
 *   it holds no floats; the store is then as it was
 */
export function loadWeights(
  store: WeightTarget,
  tensors: Readonly<Record<string, StoredTensor>>,
  list: ParameterList,
): LoadedWeights {
  const found: { name: string; values: Float32Array }[] = [];
  const missing: string[] = [];
  for (const [name, { shape }] of list.entries) {
    if (!Object.hasOwn(tensors, name)) {
      missing.push(name);
      continue;
    }
    const tensor = tensors[name];
    if (!sameShape(tensor.shape, shape)) {
      throw new DataError(
        'weight-shape',
        `loadWeights: "${name}" must have shape [${shape}], got [${tensor.shape}]; ` +
          'use weights of this configuration or leave this tensor out',
      );
    }
    found.push({ name, values: toFloat32(tensor, name) });
  }
  for (const { name, values } of found) store.get(name).values.set(values);
  return {
    matched: found.map(({ name }) => name),
    missing,
    unexpected: Object.keys(tensors).filter((name) => !list.entries.has(name) && !isBatchCount(name)),
  };
}
