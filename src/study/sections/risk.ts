/** The `stage1`, `tiers` and `evaluation` sections of the study file: the interpretable first stage, risk tiers, metrics. */
import { z } from 'zod';

const ruleCriterion = z.enum(['auc', 'f1', 'gmean', 'youden']);

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
    categoricalMissing: z
      .enum(['level', 'mode'])
      .default('level')
      .describe('A missing category becomes a level of its own, or the most frequent one.'),
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
        minSamples: z
          .int()
          .min(1)
          .default(10)
          .describe("Fewest training rows in a leaf and on either side of a rule's threshold."),
        balance: z.boolean().default(true).describe('Weight both classes equally.'),
      })
      .prefault({})
      .describe('Univariate classification trees and their rules.'),
    threshold: z
      .strictObject({
        method: z
          .enum(['search', 'logistic'])
          .default('search')
          .describe(
            'search: the threshold with the best score. logistic: where a class-balanced logistic regression on the feature puts even odds.',
          ),
        criterion: ruleCriterion.default('youden').describe('Score that a rule is chosen and ranked by.'),
        step: z
          .number()
          .gt(0)
          .nullable()
          .default(null)
          .describe("Grid step in the column's unit; null: every candidate cut point."),
        maxCuts: z
          .int()
          .min(1)
          .default(255)
          .describe('Most cut points tried per feature; with more, quantile-spaced ones.'),
        folds: z.int().min(2).max(20).default(5).describe('Inner cross-validation folds.'),
        resamples: z
          .int()
          .min(0)
          .default(500)
          .describe("Bootstrap resamples of patients for the interval of a rule's score; 0: none."),
        permutations: z
          .int()
          .min(0)
          .default(200)
          .describe("Permutations of the labels between patients for a rule's p-value; 0: none."),
      })
      .prefault({})
      .describe('Threshold search per label and feature.'),
    tree: z
      .strictObject({
        maxDepth: z
          .array(z.int().min(1).max(12))
          .min(1)
          .default([1, 2, 3, 4])
          .describe('Depths tried by inner cross-validation.'),
        minSamples: z
          .array(z.int().min(2))
          .min(1)
          .default([20, 40, 80])
          .describe('Fewest training rows that a node must hold to be split, values tried.'),
        minLeaf: z.int().min(1).default(10).describe('Fewest training rows in a leaf.'),
        alpha: z
          .array(z.number().min(0))
          .min(1)
          .default([0.001, 0.003, 0.01, 0.03])
          .describe('Cost-complexity penalties tried, in weighted Gini impurity.'),
        criterion: ruleCriterion.default('gmean').describe('Score that the tuning maximises.'),
        folds: z.int().min(2).max(20).default(5).describe('Inner cross-validation folds.'),
      })
      .prefault({})
      .describe('Multivariate tree per label on its top features.'),
    classifier: z
      .enum(['tree', 'logistic', 'network'])
      .default('tree')
      .describe('Where the probabilities of stage 1 come from; rules are always those of the tree.'),
    classWeight: z
      .enum(['balanced', 'none'])
      .default('balanced')
      .describe(
        'Weigh both classes equally in the tree, logistic regression or network on the top features.',
      ),
    resampling: z
      .enum(['none', 'smote'])
      .default('none')
      .describe(
        'smote: synthetic rows of the rarer class, made inside every training fold from the rows that a model is fitted on.',
      ),
    logistic: z
      .strictObject({
        C: z
          .number()
          .gt(0)
          .default(0.01)
          .describe('Inverse strength of the L2 penalty, as in scikit-learn, on standardised features.'),
      })
      .prefault({})
      .describe('Logistic regression, for thresholds and as a classifier.'),
    network: z
      .strictObject({
        hidden: z.int().min(1).max(1024).default(16).describe('Hidden units.'),
        epochs: z.int().min(1).default(100).describe('Passes over the training rows.'),
        learningRate: z.number().gt(0).default(0.01).describe('Step length of Adam.'),
        weightDecay: z.number().min(0).default(0.001).describe('L2 penalty on the weights, per row.'),
        batchSize: z.int().min(1).default(32).describe('Rows per step.'),
      })
      .prefault({})
      .describe('Fully connected network with one hidden layer, as a classifier.'),
    images: z
      .strictObject({
        statistics: z
          .boolean()
          .default(false)
          .describe(
            'Intensity and texture statistics of each image of a row, as numeric columns for stage 1.',
          ),
        embeddings: z
          .int()
          .min(0)
          .max(64)
          .default(0)
          .describe(
            'Dimensions of an image embedding for stage 1: principal components of what a small convolutional network, trained on the labels, has pooled; training rows are embedded out of fold. 0: none.',
          ),
        folds: z.int().min(2).max(20).default(4).describe('Folds of patients for the embeddings.'),
        epochs: z
          .int()
          .min(1)
          .default(10)
          .describe(
            'Passes over the rows in training each network that embeds; there is one per fold and one more.',
          ),
      })
      .prefault({})
      .describe('Features of the images that stage 1 sees beside the table columns.'),
  })
  .prefault({})
  .describe(
    'Stage 1: interpretable rules and trees on table columns and image features, fitted inside the training rows.',
  );

