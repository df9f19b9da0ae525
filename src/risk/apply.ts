/** Applies a fitted first stage to any rows: probabilities, fired rules, and what enters the second stage. */
import { NotFittedError } from '../errors.js';
import { classifierProbability } from './classifier.js';
import { encode } from './encode.js';
import type { Stage1Features } from './features.js';
import { impute } from './impute.js';
import { firings } from './rules.js';
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
  const { columns, unseen } = encodeRows(model, source);
  const n = source.size;
  const fired = ruleFirings(model, columns, n);
  const width = model.inputs.length;
  const values = new Float32Array(n * width);
  model.inputs.forEach((input, f) => {
    if (input.kind === 'feature') {
      const column = columns[input.feature];
      for (let row = 0; row < n; row++) values[row * width + f] = (column[row] - input.mean) / input.sd;
    } else {
      const own = firings(input, columns, n);
      for (let row = 0; row < n; row++) values[row * width + f] = own[row];
    }
  });
  return {
    probabilities: probabilitiesOf(model, columns, n),
    rules: Array.from({ length: n }, (_, row) =>
      fired.map((ofLabel) => ofLabel.flatMap((own, rule) => (own[row] === 1 ? [rule] : []))),
    ),
    inputs: { names: model.inputs.map((input) => input.name), values },
    unseen,
  };
}

/** The probabilities of `applyStage1` alone. @returns [n, L] @throws as applyStage1 */
export function stage1Probabilities(model: Stage1Model, source: Stage1Features): Float64Array {
  return probabilitiesOf(model, encodeRows(model, source).columns, source.size);
}

/** The rules of `applyStage1` by rule. @returns [label][rule][row] 1 where the rule fires @throws as applyStage1 */
export function stage1Firings(model: Stage1Model, source: Stage1Features): Uint8Array[][] {
  return ruleFirings(model, encodeRows(model, source).columns, source.size);
}

/** @returns the features as the model encodes them, [feature][row], and the categories that training never saw */
function encodeRows(model: Stage1Model, source: Stage1Features) {
  if (model.format !== 'medfusion-stage1' || model.version !== 1) {
    throw new NotFittedError(
      `applyStage1: the model must be medfusion-stage1 version 1, got ${model.format} version ${model.version}; fit it again`,
    );
  }
  const all = new Int32Array(source.size).map((_, row) => row);
  const imputed = impute(model.imputer, source, all);
  return {
    columns: encode(model.features, imputed, source.size, all),
    unseen: imputed.categorical.flatMap(({ column, unseen }) =>
      unseen === 0 ? [] : [{ column, rows: unseen }],
    ),
  };
}

function probabilitiesOf(
  { labels }: Stage1Model,
  columns: readonly Float64Array[],
  size: number,
): Float64Array {
  const probabilities = new Float64Array(size * labels.length);
  labels.forEach(({ tree: { tree }, classifier }, l) => {
    for (let row = 0; row < size; row++) {
      probabilities[row * labels.length + l] =
        classifier === undefined
          ? nodeProbability(tree, leafOf(tree, columns, row))
          : classifierProbability(classifier, columns, row);
    }
  });
  return probabilities;
}

function ruleFirings(
  { labels }: Stage1Model,
  columns: readonly Float64Array[],
  size: number,
): Uint8Array[][] {
  return labels.map(({ rules }) => rules.map((rule) => firings(rule, columns, size)));
}
