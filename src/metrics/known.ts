/** One label's rows as the metrics see them: the known ones, checked, without the others. */
import { ShapeError } from '../errors.js';

/** The rows whose label is known. */
export interface KnownRows {
  readonly size: number;
  readonly positives: number;
  /** [size] where each row stood in the caller's arrays, ascending. */
  readonly rows: Int32Array;
  /** [size] the caller's scores, finite. */
  readonly scores: Float64Array;
  /** [size] 0 or 1. */
  readonly targets: Uint8Array;
}

/**
 * Selects and checks the rows whose label is known. What stands in the other rows is never read.
 * @param caller name of the public function, for messages
 * @param scores [row] any finite score; higher means more likely positive
 * @param targets [row] 0 or 1
 * @param known [row] 1 = recorded, 0 = unknown; absent or null: all are known
 * @throws ShapeError when the lengths differ; RangeError for a score that is not finite or a target not 0 or 1
 */
export function knownRows(
  caller: string,
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): KnownRows {
  if (targets.length !== scores.length || (known && known.length !== scores.length)) {
    throw new ShapeError(
      `${caller}: scores, targets and known must have one entry per row, got ${scores.length}, ` +
        `${targets.length} and ${known ? known.length : 'none'}`,
    );
  }
  let size = 0;
  for (let row = 0; row < scores.length; row++) if (isKnown(caller, known, row)) size++;
  const selected = {
    rows: new Int32Array(size),
    scores: new Float64Array(size),
    targets: new Uint8Array(size),
  };
  let positives = 0;
  for (let row = 0, i = 0; row < scores.length; row++) {
    if (!isKnown(caller, known, row)) continue;
    if (!Number.isFinite(scores[row])) {
      throw new RangeError(
        `${caller}: scores must be finite where the label is known, got ${scores[row]} in row ${row}`,
      );
    }
    if (targets[row] !== 0 && targets[row] !== 1) {
      throw new RangeError(
        `${caller}: targets must be 0 or 1 where the label is known, got ${targets[row]} in row ${row}; ` +
          'mark an unrecorded label as unknown',
      );
    }
    selected.rows[i] = row;
    selected.scores[i] = scores[row];
    selected.targets[i] = targets[row];
    positives += targets[row];
    i++;
  }
  return { size, positives, ...selected };
}

/** As knownRows, for scores that must be probabilities. @throws RangeError for one outside [0, 1] */
export function knownProbabilities(
  caller: string,
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): KnownRows {
  const selected = knownRows(caller, probabilities, targets, known);
  for (let i = 0; i < selected.size; i++) {
    if (selected.scores[i] < 0 || selected.scores[i] > 1) {
      throw new RangeError(
        `${caller}: probabilities must lie in [0, 1], got ${selected.scores[i]} in row ${selected.rows[i]}; ` +
          'pass probabilities, not logits',
      );
    }
  }
  return selected;
}

/** As knownRows, for decisions. @throws RangeError for one other than 0 or 1 */
export function knownDecisions(
  caller: string,
  decisions: ArrayLike<number>,
  targets: ArrayLike<number>,
  known?: ArrayLike<number> | null,
): KnownRows {
  const selected = knownRows(caller, decisions, targets, known);
  for (let i = 0; i < selected.size; i++) {
    if (selected.scores[i] !== 0 && selected.scores[i] !== 1) {
      throw new RangeError(
        `${caller}: decisions must be 0 or 1, got ${selected.scores[i]} in row ${selected.rows[i]}; ` +
          'apply a threshold to probabilities first',
      );
    }
  }
  return selected;
}

function isKnown(caller: string, known: ArrayLike<number> | null | undefined, row: number): boolean {
  if (!known || known[row] === 1) return true;
  if (known[row] === 0) return false;
  throw new RangeError(`${caller}: known must be 0 or 1, got ${known[row]} in row ${row}`);
}
