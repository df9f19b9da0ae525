/** How many events there are per label, and per parameter that could have been chosen. */
import type { ReportInput, SplitPart } from './input.js';

/** Events per candidate parameter under which selected predictors and coefficients seldom hold [peduzzi1996simulation]. */
export const FEW_EVENTS_PER_PARAMETER = 10;

/** The events of a label: rows of the rarer of its two classes. */
export interface LabelEvents {
  readonly label: string;
  readonly training: number;
  readonly validation: number;
  readonly test: number;
  /** Training events per candidate parameter; `null` where stage 1 has none to count. */
  readonly perParameter: number | null;
}

export function labelEvents({ labels, split, study }: ReportInput): readonly LabelEvents[] {
  const [train, validation, test] = split.parts;
  const { candidates } = study;
  return labels.map((label, l) => {
    const training = rarer(train, l);
    return {
      label,
      training,
      validation: rarer(validation, l),
      test: rarer(test, l),
      perParameter: candidates === null || candidates === 0 ? null : training / candidates,
    };
  });
}

function rarer({ rows, unknown, cooccurrence }: SplitPart, l: number): number {
  const positives = cooccurrence[l][l];
  return Math.min(positives, rows - unknown[l] - positives);
}
