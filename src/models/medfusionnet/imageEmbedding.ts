/** A row's images as one vector: what the dense branch has pooled of them (P2). */
import { ConfigError } from '../../errors.js';
import { maskedMean, mean, reshape, type Tensor } from '../../graph/index.js';
import type { Scope } from '../../nn/index.js';
import type { MedFusionConfig } from './config.js';
import { imageBranches } from './imageBranches.js';
import type { MedFusionInputs } from './index.js';

/**
 * Global average of the last dense stage, averaged over the images that a row has.
 * @returns [batch, channel]; 0 for a row without an image
 * @throws ConfigError when the model sees no images or has no dense branch
 */
export function imageEmbedding(scope: Scope, inputs: MedFusionInputs, config: MedFusionConfig): Tensor {
  const { images, visitMask } = inputs;
  if (images === undefined || visitMask === undefined || !config.branches.cnn) {
    throw new ConfigError(
      'imageEmbedding: the model must see images with its dense branch, got one that does not; switch on model.branches.cnn',
      'model.branches.cnn',
    );
  }
  const [batch, slots, ...image] = images.shape;
  const { maps } = imageBranches(scope, reshape(images, [batch * slots, ...image]), config);
  const pooled = reshape(mean(maps!.at(-1)!, { axes: [2, 3] }), [batch, slots, -1]); // [batch, slot, channel]
  return maskedMean(pooled, reshape(visitMask, [batch, slots, 1]), { axes: [1] });
}
