/** One label's known test rows as plain columns. */
import type { ScoredRows } from './input.js';

/** Aligned columns of the rows whose value for one label is known. */
export interface LabelColumn {
  readonly targets: Float32Array;
  readonly probabilities: Float64Array;
  readonly decisions: Uint8Array;
}

/** @param label index of the label among `labelCount` */
export function labelColumn(rows: ScoredRows, label: number, labelCount: number): LabelColumn {
  const places: number[] = [];
  for (let at = label; at < rows.known.length; at += labelCount) if (rows.known[at] === 1) places.push(at);
  return {
    targets: Float32Array.from(places, (at) => rows.targets[at]),
    probabilities: Float64Array.from(places, (at) => rows.probabilities[at]),
    decisions: Uint8Array.from(places, (at) => rows.decisions[at]),
  };
}
