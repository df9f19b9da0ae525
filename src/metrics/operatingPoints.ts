/**
 * Operating points: thresholds by a criterion, at a fixed sensitivity or specificity, or of least expected cost. A point
 * is chosen on one set of rows and measured on another: a sensitivity measured where it was fixed is no finding.
 */
import {
  bootstrapTogether,
  type EvaluationOptions,
  meanOverRepeats,
  percentileEstimate,
  type ResampledValues,
  type Resampling,
} from './bootstrap.js';
import { type ConfusionCounts, npv, ppv, sensitivity, specificity } from './confusion.js';
import { type DecidedCells, decideByRules, decisionCounter } from './decisionCounts.js';
import type { Estimate } from './estimate.js';
import { type KnownRows, knownProbabilities } from './known.js';
import { type MultilabelPredictions, tabulate } from './predictions.js';
import { denominators, type Need } from './statistic.js';
import { bestCut, between, type ThresholdCriterion, thresholdCriteria } from './threshold.js';

/** How an operating point is chosen. */
export type OperatingRule =
  /** The highest value of a criterion. */
  | { readonly kind: ThresholdCriterion }
  /** The highest specificity (sensitivity) among thresholds whose sensitivity (specificity) is at least `value`. */
  | { readonly kind: 'sensitivity' | 'specificity'; readonly value: number }
  /** The least expected cost, a false negative costing `value` times a false positive [metz1978roc]. */
  | { readonly kind: 'cost'; readonly value: number };

/** A threshold, or why there is none. */
export type ChosenThreshold =
  | { readonly threshold: number; readonly reason?: undefined }
  | { readonly threshold: null; readonly reason: string };

/**
 * Chooses an operating point; a row is decided positive when its probability ≥ threshold. Candidates as for
 * `chooseThreshold`, and for a fixed specificity and for cost also deciding no row positive, halfway between the highest
 * probability and 1. Of equally good candidates the highest is taken: fewest alarms.
 * @param probabilities [row] in [0, 1]; of validation rows, not of those the point is measured on
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown; null: all are known
 * @throws ShapeError when the lengths differ; RangeError for entries or a rule's value out of range
 */
export function chooseOperatingPoint(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known: ArrayLike<number> | null | undefined,
  rule: OperatingRule,
): ChosenThreshold {
  checkRule(rule);
  const selected = knownProbabilities('chooseOperatingPoint', probabilities, targets, known);
  const { positives, size } = selected;
  if (positives === 0 || positives === size) {
    const missing = positives === 0 ? 'positives' : 'negatives';
    return { threshold: null, reason: `no ${missing} among ${size} rows with a known label` };
  }
  const objective = objectiveOf(rule);
  const best = bestCut(selected, objective);
  const nobody = {
    truePositives: 0,
    falsePositives: 0,
    falseNegatives: positives,
    trueNegatives: size - positives,
  };
  const ofNobody = mayDecideNobody(rule) ? objective(nobody) : Number.NEGATIVE_INFINITY;
  if (best !== null && best.value > ofNobody) return { threshold: best.threshold };
  return aboveAll(selected);
}

function aboveAll({ scores }: KnownRows): ChosenThreshold {
  const highest = scores.reduce((a, b) => Math.max(a, b));
  if (highest < 1) return { threshold: between(1, highest) };
  return {
    threshold: null,
    reason:
      'deciding no row positive is best, but the highest probability is 1 and no threshold lies above it',
  };
}

/** What a rule maximises; −∞ where its condition fails. */
function objectiveOf(rule: OperatingRule): (counts: ConfusionCounts) => number {
  switch (rule.kind) {
    case 'sensitivity':
      return (counts) =>
        sensitivity(counts)! >= rule.value ? specificity(counts)! : Number.NEGATIVE_INFINITY;
    case 'specificity':
      return (counts) =>
        specificity(counts)! >= rule.value ? sensitivity(counts)! : Number.NEGATIVE_INFINITY;
    case 'cost':
      return (counts) => -cost(counts, rule.value);
    default:
      return thresholdCriteria[rule.kind];
  }
}

const mayDecideNobody = ({ kind }: OperatingRule): boolean => kind === 'specificity' || kind === 'cost';

/** In units of a false positive. */
const cost = ({ falsePositives, falseNegatives }: ConfusionCounts, ratio: number): number =>
  falsePositives + ratio * falseNegatives;

/** @throws RangeError for a share outside (0, 1) or a cost that is not above 0 */
function checkRule(rule: OperatingRule): void {
  if (rule.kind === 'cost' && !(rule.value > 0 && Number.isFinite(rule.value))) {
    throw new RangeError(
      `chooseOperatingPoint: a cost ratio must be above 0, got ${rule.value}; ` +
        'it is the cost of a false negative in false positives',
    );
  }
  if ((rule.kind === 'sensitivity' || rule.kind === 'specificity') && !(rule.value > 0 && rule.value < 1)) {
    throw new RangeError(
      `chooseOperatingPoint: a fixed ${rule.kind} must lie between 0 and 1, got ${rule.value}`,
    );
  }
}

/** Name of a metric stated per operating point. */
export const decisionMetrics = ['sensitivity', 'specificity', 'ppv', 'npv', 'flagged'] as const;
export type DecisionMetric = (typeof decisionMetrics)[number];

