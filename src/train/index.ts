/** Training: what a study's second stage needs besides its model. */
export * from './calibration.js';
export * from './labelCounts.js';
