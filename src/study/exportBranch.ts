/** An image branch of a trained model as a file of its own, for PyTorch or for another study's `model.pretrained`. */
import { join } from 'node:path';
import { ConfigError } from '../errors.js';
import {
  encodeSafetensors,
  type ImageBranch,
  publishedTensors,
  timmVit,
  torchvisionVit,
} from '../models/index.js';
import { openRunFolder, RUN_FILES, readRunBytes } from './runFolder.js';
import { decodeModel } from './trainedSplit.js';

/**
 * The weights and running statistics of a branch under published names: torchvision's of DenseNet for `cnn`; for
 * `transformer` timm's or torchvision's. The first convolution has the study's channels, the positions its grid.
 * @param folder  the run folder of a finished run
 * @returns the bytes of a safetensors file
 * @throws ConfigError when the folder is no run, or its model has no such branch
 * @throws DataError when the run's weights are missing or damaged
 */
export async function exportBranch(
  folder: string,
  branch: ImageBranch,
  names: 'timm' | 'torchvision' = 'timm',
): Promise<Uint8Array> {
  const run = await openRunFolder(folder);
  const { saved, weights } = decodeModel(await readRunBytes(run, 'weights'), join(run, RUN_FILES.weights));
  const { image, size, branches } = saved.config;
  if (image === null || !branches[branch]) {
    throw new ConfigError(
      `exportBranch: the model must have the ${branch} branch, got a model without it; name a run whose study switches it on`,
    );
  }
  const published = publishedTensors(
    branch,
    weights,
    { size, image },
    names === 'timm' ? timmVit : torchvisionVit,
  );
  return encodeSafetensors(published, { format: 'pt' });
}
