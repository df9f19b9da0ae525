/** A made-up run for the report's tests: correlated labels, informative scores, every section filled. */
import {
  evaluateDecisionCurves,
  evaluateDecisions,
  evaluateMultilabel,
  evaluateSubgroups,
} from '../../src/metrics/index.js';
import { randomStream } from '../../src/random/index.js';
import type { MeasuredBlock, ReportInput, ScoredRows, SplitPart } from '../../src/report/index.js';
import { tierTable } from '../../src/risk/index.js';

const names = [
  'Atelectasis',
  'Cardiomegaly',
  'Effusion',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pneumonia',
  'Pneumothorax',
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
];

/** @param options.fits how many folds the training section shows */
export function sampleInput(
  options: { labels?: readonly string[]; rows?: number; fits?: number; resamples?: number } = {},
): ReportInput {
  const { labels = names.slice(0, 4), rows = 400, fits = 1, resamples = 50 } = options;
  const test = scoredRows(labels.length, rows);
  const patients = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 2));
  const evaluation = measured(labels, test, patients, resamples);
  return {
    name: 'Chest findings',
    studyYaml: 'name: chest\nseed: 1\nmodel:\n  size: nano\n',
    study: {
      description: 'Findings in chest radiographs.',
      inclusion: ['Rows of findings.csv, patients by column "patient".'],
      predictors: [
        { name: 'ageYears', kind: 'numeric', fill: 'the median, 54' },
        { name: 'followUp', kind: 'numeric', fill: 'the median, 2' },
        { name: 'temperatureC', kind: 'numeric', fill: 'the median, 37.1' },
        { name: 'sex', kind: 'categorical', fill: 'a level of its own' },
        { name: 'image', kind: 'image', fill: null },
      ],
      outcomes: labels.map((label) => `"${label}" is 1`),
      missing: ['Cells that mean "not recorded": empty.'],
      model: { kind: 'network', facts: [['Model', 'MedFusionNet, size nano']] },
      candidates: 30,
      order: null,
    },
    labels,
    metrics: { test: evaluation, validation: evaluation },
    test,
    thresholds: labels.map((_, l) => Array.from({ length: fits }, (_, fit) => 0.2 + 0.01 * l + 0.01 * fit)),
    split: {
      method: 'holdout',
      description: 'Hold-out of 20 % of patients, stratified by label, seed 1.',
      parts: [
        part('train', 4 * rows, labels.length, 11),
        part('validation', rows, labels.length, 12),
        part('test', rows, labels.length, 13),
      ],
    },
    features: {
      numeric: ['ageYears', 'followUp', 'temperatureC'].map((name, f) => ({
        name,
        missing: 17 * f,
        edges: [0, 10, 20, 30, 40, 50].map((edge) => edge + f),
        counts: [3, 40, 120, 90, 7],
      })),
      correlation: [
        [1, 0.42, null],
        [0.42, 1, null],
        [null, null, null],
      ],
      missing: ['ageYears', 'followUp', 'temperatureC', 'sex', 'image'].map((name, f) => ({
        name,
        parts: [8 * f, 2 * f, f],
      })),
    },
    tiers: tierTable(tiersOf(test, labels.length), test.targets, test.known, labels, patients),
    rules: {
      fittedOn: 'the training rows',
      criterion: 'auc',
      labels: labels.map((_, l) =>
        l === 1
          ? []
          : [
              {
                text: 'ageYears ≥ 35 → higher risk: 203 of 812 such patients had B (25 %), 96 of 788 others (12 %)',
                with: { n: 812, positives: 203 },
                oddsRatio: { value: 2.41, ci95: [1.83, 3.18] },
                score: { value: 0.613, ci95: [0.571, 0.652] },
                adjustedPValue: 0.005,
                test: { fired: 60, known: 58, positives: 41 },
              },
            ],
      ),
    },
    training: Array.from({ length: fits }, (_, fit) => ({
      name: fits === 1 ? 'training' : `fold ${fit + 1} of ${fits}`,
      bestEpoch: 9,
      epochs: Array.from({ length: 12 }, (_, i) => ({
        epoch: i + 1,
        trainLoss: 0.7 * 0.9 ** i + 0.01 * fit,
        validationLoss: 0.72 * 0.93 ** i + 0.002 * i * i,
        validationAuroc: 0.8 - 0.3 * 0.8 ** i,
        learningRate: 1e-3 * Math.cos((i / 12) * (Math.PI / 2)),
        seconds: 4.2,
      })),
    })),
    notes: [{ code: 'row-skipped', message: 'Rows whose image could not be decoded', count: 12 }],
    acceptedFindings: [],
    environment: {
      versions: { medfusion: '0.1.0', node: '20.20.0', 'onnxruntime-node': '1.30.0' },
      device: 'cpu',
      threads: 2,
      seed: 1,
      seconds: 163.2,
      peakMemoryBytes: 1.31e9,
      checksums: { 'findings.csv': 'sha256:3b1f' },
    },
  };
}

