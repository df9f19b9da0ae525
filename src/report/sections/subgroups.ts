/** Whether the model serves groups of patients alike: metrics per group, and the gaps between groups. */
import {
  FEWEST_ROWS,
  type SubgroupGap,
  type SubgroupMetric,
  type SubgroupTable,
  subgroupMetrics,
} from '../../metrics/index.js';
import { type TableParts, table } from '../figure.js';
import { estimateCell, formatCount } from '../format.js';
import { type Content, html } from '../html.js';
import type { ReportInput } from '../input.js';
import type { Section } from '../page.js';

const columns = {
  auroc: { title: 'AUROC', unit: 'score' },
  sensitivity: { title: 'Sensitivity', unit: 'score' },
  specificity: { title: 'Specificity', unit: 'score' },
  ppv: { title: 'PPV', unit: 'score' },
  calibrationInTheLarge: { title: html`Calibration<br>in the large`, unit: 'ratio' },
} as const satisfies Record<SubgroupMetric, object>;

/** `null` where the study names no subgroup, or the run did not measure any. */
export function subgroups({ labels, metrics }: ReportInput): Section | null {
  const tables = new Map<string, { readonly label: string; readonly groups: SubgroupTable }[]>();
  for (const label of labels) {
    for (const [column, groups] of Object.entries(metrics.test.labels[label].subgroups ?? {})) {
      tables.set(column, [...(tables.get(column) ?? []), { label, groups }]);
    }
  }
  if (tables.size === 0) return null;
  return {
    id: 'subgroups',
    title: 'Subgroups',
    body: html`<p>At the chosen thresholds. Calibration in the large: how far risks are off on the log-odds scale; 0 is ideal, above 0 they are too low. A metric is stated from ${FEWEST_ROWS} rows of the kind it divides by. A gap lies between the groups with the highest and the lowest value; it is never negative, and chance alone makes it more than 0.</p>
${[...tables].map(([column, perLabel]) =>
  table({
    caption: `By ${column}: test rows, with 95 % confidence intervals`,
    head: [
      'Group',
      html`Positive&nbsp;/<br>rows`,
      'Patients',
      ...subgroupMetrics.map((metric) => columns[metric].title),
    ],
    rows: perLabel.flatMap(({ label, groups }) => groupRows(label, groups)),
  }),
)}`,
  };
}

function groupRows(label: string, { groups, ungrouped, gaps }: SubgroupTable): TableParts['rows'] {
  return [
    {
      group: ungrouped === 0 ? label : `${label} (without ${formatCount(ungrouped)} rows of unknown group)`,
    },
    ...groups.map((group) => [
      group.group,
      `${formatCount(group.positives)} / ${formatCount(group.n)}`,
      formatCount(group.patients),
      ...subgroupMetrics.map((metric) => estimateCell(group[metric], columns[metric].unit)),
    ]),
    [html`<em>Largest gap</em>`, '', '', ...subgroupMetrics.map((metric) => gapCell(gaps[metric], metric))],
  ];
}

function gapCell(gap: SubgroupGap, metric: SubgroupMetric): Content {
  if (gap.value === null) return html`<span class="none">${gap.reason}</span>`;
  return html`${estimateCell(gap, columns[metric].unit)}<span class="sub">${gap.highest} − ${gap.lowest}</span>`;
}
