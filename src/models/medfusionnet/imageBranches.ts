/** The convolutional and the transformer branch, side by side, stage by stage (P8–P10). */
import { concat, mean, relu, reshape, sliceAxis, type Tensor } from '../../graph/index.js';
import { batchNorm, type Scope } from '../../nn/index.js';
import { denseBlock, denseNetStem, denseTransition } from '../densenet.js';
import { patchTokens, vitBlock, vitNorm } from '../vit.js';
import { type MedFusionConfig, type MedFusionSize, medFusionSizes } from './config.js';
import { mapsToTokens, tokenGrid, tokensToMaps } from './interaction.js';

export interface ImageFeatures {
  /** Feature maps at strides 8, 16 and 32; null without the branch. */
  readonly maps: readonly Tensor[] | null;
  /** Tokens as a map [image, width, grid, grid]; null without the branch. */
  readonly grid: Tensor | null;
  /** One vector per image: pooled last maps and class token, joined. */
  readonly pooled: Tensor;
}

/** What of a configuration decides the two branches. */
export type ImageBranchConfig = Pick<
  MedFusionConfig,
  'size' | 'branches' | 'interaction' | 'dropout' | 'stochasticDepth'
>;

/**
 * Features of single images.
 * @param images [image, channel, side, side]
 */
export function imageBranches(scope: Scope, images: Tensor, config: ImageBranchConfig): ImageFeatures {
  const size: MedFusionSize = medFusionSizes[config.size];
  const vitConfig = { ...size.transformer, dropout: config.dropout, stochasticDepth: config.stochasticDepth };
  const { cnn: useMaps, transformer: useTokens } = config.branches;
  const [cnn, transformer] = [scope.child('cnn').child('features'), scope.child('transformer')];
  const stages = size.cnn.blocks.length;
  const blocksPerStage = vitConfig.depth / stages;
  const side = images.shape[2] / vitConfig.patch;
  const exchange = config.interaction && useMaps && useTokens;

  let maps = useMaps ? denseNetStem(cnn, images, size.cnn) : null;
  let tokens = useTokens ? patchTokens(transformer, images, vitConfig) : null;
  const levels: Tensor[] = [];
  for (let stage = 1; stage <= stages; stage++) {
    const interaction = scope.child('interaction').child(stage);
    if (maps !== null) maps = denseBlock(cnn, maps, stage, size.cnn);
    if (tokens !== null) {
      if (exchange) tokens = mapsToTokens(interaction.child('c2t'), maps!, tokens, side);
      for (let i = 0; i < blocksPerStage; i++) {
        tokens = vitBlock(transformer, tokens, (stage - 1) * blocksPerStage + i, vitConfig);
      }
      if (exchange) maps = tokensToMaps(interaction.child('t2c'), tokens, maps!, side);
    }
    if (maps !== null) {
      if (stage === stages) maps = relu(batchNorm(cnn.child('norm5'), maps));
      if (stage > 1) levels.push(maps);
      if (stage < stages) maps = denseTransition(cnn, maps, stage);
    }
  }
  const pooled: Tensor[] = [];
  if (maps !== null) pooled.push(mean(maps, { axes: [2, 3] }));
  let grid: Tensor | null = null;
  if (tokens !== null) {
    const normed = vitNorm(transformer, tokens);
    grid = tokenGrid(normed, side);
    pooled.push(reshape(sliceAxis(normed, 1, 0, 1), [images.shape[0], vitConfig.width]));
  }
  return { maps: maps === null ? null : levels, grid, pooled: concat(pooled, 1) };
}
