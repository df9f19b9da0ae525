/** What a study file settles, in the words of its report: who takes part, what is seen and predicted, and by what model. */
import type { Predictor, StudySummary } from '../report/index.js';
import type { Stage1Model } from '../risk/index.js';
import { usesImageFeatures } from './imageFeatures.js';
import type { Study } from './schema.js';
import type { Modality } from './sections/data.js';

/** What a description is made from. */
export interface Described {
  readonly study: Study;
  readonly labels: readonly string[];
  /** Of the first fit; null when stage 1 is off. */
  readonly stage1: Stage1Model | null;
  /** Whether a network was trained; else stage 1 alone is the model. */
  readonly network: boolean;
}

type Fact = readonly [term: string, value: string];

const losses = {
  focal: 'focal loss',
  bce: 'binary cross-entropy',
  asymmetric: 'asymmetric loss',
} as const satisfies Record<Study['training']['loss']['name'], string>;

const optimizers = {
  adamw: 'AdamW',
  sgd: 'stochastic gradient descent',
} as const satisfies Record<Study['training']['optimizer']['name'], string>;

const calibrations = {
  temperature: 'temperature scaling, fitted on validation rows',
  platt: 'Platt scaling, fitted on validation rows',
  isotonic: 'isotonic regression, fitted on validation rows',
  none: 'none',
} as const satisfies Record<Study['training']['calibration'], string>;

const criteria = {
  auc: 'AUC',
  f1: 'F1',
  gmean: 'G-mean',
  youden: 'Youden’s J',
} as const satisfies Record<Study['stage1']['threshold']['criterion'], string>;

const classifiers = {
  tree: 'multivariate tree, depth, node size and pruning tuned by inner cross-validation',
  logistic: 'logistic regression with an L2 penalty',
  network: 'fully connected network with one hidden layer',
} as const satisfies Record<Study['stage1']['classifier'], string>;

const branchNames = {
  cnn: 'dense convolutional',
  transformer: 'vision transformer',
  temporal: 'temporal',
} as const satisfies Record<keyof Study['model']['branches'], string>;

export function describeStudy(described: Described): StudySummary {
  const { study, labels, stage1, network } = described;
  return {
    description: study.description ?? null,
    inclusion: inclusion(study),
    predictors: predictors(described),
    outcomes: labels.map((label) => outcome(study.labels, label)),
    missing: missing(described),
    model: {
      kind: network ? 'network' : 'stage1',
      facts: network ? networkFacts(study) : stage1Facts(study),
    },
    candidates: stage1 === null ? null : stage1.features.length,
    order: study.data.order ?? null,
  };
}

function inclusion({ data }: Study): string[] {
  const { table, patient, rows, images, dropDuplicateRows, onBadRow } = data;
  return [
    `Rows of ${table}${patient === undefined ? ', each its own patient' : `, patients by column "${patient}"`}.`,
    ...rows.map(({ column, in: values }) => `Rows whose "${column}" is ${values.join(' or ')}.`),
    ...(images?.present ? ['Rows with at least one image on disk.'] : []),
    ...(dropDuplicateRows ? ['Of rows equal in every used column, the first alone.'] : []),
    onBadRow === 'skip'
      ? 'Rows that cannot be read are left out and counted.'
      : 'No row was left out for being unreadable: it would have stopped the run.',
  ];
}

function predictors({ study: { data, model }, stage1 }: Described): Predictor[] {
  const named = (names: readonly string[], kind: Predictor['kind']): Predictor[] =>
    names.map((name) => ({ name, kind, fill: stage1 === null ? null : fillText(stage1, name) }));
  const seen = (modality: Modality) => model.modalities.includes(modality);
  const table = seen('tabular');
  return [
    ...(table ? named(data.numeric, 'numeric') : []),
    ...(table ? named(Object.keys(data.ordinal), 'ordinal') : []),
    ...(table ? named(data.categorical, 'categorical') : []),
    ...(seen('text') ? named(data.text, 'text') : []),
    ...(seen('image') ? named(data.images?.columns ?? [], 'image') : []),
  ];
}

/** What the imputer puts in place of a missing value; null for a column that it does not know. */
function fillText({ imputer }: Stage1Model, name: string): string | null {
  const numeric = imputer.numeric.find(({ column }) => column === name);
  const categorical = imputer.categorical.find(({ column }) => column === name);
  const carried = (carry: boolean, fill: string) =>
    carry ? `the patient's latest earlier value, else ${fill}` : fill;
  if (numeric !== undefined) {
    const { carry, fill } = numeric;
    return carried(carry, fill === null ? 'nothing: never recorded' : `the median, ${fill}`);
  }
  if (categorical === undefined) return null;
  const { carry, fill } = categorical;
  return carried(carry, fill === null ? 'a level of its own' : `the most frequent level, ${fill}`);
}

