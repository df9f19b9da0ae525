/** What every finished run holds, whichever command fitted it: predictions, stage 1, data, metrics, report. */
import type { Cohort, CohortNote, Split } from '../data/index.js';
import type { Stage1Model, TierModel } from '../risk/index.js';
import { countMissing, type RuleCount, summarizeColumns } from './dataSummary.js';
import { collectEnvironment, type Engine } from './environment.js';
import { evaluateFolder, type RunMetrics } from './evaluate.js';
import type { Predictions } from './predictions.js';
import { type Pretrained, pretrainedChecksums } from './pretrained.js';
import { reportRun } from './report.js';
import { type Stage1Predictor, writeDataRecord, writeFitted, writePredictions } from './runRecords.js';
import type { Study } from './schema.js';
import type { StudyData } from './studyData.js';

/** What a split's fit leaves for the run folder. */
export interface FittedPart {
  readonly stage1: Stage1Model | null;
  /** Where the rules of stage 1 fire in test rows; null without stage 1. */
  readonly rules: readonly (readonly RuleCount[])[] | null;
  readonly tiers: TierModel;
  readonly predictions: Predictions;
}

/** What a run has read and fitted. */
export interface RunHistory extends Pick<StudyData, 'inputs' | 'notes'> {
  /** Findings of the audit that the study accepts. */
  readonly accepted: readonly CohortNote[];
  /** What the image branches started from; null where nothing published did. */
  readonly pretrained: Pretrained | null;
  readonly parts: readonly FittedPart[];
}

/**
 * Writes predictions.csv, stage1.json and data.json.
 * @param parts  one per split, in the splits' order
 * @param kept   the model to predict with, where stage 1 alone is the model
 */
export async function writeResults(
  run: string,
  study: Study,
  { cohort, splits }: { readonly cohort: Cohort; readonly splits: readonly Split[] },
  parts: readonly FittedPart[],
  kept: Stage1Predictor | null,
): Promise<void> {
  await writePredictions(run, ...parts.map((part) => part.predictions));
  const fitted = parts.map(({ stage1, tiers }, i) => {
    const { repeat, fold } = splits[i];
    return { repeat, fold, stage1, tiers };
  });
  await writeFitted(run, fitted, kept);
  await writeDataRecord(run, {
    ...summarizeColumns(cohort),
    missing: countMissing(
      cohort,
      reportedParts(splits),
      cohort.slots === 0 ? [] : study.data.images?.columns,
    ),
    rules: parts[0].rules,
  });
}

/** Training, validation and test rows of the report: the first two of the first split, the last of a whole repeat. */
function reportedParts(splits: readonly Split[]): Int32Array[] {
  const [{ train, validation, repeat }] = splits;
  const tested = splits.filter((split) => split.repeat === repeat).flatMap(({ test }) => Array.from(test));
  return [train, validation, Int32Array.from(tested)];
}

/** What fitting could not do, each thing once with the number of splits that it happened in. */
function fitNotes(parts: readonly FittedPart[]): CohortNote[] {
  const counts = new Map<string, CohortNote>();
  for (const { stage1, tiers } of parts) {
    for (const { code, message } of [...(stage1?.notes ?? []), ...tiers.notes]) {
      const { count } = counts.get(message) ?? { count: 0 };
      counts.set(message, { code, message, count: count + 1 });
    }
  }
  return [...counts.values()];
}

/**
 * Measures a run whose results are written, and renders its report.
 * @param started  `performance.now()` when the command began
 * @param engine   what it was computed on; null: stage 1 alone
 */
export async function measureRun(
  run: string,
  study: Study,
  { inputs, notes, accepted, pretrained, parts }: RunHistory,
  { started, engine }: { readonly started: number; readonly engine: Engine | null },
): Promise<RunMetrics> {
  const { metrics, predictions } = await evaluateFolder(run, {
    seconds: (performance.now() - started) / 1000,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    environment: collectEnvironment(engine, study.seed),
    checksums: { ...inputs, ...pretrainedChecksums(pretrained) },
    ...(pretrained === null ? {} : { pretrained: pretrained.record }),
    audit: { accepted: [...accepted], notes: [...notes, ...fitNotes(parts)] },
  });
  await reportRun(run, predictions);
  return metrics;
}
