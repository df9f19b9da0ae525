/** What a training watches on its validation rows. */
import type { Cohort } from '../data/index.js';
import { auroc } from '../metrics/index.js';

/** Macro AUROC over the labels that define it, and mean binary cross-entropy over recorded labels. */
export function scoreValidation(
  logits: Float64Array,
  cohort: Pick<Cohort, 'targets' | 'known'>,
  rows: Int32Array,
  width: number,
) {
  const areas: number[] = [];
  let [loss, count] = [0, 0];
  for (let label = 0; label < width; label++) {
    const at = Array.from(rows, (row) => row * width + label);
    const scores = at.map((_, i) => logits[i * width + label]);
    const targets = at.map((cell) => cohort.targets[cell]);
    const known = at.map((cell) => cohort.known[cell]);
    const area = auroc(scores, targets, known);
    if (area !== null) areas.push(area);
    scores.forEach((z, i) => {
      if (known[i] === 0) return;
      loss += Math.max(z, 0) - z * targets[i] + Math.log1p(Math.exp(-Math.abs(z)));
      count++;
    });
  }
  return {
    auroc: areas.length === 0 ? null : areas.reduce((sum, area) => sum + area, 0) / areas.length,
    loss: loss / Math.max(1, count),
  };
}
