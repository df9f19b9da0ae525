/**
 * The alternative to the threshold search (P6): the threshold is where a univariate logistic regression puts even odds.
 * Both classes weigh the same in it, for at natural prevalence a rare finding reaches even odds at no value.
 */
import { balancedWeights } from './cart.js';
import { fitLogistic } from './logistic.js';
import { type Criterion, criteria } from './score.js';
import { type CutTable, confusionOf, type ThresholdRule } from './threshold.js';

/** Slopes below this, per standard deviation, say nothing about a direction. */
const FLAT = 1e-9;

/**
 * The candidate threshold nearest above the regression's even odds. Rows enter at the mean of their code, which is their
 * own value unless the table had to join values.
 * @param counts [code][class] from `poolCounts`
 * @param minSamples fewest rows on either side
 * @param C inverse strength of the penalty on the standardised feature
 * @returns null when a class is absent, the slope is flat or a side has too few rows
 */
export function logisticThreshold(
  table: CutTable,
  counts: Float64Array,
  criterion: Criterion,
  minSamples: number,
  C: number,
): ThresholdRule | null {
  const { centres, thresholds } = table;
  const total = [0, 0];
  let sum = 0;
  counts.forEach((count, cell) => {
    total[cell & 1] += count;
    sum += count * centres[cell >> 1];
  });
  const n = total[0] + total[1];
  if (total[0] === 0 || total[1] === 0) return null;
  const mean = sum / n;
  const spread = counts.reduce((all, count, cell) => all + count * (centres[cell >> 1] - mean) ** 2, 0);
  const sd = Math.sqrt(spread / n);
  if (sd === 0) return null;

  const classWeight = balancedWeights(total[0], total[1]);
  const cells = Int32Array.from(counts.keys()).filter((cell) => counts[cell] > 0);
  const { intercept, coefficients } = fitLogistic(
    {
      columns: [Float64Array.from(cells, (cell) => (centres[cell >> 1] - mean) / sd)],
      target: Uint8Array.from(cells, (cell) => cell & 1),
      weight: Float64Array.from(cells, (cell) => counts[cell] * classWeight[cell & 1]),
    },
    C,
  );
  const [slope] = coefficients;
  if (Math.abs(slope) < FLAT) return null;
  const evenOdds = mean - (sd * intercept) / slope;
  const above = centres.findIndex((centre) => centre >= evenOdds);
  if (above <= 0) return null;
  const rule = { threshold: thresholds[above - 1], op: slope > 0 ? '>=' : '<' } as const;
  const confusion = confusionOf(table, { ...rule, score: 0 }, counts);
  const positive = confusion.truePositives + confusion.falsePositives;
  if (positive < minSamples || n - positive < minSamples) return null;
  return { ...rule, score: criteria[criterion](confusion) };
}