/** Every figure of metrics.json, with one operating point that was chosen and one that could not be. */
function measured(
  labels: readonly string[],
  test: ScoredRows,
  patients: Int32Array,
  resamples: number,
): MeasuredBlock {
  const predictions = { labels, ...test, patients, resamples, seed: 1 };
  const evaluation = evaluateMultilabel(predictions);
  const curves = evaluateDecisionCurves(predictions);
  const [decided] = evaluateDecisions({ ...predictions, points: [{ decisions: test.decisions, cost: 5 }] });
  const ofRow = Int32Array.from(patients, (_, row) => (row % 7 === 0 ? -1 : row % 3 === 0 ? 0 : 1));
  const groups = evaluateSubgroups({ ...predictions, grouping: { groups: ['F', 'M'], ofRow } });
  return {
    ...evaluation,
    labels: Object.fromEntries(
      labels.map((label) => [
        label,
        {
          ...evaluation.labels[label],
          decisionCurve: curves[label],
          operatingPoints: [
            { rule: { kind: 'cost', value: 5 }, thresholds: [0.3], ...decided[label] },
            { rule: { kind: 'sensitivity', value: 0.9 }, thresholds: null, reason: 'no positive row' },
          ],
          subgroups: { sex: groups[label] },
        },
      ]),
    ),
  };
}

function scoredRows(labels: number, rows: number): ScoredRows {
  const random = randomStream(7, 'report-sample');
  const cells = rows * labels;
  const scored = {
    targets: new Float32Array(cells),
    known: new Uint8Array(cells).fill(1),
    probabilities: new Float64Array(cells),
    decisions: new Uint8Array(cells),
  };
  for (let at = 0; at < cells; at++) {
    const rarity = 1 + 0.25 * Math.min(at % labels, 8);
    const logit = -rarity + 1.1 * random.normal();
    scored.probabilities[at] = 1 / (1 + Math.exp(-logit));
    scored.targets[at] = random.uniform() < scored.probabilities[at] ? 1 : 0;
    scored.decisions[at] = scored.probabilities[at] >= 0.3 ? 1 : 0;
    if (random.uniform() < 0.03) scored.known[at] = 0;
  }
  return scored;
}

function part(name: string, rows: number, labels: number, seed: number): SplitPart {
  const random = randomStream(seed, 'report-sample-part');
  const positives = Array.from({ length: labels }, (_, l) => Math.round(rows / (4 + 2 * l)));
  const cooccurrence = positives.map((n) => positives.map(() => n));
  for (let a = 0; a < labels; a++) {
    for (let b = 0; b < a; b++) {
      const both = Math.floor(Math.min(positives[a], positives[b]) * random.uniform());
      cooccurrence[a][b] = cooccurrence[b][a] = both;
    }
  }
  return {
    name,
    rows,
    patients: Math.ceil(rows / 2),
    unknown: positives.map((_, l) => (l === 0 ? 9 : 0)),
    cooccurrence,
  };
}

/** Low below 0.1, high from 0.35; but label 2's low and high are swapped, so that its observed risk falls. */
function tiersOf({ probabilities }: ScoredRows, labels: number): Uint8Array {
  return Uint8Array.from(probabilities, (p, at) => {
    const tier = p < 0.1 ? 0 : p < 0.35 ? 1 : 2;
    return at % labels === 2 ? 2 - tier : tier;
  });
}

/** All fourteen findings of ChestX-ray14. */
export const chestLabels: readonly string[] = names;

/** Text a reader sees: tags, style and attributes removed. */
export const visible = (page: string) =>
  page
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/[\s\u00a0]+/g, ' ');
