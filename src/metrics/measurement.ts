/** What a run states of a set of rows: the blocks of metrics.json. */
import type { DecisionCurvePoint } from './decisionCurves.js';
import type { LabelEvaluation, MultilabelEvaluation } from './evaluate.js';
import type { DecisionEvaluation, OperatingRule } from './operatingPoints.js';
import type { SubgroupTable } from './subgroups.js';

/** An operating point, chosen on validation rows and measured on the rows of its block. */
export type OperatingPoint =
  | ({
      readonly rule: OperatingRule;
      /** One per split, by repeat, then fold; a row is decided by that of its own fold. */
      readonly thresholds: readonly number[];
    } & DecisionEvaluation)
  | {
      readonly rule: OperatingRule;
      readonly thresholds: null;
      /** Why no threshold could be chosen. */
      readonly reason: string;
    };

/** Everything that is measured of one label. */
export type LabelMeasurement = LabelEvaluation & {
  /** By ascending threshold. */
  readonly decisionCurve: readonly DecisionCurvePoint[];
  /** The decision threshold's criterion first, then fixed sensitivities, specificities and costs. */
  readonly operatingPoints: readonly OperatingPoint[];
  /** Column → its groups; empty when the study names none. */
  readonly subgroups: Readonly<Record<string, SubgroupTable>>;
};

/** Everything that is measured of one set of rows. */
export interface Measurement extends Omit<MultilabelEvaluation, 'labels'> {
  readonly labels: Readonly<Record<string, LabelMeasurement>>;
}
