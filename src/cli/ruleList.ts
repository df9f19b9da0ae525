/** The rules of stage 1 for the terminal. */
import type { Stage1Model } from '../risk/index.js';

/** Rules shown per label. */
const mostRules = 3;

/** Per label, its best rules, each with the patients that it was found on. */
export function formatRules({ labels, training }: Stage1Model): string {
  const lines = labels.flatMap(({ label, rules }) => {
    const best = rules.filter(({ kind }) => kind === 'threshold').slice(0, mostRules);
    return best.length === 0
      ? [`${label}: no rule was found`]
      : [label, ...best.map(({ text }) => `  ${text}`)];
  });
  return [`Best rules, as found on ${training.rows} training rows:`, ...lines, ''].join('\n');
}
