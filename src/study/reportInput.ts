/** A run folder's records as the values that a report is made of. */
import type { ReportInput, SplitPart, SplitSummary, TrainingRun } from '../report/index.js';
import { tierTable } from '../risk/index.js';
import { describeStudy } from './describeStudy.js';
import type { RunMetrics } from './evaluate.js';
import type { Predictions } from './predictions.js';
import type { DataRecord, EpochEntry, FittedSplit } from './runRecords.js';
import type { Study } from './schema.js';
import { type ScoredPart, scoreRows } from './scoredRows.js';

/** What a run folder holds. */
export interface RunRecords {
  readonly study: Study;
  readonly studyYaml: string;
  readonly metrics: RunMetrics;
  readonly predictions: Predictions;
  readonly fitted: readonly FittedSplit[];
  readonly data: DataRecord;
  readonly epochs: readonly EpochEntry[];
}

/**
 * Gathers a report's input.
 * @throws DataError of `scoreRows`
 */
export function reportInput(records: RunRecords): ReportInput {
  const { study, studyYaml, metrics, predictions, data } = records;
  const { thresholds, test } = scoreRows(predictions, study.evaluation.threshold);
  const { environment } = metrics;
  const once = firstRepeat(test);
  return {
    name: study.name,
    studyYaml,
    study: describeStudy({
      study,
      labels: predictions.labels,
      stage1: records.fitted[0].stage1,
      network: records.epochs.length > 0,
    }),
    labels: predictions.labels,
    metrics: { test: metrics.test, validation: metrics.validation },
    test,
    thresholds,
    split: splitSummary(study, predictions),
    features: { numeric: data.numeric, correlation: data.correlation, missing: data.missing },
    tiers: tierTable(once.tiers, once.targets, once.known, predictions.labels, once.patients),
    rules: ruleSummaries(records),
    training: trainingRuns(study, records.epochs),
    notes: metrics.audit.notes,
    acceptedFindings: metrics.audit.accepted,
    environment: {
      versions: {
        medfusion: environment.medfusion,
        node: environment.node,
        ...(environment.onnxruntime === null ? {} : { 'onnxruntime-node': environment.onnxruntime }),
        'operating system': environment.os,
        processor: `${environment.cpu}, ${environment.logicalCores} logical cores, ${environment.memoryGiB} GiB`,
      },
      device:
        environment.deviceReason === null
          ? environment.device
          : `${environment.device} (auto: ${environment.deviceReason})`,
      threads: environment.threads,
      seed: environment.seed,
      seconds: metrics.seconds,
      peakMemoryBytes: metrics.peakMemoryBytes,
      checksums: metrics.checksums,
    },
  };
}

/** The rows of repeat 0, in which every tested row occurs once: tiers count people, not repeats. */
function firstRepeat({ labels, patients, repeat, targets, known, tiers }: ScoredPart) {
  const rows = Array.from(repeat.keys()).filter((row) => repeat[row] === 0);
  const cells = rows.flatMap((row) => labels.map((_, l) => row * labels.length + l));
  return {
    patients: Int32Array.from(rows, (row) => patients[row]),
    targets: Float32Array.from(cells, (cell) => targets[cell]),
    known: Uint8Array.from(cells, (cell) => known[cell]),
    tiers: Uint8Array.from(cells, (cell) => tiers[cell]),
  };
}

function splitSummary({ split }: Study, predictions: Predictions): SplitSummary {
  const { splits, repeat, fold } = predictions;
  const rowsOf = (accept: (row: number) => boolean) => Array.from(splits.keys()).filter(accept);
  const first = (row: number) => repeat[row] === 0 && fold[row] === 0;
  const named = (name: string, rows: readonly number[]) => splitPart(name, rows, predictions);
  const part = (name: (typeof splits)[number]) => rowsOf((row) => first(row) && splits[row] === name);
  const percent = (share: number) => `${Math.round(1000 * share) / 10} %`;
  const validation = `${percent(split.validation)} of the remaining rows for validation, whole patients, stratified by label, seed ${split.seed}`;
  const fitted = [
    named(split.method === 'kfold' ? 'train, first fold' : 'train', part('train')),
    named(split.method === 'kfold' ? 'validation, first fold' : 'validation', part('validation')),
  ];
  switch (split.method) {
    case 'holdout':
      return {
        method: split.method,
        description: `Hold-out of ${percent(split.test)} of the rows, then ${validation}.`,
        parts: [...fitted, named('test', part('test'))],
      };
    case 'lists':
      return {
        method: split.method,
        description: `Test rows by published list, then ${validation}.`,
        parts: [...fitted, named('test', part('test'))],
      };
    case 'kfold':
      return {
        method: split.method,
        description: `${split.folds}-fold cross-validation, ${split.repeats} times: each row is tested once per repeat, out of fold; in each fold ${validation}.`,
        parts: [
          ...fitted,
          named(
            'test (out of fold)',
            rowsOf((row) => repeat[row] === 0 && splits[row] === 'test'),
          ),
        ],
      };
    default:
      return split satisfies never;
  }
}

function splitPart(name: string, rows: readonly number[], predictions: Predictions): SplitPart {
  const { labels, patients, targets, known } = predictions;
  const cell = (row: number, label: number) => row * labels.length + label;
  const positive = (row: number, label: number) =>
    known[cell(row, label)] === 1 && targets[cell(row, label)] === 1;
  return {
    name,
    rows: rows.length,
    patients: new Set(rows.map((row) => patients[row])).size,
    unknown: labels.map((_, l) => rows.filter((row) => known[cell(row, l)] === 0).length),
    cooccurrence: labels.map((_, a) =>
      labels.map((__, b) => rows.filter((row) => positive(row, a) && positive(row, b)).length),
    ),
  };
}

function ruleSummaries({ fitted, data, study }: RunRecords): ReportInput['rules'] {
  const [{ stage1 }] = fitted;
  const { rules } = data;
  if (stage1 === null || rules === null) return null;
  return {
    fittedOn:
      study.split.method === 'kfold'
        ? `the ${stage1.training.rows} training rows of the first fold`
        : `the ${stage1.training.rows} training rows`,
    criterion: stage1.options.threshold.criterion,
    labels: stage1.labels.map((label, l) =>
      label.rules.map((rule, r) => ({
        text: rule.text,
        with: rule.with,
        oddsRatio: rule.oddsRatio,
        score: rule.score,
        adjustedPValue: rule.adjustedPValue,
        test: rules[l][r],
      })),
    ),
  };
}

function trainingRuns({ split }: Study, epochs: readonly EpochEntry[]): TrainingRun[] {
  const runs = new Map<string, EpochEntry[]>();
  for (const entry of epochs) {
    const name =
      split.method === 'kfold'
        ? `repeat ${entry.repeat + 1}, fold ${entry.fold + 1} of ${split.folds}`
        : 'training';
    runs.set(name, [...(runs.get(name) ?? []), entry]);
  }
  return [...runs].map(([name, entries]) => ({
    name,
    epochs: entries.map(({ repeat: _, fold: __, improved: ___, ...epoch }) => epoch),
    bestEpoch: entries.findLast(({ improved }) => improved)?.epoch ?? null,
  }));
}
