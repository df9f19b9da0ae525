/**
 * The errors of medfusion. A message reads `function: rule, got value; remedy`; `code` is stable and
 * machine-readable. Anything that starts with `internal:` is our own bug.
 */

/** Two shapes, or a shape and a rule, do not fit. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Where in the user's data a fault lies. `row` is the 1-based line of the file, its header being line 1. */
export interface DataLocation {
  readonly file?: string;
  readonly row?: number;
  readonly column?: string;
}

/** The user's data cannot be used as it stands. */
export class DataError extends Error {
  override readonly name = 'DataError';
  constructor(
    /** Stable identifier such as `missing-image` or `duplicate-id`. */
    readonly code: string,
    message: string,
    readonly location: DataLocation = {},
  ) {
    super(message + formatLocation(location));
  }
}

/** A study file, option or argument is wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    message: string,
    /** Path of the offending key, e.g. `model.size`. */
    readonly path?: string,
  ) {
    super(message);
  }
}

/** Something fitted is used before it was fitted. */
export class NotFittedError extends Error {
  override readonly name = 'NotFittedError';
}

/** True for errors that the user can mend; the command line prints them without a stack and exits with 2. */
export function isUserError(error: unknown): error is Error {
  return error instanceof DataError || error instanceof ConfigError;
}

function formatLocation({ file, row, column }: DataLocation): string {
  const parts = [
    file === undefined ? '' : file,
    row === undefined ? '' : `line ${row}`,
    column === undefined ? '' : `column "${column}"`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
