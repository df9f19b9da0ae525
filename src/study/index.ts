/** A whole study: its file, its run folder and the steps from one to the other. */
export { applyOverrides } from './overrides.js';
export { parseStudy } from './parse.js';
export { type Study, type StudyInput, studySchema } from './schema.js';
export { studyJsonSchema } from './schemaKeys.js';
export { MODALITIES, type Modality } from './sections/data.js';
