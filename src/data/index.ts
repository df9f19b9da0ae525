/** Tables, images, cohorts, splits and the leakage audit. */
export {
  type AuditInput,
  auditCohort,
  type Finding,
  type FindingCode,
  findingCodes,
  makeFinding,
  type Severity,
  severities,
} from './audit/index.js';
export {
  type Augmentation,
  type AugmentationName,
  type Augmenter,
  augmentationStream,
  augmentations,
  createAugmenter,
} from './augment.js';
export type {
  CategoricalColumn,
  Cohort,
  CohortNote,
  CohortSpec,
  ColumnLabels,
  DelimitedLabels,
  ImageSpec,
  NumericColumn,
  TextColumn,
  Visit,
} from './cohort.js';
export {
  type DecodedImage,
  decodeImage,
  type ImageFormat,
  leastSide,
  mostPixels,
  type Placement,
  placeImage,
} from './decode.js';
export { gather, recordedValues } from './gather.js';
export type { PackedPixels } from './image-pack.js';
export {
  type ImageStore,
  type ImageStoreOptions,
  openImageStore,
  type Prepared,
  type PrepareOptions,
} from './image-store.js';
export {
  type ImageStatistics,
  imageStatisticColumns,
  imageStatisticNames,
  imageStatistics,
} from './imageStatistics.js';
export { alwaysNegative, alwaysPositive } from './labels.js';
export { loadCohort } from './load.js';
export { localContrast } from './localContrast.js';
export { editDistance, nearestName, suggestName } from './nearest.js';
export { phrasePattern } from './phrases.js';
export { encodeGreyscalePng } from './png.js';
export { resizePixels } from './resize.js';
export { rowFingerprint } from './row-choice.js';
export { type ImageSource, prepareImages, selectRows } from './select.js';
export {
  checkSplit,
  type HoldOutOptions,
  holdOut,
  type KFoldOptions,
  kFold,
  type PartSummary,
  type Split,
  type SplitPart,
  splitParts,
  summarizeSplit,
} from './split.js';
export { fromLists, type ListOptions } from './split-lists.js';
export { dealPatients, type PatientStrata, patientStrata, type SplitSource } from './stratify.js';
export { ownText } from './strings.js';
export type { Ceilings, StudyTruth } from './synthetic/truth.js';
export { generateStudy, type SyntheticOptions, type SyntheticStudy } from './synthetic.js';
export {
  columnIndex,
  type RowVisitor,
  readHeader,
  readTable,
  scanTable,
  type Table,
  type TableHeader,
} from './table.js';
export { type Thread, takeThread } from './threads.js';
export { defaultMissing, isNumber } from './values.js';
export {
  basicTokens,
  createWordPieceEncoder,
  learnVocabulary,
  specialTokens,
  type Vocabulary,
  type VocabularyOptions,
  type WordPieceEncoder,
} from './wordpiece.js';
