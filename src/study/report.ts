/** report.html and model-card.md from a run folder alone. */
import { join } from 'node:path';
import { renderModelCard, renderReport } from '../report/index.js';
import { readMetrics } from './evaluate.js';
import { parseStudy } from './parse.js';
import type { Predictions } from './predictions.js';
import { reportInput } from './reportInput.js';
import { openRunFolder, RUN_FILES, readRunFile, writeRunFile } from './runFolder.js';
import {
  readDataRecord,
  readEpochs,
  readFitted,
  readPredictions,
  readStage1Predictor,
} from './runRecords.js';

/**
 * Renders a run's report.html and model-card.md from the run's other files.
 * @param predictions  those of predictions.csv, where they have been read already
 * @returns path of the report
 * @throws ConfigError when the folder is no run; DataError when a file of it is missing or damaged
 */
export async function reportRun(folder: string, predictions?: Predictions): Promise<string> {
  const run = await openRunFolder(folder);
  const studyYaml = await readRunFile(run, 'study');
  const input = reportInput({
    studyYaml,
    study: parseStudy(studyYaml, join(run, RUN_FILES.study)),
    metrics: await readMetrics(run),
    predictions: predictions ?? (await readPredictions(run)),
    fitted: await readFitted(run),
    data: await readDataRecord(run),
    epochs: (await readStage1Predictor(run)) === null ? await readEpochs(run) : [],
  });
  await writeRunFile(run, 'card', renderModelCard(input));
  await writeRunFile(run, 'report', renderReport(input));
  return join(run, RUN_FILES.report);
}
