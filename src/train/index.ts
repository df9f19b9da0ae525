/** Training: what a study's second stage needs besides its model. */

export * from './affineMap.js';
export * from './batches.js';
export * from './batchLoader.js';
export * from './bench/index.js';
export * from './calibration.js';
export * from './calibrationGraph.js';
export * from './checkpoint.js';
export * from './curriculum.js';
export * from './earlyStopping.js';
export * from './encoder.js';
export * from './fit.js';
export * from './inference.js';
export * from './labelCounts.js';
export * from './layout.js';
export * from './losses.js';
export * from './lossScaling.js';
export * from './lossWeights.js';
export * from './optimizers.js';
export * from './progress.js';
export * from './sampler.js';
export * from './schedule.js';
export * from './symmetricEigen.js';
export * from './trainingProgram.js';
export * from './wholeFile.js';
