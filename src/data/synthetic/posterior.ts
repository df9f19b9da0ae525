/**
 * The generator's own probabilities: of label patterns, of signs given a pattern, and, by Bayes' rule summed over
 * all patterns, of each label given what was recorded,
 *   P(y_l = 1 | x) = Σ_{y: y_l = 1} P(y) Π_m P(x_m | y) / Σ_y P(y) Π_m P(x_m | y).
 * A pattern is a bit set over `conditions`; log probabilities are over all 2^L patterns, up to a constant.
 */
import {
  conditions,
  couplings,
  type Grading,
  gradingNames,
  gradings,
  type Measurement,
  measurementNames,
} from './conditions.js';
import { symptoms } from './notes.js';

const patterns = 1 << conditions.length;

/** True where the pattern holds the label. */
export function holds(pattern: number, label: number): boolean {
  return ((pattern >> label) & 1) === 1;
}

/** P(pattern) up to a factor: log odds of its labels and of each coupled pair in it. */
export const patternWeights: Float64Array = Float64Array.from({ length: patterns }, (_, pattern) => {
  const has = (label: string) =>
    holds(
      pattern,
      conditions.findIndex((condition) => condition.label === label),
    );
  const alone = sumOverLabels(pattern, ({ logOdds }) => logOdds);
  const pairs = couplings.reduce((sum, [a, b, weight]) => sum + (has(a) && has(b) ? weight : 0), 0);
  return Math.exp(alone + pairs);
});

/** Sum over the labels that the pattern holds. */
function sumOverLabels(pattern: number, term: (condition: (typeof conditions)[number]) => number): number {
  return conditions.reduce((sum, condition, label) => sum + (holds(pattern, label) ? term(condition) : 0), 0);
}

/** Mean of a standardised measurement; its standard deviation is 1. */
export function measurementMean(pattern: number, name: Measurement): number {
  return sumOverLabels(pattern, (condition) => condition.measurements[name] ?? 0);
}

/** Probability of each level of a grading. */
export function levelProbabilities(pattern: number, name: Grading): number[] {
  const base = Object.values(gradings[name]);
  const tilt = sumOverLabels(pattern, (condition) => condition.gradings[name] ?? 0);
  const weights = base.map((weight, level) => Math.exp(weight + (tilt * level) / (base.length - 1)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Probability of a symptom, by its index in `symptoms`. */
export function symptomProbability(pattern: number, index: number): number {
  const { name, rate } = symptoms[index];
  const logit =
    Math.log(rate / (1 - rate)) + sumOverLabels(pattern, (condition) => condition.symptoms[name] ?? 0);
  return 1 / (1 + Math.exp(-logit));
}

/** Density of a finding's severity on [0, 1]: it rises linearly with the label and falls without. */
function severityDensity(present: boolean, severity: number): number {
  return present ? 2 * severity : 2 * (1 - severity);
}

/** The inverse of the severity's distribution function. */
export function severityQuantile(present: boolean, probability: number): number {
  return present ? Math.sqrt(probability) : 1 - Math.sqrt(1 - probability);
}

const tables = Array.from({ length: patterns }, (_, pattern) => ({
  means: measurementNames.map((name) => measurementMean(pattern, name)),
  levels: gradingNames.map((name) => levelProbabilities(pattern, name).map(Math.log)),
  symptoms: symptoms.map((_symptom, index) => {
    const probability = symptomProbability(pattern, index);
    return [Math.log(1 - probability), Math.log(probability)] as const;
  }),
}));

/** Log likelihood of each pattern from what the image shows: per label the finding's severity, null if not shown. */
export function imageEvidence(severities: readonly (number | null)[]): Float64Array {
  return Float64Array.from({ length: patterns }, (_, pattern) =>
    conditions.reduce((sum, { findingRate }, label) => {
      const present = holds(pattern, label);
      const rate = present ? findingRate.present : findingRate.absent;
      const severity = severities[label];
      return sum + Math.log(severity === null ? 1 - rate : rate * severityDensity(present, severity));
    }, 0),
  );
}

/** The same from the recorded table: `z` per measurement, level per grading, null where the cell is empty. */
export function tabularEvidence(
  z: Readonly<Record<Measurement, number | null>>,
  levels: Readonly<Record<Grading, number | null>>,
): Float64Array {
  return Float64Array.from(tables, (table) => {
    let sum = 0;
    measurementNames.forEach((name, at) => {
      const value = z[name];
      if (value !== null) sum -= (value - table.means[at]) ** 2 / 2;
    });
    gradingNames.forEach((name, at) => {
      const level = levels[name];
      if (level !== null) sum += table.levels[at][level];
    });
    return sum;
  });
}

/** The same from the note: which symptoms are present. */
export function textEvidence(present: readonly boolean[]): Float64Array {
  return Float64Array.from(tables, (table) =>
    table.symptoms.reduce((sum, logs, index) => sum + logs[present[index] ? 1 : 0], 0),
  );
}

/** P(label | evidence) for every label; no evidence gives the prevalence. */
export function labelProbabilities(evidence: readonly Float64Array[]): number[] {
  const logs = Float64Array.from(patternWeights, (weight, pattern) =>
    evidence.reduce((sum, part) => sum + part[pattern], Math.log(weight)),
  );
  const most = logs.reduce((a, b) => Math.max(a, b));
  const weights = logs.map((log) => Math.exp(log - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return conditions.map(
    (_, label) =>
      weights.reduce((sum, weight, pattern) => sum + (holds(pattern, label) ? weight : 0), 0) / total,
  );
}
