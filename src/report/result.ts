/** The result of a run in sentences, for the first screen of the report and for the model card. */
import type { Estimate } from '../metrics/index.js';
import { estimateText, formatCount } from './format.js';
import type { MeasuredBlock, ReportInput } from './input.js';

/** One sentence with the result, its interval, the sample and the accuracy that costs nothing. */
export function headline({ metrics: { test }, labels }: ReportInput): string {
  const defined = test.macro.auroc.labels;
  const over = defined === labels.length ? `${labels.length}` : `${defined} of ${labels.length}`;
  return (
    `Macro AUROC ${estimateText(test.macro.auroc)} over ${over} label${over === '1' ? '' : 's'} ` +
    `in ${formatCount(test.patients)} test patients; accuracy ${estimateText(test.accuracy, 'percent')} ` +
    `beside ${estimateText(test.allNegativeAccuracy, 'percent')} for calling every label negative.`
  );
}

/** What the headline's numbers do and do not show. */
export function verdict(test: MeasuredBlock): string {
  return [discriminationVerdict(test.macro.auroc), accuracyVerdict(test.accuracy, test.allNegativeAccuracy)]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

function discriminationVerdict(auroc: Estimate): string {
  if (auroc.value === null || auroc.ci95 === null) return '';
  const [low, high] = auroc.ci95;
  if (high < 0.5) return 'The ranking is worse than chance (0.5): look for swapped labels or leakage.';
  if (low <= 0.5) return 'The interval includes 0.5: on these data the ranking cannot be told from chance.';
  return 'The interval lies above 0.5: positives rank above negatives more often than by chance.';
}

function accuracyVerdict(accuracy: Estimate, allNegative: Estimate): string {
  if (accuracy.value === null || allNegative.value === null) return '';
  if (accuracy.value <= allNegative.value) {
    return 'Accuracy at the chosen thresholds does not exceed the all-negative baseline, as is usual where positives are rare and thresholds favour sensitivity; it says nothing in favour of the model.';
  }
  if (accuracy.ci95 !== null && allNegative.ci95 !== null && accuracy.ci95[0] > allNegative.ci95[1]) {
    return 'Accuracy is above the all-negative baseline.';
  }
  return 'Accuracy is above the all-negative baseline, but the two intervals overlap.';
}
