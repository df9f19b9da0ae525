// Writes docs/study-file.md from the schema of the study file; run after `npm run build`.
import { writeFileSync } from 'node:fs';
import { studyReference } from '../dist/src/study/reference.js';

writeFileSync('docs/study-file.md', studyReference());