function outcome({ columns, column, positive }: Study['labels'], label: string): string {
  if (column !== undefined) return `"${column}" lists ${label}`;
  const renamed = columns === undefined || Array.isArray(columns) ? {} : (columns as Record<string, string>);
  return `"${renamed[label] ?? label}" is ${['1', 'true', 'yes', 'Y', ...positive].slice(0, -1).join(', ')} or ${positive.at(-1) ?? 'Y'}`;
}

function missing({ study: { data, stage1: settings, model }, stage1, network }: Described): string[] {
  return [
    `Cells that mean "not recorded": ${data.missing.map((text) => (text === '' ? 'empty' : text)).join(', ')}.`,
    ...Object.entries(data.valid).map(
      ([column, [low, high]]) => `Values of "${column}" outside ${low} to ${high} count as missing.`,
    ),
    ...(stage1 !== null && settings.missingIndicators
      ? ['Stage 1 also sees whether a value is missing, for columns with missing training values.']
      : []),
    ...(network && model.modalities.length > 1
      ? [
          `In training, whole modalities are left out at random (rate ${model.modalityDropout}), so that the network can do without one.`,
        ]
      : []),
  ];
}

function networkFacts(study: Study): Fact[] {
  const { model, stage1, training } = study;
  const { loss, optimizer, epochs, batchSize, precision } = training;
  const inputs = {
    image: `images (${model.imageSize} px, ${model.channels === 1 ? 'grey' : 'colour'})`,
    tabular: 'table columns',
    text: 'notes',
  };
  const branches = (['cnn', 'transformer', 'temporal'] as const).filter((name) => model.branches[name]);
  return [
    ['Model', `MedFusionNet, size ${model.size}`],
    ['Inputs', model.modalities.map((modality) => inputs[modality]).join(', ')],
    ...(model.modalities.includes('image')
      ? [['Image branches', branches.map((name) => branchNames[name]).join(', ')] as const]
      : []),
    ['Fusion', model.fusion === 'attention' ? 'self-attention with label queries' : 'concatenation'],
    [
      'Stage 1',
      stage1.enabled
        ? `the best ${stage1.topN} columns per label and the rules that fire enter the network`
        : 'off',
    ],
    ...imageFeatureFacts(study),
    [
      'Training',
      `${losses[loss.name]}, ${optimizers[optimizer.name]}, learning rate ${optimizer.learningRate}, at most ${epochs} epochs, batches of ${batchSize}${precision === 'float16' ? ', in float16 with a scaled loss' : ''}`,
    ],
    ...decisionFacts(study),
  ];
}

function stage1Facts(study: Study): Fact[] {
  const { topN, threshold, classifier, classWeight, resampling } = study.stage1;
  return [
    ['Model', 'stage 1 alone, on the best columns of each label'],
    ['Columns per label', `at most ${topN}, ranked by cross-validated ${criteria[threshold.criterion]}`],
    ...imageFeatureFacts(study),
    ['Classifier', classifiers[classifier]],
    [
      'Class imbalance',
      [
        classWeight === 'balanced' ? 'both classes weigh the same' : 'rows weigh the same',
        ...(resampling === 'smote'
          ? ['synthetic rows of the rarer class (SMOTE), made from training rows alone']
          : []),
      ].join('; '),
    ],
    ...decisionFacts(study),
  ];
}

/** What stage 1 sees of the images. */
function imageFeatureFacts(study: Study): Fact[] {
  if (!usesImageFeatures(study)) return [];
  const { statistics, embeddings, folds } = study.stage1.images;
  const { imageSize } = study.model;
  const features = [
    ...(statistics ? [`intensity and texture statistics of each image at ${imageSize} px`] : []),
    ...(embeddings > 0
      ? [
          `${embeddings} dimensions of a convolutional network's embedding, of training rows out of fold (${folds} folds of patients)`,
        ]
      : []),
  ];
  return [['Image features of stage 1', features.join('; ')]];
}

function decisionFacts({ training, tiers, evaluation }: Study): Fact[] {
  const { lowSensitivity, high, highValue, overrides } = tiers;
  return [
    ['Calibration', calibrations[training.calibration]],
    ['Decision threshold', `highest ${criteria[evaluation.threshold]} on validation rows`],
    [
      'Tiers',
      `low keeps a sensitivity of ${lowSensitivity}, high a ${high === 'ppv' ? 'PPV' : high} of ${highValue}, on validation rows`,
    ],
    ...(overrides.length === 0 ? [] : [['Tier overrides', overrides.map(overrideText).join('; ')] as const]),
  ];
}

function overrideText({ label, column, op, value, tier }: Study['tiers']['overrides'][number]): string {
  return `${column} ${op} ${value}: at least ${tier}${label === undefined ? '' : ` for ${label}`}`;
}
