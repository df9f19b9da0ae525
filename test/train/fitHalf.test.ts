/** A training in float16 from end to end: interrupted and resumed it ends in the same bits. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { augmentations } from '../../src/data/index.js';
import { decodeSafetensors, type MedFusionConfig } from '../../src/models/index.js';
import { Runtime } from '../../src/runtime/index.js';
import {
  encodeCohort,
  type FitOptions,
  type FitResult,
  fit,
  fitEncoder,
  Interrupted,
  loadCheckpoint,
} from '../../src/train/index.js';
import { everything } from '../models/medfusionSample.js';
import { sampleCohort, trainingRows } from './sampleCohort.js';

const options: FitOptions = {
  seed: 1,
  epochs: 2,
  batchSize: 2,
  loss: { name: 'focal', gamma: 2 },
  classWeights: 'none',
  weightCap: 10,
  optimizer: { name: 'adamw', learningRate: 1e-3, weightDecay: 0.05, beta1: 0.9, beta2: 0.999 },
  groupRates: {},
  schedule: { warmup: 0.1, floor: 0.1 },
  sampling: { balanced: false, maxRepeat: 1, negativeKeep: 1 },
  curriculum: { enabled: false, until: 1 },
  clip: 1,
  accumulate: 1,
  precision: 'float16',
  ema: 0.9,
  earlyStopping: { patience: null, metric: 'loss' },
  augmentation: augmentations.none,
  modalityDropout: 0,
};

/** The sample cohort without its images, which are too small for a network. */
function sampleTask() {
  const cohort = sampleCohort();
  const encoder = fitEncoder(cohort, trainingRows, {
    modalities: ['tabular', 'text'],
    vocabulary: 40,
    maxTokens: 6,
  });
  const config: MedFusionConfig = {
    ...everything,
    labels: 1,
    prevalence: [0.5],
    priorLogits: [0],
    image: null,
    tabular: {
      numeric: encoder.numeric.length,
      levels: encoder.categorical.map(({ levels }) => levels.length + 1),
    },
    text: { vocabulary: encoder.text!.vocabulary.tokens.length, tokens: 6 },
  };
  return {
    config,
    source: { cohort, encoder, encoded: encodeCohort(encoder, cohort, null), config, images: null },
  };
}

/** Trains, into a folder of checkpoints where one is given, up to the given batch of the first epoch. */
async function train(
  directory: string | null,
  given: Partial<FitOptions> = {},
  { resume = false, until = 0 } = {},
): Promise<FitResult> {
  const controller = new AbortController();
  return fit({
    runtime: await Runtime.open({ threads: 1 }),
    ...sampleTask(),
    train: Int32Array.of(0, 1, 2, 3),
    validation: Int32Array.of(4, 5),
    options: { ...options, ...given },
    imageWorkers: 0,
    listener: {
      epochStart() {},
      epochEnd() {},
      message() {},
      batch({ batch }) {
        if (batch === until) controller.abort();
      },
    },
    checkpoint: directory === null ? null : { directory, study: {}, resume },
    signal: controller.signal,
  });
}

test('resumed, a training in float16 goes on with its scale and ends in the same bits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'medfusion-half-'));
  try {
    const whole = await train(null);
    await assert.rejects(train(folder, {}, { until: 1 }), Interrupted);
    const saved = await loadCheckpoint(folder, {});
    assert.deepEqual([...saved!.tensors['scaling.lossScale'].data], [65536]);
    assert.deepEqual([...saved!.tensors['scaling.goodSteps'].data], [saved!.progress.step]);
    assert.equal(saved!.progress.skippedSteps, 0);
    const file = decodeSafetensors(readFileSync(join(folder, 'checkpoint.safetensors')));
    assert.deepEqual(new Set(Object.values(file.tensors).map(({ dtype }) => dtype)), new Set(['F32']));
    const resumed = await train(folder, {}, { resume: true });
    assert.deepEqual(resumed.weights, whole.weights);
    assert.deepEqual(resumed.validationLogits, whole.validationLogits);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the processor, which does not round to float16, trains to about the same in either', async () => {
  const [half, single] = [await train(null), await train(null, { precision: 'float32' })];
  assert.deepEqual([...half.weights.keys()], [...single.weights.keys()]);
  half.validationLogits.forEach((logit, i) => {
    assert.ok(
      Math.abs(logit - single.validationLogits[i]) < 0.02,
      `logits ${logit}, ${single.validationLogits[i]}`,
    );
  });
  assert.notDeepEqual(half.weights, single.weights);
});
