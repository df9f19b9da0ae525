/** Applies a fitted first stage to any rows: probabilities, fired rules, and what enters the second stage. */
import { NotFittedError } from '../errors.js';
import { classifierProbability } from './classifier.js';
import { encode } from './encode.js';
import type { Stage1Features } from './features.js';
import { impute } from './impute.js';
import { fires } from './rules.js';
import type { Stage1Model } from './stage1.js';
import { leafOf, nodeProbability } from './tree.js';

export interface Stage1Output {
  /** [n, L] of the label's classifier; where it has none, of its multivariate tree, Laplace-smoothed. */
  readonly probabilities: Float64Array;
  /** [n][L] indices into the label's rules of those that fire. */
  readonly rules: readonly (readonly (readonly number[])[])[];
  /** [n, F] the model's `inputs`: standardised top features, then rule indicators. */
  readonly inputs: { readonly names: readonly string[]; readonly values: Float32Array };
  /** Categories that training never saw, per column; they count as missing. Columns without any are left out. */
  readonly unseen: readonly { readonly column: string; readonly rows: number }[];
}

/**
 * Applies stage 1 to every row of `source`.
 * @throws NotFittedError when the model is none, or of another version
 * @throws DataError when a column of the model is absent
 */
export function applyStage1(model: Stage1Model, source: Stage1Features): Stage1Output {
  if (model.format !== 'medfusion-stage1' || model.version !== 1) {
    throw new NotFittedError(
      `applyStage1: the model must be medfusion-stage1 version 1, got ${model.format} version ${model.version}; fit it again`,
    );
  }
  const n = source.size;
  const all = Int32Array.from({ length: n }, (_, row) => row);
  const imputed = impute(model.imputer, source, all);
  const columns = encode(model.features, imputed, n, all);

  const count = model.labels.length;
  const probabilities = new Float64Array(n * count);
  const rules: number[][][] = [];
  for (let row = 0; row < n; row++) {
    rules.push(
      model.labels.map((label, l) => {
        const { tree } = label.tree;
        probabilities[row * count + l] =
          label.classifier === undefined
            ? nodeProbability(tree, leafOf(tree, columns, row))
            : classifierProbability(label.classifier, columns, row);
        return label.rules.flatMap((rule, i) => (fires(rule, columns, row) ? [i] : []));
      }),
    );
  }

  const width = model.inputs.length;
  const values = new Float32Array(n * width);
  model.inputs.forEach((input, f) => {
    for (let row = 0; row < n; row++) {
      values[row * width + f] =
        input.kind === 'feature'
          ? (columns[input.feature][row] - input.mean) / input.sd
          : fires(input, columns, row)
            ? 1
            : 0;
    }
  });
  return {
    probabilities,
    rules,
    inputs: { names: model.inputs.map((input) => input.name), values },
    unseen: imputed.categorical.flatMap(({ column, unseen }) =>
      unseen === 0 ? [] : [{ column, rows: unseen }],
    ),
  };
}