const override = z.strictObject({
  label: z.string().min(1).optional().describe('Label whose tier is raised. Default: every label.'),
  column: z.string().min(1).describe('Numeric, ordinal or categorical feature column.'),
  op: z
    .enum(['=', '!=', '<', '<=', '>', '>='])
    .describe('Comparison; categorical columns know = and != only. A missing value never fires.'),
  value: z
    .union([z.number(), z.string()])
    .describe('Number, or the name of a category or of an ordinal level.'),
  tier: z.enum(['medium', 'high']).describe('Lowest tier of such a row.'),
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
    diagnosisColumns: z
      .record(z.string().min(1), z.array(z.string().min(1)))
      .default({})
      .describe('Label -> feature columns that state its diagnosis; they may not raise its tier.'),
  })
  .prefault({})
  .describe('Low, medium and high risk, cut on calibrated probabilities of the validation rows.');

const subgroup = z.strictObject({
  column: z.string().min(1).describe('Feature column.'),
  cuts: z
    .array(z.number())
    .min(1)
    .nullable()
    .default(null)
    .describe(
      "Ascending bounds of a numeric column's groups, in its unit; a bound belongs to the group above it. null: its categories or levels.",
    ),
});
const share = z.number().gt(0).lt(1);

export const evaluationSection = z
  .strictObject({
    bootstrap: z
      .int()
      .min(0)
      .max(100_000)
      .default(1000)
      .describe('Patient-clustered bootstrap resamples for the 95 % intervals; 0: none.'),
    threshold: z
      .enum(['youden', 'f1', 'gmean'])
      .default('youden')
      .describe('Criterion of the decision threshold per label, chosen on validation rows.'),
    operatingPoints: z
      .strictObject({
        sensitivity: z
          .array(share)
          .default([0.9])
          .describe('Least sensitivities; of the thresholds that keep one, the most specific.'),
        specificity: z
          .array(share)
          .default([0.9])
          .describe('Least specificities; of the thresholds that keep one, the most sensitive.'),
        cost: z
          .array(z.number().gt(0))
          .default([])
          .describe('Costs of a false negative in false positives; the threshold of least expected cost.'),
      })
      .prefault({})
      .describe('Further thresholds per label, chosen on validation rows and measured beside the first.'),
    subgroups: z
      .array(
        z
          .union([z.string().min(1), subgroup])
          .transform((named) => (typeof named === 'string' ? { column: named, cuts: null } : named)),
      )
      .default([])
      .describe(
        'Feature columns whose groups are measured apart: a categorical or ordinal one by its name, a numeric one with cuts.',
      ),
  })
  .prefault({})
  .describe('How the held-out predictions are measured.');
