/** What is not recorded, and what is put in its place. */
import { table } from '../figure.js';
import { html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';
import { missingText } from './predictors.js';

export function missingData({ study, features: { numeric } }: ReportInput): Section {
  const distribution = new Map(numeric.map((feature) => [feature.name, feature]));
  const filled = study.predictors.filter(({ fill }) => fill !== null);
  return {
    id: 'missing-data',
    title: 'Missing data',
    body: html`<ul>${study.missing.map((sentence) => html`<li>${sentence}</li>`)}</ul>
${
  filled.length === 0
    ? null
    : html`<div class="words">${table({
        caption: 'What stage 1 puts in place of a missing value, learnt on training rows (of the first fit)',
        head: ['Column', 'Missing in all rows', 'Filled with'],
        rows: filled.map(({ name, fill }) => {
          const feature = distribution.get(name);
          return [name, feature === undefined ? 'not counted' : missingText(feature), fill];
        }),
      })}</div>`
}`,
  };
}
