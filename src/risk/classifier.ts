/**
 * Parametric alternatives to the multivariate tree on a label's top-N features (P6): logistic regression and a small
 * network. The tree stays in the model for its rules; these give the probabilities in its place.
 */
import type { Random } from '../random/index.js';
import { fitLogistic, type LogisticFit } from './logistic.js';
import { type Network, networkLogit, trainNetwork } from './network.js';
import type { Stage1Options } from './options.js';
import { trainingSample } from './sample.js';

/** A fitted classifier; plain JSON. */
export type Stage1Classifier = StandardizedInputs &
  (({ readonly kind: 'logistic' } & LogisticFit) | { readonly kind: 'network'; readonly network: Network });

interface StandardizedInputs {
  /** Indices into the model's features. Each enters as (x − mean) / sd over the rows it was fitted on. */
  readonly features: readonly number[];
  readonly mean: readonly number[];
  readonly sd: readonly number[];
  /**
   * Added to the logit: −ln of how many times the fit, by class weights and synthetic rows, saw the natural odds of the
   * finding. Probabilities are those of the natural prevalence   [king2001rare, sec. 4.1].
   */
  readonly priorShift: number;
}

/**
 * Fits a classifier on some rows of the matrix.
 * @param columns [feature][row of the cohort]
 * @param top the features to use
 * @param rows training rows; both classes must be among them
 */
export function fitClassifier(
  kind: Stage1Classifier['kind'],
  columns: readonly Float64Array[],
  top: readonly number[],
  target: Uint8Array,
  rows: Int32Array,
  options: Stage1Options,
  random: Random,
): Stage1Classifier {
  const sample = trainingSample(
    top.map((feature) => columns[feature]),
    target,
    rows,
    options,
    random,
  );
  const mean = sample.columns.map((column) => average(column));
  const sd = sample.columns.map((column, c) => {
    const spread = Math.sqrt(average(column.map((value) => (value - mean[c]) ** 2)));
    return spread > 0 ? spread : 1;
  });
  const standardized = {
    columns: sample.columns.map((column, c) => column.map((value) => (value - mean[c]) / sd[c])),
    target: sample.target,
    weight: Float64Array.from(sample.target, (value) => sample.classWeight[value]),
  };
  const inputs: StandardizedInputs = {
    features: top,
    mean,
    sd,
    priorShift: -Math.log(sample.effectiveWeight[1] / sample.effectiveWeight[0]),
  };
  switch (kind) {
    case 'logistic':
      return { ...inputs, kind, ...fitLogistic(standardized, options.logistic.C) };
    case 'network':
      return { ...inputs, kind, network: trainNetwork(standardized, options.network, random) };
    default:
      return kind satisfies never;
  }
}

/** The probability of the finding in a row. @param columns [feature][row], as the model encodes them */
export function classifierProbability(
  classifier: Stage1Classifier,
  columns: readonly Float64Array[],
  row: number,
): number {
  const { features, mean, sd, priorShift } = classifier;
  const x = features.map((feature, j) => (columns[feature][row] - mean[j]) / sd[j]);
  const logit =
    classifier.kind === 'logistic'
      ? x.reduce((sum, value, j) => sum + value * classifier.coefficients[j], classifier.intercept)
      : networkLogit(classifier.network, x);
  return 1 / (1 + Math.exp(-(logit + priorShift)));
}

function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
