/** A run's operating points: chosen on each split's validation rows, measured on the rows of a part. */
import {
  type ChosenThreshold,
  chooseOperatingPoint,
  type DecidedPredictions,
  decisionResampling,
  type OperatingPoint,
  type OperatingRule,
  type Resampling,
} from '../metrics/index.js';
import type { Study } from './schema.js';
import type { ScoredPart } from './scoredRows.js';

/** A rule and the threshold it chose per label and split, splits by repeat, then fold. */
export interface ChosenPoint {
  readonly rule: OperatingRule;
  /** [L][S] */
  readonly thresholds: readonly (readonly ChosenThreshold[])[];
}

/** The rules that a study asks for: the decision threshold's criterion first. */
export function operatingRules({ threshold, operatingPoints }: Study['evaluation']): OperatingRule[] {
  const fixed = (['sensitivity', 'specificity', 'cost'] as const).flatMap((kind) =>
    operatingPoints[kind].map((value) => ({ kind, value })),
  );
  return [{ kind: threshold }, ...fixed];
}

/** Chooses every point on the validation rows of each split. */
export function choosePoints(
  rules: readonly OperatingRule[],
  validation: ScoredPart,
  splits: number,
): ChosenPoint[] {
  const { labels, split } = validation;
  const rowsOf = Array.from({ length: splits }, (_, s) =>
    Array.from(split.keys()).filter((row) => split[row] === s),
  );
  const columns = labels.map((_, label) =>
    rowsOf.map((rows) => {
      const column = (matrix: ArrayLike<number>) => rows.map((row) => matrix[row * labels.length + label]);
      return [
        column(validation.probabilities),
        column(validation.targets),
        column(validation.known),
      ] as const;
    }),
  );
  return rules.map((rule) => ({
    rule,
    thresholds: columns.map((ofSplits) =>
      ofSplits.map(([probabilities, targets, known]) =>
        chooseOperatingPoint(probabilities, targets, known, rule),
      ),
    ),
  }));
}

/** Label → its points, in the order in which they were chosen. */
export type LabelPoints = Readonly<Record<string, readonly OperatingPoint[]>>;

/**
 * What measuring chosen points bootstraps: the rows of a part, each decided by the threshold of its own split.
 * @param chosen at least one
 * @param predictions the part as the metrics read it
 */
export function pointResampling(
  chosen: readonly ChosenPoint[],
  { split }: Pick<ScoredPart, 'split'>,
  predictions: Omit<DecidedPredictions, 'points'>,
): Resampling<LabelPoints> {
  const { labels, probabilities } = predictions;
  const points = chosen.map(({ rule, thresholds }) => {
    const decisions = new Uint8Array(probabilities.length);
    for (let row = 0; row < split.length; row++) {
      for (let label = 0; label < labels.length; label++) {
        const cell = row * labels.length + label;
        const { threshold } = thresholds[label][split[row]];
        // Without a threshold nothing is decided positive; such a label is not read.
        decisions[cell] = threshold !== null && probabilities[cell] >= threshold ? 1 : 0;
      }
    }
    return rule.kind === 'cost' ? { decisions, cost: rule.value } : { decisions };
  });
  const resampling = decisionResampling({ ...predictions, points });
  return {
    ...resampling,
    conclude: (values, draws) => {
      const measured = resampling.conclude(values, draws);
      const point = ({ rule, thresholds }: ChosenPoint, p: number, label: number): OperatingPoint => {
        const own = thresholds[label];
        const missing = own.find(({ threshold }) => threshold === null);
        if (missing?.threshold === null) return { rule, thresholds: null, reason: missing.reason };
        return {
          rule,
          thresholds: own.flatMap(({ threshold }) => (threshold === null ? [] : [threshold])),
          ...measured[p][labels[label]],
        };
      };
      return Object.fromEntries(
        labels.map((name, label) => [name, chosen.map((own, p) => point(own, p, label))]),
      );
    },
  };
}
