/** What the model is and how it came about. */
import { html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

export function model({ study }: ReportInput): Section {
  return {
    id: 'model',
    title: 'Model',
    body: html`<dl>${study.model.facts.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>
${study.model.kind === 'stage1' ? html`<p class="note">No network predicts here: stage 1 is the model.</p>` : null}`,
  };
}
