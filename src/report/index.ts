/** Reports: one self-contained HTML file and one model card per run. */
export type * from './input.js';
export { renderModelCard } from './modelCard.js';
export { renderReport } from './report.js';
