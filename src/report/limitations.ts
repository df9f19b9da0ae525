/** What limits how far a run's figures may be trusted, each drawn from a fact of the run. */
import type { Estimate } from '../metrics/index.js';
import { formatCount, formatNumber, listing } from './format.js';
import type { ReportInput } from './input.js';
import { FEW_EVENTS_PER_PARAMETER, labelEvents } from './sampleSize.js';
import { isUseful } from './usefulRange.js';

/** Something that a reader must know before using a figure. */
export interface Finding {
  readonly title: string;
  /** Identifier of an audit finding. */
  readonly code?: string;
  /** One sentence. */
  readonly text: string;
}

/** Fewer test events than this make estimates of a label's calibration unstable [vergouwe2005]. */
const FEW_EVENTS = 100;
/** With fewer events than this, one row moves the sensitivity that a threshold is set at by more than 5 points. */
const FEW_TO_TUNE = 20;
/** Shares that are worth a line: of labels unknown, and of a predictor missing. */
const MUCH_UNKNOWN = 0.05;
const MUCH_MISSING = 0.2;

/** What belongs on the first screen, worst first. */
export function warnings(input: ReportInput): readonly Finding[] {
  const { labels, metrics, tiers, acceptedFindings } = input;
  const byLabel = metrics.test.labels;
  const undefinedLabels = labels.flatMap((label) => {
    const { auroc } = byLabel[label];
    return auroc.value === null ? [`${label} (${auroc.reason})`] : [];
  });
  const few = labels
    .filter((label) => byLabel[label].positives < FEW_EVENTS)
    .map((label) => `${label} (${formatCount(byLabel[label].positives)})`);
  const unordered = (tiers ?? []).filter((tier) => tier.monotone === false).map((tier) => tier.label);
  const chance = labels.filter((label) => {
    const { auroc } = byLabel[label];
    return auroc.value !== null && auroc.ci95 !== null && auroc.ci95[0] <= 0.5;
  });
  return [
    ...acceptedFindings.map(({ code, message, count }) => ({
      title: 'Accepted audit finding',
      code,
      text: `${message} (${formatCount(count)})`,
    })),
    ...about('Undefined', undefinedLabels, (list) => `no AUROC for ${list}.`),
    ...about('Not told from chance', chance, (list) => `the AUROC interval includes 0.5 for ${list}.`),
    ...about(
      'Tiers out of order',
      unordered,
      (list) =>
        `observed risk falls from one tier to the next higher for ${list}; do not act on these tiers.`,
    ),
    ...about(
      'Few events',
      few,
      (list) =>
        `fewer than ${FEW_EVENTS} positive test rows for ${list}; intervals are wide, calibration unstable.`,
    ),
  ];
}

/** The warnings, and everything else that the run's own facts limit. */
export function limitations(input: ReportInput): readonly Finding[] {
  return [
    ...warnings(input),
    ...evaluationLimits(input),
    ...sampleLimits(input),
    ...dataLimits(input),
    ...useLimits(input),
    ...subgroupLimits(input),
  ];
}

const sameSource = {
  holdout:
    'test rows were drawn at random, once, from the data set that the training rows come from: another draw gives other figures, and how the model does on patients from elsewhere is unknown.',
  kfold:
    'every row was tested out of fold within the one data set: how the model does on patients from elsewhere is unknown.',
  lists:
    'the test rows are a list of the same data set: how the model does on patients from elsewhere is unknown.',
} as const satisfies Record<ReportInput['split']['method'], string>;

function evaluationLimits({ split, study }: ReportInput): Finding[] {
  return [
    { title: 'No external validation', text: sameSource[split.method] },
    ...(study.order === null
      ? []
      : [
          {
            title: 'Not validated in time',
            text: `column "${study.order}" orders the rows of a patient, but the split does not follow it: later patients may fare differently.`,
          },
        ]),
  ];
}

