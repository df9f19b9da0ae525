/** A run's operating points: chosen on each split's validation rows, measured on the rows of a part. */
import {
  type ChosenThreshold,
  chooseOperatingPoint,
  type DecidedPredictions,
  evaluateDecisions,
  type OperatingPoint,
  type OperatingRule,
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

/**
 * Measures chosen points on the rows of a part, each row decided by the threshold of its own split.
 * @param predictions the part as the metrics read it, with the options of the bootstrap
 * @returns label → its points, in the order of `chosen`
 */
export function measurePoints(
  chosen: readonly ChosenPoint[],
  { split }: Pick<ScoredPart, 'split'>,
  predictions: Omit<DecidedPredictions, 'points'>,
): Readonly<Record<string, readonly OperatingPoint[]>> {
  const { labels, probabilities } = predictions;
  const points = chosen.map(({ rule, thresholds }) => ({
    // Without a threshold nothing is decided positive; such a label is not read.
    decisions: Uint8Array.from(probabilities, (probability, cell) => {
      const { threshold } = thresholds[cell % labels.length][split[Math.floor(cell / labels.length)]];
      return Number(threshold !== null && probability >= threshold);
    }),
    ...(rule.kind === 'cost' ? { cost: rule.value } : {}),
  }));
  const measured = evaluateDecisions({ ...predictions, points });
  return Object.fromEntries(
    labels.map((name, label) => [
      name,
      chosen.map(({ rule, thresholds }, point): OperatingPoint => {
        const own = thresholds[label];
        const missing = own.find(({ threshold }) => threshold === null);
        if (missing?.threshold === null) return { rule, thresholds: null, reason: missing.reason };
        return {
          rule,
          thresholds: own.flatMap(({ threshold }) => (threshold === null ? [] : [threshold])),
          ...measured[point][name],
        };
      }),
    ]),
  );
}
