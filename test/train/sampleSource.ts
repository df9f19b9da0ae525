/** The sample cohort, encoded, as a source of batches. */
import type { MedFusionConfig } from '../../src/models/index.js';
import { type BatchSource, encodeCohort, fitEncoder } from '../../src/train/index.js';
import { everything } from '../models/medfusionSample.js';
import { format, sampleCohort, sampleImages, trainingRows } from './sampleCohort.js';

export const slots = 4;
export const tokens = 6;

export function sampleSource(cohort = sampleCohort()) {
  const images = sampleImages();
  const encoder = fitEncoder(sampleCohort(), trainingRows, {
    modalities: ['image', 'tabular', 'text'],
    vocabulary: 40,
    maxTokens: tokens,
    images,
  });
  const config: MedFusionConfig = {
    ...everything,
    labels: 1,
    prevalence: [0.5],
    priorLogits: [0],
    image: { side: format.size, channels: format.channels, slots, views: 3, mirror: false },
    tabular: { numeric: 3, levels: [3, 2] },
    text: { vocabulary: encoder.text!.vocabulary.tokens.length, tokens },
  };
  return {
    cohort,
    encoder,
    encoded: encodeCohort(encoder, cohort, null),
    config,
    images,
  } satisfies BatchSource;
}