/** How an operating point does; `flagged` is the share of rows decided positive. */
export type DecisionEvaluation = { readonly [metric in DecisionMetric]: Estimate } & {
  /** (FP + ratio · FN) / rows, in false positives per row; only where a cost ratio was given. */
  readonly expectedCost?: Estimate;
};

/** What is measured: decisions made at thresholds chosen elsewhere, the cells as in `MultilabelPredictions`. */
export type DecidedPredictions = Omit<MultilabelPredictions, 'decisions'> & {
  /** Each [row, label] 0 or 1; `cost` as in the rule that chose the thresholds. */
  readonly points: readonly { readonly decisions: Uint8Array; readonly cost?: number }[];
};

/** [point] label → how its decisions do. */
export type DecisionEvaluations = readonly Readonly<Record<string, DecisionEvaluation>>[];

/**
 * Measures several sets of decisions on the same rows, with 95 % intervals from a bootstrap over patients. The
 * thresholds are taken as given: the intervals do not hold the uncertainty of choosing them.
 * @returns [point] label → how its decisions do
 * @throws as evaluateMultilabel
 */
export function evaluateDecisions(predictions: DecidedPredictions & EvaluationOptions): DecisionEvaluations {
  if (predictions.points.length === 0) return [];
  return bootstrapTogether([decisionResampling(predictions)], predictions)[0];
}

/** What `evaluateDecisions` bootstraps. @param predictions with at least one point */
export function decisionResampling({
  points,
  ...predictions
}: DecidedPredictions): Resampling<DecisionEvaluations> {
  const { labels } = predictions;
  const tables = points.map(({ decisions }) => tabulate('evaluateDecisions', { ...predictions, decisions }));
  const { patients, repeats } = tables[0];
  const costs = points.map((point) => point.cost ?? 0);
  const perLabel = labels.map((_, label) => {
    const decided = repeats.map((_unused, r) =>
      decideByRules(
        tables[0].cells[r][label],
        tables.map(({ cells }) => cells[r][label].decisions),
      ),
    );
    return { decided, values: meanOverRepeats(decided.map((cells) => decisionValues(cells, costs))) };
  });
  const width = points.length * VALUES;
  const everyone = new Int32Array(patients).fill(1);
  const conclude: Resampling<DecisionEvaluations>['conclude'] = (values, draws) =>
    points.map(({ cost: ratio }, point) => {
      const evaluate = (label: number): DecisionEvaluation => {
        const estimate = (name: keyof typeof divisors): Estimate => {
          const at = label * width + point * VALUES + valueNames.indexOf(name);
          return percentileEstimate(values[at], draws[at], patients, () => {
            const counts = perLabel[label].decided.map((cells) => decisionCounter(cells)(everyone)[point]);
            return whyUndefined(divisors[name], counts);
          });
        };
        const metrics = Object.fromEntries(decisionMetrics.map((name) => [name, estimate(name)])) as {
          readonly [metric in DecisionMetric]: Estimate;
        };
        return ratio === undefined ? metrics : { ...metrics, expectedCost: estimate('expectedCost') };
      };
      return Object.fromEntries(labels.map((name, label) => [name, evaluate(label)]));
    });
  return {
    clusters: patients,
    size: labels.length * width,
    compute: (multiplicity, out, at) => {
      for (let label = 0; label < labels.length; label++) {
        perLabel[label].values.compute(multiplicity, out, at + label * width);
      }
    },
    conclude,
  };
}

/** What each value divides by. */
const divisors = {
  sensitivity: 'positives',
  specificity: 'negatives',
  ppv: 'rows decided positive',
  npv: 'rows decided negative',
  flagged: 'rows with a known label',
  expectedCost: 'rows with a known label',
} as const satisfies Record<DecisionMetric | 'expectedCost', Need>;
const valueNames = Object.keys(divisors) as (keyof typeof divisors)[];
const VALUES = valueNames.length;

/** The values of every rule, in the order of `divisors`. */
function decisionValues(cells: DecidedCells, costs: readonly number[]): ResampledValues {
  const count = decisionCounter(cells);
  return {
    size: cells.rules * VALUES,
    compute: (multiplicity, out, at) => {
      for (const [rule, counts] of count(multiplicity).entries()) {
        const first = at + rule * VALUES;
        const { truePositives, falsePositives } = counts;
        const rows = denominators['rows with a known label'](counts);
        out[first] = sensitivity(counts) ?? Number.NaN;
        out[first + 1] = specificity(counts) ?? Number.NaN;
        out[first + 2] = ppv(counts) ?? Number.NaN;
        out[first + 3] = npv(counts) ?? Number.NaN;
        out[first + 4] = (truePositives + falsePositives) / rows; // 0 / 0 = NaN = undefined
        out[first + 5] = cost(counts, costs[rule]) / rows;
      }
    },
  };
}

/** @param counts [repeat] */
function whyUndefined(divisor: Need, counts: readonly ConfusionCounts[]): string {
  const rows = denominators['rows with a known label'](counts[0]);
  if (rows === 0) return 'no rows with a known label';
  const repeat = counts.findIndex((own) => denominators[divisor](own) === 0);
  if (repeat === -1) throw new Error(`internal: a value is undefined although there are ${divisor}`);
  const where = counts.length === 1 ? '' : ` (repeat ${repeat + 1} of ${counts.length})`;
  return `no ${divisor} among ${rows} rows with a known label${where}`;
}
