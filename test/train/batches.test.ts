import assert from 'node:assert/strict';
import { test } from 'node:test';
import { augmentations } from '../../src/data/index.js';
import { medFusionInputs, medFusionNet } from '../../src/models/index.js';
import { ParameterList, Scope } from '../../src/nn/index.js';
import { Runtime } from '../../src/runtime/index.js';
import {
  type BatchSource,
  createBatcher,
  openPredictor,
  type TrainingVariation,
} from '../../src/train/index.js';
import { assertClose } from '../graph/check.js';
import { randomStore } from '../models/medfusionSample.js';
import { format, pixels, sample, sampleCohort } from './sampleCohort.js';
import { sampleSource, slots, tokens } from './sampleSource.js';

const variation: TrainingVariation = {
  seed: 1,
  epoch: 0,
  augmentation: augmentations.radiograph,
  modalityDropout: 0,
};

/** A batch as arrays that the next batch leaves alone. */
function assemble(
  source: BatchSource,
  rows: readonly number[],
  batchSize: number,
  change?: Partial<TrainingVariation>,
) {
  const next = createBatcher(source, batchSize);
  return structuredClone(next(Int32Array.from(rows), change && { ...variation, ...change }));
}

const imageAt = (feeds: Record<string, ArrayLike<number>>, place: number, slot: number) =>
  (feeds.images as Float32Array).slice((place * slots + slot) * pixels, (place * slots + slot + 1) * pixels);

