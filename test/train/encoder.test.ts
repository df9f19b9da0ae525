import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cohort, specialTokens } from '../../src/data/index.js';
import { NotFittedError } from '../../src/errors.js';
import { type EncoderOptions, encodeCohort, fitEncoder } from '../../src/train/index.js';
import { assertClose } from '../graph/check.js';
import { format, sample, sampleCohort, sampleImages, trainingRows } from './sampleCohort.js';

const options: EncoderOptions = {
  modalities: ['image', 'tabular', 'text'],
  vocabulary: 40,
  maxTokens: 6,
  images: sampleImages(),
};
const fitted = () => fitEncoder(sampleCohort(), trainingRows, options);

test('the encoder is fitted on training rows alone', () => {
  const changeRow = (row: number) => {
    const cohort = sampleCohort();
    cohort.numeric[0].values[row] = -123;
    cohort.categorical[0].values[row] = 'another';
    cohort.text[0].values[row] = 'nausea nausea nausea';
    cohort.visits[row] = [{ path: 'p9', slot: 0, view: 'oblique', timeOffset: -100, row }];
    return cohort;
  };
  const json = JSON.stringify(fitted());
  for (const row of [4, 5]) {
    assert.equal(JSON.stringify(fitEncoder(changeRow(row), trainingRows, options)), json, `row ${row}`);
  }
  const before = fitted();
  const after = fitEncoder(changeRow(0), trainingRows, options);
  for (const part of ['numeric', 'categorical', 'text', 'image'] as const)
    assert.notDeepEqual(after[part], before[part], part);
  assert.deepEqual(JSON.parse(json), before, 'it is plain JSON');
});

test('numbers: mean and standard deviation of the recorded values', () => {
  const [age, steady, unknown] = fitted().numeric;
  const mean = (50 + 60 + 64) / 3;
  const sd = Math.sqrt(((50 - mean) ** 2 + (60 - mean) ** 2 + (64 - mean) ** 2) / 3);
  assert.equal(age.name, 'age');
  assertClose([age.mean, age.sd], [mean, sd], 1e-12, 'age');
  assert.deepEqual(unknown, { name: 'unknown', mean: 0, sd: 1 });

  const { numeric, missing, numericColumns } = encodeCohort(fitted(), sampleCohort(), null);
  assert.equal(numericColumns, 3);
  const column = (values: Float32Array, at: number) => Array.from(values).filter((_, i) => i % 3 === at);
  const expected = [50, 60, mean, 64, 70].map((value) => (value - mean) / sd);
  assertClose(column(numeric, 0).slice(0, 5), expected, 1e-6, 'standardised');
  assert.equal(column(numeric, 0)[5], 10, 'a value far away is held at 10 standard deviations');
  assert.deepEqual(column(missing, 0), [0, 0, 1, 0, 0, 0]);
  assert.deepEqual(column(missing, 1), [0, 0, 0, 1, 0, 0]);
  assert.deepEqual([column(numeric, 2), column(missing, 2)], [Array(6).fill(0), Array(6).fill(1)]);

  // The mean of three times 0.1 is not 0.1 in floating point.
  assert.deepEqual(steady, { name: 'steady', mean: 0.1, sd: 1 });
});

test('categories: codes by training level, 0 for missing and for what training never saw, which is counted', () => {
  const encoder = fitted();
  assert.deepEqual(encoder.categorical, [
    { name: 'sex', levels: ['f', 'm'] },
    { name: 'ward', levels: ['w'] },
  ]);
  const { categorical, unseen } = encodeCohort(encoder, sampleCohort(), null);
  assert.deepEqual(Array.from(categorical), [2, 1, 1, 1, 0, 1, 2, 1, 0, 1, 0, 1]);
  assert.deepEqual(unseen, [{ column: 'sex', rows: 2 }]);
});

test('notes: the vocabulary is that of training notes, a missing note has its token', () => {
  const { text } = fitted();
  assert.ok(text!.vocabulary.tokens.includes('cough'));
  const encoder = fitted();
  const { textIds, textMask, present } = encodeCohort(encoder, sampleCohort(), null);
  const row = (values: Int32Array | Float32Array, at: number) => [...values.subarray(6 * at, 6 * at + 6)];
  const words = (at: number) =>
    row(textIds, at)
      .filter((_, i) => row(textMask, at)[i] === 1)
      .map((id) => encoder.text!.vocabulary.tokens[id])
      .filter((token) => token !== '[CLS]' && token !== '[SEP]');
  assert.deepEqual(words(0), ['cough', 'cough']);
  assert.deepEqual(words(2), ['[MISSING]']);
  const unknown = specialTokens.indexOf('[UNK]');
  assert.ok(row(textIds, 4).includes(unknown), 'a word of other letters is unknown');
  assert.deepEqual(
    Array.from(present).filter((_, i) => i % 3 === 2),
    [1, 1, 0, 1, 1, 0],
  );
});

