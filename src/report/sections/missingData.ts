/** What is not recorded, and what is put in its place. */
import { table } from '../figure.js';
import { shareText } from '../format.js';
import { html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

export function missingData({ study, features: { missing }, split: { parts } }: ReportInput): Section {
  const counted = new Map(missing.map((column) => [column.name, column.parts]));
  return {
    id: 'missing-data',
    title: 'Missing data',
    body: html`<ul>${study.missing.map((sentence) => html`<li>${sentence}</li>`)}</ul>
<div class="words">${table({
      caption:
        'Rows without a value in each part of the split, and what stage 1 puts in their place, learnt on training rows (of the first fit)',
      head: ['Column', ...parts.map(({ name }) => name), 'Filled with'],
      rows: study.predictors.map(({ name, fill }) => [
        name,
        ...parts.map(({ rows }, p) => {
          const absent = counted.get(name)?.[p];
          return absent === undefined ? 'not counted' : shareText(absent, rows);
        }),
        fill ?? '–',
      ]),
    })}</div>`,
  };
}
