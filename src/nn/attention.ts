/** Multi-head attention and pre-norm transformer blocks. [vaswani2017attention; dosovitskiy2021image] */
import {
  add,
  gelu,
  matmul,
  mul,
  reshape,
  softmax,
  split,
  sub,
  type Tensor,
  transpose,
} from '../graph/index.js';
import { truncatedNormal, zeros } from './initializers.js';
import { dropout, layerNorm, linear, stochasticDepth } from './layers.js';
import type { Initializer, Scope } from './scope.js';

/** Taken from the scores of ignored keys: far more than any score, and within float16. */
const beyondScores = 3e4;

/** Parameter names of one transformer block, relative to the block's scope. */
export interface BlockNames {
  readonly norm1: string;
  readonly norm2: string;
  readonly fc1: string;
  readonly fc2: string;
  readonly project: string;
  /** Joint weights of query, key and value: [3·width, width] and [3·width]. */
  readonly qkvWeight: string;
  readonly qkvBias: string;
}

/** Names of timm's (and DeiT's) blocks. */
export const timmBlock: BlockNames = {
  norm1: 'norm1',
  norm2: 'norm2',
  fc1: 'mlp.fc1',
  fc2: 'mlp.fc2',
  project: 'attn.proj',
  qkvWeight: 'attn.qkv.weight',
  qkvBias: 'attn.qkv.bias',
};

/** Names of torchvision's encoder blocks. */
export const torchvisionBlock: BlockNames = {
  norm1: 'ln_1',
  norm2: 'ln_2',
  fc1: 'mlp.0',
  fc2: 'mlp.3',
  project: 'self_attention.out_proj',
  qkvWeight: 'self_attention.in_proj_weight',
  qkvBias: 'self_attention.in_proj_bias',
};

export interface BlockOptions {
  readonly heads: number;
  /** Width of the hidden layer over the model's width; default 4. */
  readonly expansion?: number;
  readonly dropout?: number;
  readonly stochasticDepth?: number;
  readonly names?: BlockNames;
  readonly weight?: Initializer;
}

/**
 * x + attention(norm(x)), then x + mlp(norm(x)).
 *   attention: softmax(Q Kᵀ / √d) V per head                    [vaswani2017attention, eq. 1; paper eq. 6–13]
 * @param x [batch, token, width]; width a multiple of `heads`
 * @param mask [batch, token], 1 = attend, 0 = ignore as a key; every row needs a 1
 */
export function transformerBlock(scope: Scope, x: Tensor, options: BlockOptions, mask?: Tensor): Tensor {
  const { names = timmBlock, expansion = 4 } = options;
  const rate = options.dropout ?? 0;
  const depth = options.stochasticDepth ?? 0;
  const at = (path: string) => path.split('.').reduce((inner, part) => inner.child(part), scope);
  const width = x.shape[2];

  const attended = attention(scope, layerNorm(at(names.norm1), x), options, names, mask);
  const projected = linear(at(names.project), attended, width, { weight: options.weight });
  const middle = add(x, stochasticDepth(scope, dropout(scope, projected, rate), depth));

  const hidden = gelu(
    linear(at(names.fc1), layerNorm(at(names.norm2), middle), width * expansion, { weight: options.weight }),
  );
  const out = linear(at(names.fc2), dropout(scope, hidden, rate), width, { weight: options.weight });
  return add(middle, stochasticDepth(scope, dropout(scope, out, rate), depth));
}

function attention(
  scope: Scope,
  x: Tensor,
  { heads, weight }: BlockOptions,
  names: BlockNames,
  mask?: Tensor,
): Tensor {
  const [batch, tokens, width] = x.shape;
  const perHead = width / heads;
  const qkv = joint(scope, x, names, weight); // [batch, token, 3·width]
  const byHead = transpose(reshape(qkv, [batch, tokens, 3, heads, perHead]), [2, 0, 3, 1, 4]);
  const [q, k, v] = split(reshape(byHead, [3 * batch, heads, tokens, perHead]), [batch, batch, batch], 0);
  let scores = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(perHead)); // [batch, head, query, key]
  if (mask !== undefined)
    scores = add(scores, mul(sub(reshape(mask, [batch, 1, 1, tokens]), 1), beyondScores));
  return reshape(transpose(matmul(softmax(scores), v), [0, 2, 1, 3]), [batch, tokens, width]);
}

function joint(scope: Scope, x: Tensor, names: BlockNames, weight: Initializer | undefined): Tensor {
  const path = names.qkvWeight.split('.');
  const last = path.pop()!;
  const inner = path.reduce((at, part) => at.child(part), scope);
  // timm ends in ".weight", torchvision in "_weight": both are one matrix for query, key and value.
  const biasName = names.qkvBias.split('.').at(-1)!;
  const width = x.shape[2];
  const w = inner.parameter(last, [3 * width, width], weight ?? truncatedNormal(0.02));
  return add(matmul(x, w, { transposeB: true }), inner.parameter(biasName, [3 * width], zeros));
}
