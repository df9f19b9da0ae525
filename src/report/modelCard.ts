/** The model card of a run [mitchell2019model] as Markdown: what the report says, on a page to hand on with the model. */
import type { SubgroupMetric } from '../metrics/index.js';
import { estimateText, formatBytes, formatCount, formatDuration, listing } from './format.js';
import type { ReportInput } from './input.js';
import { type Finding, limitations } from './limitations.js';
import { bullets, escapeMarkdown, markdownTable, part } from './markdown.js';
import { headline, verdict } from './result.js';
import { usefulText } from './usefulRange.js';

/**
 * Renders a run's model card. Equal input gives equal text.
 * @param input as for `renderReport`
 * @returns Markdown, UTF-8
 */
export function renderModelCard(input: ReportInput): string {
  const { name, study, metrics } = input;
  const blocks = [
    `# Model card: ${escapeMarkdown(name)}`,
    ...(study.description === null ? [] : [escapeMarkdown(study.description)]),
    escapeMarkdown(headline(input)),
    escapeMarkdown(verdict(metrics.test)),
    part(
      'Model details',
      bullets([
        ...study.model.facts.map(([term, value]) => `${term}: ${value}`),
        `Made by: medfusion ${input.environment.versions.medfusion}`,
      ]),
    ),
    intendedUse(input),
    part(
      'Factors',
      bullets([
        `Predictors: ${listing(
          study.predictors.map((predictor) => `${predictor.name} (${predictor.kind})`),
          40,
        )}.`,
      ]),
      subgroupTable(input),
    ),
    part(
      'Metrics',
      'Estimates have 95 % confidence intervals from resampling patients. The rest is in `report.html` and `metrics.json` beside this file.',
    ),
    evaluationData(input),
    trainingData(input),
    part('Quantitative analyses', performanceTable(input), usefulTable(input)),
    part(
      'Ethical considerations',
      'The files of the run were made from health data. `predictions.csv` holds every row’s identifiers and outcomes: keep it as the table itself is kept.',
    ),
    part('Caveats and recommendations', limitations(input).map(caveat).join('\n')),
    environment(input),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function intendedUse({ labels, study, metrics, tiers }: ReportInput): string {
  const unordered = (tiers ?? []).filter(({ monotone }) => monotone === false).map(({ label }) => label);
  const unmeasured = labels.filter((label) => metrics.test.labels[label].auroc.value === null);
  const kinds = [...new Set(study.predictors.map(({ kind }) => kind))];
  return part(
    'Intended use',
    bullets([
      `Estimates the risk of ${listing(labels, 40)}, one risk each, from ${listing(kinds)} inputs.`,
      'Intended for research on patients like those under "Evaluation data".',
      'Not intended for decisions about patients: it is not a medical device.',
      ...(unmeasured.length === 0
        ? []
        : [`Not intended for ${listing(unmeasured)}: no AUROC could be measured.`]),
      ...(unordered.length === 0
        ? []
        : [
            `The risk tiers are not to be used for ${listing(unordered)}: observed risk falls from one to the next higher.`,
          ]),
    ]),
  );
}

const groupMetrics = ['auroc', 'sensitivity', 'specificity'] as const satisfies readonly SubgroupMetric[];

function subgroupTable({ labels, metrics: { test } }: ReportInput): string {
  const rows = labels.flatMap((label) =>
    Object.entries(test.labels[label].subgroups ?? {}).flatMap(([column, { groups, gaps }]) => [
      ...groups.map((group) => [
        label,
        `${column}: ${group.group}`,
        `${formatCount(group.positives)} of ${formatCount(group.n)}`,
        ...groupMetrics.map((metric) => estimateText(group[metric])),
      ]),
      [label, `${column}: largest gap`, '', ...groupMetrics.map((metric) => estimateText(gaps[metric]))],
    ]),
  );
  if (rows.length === 0) return '';
  return markdownTable(['Label', 'Group', 'Positive rows', 'AUROC', 'Sensitivity', 'Specificity'], rows);
}

function evaluationData({ labels, study, split, metrics: { test } }: ReportInput): string {
  const repeats = test.repeats > 1 ? `, each tested in ${test.repeats} repeats` : '';
  return part(
    'Evaluation data',
    bullets([
      ...study.inclusion,
      split.description,
      `Measured on ${formatCount(test.n)} test rows of ${formatCount(test.patients)} patients${repeats}.`,
    ]),
    markdownTable(
      ['Label', 'Definition', 'Positive', 'Negative', 'Unknown'],
      labels.map((label, l) => {
        const { positives, negatives, unknown } = test.labels[label];
        return [label, study.outcomes[l], ...[positives, negatives, unknown].map(formatCount)];
      }),
    ),
  );
}

function trainingData({ split: { method, parts }, notes, study }: ReportInput): string {
  const [train, validation] = parts;
  const fold = method === 'kfold' ? ' (in the first fold)' : '';
  return part(
    'Training data',
    bullets([
      `${formatCount(train.rows)} rows of ${formatCount(train.patients)} patients, beside ${formatCount(validation.rows)} validation rows${fold}.`,
      ...study.missing,
      ...notes.map(({ message, count }) => `${message} (${formatCount(count)})`),
    ]),
  );
}

const labelColumns = [
  ['AUROC', 'auroc'],
  ['AUPRC', 'auprc'],
  ['Sensitivity', 'sensitivity'],
  ['Specificity', 'specificity'],
  ['Brier score', 'brier'],
  ['Calibration slope', 'calibrationSlope'],
  ['Calibration intercept', 'calibrationIntercept'],
  ['Expected calibration error', 'ece'],
] as const;

function performanceTable({ labels, metrics: { test } }: ReportInput): string {
  return markdownTable(
    ['Label', 'Prevalence', ...labelColumns.map(([title]) => title)],
    labels.map((label) => [
      label,
      estimateText(test.labels[label].prevalence, 'percent'),
      ...labelColumns.map(([, metric]) => estimateText(test.labels[label][metric])),
    ]),
  );
}

function usefulTable({ labels, metrics: { test } }: ReportInput): string {
  const rows = labels.flatMap((label) => {
    const { decisionCurve = [] } = test.labels[label];
    return decisionCurve.length === 0 ? [] : [[label, usefulText(decisionCurve)]];
  });
  if (rows.length === 0) return '';
  return markdownTable(
    ['Label', 'Thresholds with more net benefit than acting on everyone and no one'],
    rows,
  );
}

function caveat({ title, code, text }: Finding): string {
  return `- **${escapeMarkdown(code === undefined ? title : `${title} ${code}`)}**: ${escapeMarkdown(text)}`;
}

function environment({ environment: run }: ReportInput): string {
  return part(
    'Environment',
    bullets([
      ...Object.entries(run.versions).map(([name, version]) => `${name}: ${version}`),
      `device: ${run.device}, ${run.threads} thread${run.threads === 1 ? '' : 's'}; seed ${run.seed}`,
      `time: ${formatDuration(run.seconds)}; peak memory: ${formatBytes(run.peakMemoryBytes)}`,
      ...Object.entries(run.checksums).map(([file, sum]) => `${file}: ${sum}`),
    ]),
  );
}
