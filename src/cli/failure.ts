/** How a command ends that did not do what it was asked. */
import { CommanderError } from 'commander';
import { isUserError } from '../errors.js';
import { Interrupted } from '../train/index.js';

/** Exit codes: 0 done, 1 our failure, 2 bad input, 130 stopped by the user (as shells count SIGINT). */
export const exitCodes = { done: 0, failure: 1, badInput: 2, interrupted: 130 } as const;

/**
 * Says what went wrong in one message: what to mend for bad input, `internal:` for a fault of ours. The stack comes
 * with `debug` alone.
 * @returns the exit code
 */
export function reportFailure(
  error: unknown,
  { debug, write }: { readonly debug: boolean; readonly write: (text: string) => void },
): number {
  // Commander has printed its own message by then.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.badInput;
  const message = error instanceof Error ? error.message : String(error);
  const stack = debug && error instanceof Error ? `${error.stack}\n` : '';
  if (error instanceof Interrupted) {
    write(`${message}\n`);
    return exitCodes.interrupted;
  }
  if (isUserError(error)) {
    write(`error: ${message}\n${stack}`);
    return exitCodes.badInput;
  }
  const hint = debug ? '' : 'This is a fault of medfusion; --debug shows where.\n';
  write(`internal: ${message.replace(/^internal: /, '')}\n${hint}${stack}`);
  return exitCodes.failure;
}
