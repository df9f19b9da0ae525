/** Measuring speed and size: `medfusion bench`, and the protocol by which other frameworks stand beside it. */
export {
  type Contender,
  type ContenderProgram,
  ContenderRefused,
  openContender,
  type Timings,
} from './contender.js';
export {
  type BenchOptions,
  type BenchResult,
  batchesPerRound,
  benchModel,
  openWorker,
  type Quartiles,
  quartiles,
  type TaskMeasurement,
  type Worker,
  warmUpRuns,
} from './measure.js';
export {
  findClassifier,
  type NetworkSettings,
  type WorkloadDescription,
  type WorkloadSettings,
} from './workload.js';