test('a row is fed as it was encoded, its images standardised in their slots', () => {
  const source = sampleSource();
  const { encoder, encoded } = source;
  const rows = [4, 0, 2];
  const feeds = assemble(source, rows, 3);
  for (const [name, values, width] of [
    ['numeric', encoded.numeric, 3],
    ['numericMissing', encoded.missing, 3],
    ['categorical', encoded.categorical, 2],
    ['textIds', encoded.textIds, tokens],
    ['textMask', encoded.textMask, tokens],
    ['present', encoded.present, 3],
  ] as const) {
    const expected = rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
    assert.deepEqual(Array.from(feeds[name]), expected, name);
  }
  assert.deepEqual(Array.from(feeds.visitMask), [1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
  // Offsets over the largest of training, 4; the view "lateral" is of no training row.
  assert.deepEqual(Array.from(feeds.visitTime), [0, 0, -2, 0, 0, 0, -1, 0, 0, 0, 0, 0]);
  assert.deepEqual(Array.from(feeds.visitView), [0, 0, 2, 0, 2, 1, 2, 0, 0, 0, 0, 0]);
  const { mean, sd } = encoder.image!;
  for (const [place, slot, path] of [
    [0, 0, 'p4'],
    [0, 2, 'p1'],
    [1, 1, 'p2'],
    [1, 2, 'p3'],
  ] as const) {
    const expected = Array.from({ length: pixels }, (_, i) => {
      const channel = Math.floor(i / format.size ** 2);
      return (sample(path, i) - mean[channel]) / sd[channel];
    });
    assertClose(imageAt(feeds, place, slot), expected, 1e-6, `${path} at ${place}, ${slot}`);
  }
});

test('a time far beyond those of training is held at 10 times the largest', () => {
  const cohort = sampleCohort();
  cohort.visits[4] = cohort.visits[4].map((visit) => ({ ...visit, timeOffset: visit.slot < 2 ? 0 : -1e6 }));
  assert.deepEqual(Array.from(assemble(sampleSource(cohort), [4], 1).visitTime), [0, 0, -10, 0]);
});

test('an empty slot is masked and holds a copy of a real image of the batch', () => {
  const source = sampleSource();
  for (const change of [undefined, {}]) {
    const feeds = assemble(source, [2, 0, 1], 3, change);
    const real = [
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 1],
    ].map(([place, slot]) => String(imageAt(feeds, place, slot)));
    // Row 1 shows the same image as slot 1 of row 0, which augmentation makes another.
    assert.equal(new Set(real).size, change === undefined ? 3 : 4);
    for (let at = 0; at < 3 * slots; at++) {
      const [place, slot] = [Math.floor(at / slots), at % slots];
      assert.ok(real.includes(String(imageAt(feeds, place, slot))), `place ${place}, slot ${slot}`);
    }
    assert.equal(String(imageAt(feeds, 1, 3)), real[2], 'a copy of the slot before it');
    assert.deepEqual(Array.from(feeds.visitMask), [0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0]);
  }
  const none = assemble(source, [2, 2], 2);
  assert.ok([...none.images, ...none.visitMask].every((value) => value === 0));
});

test('nothing of the batch before remains', () => {
  const source = sampleSource();
  const next = createBatcher(source, 2);
  next(Int32Array.of(0, 4), { ...variation, modalityDropout: 1 });
  assert.deepEqual(structuredClone(next(Int32Array.of(2, 1))), assemble(source, [2, 1], 2));
});

test('the last batch is filled up with its first row', () => {
  const source = sampleSource();
  assert.deepEqual(assemble(source, [3, 1], 4), assemble(source, [3, 1, 3, 3], 4));
});

test('augmentation depends on seed, epoch, row and slot alone', () => {
  // Rows 0 and 5 show the same image in slot 0; row 3 shows it in slot 3.
  const source = sampleSource();
  const seen = (change: Partial<TrainingVariation>, row: number, slot: number, others: number[] = []) =>
    String(imageAt(assemble(source, [...others, row], others.length + 1, change), others.length, slot));
  const first = seen({}, 0, 0);
  assert.equal(seen({}, 0, 0), first, 'again');
  assert.equal(seen({}, 0, 0, [4, 1]), first, 'in another place of another batch');
  assert.equal(seen({ modalityDropout: 1 }, 0, 0), first, 'with modality dropout');
  const different = [
    first,
    seen({ epoch: 1 }, 0, 0),
    seen({ seed: 2 }, 0, 0),
    seen({}, 5, 0),
    seen({}, 3, 3),
    String(imageAt(assemble(source, [0], 1), 0, 0)),
  ];
  assert.equal(new Set(different).size, different.length);
  assert.equal(seen({ augmentation: augmentations.none }, 0, 0), different.at(-1));
});

test('modality dropout hides one modality of a row that has several, never the only one', () => {
  const source = sampleSource();
  source.encoded.present.set([0, 0, 1], 5 * 3);
  const before = source.encoded.present.slice();
  const hidden = [0, 0, 0];
  let whole = 0;
  const epochs = 400;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const always = assemble(source, [0, 2, 5], 3, { epoch, modalityDropout: 1 }).present;
    const shown = (place: number) => [...always.subarray(place * 3, place * 3 + 3)];
    assert.equal(shown(0).filter((there) => there === 1).length, 2, 'one of three');
    hidden[shown(0).indexOf(0)]++;
    assert.deepEqual(shown(1), [0, 1, 0], 'the table alone stays');
    assert.deepEqual(shown(2), [0, 0, 1], 'the note alone stays');
    const some = assemble(source, [0], 1, { epoch, modalityDropout: 0.25 }).present;
    whole += Number(some.every((there) => there === 1));
  }
  // Binomial: 400/3 ± 4 standard deviations of 9.4; 300 ± 4 of 8.7.
  for (const times of hidden) assert.ok(Math.abs(times - epochs / 3) < 38, `hidden ${hidden}`);
  assert.ok(Math.abs(whole - 0.75 * epochs) < 35, `${whole} of ${epochs} rows were left whole at 0.25`);
  assert.deepEqual(source.encoded.present, before);
});

test('predictions come in the order of the rows, whatever the batch size', async () => {
  const { config: whole, ...rest } = sampleSource();
  const config = { ...whole, image: null };
  const source = { ...rest, config };
  const list = new ParameterList();
  medFusionNet(new Scope(list, false), medFusionInputs(config, 1), config);
  const store = randomStore(list);
  const runtime = await Runtime.open({ threads: 1 });
  const logits = async (batchSize: number, rows: readonly number[]) => {
    const predictor = await openPredictor(runtime, config, store, batchSize);
    const result = await predictor.logits(source, Int32Array.from(rows));
    await predictor.release();
    return result;
  };
  const single = await logits(1, [0, 1, 2, 3, 4, 5]);
  assert.equal(new Set(single).size, 6);
  assertClose(await logits(4, [0, 1, 2, 3, 4, 5]), single, 1e-5, 'the last batch is half full');
  const order = [5, 0, 3];
  assertClose(
    await logits(2, order),
    order.map((row) => single[row]),
    1e-5,
    'another order',
  );
  assert.equal((await logits(2, [])).length, 0);
});
