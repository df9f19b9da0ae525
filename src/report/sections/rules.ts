/** The rules of stage 1, as a clinician would read them. */
import { type Criterion, mayBeChance } from '../../risk/index.js';
import { table } from '../figure.js';
import { estimateCell, formatCount, formatNumber, formatPValue } from '../format.js';
import { type Content, html } from '../html.js';
import type { ReportInput, RuleSummary } from '../input.js';
import type { Section } from '../page.js';

const scoreNames = {
  auc: 'AUC',
  f1: 'F1',
  gmean: 'G-mean',
  youden: 'Youden’s J',
} as const satisfies Record<Criterion, string>;

export function rules({ rules: stage1, labels }: ReportInput): Section {
  return {
    id: 'rules',
    title: 'Rules of stage 1',
    body:
      stage1 === null
        ? html`<p class="note">Stage 1 was switched off.</p>`
        : html`<p>Thresholds found on ${stage1.fittedOn}. Support and odds ratio describe those rows; the score was taken out of fold within them, leaves of the tree have none; p is for a feature that tells nothing of the label, by permutation, corrected for the number of features; the last column counts test rows. Intervals are 95&nbsp;%.</p>
<div class="sentences">${table({
            caption: 'Rules per label, best first',
            head: [
              'Rule',
              'Rows it fires on',
              'Odds ratio',
              scoreNames[stage1.criterion],
              'Positive test rows',
            ],
            rows: labels.flatMap((label, l) => [{ group: label }, ...ruleRows(stage1.labels[l])]),
          })}</div>`,
  };
}

function ruleRows(list: readonly RuleSummary[]): Content[][] {
  if (list.length === 0) return [['no rule was kept', null, null, null, null]];
  return list.map(({ text, with: support, oddsRatio, score, adjustedPValue, test }) => [
    text,
    formatCount(support.n),
    estimateCell(oddsRatio, 'ratio'),
    score === null ? '–' : html`${estimateCell(score)}${pValueText(adjustedPValue)}`,
    firedText(test),
  ]);
}

function pValueText(p: number | null): Content {
  if (p === null) return null;
  const chance = mayBeChance({ adjustedPValue: p });
  return html`<span class="${chance ? 'none' : 'sub'}">${formatPValue(p)}${chance ? ': may be chance' : null}</span>`;
}

function firedText({ fired, known, positives }: RuleSummary['test']) {
  if (fired === 0) return 'fired in none';
  if (known === 0) return `fired in ${formatCount(fired)}, label unknown`;
  return html`${formatCount(positives)} of ${formatCount(known)} <span class="sub">${formatNumber(positives / known, 'percent')}</span>`;
}
