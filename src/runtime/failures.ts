/** What ONNX Runtime's errors mean to the user. */
import { ConfigError } from '../errors.js';
import type { Device } from './backend.js';

/** Where in ONNX Runtime's own source a check failed, which tells the user nothing. */
const sourcePosition = /^\/\S+:\d+ .* was false\. /;

/** Where it failed, and in which node, before the words that say why. */
const failedNode = /^Non-zero status code returned while running .*? Status Message: (?:\S+:\d+ \S+ )?/;

/** The first line of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error))
    .split('\n', 1)[0]
    .replace(sourcePosition, '')
    .replace(failedNode, '')
    .trim();
}

/** A failure to load or run a program, in the user's terms where it is one that the user can mend. */
export function explainFailure(error: unknown, device: Device): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const kernel =
    /Could not find an implementation for (\S+)\(\d+\)|(\S+)\(-?\d+\) is not a registered function/.exec(
      message,
    );
  if (kernel !== null) {
    return new ConfigError(
      `device: "${device}" has no kernel for the operator ${kernel[1] ?? kernel[2]}, which the program needs; ` +
        'choose another device, cpu has all of them',
      'device',
    );
  }
  return error;
}
