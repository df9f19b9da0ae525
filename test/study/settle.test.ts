import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cohort, Split } from '../../src/data/index.js';
import { clippedLogit } from '../../src/metrics/index.js';
import { parseStudy } from '../../src/study/index.js';
import { settleSplit, splitRows } from '../../src/study/settle.js';

const yaml = (calibration: string) =>
  `name: s\ndata: {table: t.csv, numeric: [x]}\nlabels: {columns: [ill]}\ntraining: {calibration: ${calibration}}\n`;

/** Forty rows, every third ill. */
const targets = Float32Array.from({ length: 40 }, (_, row) => (row % 3 === 0 ? 1 : 0));
const names = Array.from(targets, (_, row) => `r${row}`);
const cohort: Cohort = {
  size: 40,
  ids: names,
  patients: names,
  patientIndex: Int32Array.from(targets.keys()),
  lines: Int32Array.from(targets.keys(), (row) => row + 2),
  order: null,
  labels: ['ill'],
  targets,
  known: new Uint8Array(40).fill(1),
  numeric: [],
  categorical: [],
  text: [],
  visits: names.map(() => []),
  slots: 0,
  notes: [],
};
const part = (start: number, end: number) => Int32Array.from({ length: end - start }, (_, i) => start + i);
const split: Split = {
  repeat: 1,
  fold: 2,
  train: part(20, 40),
  validation: part(0, 10),
  test: part(10, 20),
  notes: [],
};

test('a first stage that is certain and right is calibrated to what ten rows can show, not to 0 and 1', () => {
  for (const method of ['platt', 'isotonic']) {
    const logits = (rows: Int32Array) => Float64Array.from(rows, (row) => clippedLogit(targets[row]));
    const all = splitRows(split);
    const { predictions } = settleSplit(parseStudy(yaml(method), 'study.yaml'), cohort, split, {
      validation: logits(split.validation),
      all: logits(all),
    });
    predictions.probabilities.forEach((p, i) => {
      const [low, high] = targets[all[i]] === 1 ? [0.5, 0.95] : [0.05, 0.5];
      assert.ok(p > low && p < high, `${method}: ${p} for ${targets[all[i]]}`);
      assert.equal(predictions.tiers[i], targets[all[i]] === 1 ? 2 : 0);
    });
  }
});

test('predictions name train, validation and test rows in this order, with their own values', () => {
  const { predictions } = settleSplit(parseStudy(yaml('none'), 'study.yaml'), cohort, split, {
    validation: new Float64Array(10),
    all: new Float64Array(40),
  });
  const rows = [...split.train, ...split.validation, ...split.test];
  assert.deepEqual(
    predictions.ids,
    rows.map((row) => `r${row}`),
  );
  assert.deepEqual(
    [...predictions.targets],
    rows.map((row) => targets[row]),
  );
  const splits = rows.map((row) => (row >= 20 ? 'train' : row < 10 ? 'validation' : 'test'));
  assert.deepEqual(predictions.splits, splits);
  assert.ok(
    predictions.repeat.every((repeat) => repeat === 1) && predictions.fold.every((fold) => fold === 2),
  );
});
