/** What limits how far the figures may be trusted. */
import { html } from '../html.js';
import type { ReportInput } from '../input.js';
import { limitations } from '../limitations.js';
import type { Section } from '../page.js';
import { findingItem } from './summary.js';

export function limits(input: ReportInput): Section {
  return {
    id: 'limitations',
    title: 'Limitations',
    body: html`<ul>${limitations(input).map(findingItem)}</ul>`,
  };
}
