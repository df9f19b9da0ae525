/** Refuses programs that a device has not the memory for, before they start. */
import { ConfigError } from '../errors.js';
import type { Program } from '../graph/index.js';
import type { Device } from './backend.js';

/** Bytes; null where the device does not tell. */
export interface MemoryLimits {
  readonly total: number | null;
  /** Of a single value. */
  readonly largest: number | null;
}

/**
 * What ONNX Runtime takes for values, as a multiple of what lives at once: its blocks are larger than what they hold and
 * split. So training steps of DenseNet-121, DeiT-S and MedFusionNet `tiny` (128 px, batch 16) took 1.19, .99 and .79 times
 * this estimate, beside 136 MB for Node and its libraries.
 */
const overhead = 2;

type Sized = Pick<Program, 'memory'>;

/** Bytes that a program takes on a device: parameters, and all that grows with the batch. */
const needOf = ({ memory: { total, parameters } }: Sized) => ({
  parameters,
  values: (total - parameters) * overhead,
});

/** Whether a device has the memory that a program is estimated to take. */
export function fitsIn(limits: MemoryLimits, program: Sized): boolean {
  const { parameters, values } = needOf(program);
  return (
    parameters + values <= (limits.total ?? Number.POSITIVE_INFINITY) &&
    program.memory.largest <= (limits.largest ?? Number.POSITIVE_INFINITY)
  );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;

/** The batch that a program is compiled for: the longest leading axis of its inputs of two axes or more. */
function batchOf({ inputs }: Pick<Program, 'inputs'>): number {
  return inputs.reduce((most, { shape }) => (shape.length < 2 ? most : Math.max(most, shape[0])), 1);
}

/**
 * @throws ConfigError when the estimate of the program's memory exceeds what the device has, with the largest batch that
 *   would fit; all but the parameters is taken to grow with the batch
 */
export function requireMemory(
  program: Pick<Program, 'memory' | 'inputs'>,
  device: Device,
  limits: MemoryLimits,
): void {
  if (fitsIn(limits, program)) return;
  const { parameters, values } = needOf(program);
  const { largest } = program.memory;
  const batch = batchOf(program);
  const within = limits.total ?? Number.POSITIVE_INFINITY;
  const single = limits.largest ?? Number.POSITIVE_INFINITY;
  const fitting = Math.floor(batch * Math.min((within - parameters) / values, single / largest));
  const need =
    parameters + values > within
      ? `needs about ${gigabytes(parameters + values)}, and "${device}" has ${gigabytes(within)}`
      : `has a value of ${gigabytes(largest)}, and "${device}" takes ${gigabytes(single)} at most`;
  throw new ConfigError(
    `load: a program for a batch of ${batch} ${need}; ` +
      (fitting >= 1
        ? `a batch of ${fitting} would fit (training.batchSize)`
        : 'not even a batch of 1 would fit, choose a smaller model or image'),
    'training.batchSize',
  );
}
