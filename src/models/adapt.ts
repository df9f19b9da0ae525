/** Published tensors made to fit a model of other channels, another grid of patches or other classes. */
import { type Shape, sameShape, size } from '../graph/index.js';
import type { ParameterList } from '../nn/index.js';
import { resizePositions } from './positions.js';
import { type StoredTensor, toFloat32 } from './safetensors.js';
import { type LoadedWeights, loadWeights, type WeightTarget } from './weights.js';

type Tensors = Readonly<Record<string, StoredTensor>>;

/** Where the models of this folder keep their classifiers: weight and bias, classes first. */
const classifier = /^(classifier|classifier\.2|fc|head|head\.fc|heads\.head|classif)\.(weight|bias)$/;

/**
 * Tensors that fit a model where they did not. A convolution of the image is summed over three channels where the model
 * has one, as timm does; position embeddings are resampled to the model's grid (`resizePositions`). All others are passed on
 * as they are.
 * @param tensors float tensors, by the model's names
 * @returns the tensors, and how those that were changed came about, by name
 * @throws DataError (code `safetensors-dtype`) when a tensor that is to be changed holds no floats
 */
export function adaptTensors(
  tensors: Tensors,
  list: ParameterList,
): { readonly tensors: Tensors; readonly adapted: ReadonlyMap<string, string> } {
  const adapted = new Map<string, string>();
  const entries = Object.entries(tensors).map(([name, tensor]): [string, StoredTensor] => {
    const shape = list.entries.get(name)?.shape;
    const change = shape === undefined ? null : adapt(name, tensor, shape);
    if (change === null) return [name, tensor];
    adapted.set(name, change.how);
    return [name, { shape: shape!, dtype: 'F32', data: change.values }];
  });
  return { tensors: Object.fromEntries(entries), adapted };
}

/**
 * `loadWeights` for a whole published network: adapts its tensors (`adaptTensors`), and leaves a classifier of another number
 * of classes out, which is then named as missing and as unexpected.
 * @throws DataError as `loadWeights`; the store is then as it was
 */
export function loadPublished(
  store: WeightTarget,
  tensors: Tensors,
  list: ParameterList,
): LoadedWeights & { readonly adapted: ReadonlyMap<string, string> } {
  const { tensors: fitting, adapted } = adaptTensors(tensors, list);
  const otherClasses = ([name, { shape }]: [string, StoredTensor]) => {
    const own = list.entries.get(name)?.shape;
    return (
      classifier.test(name) &&
      own !== undefined &&
      own[0] !== shape[0] &&
      sameShape(own.slice(1), shape.slice(1))
    );
  };
  const left = Object.entries(fitting).filter(otherClasses);
  const rest = Object.entries(fitting).filter((entry) => !otherClasses(entry));
  const loaded = loadWeights(store, Object.fromEntries(rest), list);
  return { ...loaded, unexpected: [...loaded.unexpected, ...left.map(([name]) => name)], adapted };
}

function adapt(
  name: string,
  tensor: StoredTensor,
  shape: Shape,
): { readonly how: string; readonly values: Float32Array } | null {
  const from = tensor.shape;
  // No kernel but an image's has three channels.
  if (shape.length === 4 && shape[1] === 1 && sameShape(from, [shape[0], 3, ...shape.slice(2)])) {
    return {
      how: 'summed over three channels',
      values: sumChannels(toFloat32(tensor, name), shape[0], size(shape.slice(2))),
    };
  }
  if (/pos_embed(ding)?$/.test(name) && from.length === 3 && from[0] === 1 && from[2] === shape[2]) {
    const [old, own] = [from, shape].map((positions) => Math.sqrt(positions[1] - 1));
    if (!Number.isInteger(old) || old < 1 || old === own) return null;
    return {
      how: `resampled from ${old} × ${old} to ${own} × ${own} patches`,
      values: resizePositions(toFloat32(tensor, name), shape[2], old, own),
    };
  }
  return null;
}

/** [out, 3, ...cells] summed over the three channels. */
function sumChannels(values: Float32Array, out: number, cells: number): Float32Array {
  return Float32Array.from({ length: out * cells }, (_, i) => {
    const at = Math.floor(i / cells) * 3 * cells + (i % cells);
    return values[at] + values[at + cells] + values[at + 2 * cells];
  });
}
