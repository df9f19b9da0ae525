/** The device that a command computes on. */
import type { Precision } from '../graph/index.js';
import { Runtime, type RuntimeOptions, requirePrecision } from '../runtime/index.js';

/**
 * Opens the device asked for, and says what `auto` picked and why.
 * @param precision what training is to compute in; default float32
 * @throws ConfigError of `Runtime.open`, or where the device does not compute in that precision
 */
export async function openRuntime(
  options: Pick<RuntimeOptions, 'device' | 'threads' | 'memoryLimit' | 'cache'>,
  say: (message: string) => void,
  precision: Precision = 'float32',
): Promise<Runtime> {
  const { device, threads, memoryLimit, cache } = options;
  const runtime = await Runtime.open({ device, threads, memoryLimit, cache });
  if (runtime.reason !== null) say(`device: ${runtime.device} (auto: ${runtime.reason})`);
  await requirePrecision(runtime, precision, 'training.precision');
  return runtime;
}
