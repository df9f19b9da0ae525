/** What the generator knows and no reader of the record can: each visit's risks and the best possible AUROCs. */
import { auroc } from '../../metrics/index.js';
import { conditions, type Grading, gradingNames, type Measurement, measurementNames } from './conditions.js';
import type { SyntheticVisit } from './patients.js';
import { holds, imageEvidence, labelProbabilities, tabularEvidence, textEvidence } from './posterior.js';

/** AUROC of the exact posterior probability given one part of the record; null where a class is absent. */
export interface Ceilings {
  readonly image: number | null;
  readonly tabular: number | null;
  readonly text: number | null;
  /** All three together. */
  readonly all: number | null;
}

/** The contents of `truth.json`. */
export interface StudyTruth {
  readonly seed: number;
  readonly patients: number;
  readonly rows: number;
  readonly imageSize: number;
  /** Mean of the labels' ceilings; null where one is undefined. */
  readonly macro: Ceilings;
  readonly labels: Readonly<
    Record<
      string,
      {
        readonly finding: string;
        /** Rows with the label, also those whose cell is empty. */
        readonly positives: number;
        readonly ceilings: Ceilings;
      }
    >
  >;
  /** Per row id, P(label | all that this row records), labels in the order of `labels`. */
  readonly risk: Readonly<Record<string, readonly number[]>>;
}

/**
 * Computes the truth of drawn visits. A row's posterior uses what this row records: an empty cell, image or note
 * gives no evidence. It reads findings and symptoms without error and treats the row as a first visit, so a model
 * can exceed `all` only by looking at a patient's other rows.
 */
export function studyTruth(visits: readonly SyntheticVisit[]): Pick<StudyTruth, 'macro' | 'labels' | 'risk'> {
  const posteriors = visits.map((visit) => {
    const image = visit.missing.has('image')
      ? []
      : [imageEvidence(visit.findings.map((finding) => finding?.severity ?? null))];
    const tabular = [recordedTable(visit)];
    const text = visit.missing.has('notes') ? [] : [textEvidence(visit.symptoms)];
    return {
      image: labelProbabilities(image),
      tabular: labelProbabilities(tabular),
      text: labelProbabilities(text),
      all: labelProbabilities([...image, ...tabular, ...text]),
    };
  });
  const parts = ['image', 'tabular', 'text', 'all'] as const;
  const entries = conditions.map(({ label, finding }, at) => {
    const targets = visits.map(({ pattern }) => (holds(pattern, at) ? 1 : 0));
    const ceilings = mapParts(parts, (part) =>
      rounded(
        auroc(
          posteriors.map((posterior) => posterior[part][at]),
          targets,
        ),
      ),
    );
    const positives = targets.reduce<number>((sum, target) => sum + target, 0);
    return [label, { finding, positives, ceilings }] as const;
  });
  const macro = mapParts(parts, (part) => {
    const values = entries.map(([, { ceilings }]) => ceilings[part]);
    const known = values.filter((value) => value !== null);
    return known.length < values.length ? null : rounded(known.reduce((a, b) => a + b, 0) / known.length);
  });
  const risk = visits.map(({ id }, row) => [id, posteriors[row].all.map((p) => rounded(p))] as const);
  return { macro, labels: Object.fromEntries(entries), risk: Object.fromEntries(risk) as StudyTruth['risk'] };
}

function recordedTable({ z, levels, missing }: SyntheticVisit): Float64Array {
  const values = {} as Record<Measurement, number | null>;
  for (const name of measurementNames) values[name] = missing.has(name) ? null : z[name];
  const grades = {} as Record<Grading, number | null>;
  for (const name of gradingNames) grades[name] = missing.has(name) ? null : levels[name];
  return tabularEvidence(values, grades);
}

function mapParts(
  parts: readonly (keyof Ceilings)[],
  value: (part: keyof Ceilings) => number | null,
): Ceilings {
  return Object.fromEntries(parts.map((part) => [part, value(part)])) as unknown as Ceilings;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e4) / 1e4;
}
