/**
 * Calibration of logits, one label at a time, on validation rows at their natural prevalence (P21).
 *
 * Every map is non-decreasing, so calibration never reverses the order of two rows. Where a label cannot be
 * fitted its map is the identity, p = σ(z), and `status` says why.
 */
import { ShapeError } from '../errors.js';
import { isotonicRegression } from './isotonic.js';
import { countLabels } from './labelCounts.js';
import { fitIntercept, fitPlattScaling, fitTemperature, temperatureBounds } from './sigmoidScaling.js';

/** How probabilities are made from logits. */
export type CalibrationMethod = 'temperature' | 'platt' | 'isotonic' | 'none';

/** Options of {@link fitCalibration}. */
export interface CalibrationOptions {
  /** Temperature only: one temperature for all labels, fitted on all of them together. Default false. */
  readonly shared?: boolean;
  /**
   * Platt only: Platt's smoothed targets, (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2) in place of 1 and 0. Default true;
   * without it a separable label has no finite fit.
   */
  readonly smoothing?: boolean;
}

/**
 * What came of a label's fit:
 * - `fitted`: the map is the optimum;
 * - `at-bound`: the temperature ran into its bound, {@link fitTemperature};
 * - `not-requested`: the method is `none`, the map is the identity;
 * - `one-class`: the validation rows hold one class or no known value, the map is the identity;
 * - `reversed`: Platt's slope was not positive, so higher logits do not mean higher risk on these rows. The map
 *   keeps the order with the flattest slope considered and has the prevalence of these rows as its mean;
 * - `separable`: unsmoothed Platt scaling has no finite optimum, the map is the identity.
 */
export type CalibrationStatus =
  | 'fitted'
  | 'at-bound'
  | 'not-requested'
  | 'one-class'
  | 'reversed'
  | 'separable';

/** The function from a logit z to a probability. */
export type CalibrationMap =
  /** σ(z) */
  | { readonly kind: 'identity' }
  /** σ(z / temperature), temperature > 0 */
  | { readonly kind: 'temperature'; readonly temperature: number }
  /** σ(slope · z + intercept), slope > 0 */
  | { readonly kind: 'platt'; readonly slope: number; readonly intercept: number }
  /** Linear interpolation between (logits[i], probabilities[i]), both ascending; constant outside. */
  | {
      readonly kind: 'isotonic';
      readonly logits: readonly number[];
      readonly probabilities: readonly number[];
    };

/** One label's calibration, with the number of known rows of each class that it was fitted on. */
export interface LabelCalibration {
  readonly label: string;
  readonly status: CalibrationStatus;
  readonly positives: number;
  readonly negatives: number;
  readonly map: CalibrationMap;
}

/** A fitted calibration, a plain JSON value. */
export interface CalibrationModel {
  readonly method: CalibrationMethod;
  /** True when one temperature serves all labels. */
  readonly shared: boolean;
  readonly labels: readonly LabelCalibration[];
}

type Fit = Pick<LabelCalibration, 'status' | 'map'>;
const identity: CalibrationMap = { kind: 'identity' };

/**
 * Fits the calibration of each label.
 * @param logits  [row, label], finite
 * @param targets [row, label], 0 or 1
 * @param known   [row, label], 1 = recorded, 0 = unknown (left out of the fit)
 * @param labels  their names
 * @throws ShapeError when the shapes differ
 * @throws RangeError when a logit of a known row is not finite
 */
export function fitCalibration(
  logits: Float32Array | Float64Array,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  method: CalibrationMethod,
  options: CalibrationOptions = {},
): CalibrationModel {
  if (logits.length !== targets.length) {
    throw new ShapeError(
      `fitCalibration: logits must match targets, got ${logits.length} and ${targets.length} values; ` +
        'pass both for the same validation rows',
    );
  }
  const counts = countLabels({ targets, known, labelCount: labels.length });
  const shared = method === 'temperature' && options.shared === true;
  const pairsOf = (label: number | null) => knownPairs(logits, targets, known, labels, label);
  const common = shared ? fitLabel(pairsOf(null), method, options) : null;
  return {
    method,
    shared,
    labels: labels.map((label, index) => ({
      label,
      positives: counts.positives[index],
      negatives: counts.negatives[index],
      ...(common ?? fitLabel(pairsOf(index), method, options)),
    })),
  };
}

/**
 * Calibrated probabilities.
 * @param logits [row, label], finite, labels in the model's order
 * @returns [row, label], in [0, 1]
 * @throws ShapeError when `logits` does not hold whole rows of the model's labels
 * @throws RangeError when a logit is not finite
 */
