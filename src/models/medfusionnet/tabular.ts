/** One token per table column: the feature tokenizer of FT-Transformer (P13). [gorishniy2021revisiting, section 3.3] */
import { add, cast, concat, constant, mul, reshape, sub, type Tensor } from '../../graph/index.js';
import { embedding, initializers, type Scope } from '../../nn/index.js';

export interface TabularInputs {
  /** [batch, column] standardised, 0 where missing; absent without numeric columns */
  readonly numeric?: Tensor;
  /** [batch, column] 1 = missing */
  readonly missing?: Tensor;
  /** [batch, column] int32 codes, 0 = missing; absent without categorical columns */
  readonly categorical?: Tensor;
}

/**
 * Tokens of a row's columns.
 *   numeric      x_j · w_j + b_j, or a learned vector where x_j is missing
 *   categorical  a row of the column's own table, row 0 for missing
 * @param levels codes per categorical column
 * @returns [batch, column, width]
 */
export function tabularTokens(
  scope: Scope,
  inputs: TabularInputs,
  levels: readonly number[],
  width: number,
): Tensor {
  const tokens: Tensor[] = [];
  if (inputs.numeric !== undefined && inputs.missing !== undefined) {
    const [batch, columns] = inputs.numeric.shape;
    const vector = (name: string) =>
      scope.parameter(name, [1, columns, width], initializers.truncatedNormal(0.1));
    const value = mul(reshape(inputs.numeric, [batch, columns, 1]), vector('weight'));
    const missing = reshape(inputs.missing, [batch, columns, 1]);
    const known = mul(value, sub(1, missing));
    tokens.push(add(add(known, mul(missing, vector('missing'))), vector('bias')));
  }
  if (inputs.categorical !== undefined) {
    let next = 0;
    const offsets = levels.map((count) => {
      const start = next;
      next += count;
      return start;
    });
    // Row numbers are small whole numbers, which float32 adds exactly.
    const codes = cast(inputs.categorical, 'float32');
    const rows = cast(add(codes, constant(offsets, [1, levels.length])), 'int32');
    tokens.push(embedding(scope.child('levels'), rows, next, width));
  }
  return concat(tokens, 1);
}
