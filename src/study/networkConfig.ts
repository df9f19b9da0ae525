/** What a study's model and training sections mean for one set of training rows. */
import { augmentations, type Cohort } from '../data/index.js';
import type { MedFusionConfig } from '../models/index.js';
import {
  countLabels,
  type FitOptions,
  type InputEncoder,
  positiveWeights,
  priorLogits,
} from '../train/index.js';
import type { Study } from './schema.js';
import { outcomes } from './settle.js';

/** The network's configuration for a study and the encoder of one fold. */
export function networkConfig(
  study: Study,
  cohort: Cohort,
  train: Int32Array,
  encoder: InputEncoder,
): MedFusionConfig {
  const { model } = study;
  const counts = countLabels({ labelCount: cohort.labels.length, ...outcomes(cohort, train) });
  const { classWeights, weightCap } = study.training.loss;
  const weights =
    classWeights === 'effective' ? positiveWeights(counts, { weightCap }) : counts.positives.map(() => 1);
  const numeric = encoder.numeric.length + encoder.stage1.length;
  const levels = encoder.categorical.map((column) => column.levels.length + 1);
  return {
    size: model.size,
    labels: cohort.labels.length,
    image:
      encoder.image === null
        ? null
        : {
            side: model.imageSize,
            channels: model.channels,
            slots: encoder.image.slots,
            views: encoder.image.views.length + 1,
            mirror: model.mirror,
          },
    tabular: numeric + levels.length === 0 ? null : { numeric, levels },
    text:
      encoder.text === null
        ? null
        : { vocabulary: encoder.text.vocabulary.tokens.length, tokens: encoder.text.tokens },
    branches: model.branches,
    interaction: model.interaction,
    pyramid: model.pyramid,
    fusion: model.fusion,
    classGate: model.classGate,
    dropout: model.dropout,
    stochasticDepth: model.stochasticDepth,
    prevalence: Array.from(counts.positives, (n, l) => (n + 1) / (n + counts.negatives[l] + 2)),
    // A weighted loss is least, before anything is learnt, where the odds are weighted too.
    priorLogits: Array.from(priorLogits(counts), (logit, l) => logit + Math.log(weights[l])),
  };
}

/** How a study trains. */
export function fitOptions(study: Study): FitOptions {
  const { training, model, seed } = study;
  const { groups, ...optimizer } = training.optimizer;
  const { classWeights, weightCap, ...loss } = training.loss;
  const { augmentation } = training;
  return {
    ...training,
    seed,
    loss,
    classWeights,
    weightCap,
    optimizer,
    groupRates: groups,
    augmentation:
      typeof augmentation === 'string'
        ? augmentations[augmentation]
        : { ...augmentations.none, ...augmentation },
    modalityDropout: model.modalityDropout,
  };
}
