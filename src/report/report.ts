/** The report of a run as one self-contained HTML file. */
import { ShapeError } from '../errors.js';
import { html } from './html.js';
import type { ReportInput } from './input.js';
import { page, type Section } from './page.js';
import { calibration } from './sections/calibration.js';
import { discrimination } from './sections/discrimination.js';
import { limits } from './sections/limitations.js';
import { missingData } from './sections/missingData.js';
import { model } from './sections/model.js';
import { netBenefit } from './sections/netBenefit.js';
import { operatingPoints } from './sections/operatingPoints.js';
import { outcome } from './sections/outcome.js';
import { participants } from './sections/participants.js';
import { performance } from './sections/performance.js';
import { predictors } from './sections/predictors.js';
import { provenance } from './sections/provenance.js';
import { rules } from './sections/rules.js';
import { sampleSize } from './sections/sampleSize.js';
import { subgroups } from './sections/subgroups.js';
import { summaryHeader } from './sections/summary.js';
import { thresholds } from './sections/thresholds.js';
import { tiers } from './sections/tiers.js';
import { training } from './sections/training.js';

// In the order of TRIPOD+AI [collins2024tripod]: who, from what, what, how many, how, how well, with what reserve.
const sections = [
  participants,
  predictors,
  outcome,
  sampleSize,
  missingData,
  model,
  rules,
  training,
  performance,
  thresholds,
  discrimination,
  calibration,
  netBenefit,
  operatingPoints,
  tiers,
  subgroups,
  limits,
  provenance,
] as const satisfies readonly ((input: ReportInput) => Section | null)[];

/**
 * Renders a run. The file fetches nothing and needs no script; equal input gives equal bytes.
 * @returns a complete HTML document, UTF-8
 * @throws ShapeError when a list or matrix does not have one entry per label; RangeError for a number that is not
 *   finite: a metric without a value is `{ value: null, reason }`
 */
export function renderReport(input: ReportInput): string {
  checkShapes(input);
  return page(
    `${input.name} – medfusion report`,
    summaryHeader(input),
    sections.flatMap((render) => render(input) ?? []),
    html`Made by medfusion. Research use: not a medical device, not for decisions about patients.`,
  );
}

function checkShapes({
  labels,
  metrics,
  test,
  thresholds: cuts,
  split: { parts },
  rules: stage1,
  features,
  study,
}: ReportInput) {
  const count = labels.length;
  const expect = (what: string, got: number, expected: number) => {
    if (got !== expected)
      throw new ShapeError(`renderReport: ${what} must have ${expected} entries, got ${got}`);
  };
  if (count === 0) throw new ShapeError('renderReport: labels must not be empty, got 0; name at least one');
  for (const block of [metrics.test, ...(metrics.validation === null ? [] : [metrics.validation])]) {
    for (const label of labels) {
      if (!Object.hasOwn(block.labels, label)) {
        throw new ShapeError(`renderReport: metrics must hold every label, got none for "${label}"`);
      }
    }
  }
  for (const name of ['targets', 'known', 'probabilities', 'decisions'] as const) {
    expect(`test.${name}`, test[name].length, metrics.test.n * metrics.test.repeats * count);
  }
  expect('study.outcomes', study.outcomes.length, count);
  expect('split.parts', parts.length, 3);
  expect('thresholds', cuts.length, count);
  if (stage1 !== null) expect('rules.labels', stage1.labels.length, count);
  expect('features.correlation', features.correlation.length, features.numeric.length);
  for (const { name, unknown, cooccurrence } of parts) {
    expect(`unknown of ${name}`, unknown.length, count);
    expect(`cooccurrence of ${name}`, cooccurrence.length, count);
  }
}
