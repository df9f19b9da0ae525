/** Early stopping on a validation value [prechelt1998early]: a pure step from state to state. */

/** Options of {@link stepEarlyStopping}. */
export interface EarlyStoppingOptions {
  /** Epochs without improvement before training stops, ≥ 1; null = never stop early. */
  readonly patience: number | null;
  /** Whether the higher (`max`, e.g. AUROC) or the lower value (`min`, e.g. loss) is better. Default `max`. */
  readonly mode?: 'max' | 'min';
  /** How much better than the best a value must be to count as better, ≥ 0. Default 0. */
  readonly minDelta?: number;
}

/** Where early stopping stands; a plain JSON value. */
export interface EarlyStoppingState {
  /** Best value so far, null while none was defined. */
  readonly best: number | null;
  /** Epoch of the best value, 0-based. */
  readonly bestEpoch: number | null;
  /** Epochs since then, or since the start while there is no best. */
  readonly epochsWithout: number;
}

/** What {@link stepEarlyStopping} finds. */
export interface EarlyStoppingStep {
  readonly state: EarlyStoppingState;
  /** This epoch is the best so far: keep its weights. */
  readonly improved: boolean;
  /** Patience is used up: train no further. */
  readonly stop: boolean;
}

/** Before the first epoch. */
export const earlyStoppingStart: EarlyStoppingState = { best: null, bestEpoch: null, epochsWithout: 0 };

/**
 * Takes in one epoch's validation value.
 * @param state after the epoch before; left as it is
 * @param epoch 0-based
 * @param value finite, or null where it is undefined (one class in validation), which is no improvement
 * @throws RangeError when the value is NaN or infinite, or an option is out of range
 */
export function stepEarlyStopping(
  state: EarlyStoppingState,
  epoch: number,
  value: number | null,
  { patience, mode = 'max', minDelta = 0 }: EarlyStoppingOptions,
): EarlyStoppingStep {
  if (!(patience === null || patience >= 1) || !(minDelta >= 0)) {
    throw new RangeError(
      `stepEarlyStopping: patience ≥ 1 (or null) and minDelta ≥ 0 must hold, got ${patience}, ${minDelta}; ` +
        'null never stops early',
    );
  }
  if (value !== null && !Number.isFinite(value)) {
    throw new RangeError(
      `stepEarlyStopping: the value must be finite or null, got ${value} in epoch ${epoch}; ` +
        'training has diverged, lower the learning rate',
    );
  }
  const gain = (from: number, to: number) => (mode === 'max' ? to - from : from - to);
  const improved = value !== null && (state.best === null || gain(state.best, value) > minDelta);
  if (improved) return { state: { best: value, bestEpoch: epoch, epochsWithout: 0 }, improved, stop: false };
  const epochsWithout = state.epochsWithout + 1;
  return {
    state: { ...state, epochsWithout },
    improved,
    stop: patience !== null && epochsWithout >= patience,
  };
}
