/** The device that a command computes on. */
import { Runtime, type RuntimeOptions } from '../runtime/index.js';

/**
 * Opens the device asked for, and says what `auto` picked and why.
 * @throws ConfigError of `Runtime.open`
 */
export async function openRuntime(
  { device, threads, cache }: Pick<RuntimeOptions, 'device' | 'threads' | 'cache'>,
  say: (message: string) => void,
): Promise<Runtime> {
  const runtime = await Runtime.open({ device, threads, cache });
  if (runtime.reason !== null) say(`device: ${runtime.device} (auto: ${runtime.reason})`);
  return runtime;
}
