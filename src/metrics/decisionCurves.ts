/** Decision curves of a multilabel model, with patient-clustered intervals. */
import {
  bootstrapTogether,
  type EvaluationOptions,
  meanOverRepeats,
  percentileEstimate,
  type ResampledValues,
  type Resampling,
} from './bootstrap.js';
import { decideByThresholds, decisionCounter } from './decisionCounts.js';
import type { Estimate } from './estimate.js';
import { decisionThresholds, netBenefit } from './netBenefit.js';
import { type MultilabelPredictions, tabulate } from './predictions.js';
import type { Cells } from './statistic.js';

/** Net benefit at one threshold; that of acting on no one is 0 at every threshold. */
export interface DecisionCurvePoint {
  /** In (0, 1); the odds at which a true positive and the false positives it costs balance. */
  readonly threshold: number;
  /** Of acting on rows whose probability ≥ threshold, in true positives per row. */
  readonly model: Estimate;
  /** Of acting on every row; null without known rows. */
  readonly treatAll: number | null;
}

/** Label → points by ascending threshold. */
export type DecisionCurves = Readonly<Record<string, readonly DecisionCurvePoint[]>>;

/**
 * The decision curve of every label [vickers2006decision] over thresholds that fit its prevalence
 * (`decisionThresholds`), with 95 % intervals from a bootstrap over patients.
 * @returns label → points by ascending threshold
 * @throws as evaluateMultilabel
 */
export function evaluateDecisionCurves(
  predictions: MultilabelPredictions & EvaluationOptions,
): DecisionCurves {
  return bootstrapTogether([decisionCurveResampling(predictions)], predictions)[0];
}

/** What `evaluateDecisionCurves` bootstraps. */
export function decisionCurveResampling(predictions: MultilabelPredictions): Resampling<DecisionCurves> {
  const { labels } = predictions;
  const { patients, cells } = tabulate('evaluateDecisionCurves', predictions);
  const curves = labels.map((_, label) => {
    const { targets } = cells[0][label];
    const positives = targets.reduce((sum, target) => sum + target, 0);
    const thresholds = decisionThresholds(positives / Math.max(1, targets.length));
    const curve = meanOverRepeats(cells.map((ofLabels) => modelCurve(ofLabels[label], thresholds)));
    return { thresholds, curve, positives, rows: targets.length };
  });
  const width = Math.max(...curves.map(({ thresholds }) => thresholds.length));
  const conclude: Resampling<DecisionCurves>['conclude'] = (values, draws) =>
    Object.fromEntries(
      labels.map((name, label) => {
        const { thresholds, positives, rows } = curves[label];
        const everyone = {
          truePositives: positives,
          falsePositives: rows - positives,
          falseNegatives: 0,
          trueNegatives: 0,
        };
        const points = thresholds.map((threshold, i) => {
          const at = label * width + i;
          return {
            threshold,
            model: percentileEstimate(values[at], draws[at], patients, () => 'no rows with a known label'),
            treatAll: netBenefit(everyone, threshold),
          };
        });
        return [name, points];
      }),
    );
  return {
    clusters: patients,
    size: labels.length * width,
    compute: (multiplicity, out, at) => {
      for (const [label, { curve }] of curves.entries()) {
        curve.compute(multiplicity, out, at + label * width);
      }
    },
    conclude,
  };
}

function modelCurve(cells: Cells, thresholds: readonly number[]): ResampledValues {
  const count = decisionCounter(decideByThresholds(cells, thresholds));
  return {
    size: thresholds.length,
    compute: (multiplicity, out, at) => {
      const counts = count(multiplicity);
      for (let i = 0; i < thresholds.length; i++) {
        out[at + i] = netBenefit(counts[i], thresholds[i]) ?? Number.NaN;
      }
    },
  };
}
