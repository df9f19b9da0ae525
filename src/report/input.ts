/**
 * What a report is made of: plain values that a run folder holds (architecture.md, "The run folder"). The
 * report computes nothing that a metric is named after; it draws curves and counts from the test rows and
 * prints the estimates it is given.
 *
 * Layouts: L labels; matrices of scored rows are row-major [n, L]; every list "per label" follows `labels`.
 */
import type { LabelEvaluation, LabelMeasurement, MultilabelEvaluation } from '../metrics/index.js';
import type { Criterion, Rule, TierTable } from '../risk/index.js';

/** Rows with targets, probabilities and decisions, each [n, L]; n counts every repeat of cross-validation. */
export interface ScoredRows {
  readonly targets: Float32Array;
  /** 1 = recorded, 0 = unknown. */
  readonly known: Uint8Array;
  /** Calibrated, in [0, 1]. */
  readonly probabilities: Float64Array;
  /** 1 = called positive at the threshold chosen on validation rows. */
  readonly decisions: Uint8Array;
}

/** What is measured of a label; a run of an earlier version lacks what was not measured then. */
export type MeasuredLabel = LabelEvaluation &
  Partial<Pick<LabelMeasurement, 'decisionCurve' | 'operatingPoints' | 'subgroups'>>;

/** A block of metrics.json. */
export interface MeasuredBlock extends Omit<MultilabelEvaluation, 'labels'> {
  readonly labels: Readonly<Record<string, MeasuredLabel>>;
}

/** Something the model may look at. */
export interface Predictor {
  /** Name of the column. */
  readonly name: string;
  readonly kind: 'numeric' | 'ordinal' | 'categorical' | 'text' | 'image';
  /** What stage 1 puts in place of a missing value, in words; `null` where stage 1 does not read the column. */
  readonly fill: string | null;
}

/** What the study file settles, in words. */
export interface StudySummary {
  readonly description: string | null;
  /** Which rows take part, one sentence each. */
  readonly inclusion: readonly string[];
  readonly predictors: readonly Predictor[];
  /** Per label, what makes a row positive. */
  readonly outcomes: readonly string[];
  /** How missing values are treated, one sentence each. */
  readonly missing: readonly string[];
  readonly model: {
    /** `stage1` where stage 1 alone is the model and no network predicts. */
    readonly kind: 'network' | 'stage1';
    readonly facts: readonly (readonly [term: string, value: string])[];
  };
  /** Parameters that the table's columns offer stage 1 in the first fit, before any selection; `null` when it is off. */
  readonly candidates: number | null;
  /** Column that orders a patient's rows in time. */
  readonly order: string | null;
}

/** One part of a split. */
export interface SplitPart {
  /** `train`, `validation`, `test`, or what else the study calls it, such as `test (out of fold)`. */
  readonly name: string;
  readonly rows: number;
  readonly patients: number;
  /** Rows per label whose value is unknown. */
  readonly unknown: readonly number[];
  /** [L][L] rows positive for both labels; the diagonal counts each label's positives. */
  readonly cooccurrence: readonly (readonly number[])[];
}

/** How rows were divided. */
export interface SplitSummary {
  readonly method: 'holdout' | 'kfold' | 'lists';
  /** A sentence for readers, e.g. `Hold-out of 20 % of patients, stratified by label, seed 1`. */
  readonly description: string;
  /** Training, validation and test rows, in this order; under cross-validation the first two are of the first fold. */
  readonly parts: readonly SplitPart[];
}

/** Distribution of one numeric feature. */
export interface FeatureSummary {
  readonly name: string;
  readonly missing: number;
  /** Ascending bin edges, one more than `counts`; empty when every value is missing. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** A rule of stage 1, and what became of it on test rows. */
export interface RuleSummary extends Pick<Rule, 'text' | 'with' | 'oddsRatio' | 'score' | 'adjustedPValue'> {
  /** Test rows in which the rule fires, those of them with a known label, and the positive ones. */
  readonly test: { readonly fired: number; readonly known: number; readonly positives: number };
}

/** One epoch of log.jsonl. */
export interface EpochLog {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validationLoss: number | null;
  /** `null` when no label is defined on the validation rows. */
  readonly validationAuroc: number | null;
  readonly learningRate: number;
  readonly seconds: number;
}

/** One fitted network; cross-validation has one for each fold and repeat. */
export interface TrainingRun {
  /** e.g. `fold 2 of 5, repeat 1`; a hold-out study has the one run `training`. */
  readonly name: string;
  readonly epochs: readonly EpochLog[];
  /** The epoch whose weights were kept. */
  readonly bestEpoch: number | null;
}

/** Something the reader of the data did, or an audit finding, in words. */
export interface Note {
  readonly code: string;
  readonly message: string;
  readonly count: number;
}

/** Where and how the run was made. */
export interface EnvironmentSummary {
  /** Name to version, e.g. `{ medfusion: '0.1.0', node: '20.20.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly device: string;
  readonly threads: number;
  readonly seed: number;
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  /** File name to checksum of the data read. */
  readonly checksums: Readonly<Record<string, string>>;
}

/** Everything `renderReport` needs. */
export interface ReportInput {
  readonly name: string;
  /** The resolved study file. */
  readonly studyYaml: string;
  readonly study: StudySummary;
  readonly labels: readonly string[];
  readonly metrics: { readonly test: MeasuredBlock; readonly validation: MeasuredBlock | null };
  readonly test: ScoredRows;
  /** Per label, the thresholds used: one for a hold-out, one per fold in cross-validation. */
  readonly thresholds: readonly (readonly number[])[];
  readonly split: SplitSummary;
  readonly features: {
    readonly numeric: readonly FeatureSummary[];
    /** Pearson correlation of the numeric features, [F][F]; `null` where a feature is constant. */
    readonly correlation: readonly (readonly (number | null)[])[];
    /** Of every predictor, its rows without a value in each part of the split, in the parts' order. */
    readonly missing: readonly { readonly name: string; readonly parts: readonly number[] }[];
  };
  /** Test rows per tier, per label; `null` when the study has no tiers. */
  readonly tiers: readonly TierTable[] | null;
  /** `null` when stage 1 is off. */
  readonly rules: {
    /** The rows in words, e.g. `the training rows` or `the training rows of fold 1, repeat 1`. */
    readonly fittedOn: string;
    /** What `score` is. */
    readonly criterion: Criterion;
    /** Rules per label, best first. */
    readonly labels: readonly (readonly RuleSummary[])[];
  } | null;
  /** Empty where no network was trained. */
  readonly training: readonly TrainingRun[];
  /** What was dropped, skipped or coerced while reading. */
  readonly notes: readonly Note[];
  /** Leakage findings that the study file accepts. */
  readonly acceptedFindings: readonly Note[];
  readonly environment: EnvironmentSummary;
}
