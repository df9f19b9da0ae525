/** Where acting on a model's risk is worth more than acting on everyone and than acting on no one. */
import type { DecisionCurvePoint } from '../metrics/index.js';
import { formatNumber, listing } from './format.js';

/** Whether the model's net benefit exceeds that of both simple policies; its interval is not looked at. */
export function isUseful({ model, treatAll }: DecisionCurvePoint): boolean {
  return model.value !== null && model.value > Math.max(0, treatAll ?? 0);
}

/** Runs of neighbouring thresholds at which the model is useful, as [first, last]. */
export function usefulRanges(
  curve: readonly DecisionCurvePoint[],
): readonly (readonly [first: number, last: number])[] {
  const ranges: [number, number][] = [];
  for (const [i, point] of curve.entries()) {
    if (!isUseful(point)) continue;
    if (i > 0 && isUseful(curve[i - 1])) ranges[ranges.length - 1][1] = point.threshold;
    else ranges.push([point.threshold, point.threshold]);
  }
  return ranges;
}

/** `0.050 to 0.210`, several such ranges, or `none`. */
export function usefulText(curve: readonly DecisionCurvePoint[]): string {
  const ranges = usefulRanges(curve);
  if (ranges.length === 0) return 'none';
  return listing(
    ranges.map(([first, last]) =>
      first === last ? formatNumber(first) : `${formatNumber(first)} to ${formatNumber(last)}`,
    ),
  );
}