export function applyCalibration(
  model: CalibrationModel,
  logits: Float32Array | Float64Array,
): Float64Array<ArrayBuffer> {
  const labelCount = model.labels.length;
  if (labelCount === 0 || logits.length % labelCount !== 0) {
    throw new ShapeError(
      `applyCalibration: logits must be [rows, ${labelCount}], got ${logits.length} values; ` +
        'pass the labels the calibration was fitted on',
    );
  }
  const probabilities = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    const { label, map } = model.labels[i % labelCount];
    probabilities[i] = calibrate(map, finite('applyCalibration', logits[i], label));
  }
  return probabilities;
}

function fitLabel(pairs: KnownPairs, method: CalibrationMethod, options: CalibrationOptions): Fit {
  if (method === 'none') return { status: 'not-requested', map: identity };
  const positives = pairs.targets.reduce((sum, target) => sum + target, 0);
  if (positives === 0 || positives === pairs.targets.length) return { status: 'one-class', map: identity };
  switch (method) {
    case 'temperature': {
      const { temperature, atBound } = fitTemperature(pairs.logits, pairs.targets);
      return { status: atBound ? 'at-bound' : 'fitted', map: { kind: 'temperature', temperature } };
    }
    case 'platt': {
      const smoothing = options.smoothing ?? true;
      if (!smoothing && isSeparable(pairs)) return { status: 'separable', map: identity };
      const { slope, intercept } = fitPlattScaling(pairs.logits, pairs.targets, smoothing);
      if (!(slope > 0)) {
        const flattest = 1 / temperatureBounds.highest;
        const level = fitIntercept(pairs.logits, pairs.targets, flattest);
        return { status: 'reversed', map: { kind: 'platt', slope: flattest, intercept: level } };
      }
      return { status: 'fitted', map: { kind: 'platt', slope, intercept } };
    }
    case 'isotonic': {
      const { knots, values } = isotonicRegression(pairs.logits, pairs.targets);
      // n rows cannot show a risk of exactly 0 or 1; the rule of succession bounds what they can show.
      const lowest = 1 / (pairs.targets.length + 2);
      const probabilities = values.map((value) => Math.min(1 - lowest, Math.max(lowest, value)));
      return { status: 'fitted', map: { kind: 'isotonic', logits: knots, probabilities } };
    }
    default:
      return method satisfies never;
  }
}

function calibrate(map: CalibrationMap, logit: number): number {
  switch (map.kind) {
    case 'identity':
      return sigmoid(logit);
    case 'temperature':
      return sigmoid(logit / map.temperature);
    case 'platt':
      return sigmoid(map.slope * logit + map.intercept);
    case 'isotonic':
      return interpolate(map.logits, map.probabilities, logit);
    default:
      return map satisfies never;
  }
}

interface KnownPairs {
  readonly logits: Float64Array;
  readonly targets: Float64Array;
}

/** The known (logit, target) pairs of one label, or of all labels together where `label` is null. */
function knownPairs(
  logits: Float32Array | Float64Array,
  targets: Float32Array,
  known: Uint8Array,
  labels: readonly string[],
  label: number | null,
): KnownPairs {
  const at: number[] = [];
  for (let i = label ?? 0; i < targets.length; i += label === null ? 1 : labels.length) {
    if (known[i]) at.push(i);
  }
  return {
    logits: Float64Array.from(at, (i) => finite('fitCalibration', logits[i], labels[i % labels.length])),
    targets: Float64Array.from(at, (i) => targets[i]),
  };
}

/** Whether some threshold puts all of one class on one side; ties at the threshold do not hinder it. */
function isSeparable({ logits, targets }: KnownPairs): boolean {
  const range = [
    [Infinity, -Infinity],
    [Infinity, -Infinity],
  ];
  logits.forEach((logit, i) => {
    const side = range[targets[i]];
    side[0] = Math.min(side[0], logit);
    side[1] = Math.max(side[1], logit);
  });
  const [negative, positive] = range;
  return positive[0] >= negative[1] || negative[0] >= positive[1];
}

function interpolate(knots: readonly number[], values: readonly number[], x: number): number {
  let low = 0;
  let high = knots.length - 1;
  if (x <= knots[low]) return values[low];
  if (x >= knots[high]) return values[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle] <= x) low = middle;
    else high = middle;
  }
  return values[low] + ((x - knots[low]) / (knots[high] - knots[low])) * (values[high] - values[low]);
}

function sigmoid(logit: number): number {
  const shrunk = Math.exp(-Math.abs(logit)); // never overflows
  return logit >= 0 ? 1 / (1 + shrunk) : shrunk / (1 + shrunk);
}

function finite(where: string, logit: number, label: string): number {
  if (Number.isFinite(logit)) return logit;
  throw new RangeError(
    `${where}: logits must be finite, got ${logit} for label "${label}"; training has diverged`,
  );
}
