/**
 * MedFusionNet: DenseNet ∥ transformer with exchange at every stage, feature pyramids on both, a temporal branch over
 * visits and views, tabular and text encoders, fusion with label queries and class-aware gates
 * [gorbachev2026medfusionnet]. The parts, and where they deviate: docs/model.md. "Paper" in this folder means that one.
 */
import { ConfigError } from '../../errors.js';
import { add, constant, flip, input, mul, reshape, sliceAxis, type Tensor } from '../../graph/index.js';
import { initializers, type Scope } from '../../nn/index.js';
import { type MedFusionConfig, type MedFusionSize, medFusionSizes, modalityOrder } from './config.js';
import { fuse, type TokenGroup } from './fusion.js';
import { imageBranches } from './imageBranches.js';
import { densePyramid, regionTokens, tokenPyramid } from './pyramid.js';
import { tabularTokens } from './tabular.js';
import { visitTokens } from './temporal.js';
import { textTokens } from './text.js';

export { type MedFusionConfig, type MedFusionSize, medFusionSizes, modalityOrder } from './config.js';
export { imageEmbedding } from './imageEmbedding.js';
export * from './published.js';

/** The model's inputs; those of a modality that the study lacks are absent. */
export interface MedFusionInputs {
  /** [batch, slot, channel, side, side] in the study's normalised range */
  readonly images?: Tensor;
  /** [batch, slot], 1 = there is an image; a slot without one holds any real image of the batch */
  readonly visitMask?: Tensor;
  readonly visitTime?: Tensor;
  readonly visitView?: Tensor;
  readonly numeric?: Tensor;
  readonly numericMissing?: Tensor;
  readonly categorical?: Tensor;
  readonly textIds?: Tensor;
  readonly textMask?: Tensor;
  /** [batch, 3], 1 = image, table, text may be used for this row */
  readonly present: Tensor;
}

/** Declares the inputs of a batch. */
export function medFusionInputs(config: MedFusionConfig, batch: number): MedFusionInputs {
  const { image, tabular, text } = config;
  return {
    ...(image && {
      images: input('images', [batch, image.slots, image.channels, image.side, image.side]),
      visitMask: input('visitMask', [batch, image.slots]),
      visitTime: input('visitTime', [batch, image.slots]),
      visitView: input('visitView', [batch, image.slots], 'int32'),
    }),
    ...(tabular &&
      tabular.numeric > 0 && {
        numeric: input('numeric', [batch, tabular.numeric]),
        numericMissing: input('numericMissing', [batch, tabular.numeric]),
      }),
    ...(tabular &&
      tabular.levels.length > 0 && {
        categorical: input('categorical', [batch, tabular.levels.length], 'int32'),
      }),
    ...(text && {
      textIds: input('textIds', [batch, text.tokens], 'int32'),
      textMask: input('textMask', [batch, text.tokens]),
    }),
    present: input('present', [batch, modalityOrder.length]),
  };
}

/**
 * The network.
 * @returns logits [batch, label]
 * @throws ConfigError when the configuration leaves nothing to look at
 */
export function medFusionNet(scope: Scope, inputs: MedFusionInputs, config: MedFusionConfig): Tensor {
  const logits = networkLogits(scope, inputs, config);
  if (scope.training || !config.image?.mirror) return logits;
  const mirrored = { ...inputs, images: flip(inputs.images!, [4]) };
  return mul(add(logits, networkLogits(scope, mirrored, config)), 0.5);
}

