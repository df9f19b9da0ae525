/** Reports: one self-contained HTML file per run. */
export type * from './input.js';
export { renderReport } from './report.js';
