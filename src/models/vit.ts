/**
 * Vision transformer [dosovitskiy2021image] and DeiT [touvron2021training] (same network). Parameter names are
 * timm's by default, torchvision's on request, so that published weights of both load.
 */
import { add, concat, expand, reshape, sliceAxis, type Tensor, transpose } from '../graph/index.js';
import {
  type BlockNames,
  conv,
  dropout,
  initializers,
  layerNorm,
  linear,
  type Scope,
  timmBlock,
  torchvisionBlock,
  transformerBlock,
} from '../nn/index.js';

export interface VitConfig {
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly dropout?: number;
  /** Rate of the last block; earlier ones rise to it linearly. */
  readonly stochasticDepth?: number;
}

export interface VitNames {
  readonly patch: string;
  readonly classToken: string;
  readonly position: string;
  readonly block: (index: number) => string;
  readonly norm: string;
  readonly head: string;
  readonly blockNames: BlockNames;
}

export const timmVit: VitNames = {
  patch: 'patch_embed.proj',
  classToken: 'cls_token',
  position: 'pos_embed',
  block: (index) => `blocks.${index}`,
  norm: 'norm',
  head: 'head',
  blockNames: timmBlock,
};

export const torchvisionVit: VitNames = {
  patch: 'conv_proj',
  classToken: 'class_token',
  position: 'encoder.pos_embedding',
  block: (index) => `encoder.layers.encoder_layer_${index}`,
  norm: 'encoder.ln',
  head: 'heads.head',
  blockNames: torchvisionBlock,
};

export const vitConfigs = {
  'deit-s': { patch: 16, width: 384, depth: 12, heads: 6 },
  'vit-b': { patch: 16, width: 768, depth: 12, heads: 12 },
} as const satisfies Record<string, VitConfig>;

/** The scope at a dotted path. */
function at(scope: Scope, path: string): Scope {
  return path.split('.').reduce((inner, part) => inner.child(part), scope);
}

function parameterAt(
  scope: Scope,
  path: string,
  shape: readonly number[],
  initializer = initializers.truncatedNormal(0.02),
) {
  const parts = path.split('.');
  const name = parts.pop()!;
  return parts.reduce((inner, part) => inner.child(part), scope).parameter(name, shape, initializer);
}

/**
 * Patches to tokens, class token first, positions added.
 * @param x [batch, channel, height, width], extents multiples of the patch
 * @returns [batch, 1 + rows · columns, width]
 */
export function patchTokens(scope: Scope, x: Tensor, config: VitConfig, names: VitNames = timmVit): Tensor {
  const { patch, width } = config;
  const grid = conv(at(scope, names.patch), x, width, [patch, patch], {
    strides: [patch, patch],
    bias: true,
    weight: initializers.fanInUniform(),
  });
  const [batch, , rows, columns] = grid.shape;
  const tokens = transpose(reshape(grid, [batch, width, rows * columns]), [0, 2, 1]); // [batch, token, width]
  const classToken = expand(parameterAt(scope, names.classToken, [1, 1, width]), [batch, 1, width]);
  const positions = parameterAt(scope, names.position, [1, 1 + rows * columns, width]);
  return dropout(scope, add(concat([classToken, tokens], 1), positions), config.dropout ?? 0);
}

/** Block `index` (from 0) of `config.depth`. */
export function vitBlock(
  scope: Scope,
  tokens: Tensor,
  index: number,
  config: VitConfig,
  names: VitNames = timmVit,
): Tensor {
  const last = Math.max(1, config.depth - 1);
  return transformerBlock(at(scope, names.block(index)), tokens, {
    heads: config.heads,
    dropout: config.dropout,
    stochasticDepth: ((config.stochasticDepth ?? 0) * index) / last,
    names: names.blockNames,
  });
}

/** The norm after the last block. */
export function vitNorm(scope: Scope, tokens: Tensor, names: VitNames = timmVit): Tensor {
  return layerNorm(at(scope, names.norm), tokens);
}

/** The whole classifier, from the class token. @returns logits [batch, classes] */
export function vit(
  scope: Scope,
  x: Tensor,
  config: VitConfig,
  classes: number,
  names: VitNames = timmVit,
): Tensor {
  let tokens = patchTokens(scope, x, config, names);
  for (let index = 0; index < config.depth; index++) tokens = vitBlock(scope, tokens, index, config, names);
  const first = reshape(sliceAxis(vitNorm(scope, tokens, names), 1, 0, 1), [x.shape[0], config.width]);
  return linear(at(scope, names.head), first, classes);
}
