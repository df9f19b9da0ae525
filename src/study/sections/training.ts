/** The `training` section of the study file: loss, sampling, optimiser, schedule and calibration. */
import { z } from 'zod';
import { precisions } from '../../graph/index.js';

const classWeights = z
  .enum(['effective', 'none'])
  .default('effective')
  .describe('Weight of the positives per label: effective number of samples, or none.');
const beta = z
  .number()
  .min(0)
  .lt(1)
  .default(0.999)
  .describe(
    'Beta of the effective number of samples, 0 to 1: 0 = no weighting, towards 1 = inverse frequency.',
  );
const weightCap = z
  .number()
  .min(1)
  .default(10)
  .describe('Largest weight a positive may get, so that one rare label does not rule the loss.');

const loss = z
  .discriminatedUnion('name', [
    z.strictObject({
      name: z.literal('focal').describe('Focal loss [lin2017focal].'),
      gamma: z.number().min(0).max(10).default(2).describe('Focusing exponent, 0 to 10.'),
      classWeights,
      beta,
      weightCap,
    }),
    z.strictObject({
      name: z.literal('bce').describe('Binary cross-entropy.'),
      classWeights,
      beta,
      weightCap,
    }),
    z.strictObject({
      name: z.literal('asymmetric').describe('Asymmetric loss [ridnik2021asymmetric].'),
      gammaPositive: z
        .number()
        .min(0)
        .max(10)
        .default(0)
        .describe('Focusing exponent of positives, 0 to 10.'),
      gammaNegative: z
        .number()
        .min(0)
        .max(10)
        .default(4)
        .describe('Focusing exponent of negatives, 0 to 10.'),
      margin: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.05)
        .describe('Probability margin of easy negatives, 0 to 0.5.'),
      classWeights,
      beta,
      weightCap,
    }),
  ])
  .prefault({ name: 'focal' })
  .describe('Loss over recorded labels; unknown ones are masked.');

const learningRate = z.number().gt(0).max(10);
const weightDecay = z.number().min(0).max(1);
const multiplier = z.number().min(0).max(100).default(1);
const groups = z
  .strictObject({
    cnn: multiplier.describe('Convolutional branch.'),
    transformer: multiplier.describe('Transformer branch.'),
    interaction: multiplier.describe('Interaction modules.'),
    classifier: multiplier.describe('Everything after the branches.'),
  })
  .prefault({})
  .describe('Factor on the learning rate per parameter group; 0 freezes the group.');

const optimizer = z
  .discriminatedUnion('name', [
    z.strictObject({
      name: z.literal('adamw').describe('AdamW [loshchilov2019adamw].'),
      learningRate: learningRate.default(1e-3).describe('Peak learning rate.'),
      weightDecay: weightDecay.default(0.05).describe('Decoupled weight decay.'),
      beta1: z.number().min(0).lt(1).default(0.9).describe('Decay of the gradient mean.'),
      beta2: z.number().min(0).lt(1).default(0.999).describe('Decay of the squared gradient mean.'),
      groups,
    }),
    z.strictObject({
      name: z.literal('sgd').describe('Stochastic gradient descent with momentum.'),
      learningRate: learningRate.default(0.05).describe('Peak learning rate.'),
      weightDecay: weightDecay.default(1e-4).describe('Weight decay added to the gradient.'),
      momentum: z.number().min(0).lt(1).default(0.9).describe('Decay of the running gradient.'),
      nesterov: z.boolean().default(true).describe('Nesterov momentum.'),
      groups,
    }),
  ])
  .prefault({ name: 'adamw' })
  .describe('The optimiser.');

