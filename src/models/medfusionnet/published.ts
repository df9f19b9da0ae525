/**
 * Published weights in the image branches: the dense branch is torchvision's `densenet121`, the token branch DeiT-S or
 * another ViT under timm's or torchvision's names. Both ways: from a file's tensors to the model's parameters, and back.
 */
import { DataError } from '../../errors.js';
import { input, type Shape, sameShape, size } from '../../graph/index.js';
import { ParameterList, Scope } from '../../nn/index.js';
import { adaptTensors } from '../adapt.js';
import type { StoredTensor, TensorToStore } from '../safetensors.js';
import { timmVit, torchvisionVit, type VitConfig, type VitNames, vit } from '../vit.js';
import { loadWeights } from '../weights.js';
import { type MedFusionConfig, medFusionSizes } from './config.js';
import { imageBranches } from './imageBranches.js';

/** The branches that published weights exist for. */
export const imageBranchNames = ['cnn', 'transformer'] as const;
export type ImageBranch = (typeof imageBranchNames)[number];

/** What of a model decides the shapes of its image branches. */
export interface BranchModel {
  readonly size: MedFusionConfig['size'];
  readonly image: { readonly side: number; readonly channels: number };
}

/** Named values, as training and prediction keep them. */
export type NamedWeights = ReadonlyMap<string, { readonly shape: Shape; readonly values: Float32Array }>;

/** What of a file went into a branch. Names are published ones: torchvision's of DenseNet, timm's of a transformer. */
export interface PublishedBranch {
  /** Values by the model's own names. */
  readonly weights: NamedWeights;
  readonly matched: readonly string[];
  /** Matched tensors that were adapted to the model, and how. */
  readonly adapted: readonly string[];
  /** Parameters of the branch that the file lacks; they keep their initial values. */
  readonly missing: readonly string[];
  /** Tensors of the file that the branch has no place for, such as a classifier. */
  readonly unexpected: readonly string[];
}

/**
 * Fits the tensors of a published file into a branch: its first convolution and position embeddings are adapted to the
 * model's channels and grid (`adaptTensors`), nothing else is changed.
 * @param tensors float tensors by published name; `num_batches_tracked` is ignored
 * @param file    its name, for messages
 * @throws DataError `no-weights-matched` when no name is the branch's; `weight-shape` when a tensor of the branch has another
 *   shape, as those of `nano` and `tiny` have; `safetensors-dtype` when a tensor holds no floats
 */
export function publishedBranch(
  branch: ImageBranch,
  tensors: Readonly<Record<string, StoredTensor>>,
  model: BranchModel,
  file?: string,
): PublishedBranch {
  const list = branchParameters(branch, model);
  const prefix = `${branch}.`;
  const bare = (name: string) => name.slice(prefix.length);
  const own = Object.entries(renamed(branch, tensors, model)).map(
    ([name, tensor]): [string, StoredTensor] => [prefix + name, tensor],
  );
  const { tensors: fitted, adapted } = adaptTensors(Object.fromEntries(own), list);
  requireShapes(branch, fitted, list, file);
  const weights = new Map<string, { shape: Shape; values: Float32Array }>();
  for (const [name, { shape }] of list.entries) {
    if (Object.hasOwn(fitted, name)) weights.set(name, { shape, values: new Float32Array(size(shape)) });
  }
  if (weights.size === 0) {
    const wanted = [...list.entries.keys()].map(bare);
    throw new DataError(
      'no-weights-matched',
      `publishedBranch: the file must hold tensors of the ${branch} branch (${shown(wanted)}), got ${shown(Object.keys(tensors))}; ` +
        'use weights of DenseNet-121 for cnn, of DeiT-S for transformer, under torchvision’s or timm’s names',
      { file },
    );
  }
  const { matched, missing, unexpected } = loadWeights({ get: (name) => weights.get(name)! }, fitted, list);
  return {
    weights,
    adapted: [...adapted].map(([name, how]) => `${bare(name)} ${how}`),
    matched: matched.map(bare),
    missing: missing.map(bare),
    unexpected: unexpected.map(bare),
  };
}