test('images: slots, views and time of training visits, and channel statistics over distinct images', () => {
  const images = sampleImages();
  const { image } = fitEncoder(sampleCohort(), trainingRows, { ...options, images });
  assert.deepEqual([image!.slots, image!.views, image!.timeScale], [4, ['AP', 'PA'], 4]);
  assert.deepEqual(images.reads.sort(), ['p1', 'p2', 'p3']);
  const area = format.size ** 2;
  for (let channel = 0; channel < format.channels; channel++) {
    const values = ['p1', 'p2', 'p3'].flatMap((path) =>
      Array.from({ length: area }, (_, i) => Math.fround(sample(path, channel * area + i))),
    );
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    assertClose([image!.mean[channel], image!.sd[channel]], [mean, Math.sqrt(variance)], 1e-9, 'channel');
  }
});

test('black images are not divided by nothing', () => {
  const { image } = fitEncoder(sampleCohort(), trainingRows, { ...options, images: sampleImages(() => 0) });
  assert.deepEqual(
    [image!.mean, image!.sd],
    [
      [0, 0, 0],
      [0.01, 0.01, 0.01],
    ],
  );
});

test('without earlier visits in training, times keep their unit', () => {
  const cohort = sampleCohort();
  cohort.visits = cohort.visits.map((visits) => visits.filter(({ slot }) => slot < 2));
  assert.equal(fitEncoder(cohort, trainingRows, options).image!.timeScale, 1);
});

test('the channel statistics look at a spread of images, fewer than 1024', () => {
  const rows = 1030;
  const cohort: Cohort = {
    ...sampleCohort(),
    visits: Array.from({ length: rows }, (_, row) => [
      { path: `p${row}`, slot: 0, view: null, timeOffset: 0, row },
    ]),
  };
  const images = sampleImages();
  fitEncoder(
    cohort,
    Int32Array.from({ length: rows }, (_, i) => i),
    {
      ...options,
      modalities: ['image'],
      images,
    },
  );
  assert.equal(images.reads.length, 515);
  assert.equal(new Set(images.reads).size, 515);
});

test('stage-1 columns follow the numeric ones as they are', () => {
  const encoder = fitEncoder(sampleCohort(), trainingRows, { ...options, stage1: ['rule', 'feature'] });
  const values = Float32Array.from({ length: 12 }, (_, i) => i / 4);
  const { numeric, missing, numericColumns } = encodeCohort(encoder, sampleCohort(), values);
  assert.equal(numericColumns, 5);
  for (let row = 0; row < 6; row++) {
    assert.deepEqual(numeric.subarray(row * 5 + 3, row * 5 + 5), values.subarray(row * 2, row * 2 + 2));
    assert.deepEqual([...missing.subarray(row * 5 + 3, row * 5 + 5)], [0, 0]);
  }
  const plain = encodeCohort(fitted(), sampleCohort(), null);
  assert.deepEqual(numeric.subarray(0, 3), plain.numeric.subarray(0, 3));
  for (const stage1 of [null, values.subarray(1)])
    assert.throws(() => encodeCohort(encoder, sampleCohort(), stage1), NotFittedError);
});

test('a modality that the model does not use is neither fitted nor present', () => {
  const only = (modality: 'image' | 'tabular' | 'text') => {
    const encoder = fitEncoder(sampleCohort(), trainingRows, { ...options, modalities: [modality] });
    return { encoder, present: Array.from(encodeCohort(encoder, sampleCohort(), null).present) };
  };
  const image = only('image');
  assert.deepEqual([image.encoder.numeric, image.encoder.categorical, image.encoder.text], [[], [], null]);
  assert.deepEqual(
    image.present,
    [1, 1, 0, 1, 1, 1].flatMap((there) => [there, 0, 0]),
  );
  const table = only('tabular');
  assert.deepEqual([table.encoder.image, table.encoder.text], [null, null]);
  assert.deepEqual(table.present, Array(6).fill([0, 1, 0]).flat());
  assert.deepEqual(
    only('text').present,
    [1, 1, 0, 1, 1, 0].flatMap((there) => [0, 0, there]),
  );
});

test('what the model was trained on must be there', () => {
  assert.throws(
    () => fitEncoder(sampleCohort(), trainingRows, { ...options, images: undefined }),
    (error) => error instanceof NotFittedError && /prepared images/.test(error.message),
  );
  for (const part of ['numeric', 'categorical', 'text'] as const) {
    const cohort = { ...sampleCohort(), [part]: [] };
    const { name } = sampleCohort()[part][0];
    assert.throws(
      () => encodeCohort(fitted(), cohort, null),
      (error) => error instanceof NotFittedError && error.message.includes(`"${name}"`),
    );
  }
});
