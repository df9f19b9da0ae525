/** Text encoder: a small transformer over word pieces (P13). */
import { add, type Tensor } from '../../graph/index.js';
import { embedding, initializers, layerNorm, type Scope, transformerBlock } from '../../nn/index.js';

export interface TextOptions {
  readonly vocabulary: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly dropout: number;
}

/**
 * Tokens of a text.
 * @param ids  [batch, token] int32
 * @param mask [batch, token], 1 = a word piece
 * @returns [batch, token, width]
 */
export function textTokens(scope: Scope, ids: Tensor, mask: Tensor, options: TextOptions): Tensor {
  const [, length] = ids.shape;
  const place = scope.parameter('place', [1, length, options.width], initializers.truncatedNormal(0.02));
  let tokens = add(embedding(scope.child('words'), ids, options.vocabulary, options.width), place);
  for (let i = 0; i < options.layers; i++) {
    tokens = transformerBlock(scope.child('blocks').child(i), tokens, options, mask);
  }
  return layerNorm(scope.child('norm'), tokens);
}
