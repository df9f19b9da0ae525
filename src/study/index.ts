/** A whole study: its file, its run folder and the steps from one to the other. */

export {
  type AuditOptions,
  type AuditSubject,
  auditStudy,
  formatFindings,
  requireClean,
  type StudyAudit,
} from './audit.js';
export { countMissing, countRules, summarizeColumns } from './dataSummary.js';
export { type Demonstration, type DemoOptions, runDemo } from './demo.js';
export {
  collectEnvironment,
  type Environment,
  fileSetSha256,
  fileSha256,
  medfusionVersion,
} from './environment.js';
export {
  evaluateRun,
  type Measurements,
  measurePredictions,
  type Provenance,
  type RunMetrics,
} from './evaluate.js';
export { exportBranch } from './exportBranch.js';
export { exportModel } from './exportModel.js';
export { type InitOptions, initStudy, type ProposedStudy } from './init.js';
export { maskWords } from './maskWords.js';
export { describeNote } from './notes.js';
export { applyOverrides } from './overrides.js';
export { parseStudy } from './parse.js';
export {
  formatNewPredictions,
  type NewPredictions,
  newResultFile,
  type PredictOptions,
  predictRun,
} from './predict.js';
export {
  formatPredictions,
  type Predictions,
  parsePredictions,
} from './predictions.js';
export { reportRun } from './report.js';
export { dumpStudy, type ResolvedStudy, resolveStudy, studyHash } from './resolve.js';
export {
  createRunFolder,
  openRunFolder,
  RUN_FILES,
  type RunFile,
  readRunFile,
  readRunJson,
  writeRunFile,
} from './runFolder.js';
export {
  type DataRecord,
  type EpochEntry,
  type FittedSplit,
  logEpoch,
  readDataRecord,
  readEpochs,
  readFitted,
  readPredictions,
  readStage1Predictor,
  type Stage1Predictor,
  writeDataRecord,
  writeFitted,
  writePredictions,
} from './runRecords.js';
export { type Study, type StudyInput, studySchema } from './schema.js';
export { studyJsonSchema } from './schemaKeys.js';
export { type ScoredPart, type ScoredRun, scoreRows } from './scoredRows.js';
export { MODALITIES, type Modality } from './sections/data.js';
export { studySplits } from './splits.js';
export { type StratifiedRun, type StratifyOptions, stratifyStudy } from './stratify.js';
export type { SubgroupColumn } from './subgroups.js';
export { type TrainedRun, type TrainOptions, trainStudy } from './train.js';