function sampleLimits(input: ReportInput): Finding[] {
  const events = labelEvents(input);
  const thin = events.flatMap(({ label, perParameter }) =>
    perParameter !== null && perParameter < FEW_EVENTS_PER_PARAMETER
      ? [`${label} (${perParameter.toFixed(1)})`]
      : [],
  );
  const tuned = events.flatMap(({ label, validation }) =>
    validation < FEW_TO_TUNE ? [`${label} (${validation})`] : [],
  );
  return [
    ...about(
      'Few events per predictor',
      thin,
      (list) =>
        `fewer than ${FEW_EVENTS_PER_PARAMETER} training events per candidate parameter for ${list}; which predictors were chosen may not hold in other data.`,
    ),
    ...about(
      'Few validation events',
      tuned,
      (list) =>
        `thresholds, calibration and tiers rest on fewer than ${FEW_TO_TUNE} validation events for ${list}.`,
    ),
  ];
}

function dataLimits({ labels, metrics, features, split }: ReportInput): Finding[] {
  const unknown = labels.flatMap((label) => {
    const share = metrics.test.labels[label].unknown / metrics.test.n;
    return share >= MUCH_UNKNOWN ? [`${label} (${formatNumber(share, 'percent')})`] : [];
  });
  const [train] = split.parts;
  const gaps = features.missing
    .map(({ name, parts: [missing] }) => ({ name, share: missing / train.rows }))
    .filter(({ share }) => share >= MUCH_MISSING)
    .sort((a, b) => b.share - a.share)
    .map(({ name, share }) => `${name} (${formatNumber(share, 'percent')})`);
  return [
    ...about(
      'Unknown outcomes',
      unknown,
      (list) =>
        `test rows without a recorded label count nowhere: ${list}; where the gap depends on the outcome, the figures are biased.`,
    ),
    ...about(
      'Missing predictors',
      gaps,
      (list) =>
        `often not recorded in training rows: ${list}; where they are recorded for a reason, their absence is part of what is learnt.`,
    ),
  ];
}

function useLimits({ labels, metrics }: ReportInput): Finding[] {
  const byLabel = metrics.test.labels;
  const off = labels.filter((label) => {
    const { calibrationSlope, calibrationIntercept } = byLabel[label];
    return excludes(calibrationSlope, 1) || excludes(calibrationIntercept, 0);
  });
  const useless = labels.filter((label) => {
    const { decisionCurve = [] } = byLabel[label];
    return decisionCurve.some(({ model }) => model.value !== null) && !decisionCurve.some(isUseful);
  });
  return [
    ...about(
      'Miscalibrated',
      off,
      (list) =>
        `the interval of the calibration slope excludes 1, or that of the intercept 0, for ${list}; do not read these risks as frequencies.`,
    ),
    ...about(
      'No net benefit',
      useless,
      (list) =>
        `at no threshold looked at is acting on the model worth more than acting on everyone or on no one for ${list}.`,
    ),
  ];
}

function excludes(estimate: Estimate, ideal: number): boolean {
  if (estimate.value === null || estimate.ci95 === null) return false;
  return estimate.ci95[0] > ideal || estimate.ci95[1] < ideal;
}

function subgroupLimits({ labels, metrics }: ReportInput): Finding[] {
  const measured = labels.flatMap((label) => {
    const { subgroups } = metrics.test.labels[label];
    return subgroups === undefined ? [] : [{ label, columns: Object.entries(subgroups) }];
  });
  if (measured.length === 0) return [];
  if (measured.every(({ columns }) => columns.length === 0)) {
    return [
      {
        title: 'No subgroups',
        text: 'the study names none (evaluation.subgroups): whether the model serves groups of patients alike was not looked at.',
      },
    ];
  }
  const small = measured.flatMap(({ label, columns }) =>
    columns.flatMap(([column, { groups }]) =>
      groups
        .filter(({ auroc }) => auroc.value === null)
        .map(({ group, positives, n }) => `${label} in ${column} ${group} (${positives} of ${n} positive)`),
    ),
  );
  return about(
    'Subgroups too small',
    small,
    (list) => `too few rows of one class to state an AUROC: ${list}.`,
  );
}

/** A finding about some labels or columns, or none when there are none. */
function about(title: string, items: readonly string[], text: (list: string) => string): Finding[] {
  return items.length === 0 ? [] : [{ title, text: text(listing(items)) }];
}
