/** How to repeat the run: environment, data checksums, resolved study file. */

import { formatBytes, formatDuration } from '../format.js';
import { type Content, html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

export function provenance({ environment, studyYaml }: ReportInput): Section {
  const { versions, device, threads, seed, seconds, peakMemoryBytes, checksums } = environment;
  const entries: readonly (readonly [string, Content])[] = [
    ['Device', `${device}, ${threads} thread${threads === 1 ? '' : 's'}`],
    ['Seed', String(seed)],
    ['Time', formatDuration(seconds)],
    ['Peak memory', formatBytes(peakMemoryBytes)],
    ...Object.entries(versions),
    ...Object.entries(checksums).map(([file, sum]) => [file, html`<code>${sum}</code>`] as const),
  ];
  return {
    id: 'provenance',
    title: 'Environment and study file',
    body: html`<dl>${entries.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>
<pre tabindex="0" aria-label="Resolved study file">${studyYaml}</pre>`,
  };
}
