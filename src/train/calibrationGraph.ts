/** Calibration as part of a graph, for models that leave this library. */
import {
  add,
  clip,
  concat,
  constant,
  div,
  mul,
  sigmoid,
  sliceAxis,
  sub,
  sum,
  type Tensor,
} from '../graph/index.js';
import type { CalibrationMap, CalibrationModel } from './calibration.js';

/**
 * What `applyCalibration` computes, as a graph in float32.
 * @param logits [batch, label]
 * @returns [batch, label], in [0, 1]
 */
export function calibrationGraph({ labels }: CalibrationModel, logits: Tensor): Tensor {
  return concat(
    labels.map(({ map }, label) => calibrate(map, sliceAxis(logits, 1, label, label + 1))),
    1,
  );
}

/** @param logit [batch, 1] */
function calibrate(map: CalibrationMap, logit: Tensor): Tensor {
  switch (map.kind) {
    case 'identity':
      return sigmoid(logit);
    case 'temperature':
      return sigmoid(div(logit, map.temperature));
    case 'platt':
      return sigmoid(add(mul(logit, map.slope), map.intercept));
    case 'isotonic':
      return interpolate(map.logits, map.probabilities, logit);
    default:
      return map satisfies never;
  }
}

/**
 * The line through (x_i, y_i), constant outside, as what each piece adds:
 *   y_0 + Σ_i (y_{i+1} − y_i) · clip((z − x_i) / (x_{i+1} − x_i), 0, 1)
 */
function interpolate(x: readonly number[], y: readonly number[], logit: Tensor): Tensor {
  const start = constant(y[0], [logit.shape[0], 1]);
  const pieces = x.length - 1;
  if (pieces === 0) return start;
  const row = (value: (i: number) => number) =>
    constant(
      Float32Array.from({ length: pieces }, (_, i) => value(i)),
      [1, pieces],
    );
  const passed = div(
    sub(
      logit,
      row((i) => x[i]),
    ),
    row((i) => x[i + 1] - x[i]),
  ); // [batch, piece]
  const rises = mul(
    clip(passed, 0, 1),
    row((i) => y[i + 1] - y[i]),
  );
  return add(start, sum(rises, { axes: [1], keepAxes: true }));
}