function networkLogits(scope: Scope, inputs: MedFusionInputs, config: MedFusionConfig): Tensor {
  const size: MedFusionSize = medFusionSizes[config.size];
  const { width, heads } = size;
  const [batch] = inputs.present.shape;
  const presence = (modality: (typeof modalityOrder)[number]) => {
    const index = modalityOrder.indexOf(modality);
    return sliceAxis(inputs.present, 1, index, index + 1); // [batch, 1]
  };
  const groups: TokenGroup[] = [];
  if (config.image !== null) groups.push(...imageGroups(scope, inputs, config, size, presence('image')));
  if (config.tabular !== null) {
    const columns = {
      numeric: inputs.numeric,
      missing: inputs.numericMissing,
      categorical: inputs.categorical,
    };
    const tokens = tabularTokens(scope.child('tabular'), columns, config.tabular.levels, width);
    groups.push({ name: 'tabular', tokens, mask: repeat(presence('tabular'), tokens.shape[1]) });
  }
  if (config.text !== null) {
    const mask = mul(inputs.textMask!, presence('text'));
    const options = {
      vocabulary: config.text.vocabulary,
      width,
      heads,
      layers: size.textLayers,
      dropout: config.dropout,
    };
    groups.push({
      name: 'text',
      tokens: textTokens(scope.child('text'), inputs.textIds!, inputs.textMask!, options),
      mask,
    });
  }
  if (groups.length === 0) {
    throw new ConfigError(
      'medFusionNet: no branch is left; switch on at least one of model.branches.cnn, model.branches.transformer, table or text',
      'model.branches',
    );
  }
  return fuse(scope.child('fusion'), groups, {
    labels: config.labels,
    layers: size.fusionLayers,
    heads,
    dropout: config.dropout,
    stochasticDepth: config.stochasticDepth,
    mode: config.fusion,
    classGate: config.classGate,
    prevalence: config.prevalence,
    priorLogits: config.priorLogits,
  });

  function repeat(mask: Tensor, count: number): Tensor {
    return mul(mask, constant(1, [batch, count]));
  }
}

/** Region tokens of both pyramids and visit tokens. */
function imageGroups(
  scope: Scope,
  inputs: MedFusionInputs,
  config: MedFusionConfig,
  size: MedFusionSize,
  present: Tensor,
): TokenGroup[] {
  if (!config.branches.cnn && !config.branches.transformer) {
    throw new ConfigError(
      'medFusionNet: images need model.branches.cnn or model.branches.transformer',
      'model.branches',
    );
  }
  const { width } = size;
  const [batch, slots, ...image] = inputs.images!.shape;
  const features = imageBranches(scope, reshape(inputs.images!, [batch * slots, ...image]), config);
  const visitMask = mul(inputs.visitMask!, present);
  const groups: TokenGroup[] = [];

  const addRegions = (name: string, levels: readonly Tensor[]) => {
    const perImage = regionTokens(scope.child('regions').child(name), levels, size.regionGrid);
    const [, count] = perImage.shape;
    const bySlot = reshape(perImage, [batch, slots, count, width]);
    const place = scope
      .child('regions')
      .child(name)
      .parameter('slot', [1, slots, 1, width], initializers.zeros);
    const mask = mul(reshape(visitMask, [batch, slots, 1]), constant(1, [1, 1, count]));
    groups.push({
      name,
      tokens: reshape(add(bySlot, place), [batch, slots * count, width]),
      mask: reshape(mask, [batch, slots * count]),
    });
  };
  const pyramid = scope.child('pyramid');
  if (features.maps !== null) {
    const deepest = features.maps.slice(config.pyramid ? 0 : -1);
    addRegions('cnn', densePyramid(pyramid.child('cnn'), deepest, width));
  }
  if (features.grid !== null) {
    const scales = config.pyramid ? 3 : 1;
    addRegions('transformer', tokenPyramid(pyramid.child('transformer'), features.grid, width, scales));
  }
  const visits = visitTokens(
    scope.child('temporal'),
    {
      pooled: reshape(features.pooled, [batch, slots, -1]),
      mask: visitMask,
      time: inputs.visitTime!,
      view: inputs.visitView!,
    },
    {
      width,
      heads: size.heads,
      views: config.image!.views,
      dropout: config.dropout,
      temporal: config.branches.temporal,
    },
  );
  groups.push({ name: 'visits', tokens: visits.tokens, mask: mul(visits.mask, present) });
  return groups;
}

/** The learning-rate group of a parameter: the paper's θ_CNN, θ_Transformer, θ_Interaction and θ_Classify (eq. 20–23). */
export function medFusionGroup(name: string): 'cnn' | 'transformer' | 'interaction' | 'classifier' {
  const [first] = name.split('.');
  return first === 'cnn' || first === 'transformer' || first === 'interaction' ? first : 'classifier';
}
