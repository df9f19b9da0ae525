/** A study in which pictures tell nothing of the labels. */
import type { Cohort, ImageStore, Visit } from '../../src/data/index.js';
import { randomStream } from '../../src/random/index.js';
import { parseStudy } from '../../src/study/parse.js';

const side = 32;
const patients = 48;

/** Pictures of noise and labels dealt at random: each patient has one picture, every other patient two rows of it. */
export function noiseStudy(seed: number) {
  const random = randomStream(seed, 'noise');
  const owner = Array.from({ length: patients }, (_, p) => (p % 2 === 0 ? [p, p] : [p])).flat();
  const pictures = Array.from({ length: patients }, () => {
    const samples = new Uint8Array(new SharedArrayBuffer(side * side));
    for (let i = 0; i < samples.length; i++) samples[i] = random.integer(256);
    return samples;
  });
  const label = Array.from({ length: patients }, () => Number(random.uniform() < 0.5));
  const images: ImageStore = {
    format: { size: side, channels: 1, fit: 'letterbox', contrast: 'recorded' },
    length: side * side,
    prepare: async () => ({ decoded: 0, reused: patients, failed: [], damaged: [] }),
    has: () => true,
    stored: (path) => pictures[Number(path)],
    read: (path, into, offset = 0) =>
      into.set(
        Float32Array.from(pictures[Number(path)], (value) => value / 255),
        offset,
      ),
  };
  const visit = (row: number): Visit => ({
    path: String(owner[row]),
    slot: 0,
    view: null,
    timeOffset: 0,
    row,
  });
  const cohort: Cohort = {
    size: owner.length,
    ids: owner.map((_, row) => `r${row}`),
    patients: owner.map(String),
    patientIndex: Int32Array.from(owner),
    lines: Int32Array.from(owner.keys()),
    order: null,
    labels: ['ill'],
    targets: Float32Array.from(owner, (patient) => label[patient]),
    known: new Uint8Array(owner.length).fill(1),
    numeric: [],
    categorical: [],
    text: [],
    visits: owner.map((_, row) => [visit(row)]),
    slots: 1,
    notes: [],
  };
  return { cohort, images };
}

/** Four dimensions of an embedding, two folds. */
export const study = parseStudy(
  `name: noise
data: { table: t.csv, patient: p, images: { directory: i, columns: [image] } }
labels: { columns: [ill] }
model: { imageSize: ${side}, channels: 1 }
stage1: { images: { embeddings: 4, folds: 2, epochs: 20 } }
training: { batchSize: 24, augmentation: none, loss: { name: bce, classWeights: none } }
`,
  'noise.yaml',
);
