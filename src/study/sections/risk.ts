/** The `stage1`, `tiers` and `evaluation` sections of the study file: the interpretable first stage, risk tiers, metrics. */
import { z } from 'zod';

const criterion = z.enum(['youden', 'f1', 'gmean']);

export const stage1Section = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Fit the interpretable first stage; off: columns enter the network alone.'),
    topN: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe(
        'Best features per label, by cross-validated score, that enter the second stage and the tree.',
      ),
    forwardFill: z
      .array(z.string().min(1))
      .default([])
      .describe("Feature columns filled from the patient's latest earlier row, by `data.order`."),
    missingIndicators: z
      .boolean()
      .default(true)
      .describe('Add "is missing" as a feature for columns with missing training values.'),
    bins: z
      .strictObject({
        method: z
          .enum(['quantile', 'uniform', 'tree', 'none'])
          .default('none')
          .describe('How numeric columns without fixed cuts are cut into bins; none: left continuous.'),
        count: z.int().min(2).max(50).default(4).describe('Number of bins per column.'),
        fixed: z
          .record(z.string().min(1), z.array(z.number()).min(1))
          .default({})
          .describe('Column -> its clinical cut points, ascending.'),
      })
      .prefault({})
      .describe('Discretisation of numeric columns, fitted on training rows.'),
    univariate: z
      .strictObject({
        maxDepth: z.int().min(1).max(5).default(2).describe('Depth of the tree per label and feature.'),
        minSamples: z.int().min(1).default(10).describe('Fewest training rows in a leaf.'),
        balance: z.boolean().default(true).describe('Weight both classes equally.'),
      })
      .prefault({})
      .describe('Univariate classification trees and their rules.'),
    threshold: z
      .strictObject({
        criterion: z
          .enum(['auc', 'f1', 'gmean', 'youden'])
          .default('youden')
          .describe('Score that a rule threshold maximises.'),
        step: z
          .number()
          .gt(0)
          .nullable()
          .default(null)
          .describe("Grid step in the column's unit; null: every candidate cut point."),
        folds: z.int().min(2).max(20).default(5).describe('Inner cross-validation folds.'),
      })
      .prefault({})
      .describe('Threshold search per label and feature.'),
    tree: z
      .strictObject({
        maxDepth: z
          .array(z.int().min(1).max(12))
          .min(1)
          .default([2, 3, 4])
          .describe('Depths tried by inner cross-validation.'),
        minSamples: z
          .array(z.int().min(1))
          .min(1)
          .default([10, 20])
          .describe('Fewest training rows in a leaf, values tried.'),
        folds: z.int().min(2).max(20).default(5).describe('Inner cross-validation folds.'),
      })
      .prefault({})
      .describe('Multivariate tree per label on its top features.'),
  })
  .prefault({})
  .describe('Stage 1: interpretable rules and trees on the table columns, fitted inside the training rows.');

const override = z.strictObject({
  label: z.string().min(1).describe('Label whose tier is raised.'),
  column: z.string().min(1).describe('Feature column to look at.'),
  atLeast: z
    .union([z.number(), z.string()])
    .describe('Numeric and ordinal columns: this value or more; categorical columns: this value.'),
  tier: z.enum(['medium', 'high']).describe('Lowest tier for such a row.'),
});

export const tiersSection = z
  .strictObject({
    lowSensitivity: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.9)
      .describe('The low tier ends at the highest probability that still keeps this sensitivity, 0 to 1.'),
    high: z
      .enum(['specificity', 'ppv'])
      .default('specificity')
      .describe('What the start of the high tier must guarantee on validation rows.'),
    highValue: z.number().gt(0).lt(1).default(0.9).describe('Least value of `high`, 0 to 1.'),
    overrides: z
      .array(override)
      .default([])
      .describe('Declared rules that raise a tier, such as "HPV positive: at least medium".'),
  })
  .prefault({})
  .describe('Low, medium and high risk, cut on calibrated probabilities of the validation rows.');

export const evaluationSection = z
  .strictObject({
    bootstrap: z
      .int()
      .min(0)
      .max(100_000)
      .default(1000)
      .describe('Patient-clustered bootstrap resamples for the 95 % intervals; 0: none.'),
    threshold: criterion
      .default('youden')
      .describe('Criterion of the decision threshold per label, chosen on validation rows.'),
  })
  .prefault({})
  .describe('How the held-out predictions are measured.');
