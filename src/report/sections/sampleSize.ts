/** Whether there are enough events to learn from and to measure with. */
import { table } from '../figure.js';
import { formatCount } from '../format.js';
import { html, type Markup } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';
import { FEW_EVENTS_PER_PARAMETER, labelEvents } from '../sampleSize.js';

export function sampleSize(input: ReportInput): Section {
  const { candidates } = input.study;
  const events = labelEvents(input);
  return {
    id: 'sample-size',
    title: 'Sample size',
    body: html`<p>An event is a row of the rarer class of a label. ${
      candidates === null
        ? 'Stage 1 is off: there is no count of candidate parameters to set the events against.'
        : `Stage 1 selects among ${formatCount(candidates)} candidate parameter${candidates === 1 ? '' : 's'} of the table's columns. With fewer than ${FEW_EVENTS_PER_PARAMETER} training events for each, the choice of predictors is unreliable. A network has many times more parameters, and leans on regularisation and early stopping instead.`
    }</p>
${table({
  caption: 'Events per label',
  head: [
    'Label',
    ...input.split.parts.map(({ name }) => name),
    ...(candidates === null ? [] : [html`Training events per<br>candidate parameter`]),
  ],
  rows: events.map(({ label, training, validation, test, perParameter }) => [
    label,
    formatCount(training),
    formatCount(validation),
    formatCount(test),
    ...(candidates === null ? [] : [perParameter === null ? '–' : perParameterCell(perParameter)]),
  ]),
})}`,
  };
}

function perParameterCell(value: number): Markup {
  const few = value < FEW_EVENTS_PER_PARAMETER;
  return html`${value.toFixed(1)}${few ? html`<span class="sub">fewer than ${FEW_EVENTS_PER_PARAMETER}</span>` : null}`;
}