/** Ranges of a hand-made augmentation; the presets are points in the same space. */
const augmentationRanges = z.strictObject({
  rotationDegrees: z.number().min(0).max(180).default(0).describe('Rotation, ± degrees.'),
  shift: z.number().min(0).max(0.5).default(0).describe('Shift in each direction, ± share of the side.'),
  scale: z.number().min(0).max(0.5).default(0).describe('Zoom, ± share.'),
  brightness: z.number().min(0).max(1).default(0).describe('Added brightness, ± share of the range.'),
  contrast: z.number().min(0).max(1).default(0).describe('Contrast, ± share.'),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Power-law change of the greys: exponent exp(± value).'),
  saturation: z.number().min(0).max(1).default(0).describe('Colour saturation, ± share; colour images only.'),
  noise: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe('Largest standard deviation of added Gaussian noise.'),
  cutout: z.number().min(0).max(1).default(0).describe("Probability of a hole filled with the image's mean."),
  cutoutSize: z.number().min(0).max(1).default(0.25).describe('Side of the hole, share of the image side.'),
  flipHorizontal: z
    .boolean()
    .default(false)
    .describe('Mirror left and right at random; wrong wherever the side carries meaning.'),
  flipVertical: z.boolean().default(false).describe('Mirror top and bottom at random.'),
  edge: z
    .enum(['replicate', 'black'])
    .default('replicate')
    .describe('What lies outside the image: its nearest edge pixel, or black.'),
});

export const trainingSection = z
  .strictObject({
    epochs: z.int().min(1).max(10_000).default(15).describe('Passes over the training rows.'),
    batchSize: z.int().min(1).max(4096).default(32).describe('Rows per step.'),
    loss,
    optimizer,
    schedule: z
      .strictObject({
        warmup: z
          .number()
          .min(0)
          .max(1)
          .default(0.1)
          .describe('Share of all steps with a rising rate, 0 to 1.'),
        floor: z
          .number()
          .min(0)
          .max(1)
          .default(0.01)
          .describe('Last learning rate as a share of the peak, 0 to 1.'),
      })
      .prefault({})
      .describe('Linear warm-up, then a half cosine down to the floor.'),
    sampling: z
      .strictObject({
        balanced: z.boolean().default(true).describe('Draw rows with rare labels more often.'),
        rareBelow: z
          .number()
          .gt(0)
          .max(1)
          .default(0.1)
          .describe('Prevalence below which a label counts as rare, 0 to 1.'),
        maxRepeat: z
          .number()
          .min(1)
          .max(100)
          .default(4)
          .describe('Largest repeat factor of a row in a fully balanced epoch.'),
        negativeKeep: z
          .number()
          .gt(0)
          .max(1)
          .default(1)
          .describe('Share of the rows without a positive label that a fully balanced epoch draws, 0 to 1.'),
      })
      .prefault({})
      .describe('Which training rows an epoch draws; validation and test rows are never resampled.'),
    curriculum: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Move from balanced sampling to natural prevalence.'),
        until: z
          .number()
          .gt(0)
          .max(1)
          .default(0.7)
          .describe('Share of the epochs after which prevalence is natural, 0 to 1.'),
      })
      .prefault({})
      .describe('How the sampling changes over the epochs.'),
    clip: z
      .number()
      .gt(0)
      .nullable()
      .default(1)
      .describe('Largest global norm of the gradient; null: no clipping.'),
    accumulate: z.int().min(1).max(1024).default(1).describe('Batches per optimiser step.'),
    precision: z
      .enum(precisions)
      .default('float32')
      .describe(
        'What steps compute in. float16 needs a GPU; weights, losses, statistics and sums stay float32, and the loss is scaled.',
      ),
    ema: z
      .number()
      .gt(0)
      .lt(1)
      .nullable()
      .default(0.99)
      .describe('Decay of the weight average that is validated and kept; null: the raw weights.'),
    earlyStopping: z
      .strictObject({
        patience: z
          .int()
          .min(1)
          .nullable()
          .default(5)
          .describe(
            'Epochs without a better validation value before training stops; null: never stop early.',
          ),
        metric: z
          .enum(['auroc', 'loss'])
          .default('auroc')
          .describe('Validation value to watch: macro AUROC or mean loss. The best epoch is kept.'),
      })
      .prefault({})
      .describe('When to stop and which epoch to keep.'),
    augmentation: z
      .union([z.enum(['radiograph', 'fundus', 'none']), augmentationRanges])
      .default('radiograph')
      .describe('Seeded changes to training images: a preset or ranges of your own.'),
    calibration: z
      .enum(['temperature', 'platt', 'isotonic', 'none'])
      .default('platt')
      .describe(
        'Map from logits to probabilities, fitted per label on the validation rows. A temperature alone cannot undo the shift that class weights cause.',
      ),
  })
  .prefault({})
  .describe('How the network is fitted.');
