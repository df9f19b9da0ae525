/** `medfusion demo`: the embedded default, a study that is generated, trained and held against what it could reach. */
import { join } from 'node:path';
import { generateStudy, type StudyTruth } from '../data/index.js';
import { createRunFolder } from './runFolder.js';
import { type TrainedRun, type TrainOptions, trainStudy } from './train.js';

export interface DemoOptions extends Pick<TrainOptions, 'device' | 'threads' | 'listener' | 'signal'> {
  /** Folder of the demonstration, new or empty; default `runs/demo-<n>`. */
  readonly out?: string;
  /** Seed of the generated study and of its training. Default 1. */
  readonly seed?: number;
  /** Default 1,400, some 1,850 rows. */
  readonly patients?: number;
  /** Default 8. */
  readonly epochs?: number;
  /** Side of the pictures, pixels. Default 64. */
  readonly imageSize?: number;
}

export interface Demonstration extends TrainedRun {
  /** The generated study file; its folder holds table, pictures and truth. */
  readonly study: string;
  readonly truth: StudyTruth;
}

/**
 * Generates the embedded study in `<out>/data` and trains it into `<out>/run`.
 * @param onStudy  told the study file once it stands, before training starts
 * @throws ConfigError when `out` holds something; Interrupted as `trainStudy`
 */
export async function runDemo(
  options: DemoOptions,
  onStudy: (study: string, run: string) => void = () => {},
): Promise<Demonstration> {
  // So many patients and epochs, with a row's own picture alone, take some 150 seconds of one core and are enough for
  // all three modalities together to pass what each could do alone at best.
  const { out, seed = 1, patients = 1400, epochs = 8, imageSize, ...training } = options;
  const folder = await createRunFolder('demo', out);
  const run = join(folder, 'run');
  const { study, truth } = await generateStudy({
    directory: join(folder, 'data'),
    patients,
    seed,
    epochs,
    imageSize,
    history: 0,
  });
  onStudy(study, run);
  return { ...(await trainStudy({ ...training, studyFile: study, out: run })), study, truth };
}
