/** The study file that is written beside the generated data. */
import { conditions, levelNames, measurementNames, measurements } from './conditions.js';

interface StudyFileOptions {
  readonly seed: number;
  readonly imageSize: number;
  readonly epochs: number;
  readonly history: number;
}

/** Text of `study.yaml`; paths in it are relative to its own folder. */
export function syntheticStudyFile({ seed, imageSize, epochs, history }: StudyFileOptions): string {
  const labs = measurementNames.filter((name) => name !== 'age');
  const list = (names: readonly string[]) => `[${names.join(', ')}]`;
  return `# A generated study: invented patients, no real ones.
# Each label shows in the picture, the table and the note; truth.json says how well each can do at best.
# Run:  medfusion train study.yaml
name: synthetic
description: Generated chest pictures, laboratory values and notes with five findings
seed: ${seed}
data:
  table: table.csv
  id: id
  patient: patient
  order: visit
  time: ${measurements.age.column}
  images: { directory: images, columns: [image] }
  view: view
  history: ${history}
  numeric: ${list(measurementNames.map((name) => measurements[name].column))}
  categorical: [sex, smoking, setting]
  ordinal: { dyspnoea: ${list(levelNames('dyspnoea'))} }
  text: [notes]
labels:
  columns: ${list(conditions.map(({ label }) => label))}
split: { method: holdout, test: 0.25, validation: 0.2 }
stage1:
  forwardFill: ${list([...labs.map((name) => measurements[name].column), 'dyspnoea', 'smoking'])}
model: { size: nano, imageSize: ${imageSize}, channels: 1 }
training: { epochs: ${epochs}, augmentation: radiograph }
`;
}
