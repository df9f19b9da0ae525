/** How many batches each epoch has, and how balanced it is. */
import { ConfigError } from '../errors.js';
import { curriculumBalance } from './curriculum.js';
import type { FitOptions } from './fit.js';
import { epochLength, type Sampler } from './sampler.js';

/** Batches of each epoch, from the first: the schedule needs their number beforehand. */
export function planEpochs(
  sampler: Sampler,
  options: FitOptions,
): { balance: number; batches: number; before: number }[] {
  let before = 0;
  return Array.from({ length: options.epochs }, (_, epoch) => {
    const { sampling, curriculum } = options;
    const balance = !sampling.balanced
      ? 0
      : curriculum.enabled
        ? curriculumBalance(epoch, options.epochs, curriculum)
        : 1;
    const whole = Math.floor(epochLength(sampler, balance) / options.batchSize);
    const batches = Math.floor(whole / options.accumulate) * options.accumulate;
    if (batches === 0) {
      throw new ConfigError(
        `training: an epoch has ${epochLength(sampler, balance)} rows, fewer than one step of ` +
          `${options.accumulate} × ${options.batchSize}; choose a smaller training.batchSize or training.accumulate`,
        'training.batchSize',
      );
    }
    const plan = { balance, batches, before };
    before += batches;
    return plan;
  });
}
