/**
 * medfusion: calibrated, checkable multilabel risk models from tables, images and notes.
 *
 * Each folder is a namespace here and a subpath of its own (`medfusion/metrics`), which loads nothing that it does not
 * need. Errors and seeded random streams belong to no folder and are exported as they are.
 *
 * @example
 * import { DataError, study } from 'medfusion';
 * const metrics = await study.evaluateRun('runs/odir-1');
 */
export * as data from './data/index.js';
export * from './errors.js';
export * as graph from './graph/index.js';
export * as metrics from './metrics/index.js';
export * as models from './models/index.js';
export * as nn from './nn/index.js';
export * from './random/index.js';
export * as report from './report/index.js';
export * as risk from './risk/index.js';
export * as runtime from './runtime/index.js';
export * as study from './study/index.js';
export * as train from './train/index.js';