/**
 * The tensors of a branch under published names, to be written with `encodeSafetensors`: torchvision's of DenseNet;
 * timm's of a transformer, or torchvision's on request. A classifier is not among them.
 * @param weights by the model's own names, such as those of a run's model.safetensors
 */
export function publishedTensors(
  branch: ImageBranch,
  weights: NamedWeights,
  model: BranchModel,
  names: VitNames = timmVit,
): Record<string, TensorToStore> {
  const prefix = `${branch}.`;
  const translated =
    branch === 'transformer' ? vitTranslation(medFusionSizes[model.size].transformer, timmVit, names) : null;
  return Object.fromEntries(
    [...branchParameters(branch, model).entries.keys()].map((name) => {
      const value = weights.get(name);
      if (value === undefined) {
        throw new DataError(
          'missing-weight',
          `publishedTensors: the weights must hold "${name}", got none; does the model have this branch?`,
        );
      }
      const own = name.slice(prefix.length);
      return [translated?.get(own) ?? own, { shape: value.shape, data: value.values }];
    }),
  );
}

/** The parameters and buffers of one branch, under the model's own names. */
function branchParameters(branch: ImageBranch, { size, image }: BranchModel): ParameterList {
  const list = new ParameterList();
  imageBranches(new Scope(list, false), input('images', [1, image.channels, image.side, image.side]), {
    size,
    branches: { cnn: branch === 'cnn', transformer: branch === 'transformer', temporal: false },
    interaction: false,
    dropout: 0,
    stochasticDepth: 0,
  });
  return list;
}

/** The file's tensors under the branch's names. */
function renamed(
  branch: ImageBranch,
  tensors: Readonly<Record<string, StoredTensor>>,
  model: BranchModel,
): Readonly<Record<string, StoredTensor>> {
  const rename = (to: (name: string) => string) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [to(name), tensor]));
  if (branch === 'cnn') {
    // The files that torchvision publishes still have the names of its first version, `norm.1` for `norm1`.
    return rename((name) => name.replace(/(\.denselayer\d+\.(?:norm|conv))\.([12]\.)/, '$1$2'));
  }
  if (!Object.hasOwn(tensors, torchvisionVit.classToken)) return tensors;
  const translated = vitTranslation(medFusionSizes[model.size].transformer, torchvisionVit, timmVit);
  return rename((name) => translated.get(name) ?? name);
}

/** Names of a transformer's parameters in two conventions: both declare them in the same order. */
function vitTranslation(config: VitConfig, from: VitNames, to: VitNames): ReadonlyMap<string, string> {
  const [keys, values] = [from, to].map((names) => {
    const list = new ParameterList();
    vit(new Scope(list, false), input('x', [1, 1, config.patch, config.patch]), config, 1, names);
    return [...list.entries.keys()];
  });
  return new Map(keys.map((key, i) => [key, values[i]]));
}

function requireShapes(
  branch: ImageBranch,
  tensors: Readonly<Record<string, StoredTensor>>,
  list: ParameterList,
  file: string | undefined,
): void {
  const differing = [...list.entries].flatMap(([name, { shape }]) =>
    !Object.hasOwn(tensors, name) || sameShape(tensors[name].shape, shape)
      ? []
      : [`${name.slice(branch.length + 1)} [${tensors[name].shape}], not [${shape}]`],
  );
  if (differing.length === 0) return;
  throw new DataError(
    'weight-shape',
    `publishedBranch: the tensors of the ${branch} branch must have the model's shapes, got ${differing.length} with others: ` +
      `${shown(differing, '; ')}; the branches of model.size base are DenseNet-121 and DeiT-S with patches of 16, ` +
      'and an image of three channels needs weights of three',
    { file },
  );
}

/** The first few of a list, and how many more. */
function shown(items: readonly string[], separator = ', '): string {
  const first = items.slice(0, 3).join(separator);
  return items.length > 3 ? `${first} and ${items.length - 3} more` : first || 'none';
}
