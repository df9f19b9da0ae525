/** The rules of stage 1 for the terminal. */
import { mayBeChance, type Rule, type Stage1Model } from '../risk/index.js';

/** Rules shown per label. */
const mostRules = 3;

/** Per label, its best rules, each with the patients that it was found on. */
export function formatRules({ labels, training }: Stage1Model): string {
  const lines = labels.flatMap(({ label, rules }) => {
    const best = rules.filter(({ kind }) => kind === 'threshold').slice(0, mostRules);
    return best.length === 0
      ? [`${label}: no rule was found`]
      : [label, ...best.map((rule) => `  ${rule.text}${pValueText(rule)}`)];
  });
  return [`Best rules, as found on ${training.rows} training rows:`, ...lines, ''].join('\n');
}

/** Says so where a rule may be chance: its p-value by permutation, corrected for the number of features. */
function pValueText(rule: Rule): string {
  return mayBeChance(rule) ? ` (may be chance: p = ${rule.adjustedPValue?.toFixed(2)})` : '';
}
