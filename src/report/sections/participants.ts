/** Who was studied: which rows take part, how they were divided, and what reading changed. */
import { table } from '../figure.js';
import { formatCount } from '../format.js';
import { html, type Markup } from '../html.js';
import type { Note, ReportInput } from '../input.js';
import type { Section } from '../page.js';

export function participants({ study, split: { description, parts }, notes }: ReportInput): Section {
  return {
    id: 'participants',
    title: 'Participants',
    body: html`<ul>${study.inclusion.map((sentence) => html`<li>${sentence}</li>`)}</ul>
<p>${description}</p>
${table({
  caption: 'Parts of the split',
  head: ['Part', 'Rows', 'Patients'],
  rows: parts.map(({ name, rows, patients }) => [name, formatCount(rows), formatCount(patients)]),
})}
<h3>What reading left out or changed</h3>
${noteTable(notes)}`,
  };
}

function noteTable(notes: readonly Note[]): Markup {
  if (notes.length === 0) return html`<p class="note">Every row was used as it stands.</p>`;
  return html`<div class="words">${table({
    caption: 'What reading dropped, skipped or changed, and what fitting could not use',
    head: ['What', 'Rows or fits', 'Code'],
    rows: notes.map(({ code, message, count }) => [message, formatCount(count), html`<code>${code}</code>`]),
  })}</div>`;
}
